/**
 * A close look at PostgreSQL: the server, the rules that processes use, and some keys. It changes nothing.
 *
 * @module
 */

import type { RateLimit } from "../../algorithms/limit.ts";
import { StoreError } from "../../base/errors.ts";
import type { NamedPolicy, Policy } from "../../policy/policy.ts";
import { wordsOf } from "../../policy/words.ts";
import { type KeySample, type RulesInUse, type ServerFacts, serverFacts, type StoreInspection } from "../inspection.ts";
import { clockAheadMs, Look, timeRoundTrips } from "../look.ts";
import type { PostgresConnection, Row } from "./connections/connection.ts";
import { RULES_US } from "./functions.ts";
import { rowName } from "./keys.ts";
import type { PostgresNames } from "./names.ts";
import { arrayLiteral, SERVER_US } from "./sql_text.ts";

/** How many keys are looked at. */
const KEYS = 1_000;

/** A table without keys. */
const NO_KEYS: KeySample = { count: 0, isAll: true, endless: [], earlier: [], foreign: [], limiters: [] };

/**
 * Looks at a database. Never rejects, and takes three seconds at most.
 *
 * @param connection The store's connection.
 * @param names What the store calls its tables.
 * @param limiters The limiters whose rules are read.
 */
export async function inspectPostgres(
  connection: PostgresConnection,
  names: PostgresNames,
  limiters: readonly NamedPolicy[],
): Promise<StoreInspection> {
  const look = new Look();
  const clock = () => look.attempt("the clock", () => clockAheadMs(() => readUs(connection)));
  const before = await clock();
  const [roundTrips, facts, rules, keys] = await Promise.all([
    look.attempt("the latency", () => timeRoundTrips(() => only(connection, "SELECT '1' AS one"))),
    look.attempt("the state of the server", () => factsOf(connection)),
    look.attempt("the rules in use", () => unlessMissing(readRules(connection, names, limiters), [])),
    look.attempt("the keys", () => unlessMissing(sampleKeys(connection, names, limiters), NO_KEYS)),
  ]);
  const after = before === undefined ? undefined : await clock();
  return {
    roundTripsMs: roundTrips ?? [],
    clockMovedMs: before === undefined || after === undefined ? undefined : after - before,
    servers: facts === undefined ? [] : [facts],
    rules: rules ?? [],
    keys,
    unknown: look.unknown,
  };
}

/** Before the first call, there are no tables yet. */
async function unlessMissing<Found>(finding: Promise<Found>, none: Found): Promise<Found> {
  try {
    return await finding;
  } catch (error) {
    if (error instanceof StoreError && error.reason === "schema_missing") return none;
    throw error;
  }
}

async function readUs(connection: PostgresConnection): Promise<number> {
  const row = await only(connection, `SELECT ${SERVER_US}::text AS now`);
  return Number(row["now"]);
}

/** How far replicas are behind is only told to users who may monitor the server. */
async function factsOf(connection: PostgresConnection): Promise<ServerFacts> {
  const row = await only(
    connection,
    `SELECT extract(epoch from clock_timestamp() - pg_postmaster_start_time())::bigint::text AS uptime,
      (SELECT count(*) FROM pg_stat_replication)::text AS replicas,
      (SELECT max(extract(epoch from replay_lag))::text FROM pg_stat_replication) AS lag`,
  );
  const lag = row["lag"];
  return serverFacts({
    url: connection.url,
    uptimeSeconds: Number(row["uptime"]),
    replicas: Number(row["replicas"]),
    replicaLagSeconds: typeof lag === "string" ? Number(lag) : undefined,
  });
}

async function readRules(
  connection: PostgresConnection,
  names: PostgresNames,
  limiters: readonly NamedPolicy[],
): Promise<RulesInUse[]> {
  const rows = await connection.query({
    text: `SELECT r.limiter, r.rates, count(u.process)::text AS processes,
        ((${SERVER_US} - max(u.seen)) / 1000)::text AS ago
      FROM ${names.of("rules")} AS r JOIN ${names.of("uses")} AS u ON u.rules = r.id
      WHERE r.limiter = ANY ($1::text::text[])
        AND u.seen > ${SERVER_US} - ${RULES_US}
      GROUP BY r.id, r.limiter, r.rates`,
    values: [arrayLiteral(limiters.map(({ limiter }) => limiter))],
  });
  return rows.map((row) => ({
    limiter: row["limiter"] ?? "",
    rules: wordsFor(row, limiters),
    seenAgoMs: Math.max(Number(row["ago"]), 0),
    processes: Number(row["processes"]),
  }));
}

/** Rules are kept without permits: the same rates as those that were asked about are taken for the same rules. */
function wordsFor(row: Row, limiters: readonly NamedPolicy[]): string {
  const own = limiters.find(({ limiter, policy }) =>
    limiter === row["limiter"] && JSON.stringify(policy.rates) === row["rates"]
  );
  const rates = JSON.parse(row["rates"] ?? "[]") as readonly RateLimit[];
  // Of a policy, the words of its rates are read, and of its permits.
  return wordsOf(own?.policy ?? { rates, maxConcurrent: 0 } as unknown as Policy);
}

async function sampleKeys(
  connection: PostgresConnection,
  names: PostgresNames,
  limiters: readonly NamedPolicy[],
): Promise<KeySample> {
  const rows = await connection.query({
    text: `SELECT key FROM ${names.of("keys")} LIMIT ${KEYS + 1}`,
    values: [],
  });
  const known = new Set(limiters.map(({ limiter }) => rowName({ limiter, key: undefined })));
  const found = rows.slice(0, KEYS).map(({ key }) => (key ?? "").split(":")[0] ?? "");
  return {
    ...NO_KEYS,
    count: found.length,
    isAll: rows.length <= KEYS,
    limiters: [...new Set(found)].filter((limiter) => !known.has(limiter)),
  };
}

async function only(connection: PostgresConnection, text: string): Promise<Row> {
  const [row = {}] = await connection.query({ text, values: [] });
  return row;
}
