/**
 * Reads a configuration file that an instance applies.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { show } from "../../base/text.ts";
import { rejectUnknownOptions } from "../../base/unknown_options.ts";
import { compilePolicy } from "../../policy/compile_policy.ts";
import type { RateSyncConfig } from "../options.ts";
import { checkStore } from "../described_store.ts";
import { findOrFail } from "./find.ts";
import { loadConfigFile, type LoadConfigOptions } from "./load.ts";
import { replacedBy } from "./stores.ts";

/** What a file says. */
export interface ReadConfig {
  /** Stores and limiters, checked. */
  readonly config: RateSyncConfig;
  /** What may not be what was meant, for the log. */
  readonly warnings: readonly string[];
}

/**
 * Reads a file, and checks each store and limiter.
 *
 * @param path The file; the one in the usual places if left out.
 * @param options The parser and the environment.
 * @throws {ConfigError} If there is no file, or anything in it is wrong.
 */
export async function readConfig(path: string | undefined, options: LoadConfigOptions): Promise<ReadConfig> {
  rejectUnknownOptions(options, ["parse", "env"]);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || typeof value === "function") continue;
    throw new ConfigError({ path: name, expected: "a function", received: show(value) });
  }
  const config = await loadConfigFile(path ?? await findOrFail(), {
    ...options,
    checkLimiter: (_id, limiter) => void compilePolicy(limiter),
    checkStore: (_id, store) => void checkStore(store),
  });
  const warnings = Object.entries(config.stores).flatMap(([id, store]) => {
    const title = replacedBy(store);
    if (title === undefined) return [];
    return [`${title} not configured, using in-memory store: the url of store ${show(id)} is empty`];
  });
  return { config, warnings };
}
