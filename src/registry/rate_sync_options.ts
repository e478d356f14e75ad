/**
 * The outermost options of an instance, and their checks; stores and limiters are checked one by one.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { ConfigError } from "../base/errors.ts";
import { CLOCK } from "../base/option_table.ts";
import { show } from "../base/text.ts";
import { rejectUnknownOptions } from "../base/unknown_options.ts";
import type { Logger } from "../observe/events.ts";
import type { LimiterOptions } from "../policy/options.ts";
import type { Store } from "../stores/store.ts";
import type { StoreConfig } from "./engines.ts";
import type { HttpConfig } from "./options.ts";

/** How an instance is made. */
export interface RateSyncOptions<Id extends string = string> {
  /** Stores by id: their options, or stores of your own. Without any, limiters use a memory store of this process. */
  readonly stores?: Readonly<Record<string, StoreConfig | Store>>;
  /** Limiters by id. */
  readonly limiters?: Readonly<Record<Id, LimiterOptions>>;
  /** Settings that HTTP integrations read. */
  readonly http?: HttpConfig;
  /**
   * Where messages go. Without one, warnings and errors go to `console`: one when a store begins to fail, and a line when that ends. `false` disables them.
   */
  readonly logger?: Logger | false;
  /** The clock, for tests. @default the machine's clock */
  readonly clock?: Clock;
}

/**
 * Checks the types of the options.
 *
 * @param options What was given to `createRateSync`.
 * @throws {ConfigError} If an option is unknown or of a wrong type.
 */
export function checkInstance(options: object): void {
  demand(options, "options", "an object", isTable);
  rejectUnknownOptions(options, ["stores", "limiters", "http", "logger", "clock"]);
  const { stores = {}, limiters = {}, http = {}, clock } = options as Readonly<Record<string, unknown>>;
  demand(stores, "stores", "an object with stores by id", isTable);
  demand(limiters, "limiters", "an object with limiters by id", isTable);
  demand(http, "http", "an object", isTable);
  rejectUnknownOptions(http as object, ["trustedProxyNetworks"], "http.");
  const { trustedProxyNetworks = [] } = http as { trustedProxyNetworks?: unknown };
  demand(trustedProxyNetworks, "http.trustedProxyNetworks", "an array of networks such as 10.0.0.0/8", isTexts);
  if (clock !== undefined) demand(clock, "clock", ...CLOCK);
}

function demand(value: unknown, path: string, expected: string, holds: (value: unknown) => boolean): void {
  if (!holds(value)) throw new ConfigError({ path, expected, received: show(value) });
}

function isTable(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === "string" && text !== "");
}
