/**
 * What a caller gives an instance as a store: options, or the store itself.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { rejectUnknownOptions, unknownWord } from "../base/unknown_options.ts";
import { checkFailureOptions, splitFailureOptions } from "../policy/failure_options.ts";
import type { Store } from "../stores/store.ts";
import { engineAt } from "./engine_at.ts";
import { ENGINE_NAMES, engineNamed, optionsOf, type StoreConfig } from "./engines.ts";

/**
 * Checks how a store is described.
 *
 * @returns Where it is, without credentials; undefined of a store inside this process, and of one that is given.
 * @throws {ConfigError} If it cannot be used; the path is relative to it.
 */
export function checkStore(config: StoreConfig | Store): string | undefined {
  if (typeof config !== "object" || config === null) {
    throw new ConfigError({ path: "", expected: "an object with an engine", received: show(config) });
  }
  if (isStore(config)) return undefined;
  const engine = engineNamed(config.engine);
  if (engine === undefined) throw unknownWord("engine", ENGINE_NAMES, config.engine, config.engine ?? engineAt(config));
  rejectUnknownOptions(config, ["engine", ...Object.keys(optionsOf(engine))]);
  const [failure, rest] = splitFailureOptions(config);
  checkFailureOptions(failure);
  return engine.describe(rest);
}

/** Whether a description is the store itself. */
export function isStore(config: StoreConfig | Store): config is Store {
  return typeof (config as Partial<Store>).execute === "function";
}
