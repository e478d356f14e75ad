import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { freePort } from "../../scripts/_free_port.ts";
import {
  createRateSync,
  type LimiterEvent,
  type LimiterOptions,
  RateLimitedError,
  type RateSync,
  StoreError,
  type StoreErrorPolicy,
} from "../../mod.ts";
import { runWorker } from "../_support/processes.ts";
import { type RedisProcess, startRedis, until } from "../stores/redis/_servers.ts";
import { forbidUnhandledRejections } from "./_unhandled.ts";

const HOUR_MS = 3_600_000;

/** One limiter for each policy, on a store that may fail. */
function instance(url: string): RateSync<StoreErrorPolicy | "closed" | "slot"> {
  const limit: LimiterOptions = { algorithm: "sliding_window", limit: 2, windowMs: HOUR_MS };
  return createRateSync({
    stores: { main: { engine: "redis", url, socketTimeoutMs: 500, socketConnectTimeoutMs: 500 } },
    limiters: {
      local: limit,
      allow: { ...limit, onStoreError: "allow" },
      deny: { ...limit, onStoreError: "deny" },
      throw: { ...limit, onStoreError: "throw" },
      closed: { ...limit, failClosed: true },
      slot: { maxConcurrent: 1, leaseTtlMs: 60_000 },
    },
  });
}

/** What every policy does while the store cannot decide. */
async function assertPolicies(rs: ReturnType<typeof instance>): Promise<void> {
  const local = [await rs.tryAcquire("local"), await rs.tryAcquire("local"), await rs.tryAcquire("local")];
  assert.deepEqual(local.map((decision) => decision.allowed), [true, true, false], "the limit holds in this process");
  assert.deepEqual(local.map((decision) => decision.degraded), [true, true, true]);
  assert.equal(local[2]?.reason, "rate");

  for (let i = 0; i < 5; i++) {
    const allowed = await rs.tryAcquire("allow");
    assert.deepEqual([allowed.allowed, allowed.degraded], [true, true]);
    assert.ok(allowed.permit);
    await (await rs.acquire("allow")).release();
  }

  for (const id of ["deny", "closed"] as const) {
    const denied = await rs.tryAcquire(id);
    assert.deepEqual([denied.allowed, denied.degraded, denied.reason], [false, true, "store"]);
    assert.deepEqual([denied.remaining, denied.permit], [0, undefined]);
    await assert.rejects(rs.acquire(id), (error) => {
      assert.ok(error instanceof RateLimitedError);
      assert.equal(error.decision.reason, "store");
      assert.match(error.message, /its store could not be asked/);
      return true;
    });
  }

  await Promise.all([rs.tryAcquire("throw"), rs.acquire("throw"), rs.peek("throw")].map((call) => {
    return assert.rejects(call, (error) => error instanceof StoreError && error.code.startsWith("STORE_"));
  }));

  const first = await rs.acquire("slot");
  assert.ok(first.decision.degraded);
  await assert.rejects(rs.acquire("slot", { timeoutMs: 0 }), RateLimitedError);
  const second = rs.acquire("slot");
  await first.release();
  await (await second).release();

  assert.equal((await rs.peek("local")).degraded, true);
  const several = await rs.tryAcquireAll([{ limiter: "allow" }, { limiter: "deny" }]);
  assert.equal(several.allowed, false, "of several policies the strictest counts");
  await assert.rejects(rs.tryAcquireAll([{ limiter: "allow" }, { limiter: "throw" }]), StoreError);
}

