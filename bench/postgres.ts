/**
 * What decisions cost PostgreSQL: by this package, by rate-limiter-flexible, and beside a prepared update of one row.
 *
 * @module
 */

import type { LimiterOptions } from "@ratesync/core";

import { openApart } from "./_apart.ts";
import { compare, type Measured, paceOf } from "./_compare.ts";
import { ENDLESS, ROOMY } from "./_ours.ts";
import { openPeers } from "./_peers.ts";
import { type BenchPostgres, openBenchPostgres } from "./_postgres.ts";
import { openPostgresSubject, type PostgresSubject } from "./_postgres_subjects.ts";
import { type BenchContext, claim, figure, type Report, type Row, yardstick } from "./_report.ts";

const FLEXIBLE = "rate-limiter-flexible, pg";
const UPDATE = "a prepared update of one row";

/** What rate-limiter-flexible cost the server where the goals were set, in microseconds, by how many calls were in flight. */
const THEN_US: Readonly<Record<number, number>> = { 64: 98, 500: 101 };

/** What is measured side by side. */
interface Case {
  readonly lanes: number;
  readonly keys: number;
  /** Names, and what they are. */
  readonly subjects: Readonly<Record<string, Pick<PostgresSubject, "kind"> & Partial<PostgresSubject>>>;
}

const ours = (limiter: LimiterOptions) => ({ kind: "ours", limiter } as const);
/** Each call counts for minutes, as limits of a day do: a row is there when its key comes again. */
const DAILY: LimiterOptions = { limit: 1_000, windowMs: 86_400_000 };
/** The same, with fractions of a microsecond in a unit. */
const UNEVEN: LimiterOptions = { limit: 1_001, windowMs: 86_400_000 };
const DENIED: LimiterOptions = { limit: 1, windowMs: 86_400_000 };

/** The cases; those with a number of keys for the table, where tiny counts will not do. */
const CASES: readonly Case[] = [
  {
    lanes: 1,
    keys: 5_000,
    subjects: {
      "token bucket, alone": ours(DAILY),
      "token bucket with fractions, alone": { ...ours(UNEVEN), limiterId: "uneven" },
      [FLEXIBLE]: { kind: "flexible" },
      [UPDATE]: { kind: "update" },
    },
  },
  ...[64, 500].map((lanes): Case => ({
    lanes,
    keys: 5_000,
    subjects: {
      "token bucket": ours(DAILY),
      "token bucket, denied": { ...ours(DENIED), isAllowed: false },
      "fixed window": ours({ ...ROOMY, limit: 1_000_000, algorithm: "fixed_window" }),
      "permits, taken and given back": { kind: "permits", limiter: { maxConcurrent: 1_000 } },
      [FLEXIBLE]: { kind: "flexible" },
    },
  })),
  { lanes: 64, keys: 1, subjects: { "token bucket, one key": ours(ENDLESS), [FLEXIBLE]: { kind: "flexible" } } },
];

