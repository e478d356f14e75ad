/**
 * Corrections while a PostgreSQL server hangs: each rejects in its time, and what was not sent is not sent later.
 *
 * @module
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import pg from "pg";

import { createRateSync } from "../../../../mod.ts";
import { type PostgresServer, startPostgres } from "../../../../scripts/postgres/server.ts";
import type { StoreError } from "../../../../src/base/errors.ts";
import { compilePolicy } from "../../../../src/policy/compile_policy.ts";
import { openPostgresJs } from "../../../../src/stores/postgres/connections/postgres_js.ts";
import { createPostgresStore } from "../../../../src/stores/postgres/mod.ts";
import { PostgresStore } from "../../../../src/stores/postgres/postgres_store.ts";
import { freshSchema } from "../../../_support/postgres.ts";

const SOCKET_MS = 2_000;
/** A correction ends 100 ms after a single statement would; the rest is for a machine that does other things too. */
const MOST_MS = SOCKET_MS + 100 + 1_500;
/** Corrections begin so long after the server has begun to hang: beside calls that were sent, and behind those that failed. */
const BEGIN_MS = [0, 800, 3_200];
/** Calls beside them, each with one under way at a time. */
const LANES = 8;
const UNITS = 1_000;

/** What became of a correction. */
interface Outcome {
  readonly name: string;
  readonly tookMs: number;
  /** Units that it takes, or gives back. */
  readonly units: number;
  readonly error: StoreError | undefined;
}

