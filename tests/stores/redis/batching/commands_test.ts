import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type LimiterOptions, RateLimitedError, type RateSync } from "../../../../mod.ts";
import { openRawRedis, type RawRedis } from "../../../_support/raw_redis.ts";
import { type Monitor, openMonitor } from "./_monitor.ts";
import { countConnections, type RedisProcess, startRedis, until } from "../_servers.ts";

/** Leases and heartbeats that have no business while a test looks. */
const QUIET: Partial<LimiterOptions> = { leaseTtlMs: 3_600_000, onStoreError: "throw" };
const HOUR_MS = 3_600_000;
const ONE = ["EVALSHA"];

const LIMITERS = {
  bucket: { limit: 10, windowMs: HOUR_MS },
  window: { algorithm: "sliding_window", limit: 10, windowMs: HOUR_MS },
  counter: { algorithm: "sliding_window_counter", limit: 10, windowMs: HOUR_MS },
  fixed: { algorithm: "fixed_window", limit: 10, windowMs: HOUR_MS },
  several: {
    limits: [
      { limit: 10, windowMs: HOUR_MS },
      { algorithm: "sliding_window", limit: 10, windowMs: HOUR_MS },
      { algorithm: "fixed_window", limit: 10, windowMs: HOUR_MS },
    ],
  },
  slots: { maxConcurrent: 10, ...QUIET },
  both: { limit: 10, windowMs: HOUR_MS, maxConcurrent: 10, ...QUIET },
  windowAndSlots: { algorithm: "sliding_window", limit: 10, windowMs: HOUR_MS, maxConcurrent: 10, ...QUIET },
  paced: { ratePerSecond: 20, ...QUIET },
  single: { maxConcurrent: 1, ...QUIET, leaseTtlMs: 15_000 },
  singlePaced: { ratePerSecond: 1_000, burst: 100, maxConcurrent: 1, ...QUIET, leaseTtlMs: 15_000 },
} as const satisfies Record<string, LimiterOptions>;

type Id = keyof typeof LIMITERS;

let server: RedisProcess;
let monitor: Monitor;
let raw: RawRedis;
let rs: RateSync<Id>;

/** Limiters that ask for every denial, unless told otherwise. */
function instance(denyCacheMs = 0): RateSync<Id> {
  const limiters = Object.entries(LIMITERS).map(([id, options]) => [id, { denyCacheMs, ...options }] as const);
  return createRateSync<Id>({
    stores: {
      shared: { engine: "redis", url: server.url, poolMinSize: 2, poolMaxSize: 2, socketTimeoutMs: 3_600_000 },
    },
    limiters: Object.fromEntries(limiters) as Record<Id, LimiterOptions>,
  });
}

before(async () => {
  server = await startRedis();
  monitor = await openMonitor(server);
  raw = await openRawRedis(server.url);
  rs = instance();
  // Connections, scripts and the subscription are there from here on.
  for (const id of Object.keys(LIMITERS) as Id[]) await (await rs.acquire(id, { key: "first" })).release();
  for (const id of ["bucket", "window"] as const) await rs.refund(id, 1, { key: "first" });
});

