/**
 * How the options of a NATS store are written and checked, one row each.
 *
 * @module
 */

import { type Check, checkOptions, type OptionRow, wholeNumber } from "../../base/option_table.ts";
import { rejectUnknownOptions } from "../../base/unknown_options.ts";
import { COUNT_ROW, TIMEOUT_ROW } from "../option_rows.ts";
import type { NatsClientStoreOptions, NatsStoreOptions } from "./options.ts";

/** An option of a NATS store. */
interface NatsRow extends OptionRow {
  /** Whether it may stand beside a client that is given. */
  readonly client?: true;
}

const NAME: Check = [
  "letters, digits, - and _",
  (value) => typeof value === "string" && /^[\w-]{1,64}$/.test(value),
];
const SUBJECT: Check = [
  "a subject without spaces and wildcards, such as _INBOX.api",
  (value) => typeof value === "string" && /^[^\s.*>]+(?:\.[^\s.*>]+)*$/.test(value),
];
const REPLICAS: Check = ["1, 3 or 5", (value) => value === 1 || value === 3 || value === 5];

/** Every option. What depends on other options is checked where it is read. */
export const NATS_OPTIONS: Readonly<Record<keyof NatsStoreOptions | keyof NatsClientStoreOptions, NatsRow>> = {
  client: { client: true },
  url: { type: "text", secret: true },
  username: { type: "text", emptyIsNone: true },
  password: { type: "text", secret: true },
  token: { type: "text", secret: true, emptyIsNone: true },
  creds: { type: "file" },
  nkeySeed: { type: "text", secret: true, emptyIsNone: true },
  tlsCa: { type: "file" },
  tlsCert: { type: "file" },
  tlsKey: { type: "file" },
  tlsKeyPassphrase: { type: "text", secret: true },
  tlsServerName: { type: "text" },
  tlsInsecure: { type: "boolean" },
  streamPrefix: { type: "text", nonEmpty: true, check: NAME, client: true },
  storage: { type: ["file", "memory"], client: true },
  replicas: { type: "number", whole: true, min: 1, check: REPLICAS, client: true },
  shards: { type: "number", whole: true, min: 1, check: wholeNumber(1, 64), client: true },
  autoCreate: { type: "boolean", client: true },
  inboxPrefix: { type: "text", nonEmpty: true, check: SUBJECT, client: true },
  socketTimeoutMs: { ...TIMEOUT_ROW, client: true },
  socketConnectTimeoutMs: { ...TIMEOUT_ROW, client: true },
  maxQueued: { ...COUNT_ROW, client: true },
};

/**
 * Checks what concerns one option alone.
 *
 * @param options The store's options.
 * @throws {ConfigError} If an option is unknown, or cannot be used.
 */
export function checkNatsOptions(options: object): void {
  const isGiven = typeof options === "object" && options !== null && "client" in options;
  const isKnown = (row: NatsRow) => !isGiven || row.client;
  const known = Object.entries(NATS_OPTIONS).filter(([, row]) => isKnown(row)).map(([name]) => name);
  rejectUnknownOptions(options, ["engine", ...known]);
  checkOptions(options, NATS_OPTIONS);
}