describe("The failure policy, of a Redis that was never there", () => {
  forbidUnhandledRejections();

  it("decides, counts and reports", async () => {
    await using rs = instance(`redis://127.0.0.1:${await freePort()}`);
    const events: LimiterEvent[] = [];
    rs.subscribe("local", (event) => events.push(event));
    await assertPolicies(rs);
    const { storeErrors, totalAcquisitions, totalDenials } = rs.metrics("local");
    assert.deepEqual({ storeErrors, totalAcquisitions, totalDenials }, {
      storeErrors: 4,
      totalAcquisitions: 2,
      totalDenials: 1,
    });
    const failures = events.filter((event) => event.type === "store_error");
    assert.equal(failures.length, 4);
    for (const { error, limiter } of failures) {
      assert.ok(error instanceof StoreError);
      assert.equal(limiter, "local");
    }
    const decisions = events.filter((event) => event.type === "decision");
    assert.deepEqual(decisions.map(({ decision }) => decision.degraded), [true, true, true]);
  });

  it("is reported in the log, without secrets", async () => {
    const lines: string[] = [];
    const add = (message: string) => void lines.push(message);
    await using rs = createRateSync({
      stores: { main: { engine: "redis", url: `redis://:hunter2@127.0.0.1:${await freePort()}` } },
      limiters: { api: { ratePerSecond: 1 } },
      logger: { debug: add, info: add, warn: add, error: add },
    });
    await rs.tryAcquire("api");
    assert.equal(lines.filter((line) => line.includes('store "main" cannot decide (connection_refused)')).length, 1);
    assert.ok(!lines.join().includes("hunter2"));
  });

  it("keeps the deadline of the call: the time that the store used counts", async () => {
    const silent = await startRedis();
    await using _server: RedisProcess = silent;
    await using rs = createRateSync({
      stores: { main: { engine: "redis", url: silent.url, socketTimeoutMs: 400 } },
      limiters: { slot: { maxConcurrent: 1, timeoutMs: 300 } },
    });
    await (await rs.acquire("slot")).release();
    silent.signal("SIGSTOP");
    const permit = await rs.acquire("slot"); // the store uses up all of the time, the slot of this process is free
    assert.ok(permit.decision.degraded);
    await assert.rejects(rs.acquire("slot"), RateLimitedError);
    silent.signal("SIGCONT");
    await permit.release();
  });
});

describe("The failure policy, of a Redis that dies", () => {
  forbidUnhandledRejections();

  it("decides until it is back, and not after that", async () => {
    await using server = await startRedis();
    await using rs = instance(server.url);
    assert.equal((await rs.tryAcquire("local")).degraded, false);
    const held = await rs.acquire("slot");
    await server.stop();
    await until(async () => (await rs.peek("local")).degraded);
    await held.release(); // no error: the lease ends by itself
    await held.release();
    assert.equal(rs.metrics("slot").currentConcurrent, 0);
    await assertPolicies(rs);
    await server.start();
    await until(async () => !(await rs.peek("local")).degraded, 10_000);
    const decision = await rs.tryAcquire("local");
    assert.deepEqual([decision.allowed, decision.degraded, decision.remaining], [true, false, 1], "Redis is empty now");
    assert.equal((await rs.tryAcquire("throw")).allowed, true);
    const permit = await rs.acquire("slot");
    assert.equal(permit.decision.degraded, false);
    await permit.release();
  });

  it("takes over calls that wait for a permit", async () => {
    await using server = await startRedis();
    await using rs = instance(server.url);
    const held = await rs.acquire("slot");
    const waiting = rs.acquire("slot", { timeoutMs: 20_000 });
    await until(async () => await server.command("ZCARD", "{rate_limit:slot}:waiters") === 1);
    await server.stop();
    await until(async () => (await rs.peek("local")).degraded);
    await server.start();
    // Redis has forgotten both of them. The one who waits asks again once the connection is back.
    const permit = await waiting;
    await permit.release();
    await held.release();
  });
});

describe("A process whose Redis is unreachable", () => {
  it("decides, closes, and ends by itself", async () => {
    for (const close of ["close", "leave"]) {
      const url = `redis://127.0.0.1:${await freePort()}`;
      const { code, stdout, stderr } = await runWorker("limiter/outage_worker", [url, close]);
      assert.deepEqual({ code, stdout }, { code: 0, stdout: "true true\n" });
      assert.match(stderr, /^rate-sync: Redis unavailable, .*\n$/, "one line");
    }
  });
});
