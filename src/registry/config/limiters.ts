/**
 * The `[limiters.<id>]` sections.
 *
 * @module
 */

import { listWords } from "../../base/text.ts";
import { LIMIT_OPTIONS, LIMITER_OPTIONS } from "../../policy/option_table.ts";
import type { LimiterOptions } from "../../policy/options.ts";
import { defined } from "./defined.ts";
import { keysOfTable, readOptions } from "./read_options.ts";
import { type Section, suggest } from "./section.ts";

/**
 * Reads one limiter: names and types only. Whether the numbers make sense together is for `compilePolicy` to say.
 *
 * @param section The limiter's table.
 * @param stores The ids of the stores of the same file.
 * @returns The limiter's options; `store` is there whenever the file has stores.
 * @throws {ConfigError} If an option is unknown or of the wrong type, or the store is not in the file.
 */
export function readLimiter(section: Section, stores: readonly string[]): LimiterOptions {
  section.allowOnly(keysOfTable(LIMITER_OPTIONS));
  const store = readStoreId(section, stores);
  const limits = section.sections("limits")?.map((limit) => {
    limit.allowOnly(keysOfTable(LIMIT_OPTIONS));
    return readOptions(limit, LIMIT_OPTIONS);
  });
  return defined({ ...readOptions(section, LIMITER_OPTIONS), store, limits });
}

function readStoreId(section: Section, stores: readonly string[]): string | undefined {
  const store = section.text("store");
  if (store === undefined) {
    if (stores.length < 2) return stores[0];
    section.fail("store", `one of the stores ${listWords(stores)}`);
  }
  if (!stores.includes(store)) {
    const known = stores.length === 0
      ? "a store of this file, which has none"
      : `${stores.length === 1 ? "the store" : "one of the stores"} ${listWords(stores)}`;
    section.fail("store", known, section.shown("store") + suggest(store, stores));
  }
  return store;
}