/** Runs it. */
export async function postgresBench({ quick }: BenchContext): Promise<Report> {
  const server = await openBenchPostgres(quick);
  try {
    const notes = server.notPinned === undefined ? [] : [server.notPinned];
    const rows: Row[] = [];
    const found = new Map<string, Measured>();
    const pace = paceOf(quick, { warmUpMs: 1_000, roundMs: 500, rounds: 5 });
    for (const { lanes, keys, subjects } of CASES) {
      const opens = Object.entries(subjects).map(([name, given]) => {
        const subject: PostgresSubject = {
          url: server.url,
          keys: quick ? Math.min(keys, 20) : keys,
          lanes: quick ? Math.min(lanes, 20) : lanes,
          limiter: ENDLESS,
          isAllowed: true,
          ...given,
        };
        const args = [JSON.stringify(subject)];
        const isPinned = server.notPinned === undefined;
        return [name, () => openApart(name, { program: "_postgres_worker", args, isPinned, quick })] as const;
      });
      // One after the other: the server's own processes write and clean up for all. Lone calls write little, and take turns.
      const groups = lanes === 1 ? [Object.fromEntries(opens)] : opens.map((open) => Object.fromEntries([open]));
      for (const group of groups) {
        await server.query("DROP TABLE IF EXISTS flexible; DROP SCHEMA IF EXISTS ratesync CASCADE");
        const { contenders, notes: missing } = await openPeers(group);
        notes.push(...missing);
        if (!quick || rows.length === 0) await server.query("VACUUM (ANALYZE)");
        for (
          const measured of await compare(contenders, lanes === 1 ? { ...pace, rounds: 3 * pace.rounds } : pace, server)
        ) {
          found.set(`${measured.name} ${lanes} ${keys}`, measured);
          rows.push(rowOf(measured, lanes, keys));
        }
        for (const contender of contenders) await contender.close();
      }
    }
    const bytes = await bytesOfKey(server, quick ? { keys: 100, lanes: 20 } : { keys: 100_000, lanes: 500 });
    rows.push({ "what is measured": `a key of a token bucket, of ${figure(quick ? 100 : 100_000)}`, "bytes": bytes });
    return { about: ABOUT, rows, claims: claimsOf(found, bytes), notes };
  } finally {
    await server.close();
  }
}

const ABOUT =
  "5 000 keys, or one; each in a process of its own, lone calls in turns, the others one after the other. Server µs is the processor time of all " +
  "processes of PostgreSQL; fsync is on. This package and the update commit asynchronously, which is its default; " +
  "rate-limiter-flexible commits as the server is set up, and waits for the disk.";

function rowOf({ name, perSecond, p50Us, redisUs, ownUs }: Measured, lanes: number, keys: number): Row {
  return {
    "what is measured": name,
    "in flight": lanes,
    keys,
    "server µs a decision": redisUs,
    "own µs a decision": ownUs,
    "decisions/s": perSecond,
    "p50 µs": p50Us,
  };
}

/** What a key takes with its part of the index, after each was used once. */
async function bytesOfKey(
  server: BenchPostgres,
  { keys, lanes }: Pick<PostgresSubject, "keys" | "lanes">,
): Promise<number> {
  await server.query("DROP SCHEMA IF EXISTS ratesync CASCADE");
  const subject: PostgresSubject = {
    kind: "ours",
    url: server.url,
    keys,
    lanes,
    limiter: ENDLESS,
    isAllowed: true,
  };
  await (await openPostgresSubject(subject)).close();
  const [row] = await server.query(
    "SELECT pg_relation_size('ratesync.keys') + pg_indexes_size('ratesync.keys') AS bytes",
  );
  return Number(row?.["bytes"]) / keys;
}

function claimsOf(found: ReadonlyMap<string, Measured>, bytes: number) {
  const us = (name: string, lanes: number, keys = 5_000) => found.get(`${name} ${lanes} ${keys}`)?.redisUs ?? NaN;
  const lower = "lower" as const;
  const server = (lanes: number, must: number, aim: number) => {
    const beside = yardstick(`${FLEXIBLE}, server µs, ${lanes} in flight`, THEN_US[lanes] ?? NaN, us(FLEXIBLE, lanes));
    const goal = { what: `${lanes} in flight: server`, better: lower, unit: " µs", must, aim, yardstick: beside };
    return claim(goal, us("token bucket", lanes));
  };
  return [
    server(64, 8, 6),
    server(500, 5, 3.7),
    claim(
      {
        what: "64 in flight on one key: server, against rate-limiter-flexible",
        better: "higher",
        unit: "x",
        must: 20,
        aim: 100,
      },
      us(FLEXIBLE, 64, 1) / us("token bucket, one key", 64, 1),
    ),
    claim(
      { what: "alone: server, against a prepared update", better: lower, unit: "x", must: 1.3, aim: 1.1 },
      us("token bucket, alone", 1) / us(UPDATE, 1),
    ),
    claim({ what: "a key", better: lower, unit: " bytes", must: 150, aim: 110 }, bytes),
  ];
}
