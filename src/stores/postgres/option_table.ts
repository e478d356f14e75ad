/**
 * How the options of a PostgreSQL store are written and checked, one row each.
 *
 * @module
 */

import { type Check, checkOptions, type OptionRow } from "../../base/option_table.ts";
import { rejectUnknownOptions } from "../../base/unknown_options.ts";
import { COUNT_ROW, TIMEOUT_ROW } from "../option_rows.ts";
import type { PostgresClientStoreOptions, PostgresStoreOptions } from "./options.ts";

/** An option of a PostgreSQL store. */
interface PostgresRow extends OptionRow {
  /** Whether it may stand beside a client that is given. */
  readonly client?: true;
}

/** PostgreSQL cuts longer names; some of ours are added to the prefix. */
const MAX_PREFIX = 30;

const SCHEMA: Check = [
  "1 to 63 letters, digits and _, not pg_... or information_schema",
  (value) =>
    typeof value === "string" && /^(?!pg_|information_schema$)[\p{L}_][\p{L}\d_$-]*$/u.test(value) && bytes(value) < 64,
];
const PREFIX: Check = [
  `up to ${MAX_PREFIX} letters of a to z, digits and _`,
  (value) => typeof value === "string" && /^\w*$/.test(value) && value.length <= MAX_PREFIX,
];

/** Every option. What depends on other options, or on the URL, is checked where it is read. */
export const POSTGRES_OPTIONS: Readonly<
  Record<keyof PostgresStoreOptions | keyof PostgresClientStoreOptions, PostgresRow>
> = {
  client: { client: true },
  url: { type: "text", secret: true },
  username: { type: "text", emptyIsNone: true },
  password: { type: "text", secret: true },
  tlsCa: { type: "file" },
  tlsCert: { type: "file" },
  tlsKey: { type: "file" },
  tlsKeyPassphrase: { type: "text", secret: true },
  tlsServerName: { type: "text" },
  tlsInsecure: { type: "boolean" },
  schema: { type: "text", nonEmpty: true, check: SCHEMA, client: true },
  tablePrefix: { type: "text", check: PREFIX, client: true },
  autoCreate: { type: "boolean", client: true },
  durable: { type: "boolean", client: true },
  prepare: { type: "boolean", client: true },
  listenUrl: { type: "text", secret: true },
  poolMaxSize: COUNT_ROW,
  socketTimeoutMs: { ...TIMEOUT_ROW, client: true },
  socketConnectTimeoutMs: TIMEOUT_ROW,
  maxQueued: { ...COUNT_ROW, client: true },
};

/**
 * Checks what concerns one option alone.
 *
 * @param options The store's options.
 * @param isKnown Which rows mean something. @default all of them
 * @throws {ConfigError} If an option is unknown, or cannot be used.
 */
export function checkPostgresOptions(options: object, isKnown: (row: PostgresRow) => unknown = () => true): void {
  const known = Object.entries(POSTGRES_OPTIONS).filter(([, row]) => isKnown(row)).map(([name]) => name);
  rejectUnknownOptions(options, ["engine", ...known]);
  checkOptions(options, POSTGRES_OPTIONS);
}

/**
 * Checks where a store keeps its tables and functions.
 *
 * @throws {ConfigError} If an option is unknown, or cannot be used.
 */
export function checkPostgresPlace(place: object): void {
  rejectUnknownOptions(place, ["schema", "tablePrefix"]);
  checkOptions(place, POSTGRES_OPTIONS);
}

function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
