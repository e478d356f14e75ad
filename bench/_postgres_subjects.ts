/**
 * The contenders on PostgreSQL, as data that a process can be given.
 *
 * @module
 */

import { createRateSync, type Decision, type LimiterOptions } from "@ratesync/core";
import pg from "pg";
import postgres from "postgres";

import { type Contender, inFlight } from "./_load.ts";
import { around, userKeys } from "./_names.ts";

/** What a process is to measure. */
export interface PostgresSubject {
  /** This package, rate-limiter-flexible, or one prepared statement that updates one row of `bare`. */
  readonly kind: "ours" | "permits" | "flexible" | "update";
  /** Where PostgreSQL is. */
  readonly url: string;
  /** How many keys there are, which are taken in turn. */
  readonly keys: number;
  /** How many calls are under way at any time. */
  readonly lanes: number;
  /** The limiter. */
  readonly limiter: LimiterOptions;
  /** Its id. Those that take turns need one each: one limiter under two rules costs more. @default "api" */
  readonly limiterId?: string;
  /** Whether calls are allowed, after the first one of each key. */
  readonly isAllowed: boolean;
}

/** More calls than a bench makes. */
const MANY = 1_000_000_000;

/** Opens one in this process. */
export async function openPostgresSubject(subject: PostgresSubject): Promise<Contender> {
  const { kind, lanes } = subject;
  const keys = userKeys(subject.keys);
  switch (kind) {
    case "ours":
    case "permits": {
      const { limiterId = "api" } = subject;
      const options = { onStoreError: "throw", decisionTimeoutMs: 30_000, denyCacheMs: 0, ...subject.limiter } as const;
      const rs = createRateSync({
        stores: { shared: { engine: "postgres", url: subject.url } },
        limiters: { [limiterId]: options },
      });
      await rs.connect();
      await eachOnce(keys, (key) => rs.tryAcquire(limiterId, { key }).then((decision) => decision.permit?.release()));
      const once = async (i: number): Promise<Decision | undefined> => {
        if (kind === "ours") return await rs.tryAcquire(limiterId, { key: around(keys, i) });
        await (await rs.acquire(limiterId, { key: around(keys, i) })).release();
        return undefined;
      };
      // On a busy machine this process may stand still for longer than a transaction may: PostgreSQL ends the session then.
      const call = (i: number) => once(i).catch(() => once(i));
      const verify = (decision: unknown) => {
        const { allowed, degraded } = decision as Decision;
        if (allowed !== subject.isAllowed || degraded) throw new Error(`allowed ${allowed}, degraded ${degraded}`);
      };
      return inFlight(kind, { lanes, call, ...(kind === "ours" ? { verify } : {}), close: () => rs.close() });
    }
    case "flexible": {
      const { RateLimiterPostgres } = await import("rate-limiter-flexible");
      const pool = new pg.Pool({ connectionString: subject.url, max: 10 });
      const options = {
        storeClient: pool,
        tableName: "flexible",
        points: subject.isAllowed ? MANY : 1,
        duration: 3_600,
        clearExpiredByTimeout: false,
      };
      const limiter = await new Promise<InstanceType<typeof RateLimiterPostgres>>((resolve, reject) => {
        const made = new RateLimiterPostgres(options, (error) => error ? reject(error) : resolve(made));
      });
      const denial = (reason: unknown) => reason instanceof Error ? Promise.reject(reason) : reason;
      const consume = (key: string) => limiter.consume(key).catch(denial);
      await eachOnce(keys, consume);
      return inFlight(kind, { lanes, call: (i) => consume(around(keys, i)), close: () => pool.end() });
    }
    case "update": {
      // As durable as the others are by default: what is committed reaches the disk a little later.
      const sql = postgres(subject.url, {
        max: 4,
        connection: { synchronous_commit: "off" } as Record<string, string>,
      });
      await sql.unsafe(`CREATE TABLE IF NOT EXISTS bare (n bigint NOT NULL, key text COLLATE "C" PRIMARY KEY)
        WITH (fillfactor = 70)`);
      await eachOnce(keys, async (key) => await sql`INSERT INTO bare VALUES (0, ${key}) ON CONFLICT DO NOTHING`);
      const call = (i: number) => sql`UPDATE bare SET n = n + 1 WHERE key = ${around(keys, i)} RETURNING n`;
      return inFlight(kind, { lanes, call: async (i) => await call(i), close: () => sql.end() });
    }
  }
}

/** So many keys are used at a time. */
const AT_ONCE = 500;

/** Uses each key once, so that its row is there. */
async function eachOnce(keys: readonly string[], use: (key: string) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < keys.length; from += AT_ONCE) {
    await Promise.all(keys.slice(from, from + AT_ONCE).map(use));
  }
}
