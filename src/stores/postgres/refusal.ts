/**
 * What the errors of a PostgreSQL server mean, and what to do about each failure of a store.
 *
 * @module
 */

import type { StoreErrorReason } from "../../base/store_error_reasons.ts";
import { isPermanent } from "../../base/permanent.ts";

/**
 * SQLSTATE codes, or the classes that they begin with, and what they mean. The first row that fits counts. What no row
 * names is about the statement alone, and other calls may be decided.
 */
const REFUSALS: readonly (readonly [codes: RegExp, reason: StoreErrorReason])[] = [
  [/^28/, "authentication"],
  [/^3D000$/, "wrong_database"],
  // Tables, functions and columns of ours. Another program's table has other columns (42703).
  [/^(?:3F000|42P01|42883)$/, "schema_missing"],
  [/^(?:42703|42804|42809|42P13)$/, "foreign_state"],
  [/^42501$/, "permission"],
  [/^08P01$/, "command_missing"],
  [/^(?:25006|25007)$/, "read_only"],
  [/^57P03$/, "loading"],
  [/^53300$/, "too_many_clients"],
  [/^(?:53100|58030)$/, "not_writable"],
  [/^53/, "out_of_memory"],
  // statement_timeout or a cancelled statement, lock_timeout, the limits of a transaction's time.
  [/^(?:57014|55P03|25P03|25P04)$/, "busy"],
  [/^(?:57P01|57P02|57P05)$/, "disconnected"],
];

/** What to do about each failure. Absent where the message itself says it, or there is nothing to do. */
const ADVICE: Partial<Record<StoreErrorReason, string>> = {
  connection_refused: "start the server, or correct host and port",
  host_unknown: "correct the host name, or the name server of this machine",
  connect_timeout: "check host and port, and the firewalls between here and there",
  not_postgres: "correct host and port",
  version_unsupported: "use PostgreSQL 14 or later",
  driver_missing: "npm install postgres (deno add npm:postgres, bun add postgres), or give a client that is there " +
    "already; where a bundler takes it in, keep it external",
  authentication: "check user, password and the server's pg_hba.conf",
  permission:
    "grant the rights that docs/postgres.md lists, or let an owner run what `ratesync init --postgres` prints",
  wrong_database: "correct the database in the url, or create it",
  schema_missing:
    "let the store make its tables (autoCreate), or run what `ratesync init --postgres` prints, with this schema and " +
    "tablePrefix",
  foreign_state: "the table is left as it is: give the store a schema or a tablePrefix of its own",
  command_missing: "this is a pooler such as PgBouncer, which has no sessions of its own: set prepare to false",
  read_only: "this is a standby, or default_transaction_read_only is on: give the address of the primary",
  loading: "the server starts or recovers: it decides again once that is done",
  busy: "other sessions hold rows of the store, or the server is slow: see pg_stat_activity",
  out_of_memory: "give the server more memory, or let it do less at a time",
  not_writable: "the server cannot write: its disk may be full",
  too_many_clients: "raise the server's max_connections, lower poolMaxSize, or use a pooler with prepare: false",
};

/** What an error of the server means; undefined where it is about the statement alone. */
export function refusalReason(sqlState: string): StoreErrorReason | undefined {
  return REFUSALS.find(([codes]) => codes.test(sqlState))?.[1];
}

/** A failure with what to do about it, and with a note where no waiting heals it. */
export function withAdvice(message: string, reason: StoreErrorReason | undefined): string {
  const advice = reason === undefined ? undefined : ADVICE[reason];
  if (advice === undefined) return message;
  const note = isPermanent(reason) ? "this will not heal by itself: " : "";
  return `${message.replace(/\.$/, "")}; ${note}${advice}`;
}
