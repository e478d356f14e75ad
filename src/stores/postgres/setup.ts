/**
 * Makes what the store needs in a database.
 *
 * @module
 */

import type { PostgresConnection, Statement } from "./connections/connection.ts";
import { FUNCTIONS } from "./functions.ts";
import { checkPostgresPlace } from "./option_table.ts";
import { PostgresNames, type PostgresPlace } from "./names.ts";
import { literal } from "./sql_text.ts";
import { TABLES, tablesOf } from "./tables.ts";

/**
 * The SQL that makes the schema, its tables and its functions, for migrations. It changes nothing that is there, and can run
 * again. The role of the store then needs `USAGE` of the schema, `SELECT`, `INSERT`, `UPDATE` and `DELETE` of its tables,
 * and `EXECUTE` of its functions.
 *
 * @param place The schema and the prefix of names, as the store has them.
 * @throws {ConfigError} If one of them is unknown, or cannot be used.
 */
export function postgresSetup(place: PostgresPlace = {}): string {
  checkPostgresPlace(place);
  return setupOf(new PostgresNames(place));
}

/** The same in one statement, which other processes wait for, and longer than they wait for a row. */
function setupOf(names: PostgresNames): string {
  const lock = `pg_advisory_xact_lock(hashtextextended(${literal(`ratesync ${names.place}`)}, 0))`;
  const functions = FUNCTIONS.map((each) => each.sql(names)).join("");
  return `DO $setup$ BEGIN
  PERFORM set_config('client_min_messages', 'warning', true), set_config('lock_timeout', '0', true);
  PERFORM ${lock};
  IF to_regnamespace(${literal(names.schema)}) IS NULL THEN CREATE SCHEMA ${names.schema}; END IF;${
    tablesOf(names)
  }${functions}
END $setup$;`;
}

/** Asks whether everything is there. */
function isThere(names: PostgresNames): Statement {
  const functions = FUNCTIONS.map(({ name }) => `to_regproc(${literal(names.of(name))}) IS NOT NULL`);
  const tables = TABLES.map((name) => `to_regclass(${literal(names.of(name))}) IS NOT NULL`);
  return { text: `SELECT (${[...tables, ...functions].join(" AND ")})::text AS there`, values: [] };
}

/**
 * Makes what is missing.
 *
 * @param autoCreate Whether to make anything. Without it, calls fail where something is missing.
 */
export async function ensureSetup(
  connection: PostgresConnection,
  names: PostgresNames,
  autoCreate: boolean,
): Promise<void> {
  if (!autoCreate) return;
  const [row] = await connection.query(isThere(names));
  if (row?.["there"] !== "true") await connection.query({ text: setupOf(names), values: [] });
}
