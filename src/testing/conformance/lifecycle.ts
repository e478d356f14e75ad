/**
 * Opening and closing: nothing has to be initialised, and nothing breaks when it is done twice.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Topic } from "./bench.ts";

/** Cases on opening and closing. */
export const lifecycle: Topic = {
  topic: "lifecycle",
  cases: [
    {
      name: "connects as often as it is asked to, and works after it",
      covers: ["5.1.1"],
      async run(bench) {
        const rs = bench.instance({ api: { ratePerSecond: 1 } });
        await Promise.all([rs.connect(), rs.connect()]);
        await rs.connect();
        assert.equal((await rs.tryAcquire("api")).allowed, true);
      },
    },
    {
      name: "is listed as open from its first use on",
      covers: ["5.1.2"],
      async run(bench) {
        const rs = bench.instance({ api: { ratePerSecond: 1 } });
        assert.deepEqual(rs.listStores(), {
          s: {
            engine: bench.store.engine,
            url: undefined,
            open: false,
            connected: undefined,
            load: undefined,
            state: "up",
            downSinceMs: undefined,
            outages: 0,
            error: undefined,
          },
        });
        await rs.tryAcquire("api");
        assert.equal(rs.listStores()["s"]?.open, true);
      },
    },
    {
      name: "serves acquire as the first call of all",
      covers: ["5.1.3"],
      async run(bench) {
        const permit = await bench.limiter({ ratePerSecond: 1, maxConcurrent: 1 }).acquire();
        assert.equal(permit.decision.allowed, true);
        assert.equal(permit.waitedMs, 0);
      },
    },
    {
      name: "serves tryAcquire, peek, reserve and reset as the first call of all",
      covers: ["5.1.4", "5.8.8"],
      async run(bench) {
        const options = { limit: 5, windowMs: 60_000, algorithm: "sliding_window" } as const;
        await bench.limiter(options).reset();
        assert.equal((await bench.limiter(options).peek()).remaining, 5);
        assert.equal((await bench.limiter(options).reserve()).waitMs, 0);
        assert.equal((await bench.limiter(options).tryAcquire()).remaining, 3);
      },
    },
    {
      name: "knows a limiter by its id, and hands out the same one every time",
      covers: ["5.1.5"],
      run(bench) {
        const rs = bench.instance({ "api:v1": { ratePerSecond: 1 } });
        assert.equal(rs.limiter("api:v1").id, "api:v1");
        assert.equal(rs.limiter("api:v1"), rs.limiter("api:v1"));
        return Promise.resolve();
      },
    },
    {
      name: "waits the limiter's timeoutMs at most, and 30 s where it says nothing",
      covers: ["5.1.6", "5.11.memory"],
      async run(bench) {
        const quick = bench.limiter({ ratePerSecond: 1, timeoutMs: 999.999 });
        assert.equal(quick.policy.timeoutMs, 999.999);
        await quick.acquire();
        await assert.rejects(quick.acquire(), { code: "RATE_LIMITED" });

        const inTime = bench.instance({ a: { limit: 1, windowMs: 30_000 } }).limiter("a");
        assert.equal(inTime.policy.timeoutMs, undefined);
        await inTime.acquire();
        assert.equal((await bench.clock.runUntil(inTime.acquire())).waitedMs, 30_000);

        const tooLate = bench.instance({ b: { limit: 1, windowMs: 30_000.001 } }).limiter("b");
        await tooLate.acquire();
        await assert.rejects(tooLate.acquire(), { code: "RATE_LIMITED", retryAfterMs: 30_000.001 });
      },
    },
    {
      name: "tells whether a limiter fails closed",
      covers: ["5.1.7", "5.11.memory"],
      run(bench) {
        assert.equal(bench.limiter({ ratePerSecond: 1, failClosed: true }).policy.onStoreError, "deny");
        assert.equal(bench.limiter({ ratePerSecond: 1, failClosed: false }).policy.onStoreError, "local");
        assert.equal(bench.limiter({ ratePerSecond: 1 }).policy.onStoreError, "local");
        return Promise.resolve();
      },
    },
    {
      name: "releases without an error when the store is gone",
      covers: ["5.1.8"],
      async run(bench) {
        const rs = bench.instance({ api: { maxConcurrent: 1 } });
        const permit = await rs.acquire("api");
        await bench.store.resetAll();
        await rs.close();
        await permit.release();
      },
    },
    {
      name: "closes as often as it is asked to, and refuses every later call",
      covers: ["5.9.7", "5.11.redis"],
      async run(bench) {
        const rs = bench.instance({ api: { ratePerSecond: 1 } });
        await rs.tryAcquire("api");
        await bench.store.resetAll();
        await Promise.all([rs.close(), rs.close()]);
        await rs.close();
        await bench.store.close();
        await assert.rejects(rs.tryAcquire("api"), { code: "CLOSED" });
        await assert.rejects(rs.acquire("api"), { code: "CLOSED" });
      },
    },
    {
      name: "refuses a limiter that is not configured, and names those that are",
      covers: ["5.12.decorators", "5.12.get_or_clone"],
      async run(bench) {
        const rs = bench.instance<string>({ api: { ratePerSecond: 1 } });
        const unknown = { code: "LIMITER_NOT_FOUND", id: "apo", known: ["api"] };
        await assert.rejects(rs.acquire("apo"), unknown);
        await assert.rejects(rs.tryAcquire("apo"), unknown);
        await assert.rejects(rs.rateLimited(() => {}, { limiter: "apo" })(), unknown);
        assert.throws(() => rs.limiter("apo"), unknown);
      },
    },
  ],
};
