/**
 * A look at PostgreSQL: one statement, and what its answer means.
 *
 * @module
 */

import { systemClock, toWallMs } from "../../base/clock.ts";
import { withTimeout } from "../../base/deadline.ts";
import { StoreError } from "../../base/errors.ts";
import type { StoreErrorReason } from "../../base/store_error_reasons.ts";
import {
  clockProblems,
  newStoreCheck,
  problemOf,
  type StoreCheck,
  type StoreFindings,
  type StoreProblem,
} from "../check.ts";
import type { PostgresConnection, Row } from "./connections/connection.ts";
import { FUNCTIONS } from "./functions.ts";
import type { PostgresNames } from "./names.ts";
import { withAdvice } from "./refusal.ts";
import { literal, SERVER_US } from "./sql_text.ts";
import { TABLES } from "./tables.ts";

/** Together with connecting; callers want to answer within two seconds, on a busy machine too. */
const TIMEOUT_MS = 1_500;
/** The share of the server's connections from which on it is said how many there are. */
const MOST_CONNECTIONS = 0.9;

/** The columns of the table of keys. Another program's table has others. */
const COLUMNS = ["ends", "extra", "key", "queued", "rem", "rules", "state", "tat"];

type CheckedConnection = Pick<PostgresConnection, "url" | "connect" | "query">;

/**
 * Looks at a database. Never rejects, and takes two seconds at most.
 *
 * @param connection The store's connection.
 * @param names What the store calls its tables and functions.
 * @param autoCreate Whether the store makes what is missing.
 */
export async function checkPostgres(
  connection: CheckedConnection,
  names: PostgresNames,
  autoCreate: boolean,
): Promise<StoreCheck> {
  const { url } = connection;
  const silent = () => {
    const message =
      `Cannot get an answer from PostgreSQL at ${url} within ${TIMEOUT_MS} ms; check host and port, and ` +
      "whether the server is busy";
    return new StoreError("STORE_TIMEOUT", message, { reason: "no_answer" });
  };
  try {
    const found = await withTimeout(look(connection, names, autoCreate), TIMEOUT_MS, silent);
    return newStoreCheck({ url, ...found });
  } catch (error) {
    return newStoreCheck({ url, engine: "postgres", problems: [problemOf(error)] });
  }
}

async function look(
  connection: CheckedConnection,
  names: PostgresNames,
  autoCreate: boolean,
): Promise<StoreFindings> {
  await connection.connect();
  const statement = lookAt(names);
  const sentUs = systemClock.nowUs();
  const [row = {}] = await connection.query(statement);
  const receivedUs = systemClock.nowUs();
  const latencyMs = (receivedUs - sentUs) / 1_000;
  const clockOffsetMs = Number(row["now"]) / 1_000 - toWallMs(systemClock, (sentUs + receivedUs) / 2);
  const isStandby = row["standby"] === "true";
  const refused = refusalOf(row, names, autoCreate);
  return {
    engine: "postgres",
    version: row["version"]?.split(" ")[0],
    role: isStandby ? "replica" : "primary",
    latencyMs,
    clockOffsetMs,
    keyCount: row["key_count"] === null ? undefined : Number(row["key_count"]),
    canRunScripts: refused?.kind !== "permission",
    problems: [
      ...isStandby || row["read_only"] === "on" ? [readOnly()] : [],
      ...refused === undefined ? [] : [refused],
      ...clockProblems(clockOffsetMs, latencyMs),
    ],
    advice: adviceOf(row),
  };
}