after(async () => {
  await rs?.close();
  await raw?.close();
  await monitor?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

/**
 * What one act costs, by both counts of the server: it must agree with itself. Questions whether a connection is there
 * do not count.
 */
async function cost(act: () => Promise<unknown>): Promise<string[]> {
  return (await allSent(act)).filter((command) => command !== "PING");
}

async function allSent(act: () => Promise<unknown>): Promise<string[]> {
  await raw.send("CONFIG", "RESETSTAT");
  const commands = await monitor.during(act);
  for (const name of ["EVALSHA", "EVAL"]) {
    const sent = [...commands, ...monitor.looks].filter((command) => command === name);
    assert.equal(await raw.calls(name.toLowerCase()), sent.length);
  }
  return commands;
}

/** While calls wait, the process asks its listening connection each 500 ms whether it is there, and nothing else. */
function assertBeats(commands: readonly string[], ms: number): void {
  assert.deepEqual(commands.filter((command) => command !== "PING"), []);
  assert.ok(commands.length <= ms / 500 + 1, `${commands.length} beats`);
}

/** The commands without those that ask whether a connection is there: it was idle, or a call waits for a message. */
function withoutProbes(commands: readonly string[]): string[] {
  const calls = commands.filter((command) => command !== "PING" && command !== "EVAL");
  assert.ok(commands.filter((command) => command === "EVAL").length <= 1, "one probe of an idle connection");
  return calls;
}

const RATED: readonly Id[] = ["bucket", "window", "counter", "fixed", "several"];
const SLOTTED: readonly Id[] = ["slots", "both", "windowAndSlots"];

describe("One decision costs one command", () => {
  for (const id of [...RATED, ...SLOTTED]) {
    it(`of ${id}: acquire, tryAcquire, peek, release`, async () => {
      const key = "verbs";
      let permit = await rs.acquire(id, { key: "other" });
      assert.deepEqual(await cost(async () => permit = await rs.acquire(id, { key })), ONE);
      const released = SLOTTED.includes(id) ? ONE : [];
      assert.deepEqual(await cost(() => permit.release()), released);
      assert.deepEqual(await cost(() => permit.release()), [], "releasing again costs nothing");
      let decision = await rs.tryAcquire(id, { key: "other" });
      assert.deepEqual(await cost(async () => decision = await rs.tryAcquire(id, { key })), ONE);
      assert.deepEqual(await cost(async () => await decision.permit?.release()), released);
      assert.deepEqual(await cost(() => rs.peek(id, { key })), ONE);
      assert.deepEqual(await cost(() => rs.acquire(id, { key, cost: 3, timeoutMs: 0 })), ONE);
      assert.deepEqual(await cost(() => rs.run(id, () => 1, { key })), [...ONE, ...released]);
    });

    it(`of ${id}: a denial`, async () => {
      const key = "denied";
      while ((await rs.tryAcquire(id, { key })).allowed);
      assert.deepEqual(await cost(() => rs.tryAcquire(id, { key })), ONE);
      const acquire = () => assert.rejects(rs.acquire(id, { key, timeoutMs: 0 }), RateLimitedError);
      assert.deepEqual(await cost(acquire), ONE);
    });
  }

  it("of several limiters: acquireAll, tryAcquireAll, release", async () => {
    const asks = [...RATED, ...SLOTTED].map((limiter) => ({ limiter, key: "all" }));
    let permit = await rs.acquireAll([{ limiter: "bucket", key: "other" }]);
    assert.deepEqual(await cost(async () => permit = await rs.acquireAll(asks)), ONE);
    assert.deepEqual(await cost(() => permit.release()), ONE);
    assert.deepEqual(await cost(() => rs.tryAcquireAll(asks)), ONE);
  });

  it("of corrections: reset, refund, penalize, block", async () => {
    const options = { key: "corrected" };
    for (const id of [...RATED, "both", "windowAndSlots"] as const) {
      assert.deepEqual(await cost(() => rs.penalize(id, 3, options)), ONE);
      assert.deepEqual(await cost(() => rs.refund(id, 2, options)), ONE);
    }
    assert.deepEqual(await cost(() => rs.penalize("bucket", 35, options)), ONE, "of more than the bucket holds");
    for (const id of [...RATED, ...SLOTTED]) {
      assert.deepEqual(await cost(() => rs.block(id, 1_000, options)), ONE);
      assert.deepEqual(await cost(() => rs.reset(id, options)), ONE);
    }
  });

  for (const id of RATED) {
    it(`of ${id}: reserve, settle, cancel`, async () => {
      const key = "reserved";
      const reserve = () => rs.reserve(id, { key, cost: 2 });
      let reservation = await rs.reserve(id, { key: "other" });
      assert.deepEqual(await cost(async () => reservation = await reserve()), ONE);
      assert.deepEqual(await cost(() => reservation.settle(1)), ONE);
      reservation = await reserve();
      assert.deepEqual(await cost(() => reservation.settle(4)), ONE);
      reservation = await reserve();
      assert.deepEqual(await cost(() => reservation.settle(2)), [], "settling what was reserved costs nothing");
      reservation = await reserve();
      assert.deepEqual(await cost(() => reservation.cancel()), ONE);
      assert.deepEqual(await cost(() => reservation.cancel()), []);
    });
  }

  it("of a thousand keys, without a registry entry or a connection for any", async () => {
    const limiter = rs.limiter("bucket");
    const connections = await countConnections(server);
    const listed = JSON.stringify([rs.listLimiters(), rs.listStores()].map((listing) => Object.keys(listing)));
    const sent = await cost(async () => {
      for (let i = 0; i < 1_000; i++) await limiter.for(`ip:${i}`).tryAcquire();
    });
    assert.equal(sent.length, 1_000);
    assert.deepEqual(new Set(sent), new Set(ONE));
    assert.equal(await countConnections(server), connections);
    assert.equal(JSON.stringify([rs.listLimiters(), rs.listStores()].map((listing) => Object.keys(listing))), listed);
  });

  it("of a thousand keys at once, or far less than one", async () => {
    const limiter = rs.limiter("bucket");
    const sent = await cost(() =>
      Promise.all(Array.from({ length: 1_000 }, (_, i) => limiter.for(`at once:${i}`).tryAcquire()))
    );
    assert.deepEqual(sent, Array(8).fill("EVALSHA"), "128 in each");
    assert.equal(await countConnections(server), 3, "two for commands, one to hear of slots");
  });
});

describe("A denial that is remembered", () => {
  let remembering: RateSync<Id>;
  before(async () => {
    remembering = instance(60_000);
    for (const id of RATED) await remembering.refund(id, 1, { key: "warm" });
    for (const id of RATED) await remembering.tryAcquire(id, { key: "warm" });
  });
  after(() => remembering?.close());

  for (const id of RATED) {
    it(`costs no command with ${id}, until it is corrected`, async () => {
      const key = "remembered";
      const take = () => remembering.tryAcquire(id, { key });
      while ((await take()).allowed);
      assert.deepEqual(await cost(take), []);
      const acquire = () => assert.rejects(remembering.acquire(id, { key, timeoutMs: 0 }), RateLimitedError);
      assert.deepEqual(await cost(acquire), []);
      assert.deepEqual(await cost(() => remembering.tryAcquire(id, { key: "other" })), ONE, "another key");
      assert.deepEqual(await cost(() => remembering.refund(id, 1, { key })), ONE);
      let allowed = false;
      assert.deepEqual(await cost(async () => allowed = (await take()).allowed), ONE);
      assert.ok(allowed, "what was refunded is there");
    });
  }
});

describe("Waiting costs no command", () => {
  it("40 who wait at 20 a second cost at most 41 commands, and finish in order", async (t) => {
    const order: number[] = [];
    await rs.acquire("paced");
    const startMs = performance.now();
    const sent = await cost(() =>
      Promise.all(Array.from({ length: 40 }, (_, i) => rs.acquire("paced").then(() => order.push(i))))
    );
    const tookMs = performance.now() - startMs;
    t.diagnostic(`40 waiters at 20/s: ${sent.length} commands, ${Math.round(tookMs)} ms`);
    assert.ok(sent.length <= 41, `${sent.length} commands`);
    assert.deepEqual(new Set(sent), new Set(ONE));
    assert.deepEqual(order, Array.from({ length: 40 }, (_, i) => i));
    assert.ok(tookMs > 1_900, `40 at 20 a second in ${tookMs} ms`);
  });

  for (const id of ["single", "singlePaced"] as const) {
    it(`20 calls that wait for ${id} send nothing while nothing changes, and are then served by push`, async (t) => {
      const key = "queue";
      const holder = await rs.acquire(id, { key });
      const order: number[] = [];
      const served: Promise<unknown>[] = [];
      const waiters = () => raw.send("ZCARD", `{rate_limit:${id}:${key}}:waiters`);
      const queueing = await cost(async () => {
        for (let i = 0; i < 20; i++) served.push(rs.run(id, () => order.push(i), { key }));
        await until(async () => await waiters() === 20);
      });
      assert.ok(queueing.filter((command) => command === "EVALSHA").length <= 20);
      assertBeats(await allSent(() => sleep(1_500)), 1_500);
      const serving = await cost(async () => {
        await holder.release();
        await Promise.all(served);
      });
      t.diagnostic(`20 waiters for ${id}: ${queueing.length} to queue, none to wait, ${serving.length} to be served`);
      const calls = withoutProbes(serving);
      assert.deepEqual(new Set(calls), new Set(ONE));
      assert.ok(calls.length <= 2 * 20 + 1, `${calls.length} commands`);
      assert.deepEqual(order, Array.from({ length: 20 }, (_, i) => i));
    });
  }

  it("20 calls that wait on 20 keys send nothing either", async () => {
    const holders = await Promise.all(
      Array.from({ length: 20 }, (_, i) => rs.acquire("single", { key: `many:${i}` })),
    );
    const waiting = holders.map((_, i) => rs.acquire("single", { key: `many:${i}` }));
    await until(async () => (await raw.keys("{rate_limit:single:many:*}:waiters")).length === 20);
    assertBeats(await allSent(() => sleep(500)), 500);
    const sent = await cost(async () => {
      await Promise.all(holders.map((permit) => permit.release()));
      for (const permit of await Promise.all(waiting)) await permit.release();
    });
    const calls = withoutProbes(sent);
    assert.ok(calls.length <= 40, `${calls.length} commands`);
  });
});
