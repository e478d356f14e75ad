/**
 * How the options of a Redis store are written and checked, one row each.
 *
 * @module
 */

import { type Check, checkOptions, numberFrom, type OptionRow } from "../../base/option_table.ts";
import { rejectUnknownOptions } from "../../base/unknown_options.ts";
import { COUNT_ROW, MAX_TIMEOUT_MS, TIMEOUT_ROW } from "../option_rows.ts";
import type { RedisClientStoreOptions, RedisStoreOptions } from "./options.ts";

/** An option of a Redis store. */
interface RedisRow extends OptionRow {
  /** Whether it may stand beside the `https://` address of a REST endpoint. */
  readonly rest?: true;
  /** Whether it may stand beside a client that is given. */
  readonly client?: true;
}

const NOT_EMPTY: Check = ["a string that is not empty", (value) => typeof value === "string" && value !== ""];

/** Every option. What depends on other options, or on the URL, is checked where it is read. */
export const REDIS_OPTIONS: Readonly<Record<keyof RedisStoreOptions | keyof RedisClientStoreOptions, RedisRow>> = {
  client: { client: true },
  url: { type: "text", secret: true, rest: true },
  token: { type: "text", secret: true, emptyIsNone: true, rest: true },
  sentinels: { type: "texts", secret: true },
  masterName: { type: "text" },
  sentinelUsername: { type: "text", emptyIsNone: true },
  sentinelPassword: { type: "text", secret: true },
  cluster: { type: "texts", secret: true },
  clusterNodeAddresses: {},
  db: { type: "number", whole: true, min: 0 },
  username: { type: "text", emptyIsNone: true },
  password: { type: "text", secret: true },
  tlsCa: { type: "file" },
  tlsCert: { type: "file" },
  tlsKey: { type: "file" },
  tlsKeyPassphrase: { type: "text", secret: true },
  tlsServerName: { type: "text" },
  tlsInsecure: { type: "boolean" },
  keyPrefix: { type: "text", nonEmpty: true, check: NOT_EMPTY, rest: true, client: true },
  poolMinSize: COUNT_ROW,
  poolMaxSize: COUNT_ROW,
  socketTimeoutMs: { ...TIMEOUT_ROW, rest: true, client: true },
  socketConnectTimeoutMs: { ...TIMEOUT_ROW, client: true },
  timingMarginMs: {
    type: "number",
    min: 0,
    check: numberFrom(`milliseconds, from 0 to ${MAX_TIMEOUT_MS}`, 0, MAX_TIMEOUT_MS),
    rest: true,
    client: true,
  },
  maxQueued: { ...COUNT_ROW, rest: true, client: true },
  clusterBatch: { type: ["node", "slot"], client: true },
};

/**
 * Checks what concerns one option alone.
 *
 * @param options The store's options.
 * @param isKnown Which rows mean something. @default all of them
 * @throws {ConfigError} If an option is unknown, or cannot be used.
 */
export function checkRedisOptions(options: object, isKnown: (row: RedisRow) => unknown = () => true): void {
  const known = Object.entries(REDIS_OPTIONS).filter(([, row]) => isKnown(row)).map(([name]) => name);
  rejectUnknownOptions(options, ["engine", ...known]);
  checkOptions(options, REDIS_OPTIONS);
}