/** All in one statement. What is not there is null. */
function lookAt(names: PostgresNames): { readonly text: string; readonly values: readonly string[] } {
  const table = (name: string) => `to_regclass(${literal(names.of(name))})`;
  const each = (list: readonly string[], test: (name: string) => string) =>
    list.map((name) => `coalesce(${test(name)}, false)`).join(" AND ");
  const calls = FUNCTIONS.map(({ name }) => `to_regproc(${literal(names.of(name))})`);
  const schema = `to_regnamespace(${literal(names.schema)})`;
  const text = `SELECT current_setting('server_version') AS version, pg_is_in_recovery()::text AS standby,
    current_setting('default_transaction_read_only') AS read_only, current_setting('fsync') AS fsync,
    current_setting('autovacuum') AS autovacuum, current_setting('max_connections') AS most,
    ${SERVER_US}::text AS now,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::text AS connections,
    (SELECT reltuples::bigint FROM pg_class WHERE oid = ${table("keys")} AND reltuples >= 0)::text AS key_count,
    (SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute
      WHERE attrelid = ${table("keys")} AND attnum > 0 AND NOT attisdropped) AS columns,
    (${schema} IS NOT NULL)::text AS has_schema,
    (${each(TABLES, (name) => `${table(name)} IS NOT NULL`)} AND ${
    calls.map((call) => `${call} IS NOT NULL`).join(" AND ")
  })::text AS has_all,
    (CASE WHEN ${schema} IS NULL THEN has_database_privilege(current_database(), 'CREATE')
      ELSE has_schema_privilege(${schema}, 'CREATE') END)::text AS may_create,
    (CASE WHEN ${schema} IS NULL THEN NULL ELSE has_schema_privilege(${schema}, 'USAGE') AND ${
    each(
      TABLES,
      (name) =>
        ["SELECT", "INSERT", "UPDATE", "DELETE"]
          .map((right) => `has_table_privilege(${table(name)}, '${right}')`).join(" AND "),
    )
  } AND ${calls.map((call) => `coalesce(has_function_privilege(${call}, 'EXECUTE'), false)`).join(" AND ")} END)::text
      AS may_use`;
  return { text, values: [] };
}

/** What stands in the way of decisions: what is missing, or may not be used. */
function refusalOf(row: Row, names: PostgresNames, autoCreate: boolean): StoreProblem | undefined {
  const { columns, has_all: hasAll, may_create: mayCreate, may_use: mayUse } = row;
  const place = `the schema ${names.schema}`;
  if (typeof columns === "string" && !COLUMNS.every((name) => columns.split(" ").includes(name))) {
    return refused(
      "refused",
      `the table ${names.of("keys")} has other columns than this package makes`,
      "foreign_state",
    );
  }
  if (hasAll !== "true") {
    if (!autoCreate) return refused("refused", `${place} lacks a table or a function of the store`, "schema_missing");
    if (mayCreate === "true") return undefined;
    const what = row["has_schema"] === "true"
      ? `may not make tables and functions in ${place}`
      : `may not make ${place}`;
    return refused("permission", `this user ${what}`, "permission");
  }
  if (mayUse === "true") return undefined;
  return refused("permission", `this user may not use all tables and functions of ${place}`, "permission");
}

function adviceOf(row: Row): string[] {
  const advice: string[] = [];
  const [connections, most] = [Number(row["connections"]), Number(row["most"])];
  if (connections > MOST_CONNECTIONS * most) {
    advice.push(`${connections} of max_connections = ${most} are in use: raise it, or use a pooler (prepare: false)`);
  }
  if (row["autovacuum"] === "off") {
    advice.push("autovacuum is off: tables grow with each update that is not HOT, so turn it on");
  }
  if (row["fsync"] === "off") advice.push("fsync is off: the database may be damaged when the machine fails");
  return advice;
}

function readOnly(): StoreProblem {
  const message = withAdvice("The database takes no writes", "read_only");
  return { kind: "replica", message, stopsDecisions: true, reason: "read_only" };
}

function refused(kind: StoreProblem["kind"], text: string, reason: StoreErrorReason): StoreProblem {
  const message = withAdvice(`Cannot decide: ${text}`, reason);
  return { kind, message, stopsDecisions: true, reason };
}