describe("Corrections on a PostgreSQL server that hangs", { concurrency: 1 }, () => {
  let server: PostgresServer;
  const pools: pg.Pool[] = [];
  before(async () => {
    server = await startPostgres();
  });
  after(async () => {
    for (const pool of pools) await pool.end();
    await server.stop();
  });

  it("that are late before they are sent are not sent once the server answers", async () => {
    const options = { url: server.url, schema: freshSchema(), socketTimeoutMs: SOCKET_MS };
    const connection = openPostgresJs({ ...options, socketTimeoutMs: 5_000 });
    let answers: Promise<unknown> = Promise.resolve();
    const store = new PostgresStore({
      ...connection,
      // As a network does where nothing arrives for a while.
      transaction: async (first, next) => {
        await answers;
        return await connection.transaction(first, next);
      },
    }, options);
    const policy = compilePolicy({ algorithm: "fixed_window", limit: UNITS, windowMs: 3_600_000 });
    const penalize = (cost: number) => {
      const targets = [{ limiter: "api", key: "k", policy, cost, permits: 0 }];
      return store.execute({ op: "penalize", targets });
    };
    const fate = (error: StoreError) => [error.code, /within \d+ ms: (.*)/.exec(error.message)?.[1]];
    await store.connect();
    await penalize(1);
    let answer = () => {};
    answers = new Promise<void>((resolve) => answer = resolve);
    const sent = penalize(10).catch(fate);
    await sleep(0); // it is sent alone
    const behind = penalize(100).catch(fate);
    assert.deepEqual(await behind, ["STORE_TIMEOUT", "nothing of it has run"]);
    assert.deepEqual(await sent, ["STORE_TIMEOUT", "the statement may have run, so it is not sent again"]);
    answer();
    await answers;
    await penalize(UNITS - 11);
    const targets = [{ limiter: "api", key: "k", policy, cost: 1, permits: 0 }];
    const reply = await store.execute({ op: "take", targets, mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0 });
    assert.equal(reply.status, "rate");
    await store.execute({ op: "refund", targets: [{ limiter: "api", key: "k", policy, cost: 1, permits: 0 }] });
    const again = await store.execute({ op: "take", targets, mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0 });
    assert.equal(again.status, "allowed");
    await store.close();
  });

  it("that wait for a pool of the application are not sent once it has a connection", async () => {
    const pool = new pg.Pool({ connectionString: server.url, max: 1 });
    const store = createPostgresStore({ client: pool, schema: freshSchema(), socketTimeoutMs: SOCKET_MS });
    await store.connect();
    const policy = compilePolicy({ algorithm: "fixed_window", limit: UNITS, windowMs: 3_600_000 });
    const targets = [{ limiter: "api", key: "k", policy, cost: 10, permits: 0 }];
    const peek = { op: "take", targets, mode: "peek", maxWaitUs: 0, id: "", arrivalUs: 0 } as const;
    const usedUnits = async () => (await store.execute(peek)).levels[0]?.rates[0]?.[0];
    await store.execute({ op: "penalize", targets });
    assert.equal(await usedUnits(), 10);
    const taken = await pool.connect();
    await assert.rejects(store.execute({ op: "penalize", targets }), /nothing of it has run/);
    taken.release();
    assert.equal(await usedUnits(), 10);
    await store.close();
    await pool.end();
  });

  const poolOf = ({ url }: PostgresServer) => {
    const pool = new pg.Pool({ connectionString: url, max: 4 });
    pool.on("error", () => {});
    pools.push(pool);
    return pool;
  };
  for (
    const [who, placeOf] of [
      ["a URL", ({ url }: PostgresServer) => ({ url })],
      ["a pool of the application", (running: PostgresServer) => ({ client: poolOf(running) })],
    ] as const
  ) {
    it(`reject within socketTimeoutMs, and take no units later if they say so, over ${who}`, async () => {
      await using rs = createRateSync({
        stores: {
          main: {
            engine: "postgres",
            ...placeOf(server),
            schema: freshSchema(),
            socketTimeoutMs: SOCKET_MS,
            onStoreError: "deny",
            decisionTimeoutMs: 400,
          },
        },
        limiters: {
          window: { algorithm: "fixed_window", limit: UNITS, windowMs: 3_600_000, denyCacheMs: 0 },
          other: { algorithm: "sliding_window", limit: UNITS, windowMs: 3_600_000, denyCacheMs: 0 },
          bucket: { ratePerSecond: 100_000, burst: UNITS },
        },
        logger: false,
      });
      await rs.connect();
      const reservations = await Promise.all(
        Array.from({ length: 3 * BEGIN_MS.length }, () => rs.reserve("window", { cost: 10 })),
      );
      const before = (await rs.peek("window")).remaining;
      const outcomes: Promise<Outcome>[] = [];
      const begin = (name: string, units: number, run: () => Promise<unknown>) => {
        const startMs = performance.now();
        const outcome = (error?: StoreError) => ({ name, units, tookMs: performance.now() - startMs, error });
        outcomes.push(run().then(() => outcome(), outcome));
      };
      let isOver = false;
      const lanes = Array.from({ length: LANES }, async (_, lane) => {
        for (const key = lane < LANES / 2 ? undefined : `k${lane}`; !isOver; await sleep(1)) {
          await rs.tryAcquire(lane % 2 === 0 ? "bucket" : "other", key === undefined ? {} : { key }).catch(() => {});
        }
      });
      await sleep(300);
      const hanging = processesOf(server.pid);
      signal(hanging, "SIGSTOP");
      try {
        const startMs = performance.now();
        for (const atMs of BEGIN_MS) {
          await sleep(Math.max(0, atMs - (performance.now() - startMs)));
          const [fewer, more, none] = reservations.splice(0, 3);
          begin("penalize", 1, () => rs.penalize("window", 1));
          begin("refund", -1, () => rs.refund("window", 1));
          begin("settle for less", -1, () => fewer?.settle(9) as Promise<unknown>);
          begin("settle for more", 1, () => more?.settle(11) as Promise<unknown>);
          begin("cancel", -10, () => none?.cancel() as Promise<unknown>);
          begin("reset", 0, () => rs.reset("other"));
          begin("penalize the bucket", 0, () => rs.penalize("bucket", 1));
          begin("refund the bucket", 0, () => rs.refund("bucket", 1));
          begin("block", 0, () => rs.block("other", 60_000, { key: "k" }));
        }
        const all = await Promise.all(outcomes);
        for (const { name, tookMs, error } of all) {
          assert.ok(tookMs < MOST_MS, `${name} took ${tookMs} ms`);
          assert.match(String(error?.code), /^STORE_(TIMEOUT|UNAVAILABLE)$/, `${name}: ${error}`);
        }
      } finally {
        signal(hanging, "SIGCONT");
        isOver = true;
      }
      await Promise.all(lanes);
      let after = await rs.peek("window");
      for (let left = 100; after.degraded && left > 0; left--) {
        await sleep(100);
        after = await rs.peek("window");
      }
      assert.equal(after.degraded, false);
      await sleep(300);
      const taken = before - (await rs.peek("window")).remaining;
      const all = await Promise.all(outcomes);
      const maybe = all.filter(({ error }) => !/nothing of it has run|there is no connection/.test(String(error)));
      const sum = (sign: number) =>
        maybe.reduce((total, { units }) => total + (Math.sign(units) === sign ? units : 0), 0);
      assert.ok(taken <= sum(1), `${taken} units were taken, by ${JSON.stringify(maybe)}`);
      assert.ok(taken >= sum(-1), `${-taken} units were given back, by ${JSON.stringify(maybe)}`);
    });
  }
});

/** A server with all of its processes. */
function processesOf(pid: number): number[] {
  const children = execFileSync("pgrep", ["-P", String(pid)], { encoding: "utf8" });
  return [pid, ...children.trim().split("\n").map(Number)];
}

function signal(pids: readonly number[], name: "SIGSTOP" | "SIGCONT"): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // A worker of the server's own that has ended meanwhile.
    }
  }
}
