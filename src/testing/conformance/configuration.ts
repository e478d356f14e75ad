/**
 * Configuration: valid options take effect, and invalid ones are refused by name.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { LimiterOptions } from "../../policy/options.ts";
import type { CaseDefinition, Topic } from "./bench.ts";

/** A case on options that must be refused, with the path that the error names. */
function refuses(what: string, covers: readonly string[], path: string, all: readonly object[]): CaseDefinition {
  return {
    name: `refuses ${what}`,
    covers,
    run(bench) {
      for (const options of all) {
        assert.throws(
          () => bench.limiter(options as LimiterOptions),
          { code: "CONFIG_INVALID", path: `limiters.api.${path}` },
          JSON.stringify(options),
        );
      }
      return Promise.resolve();
    },
  };
}

const sliding = { algorithm: "sliding_window", limit: 5, windowMs: 1_000 } as const;

/** Cases on configuration. */
export const configuration: Topic = {
  topic: "configuration",
  cases: [
    {
      name: "refuses a limiter without any limit, and names what it could have",
      covers: ["5.1.9"],
      run(bench) {
        assert.throws(() => bench.limiter({}), { code: "CONFIG_INVALID", message: /ratePerSecond.*limit/ });
        return Promise.resolve();
      },
    },
    refuses("a negative rate", ["5.2.8"], "ratePerSecond", [{ ratePerSecond: -1 }, { ratePerSecond: -Infinity }]),
    refuses("a rate of zero", ["5.2.9"], "ratePerSecond", [{ ratePerSecond: 0 }, { ratePerSecond: -0 }]),
    refuses("a rate that is no number", [], "ratePerSecond", [{ ratePerSecond: NaN }, { ratePerSecond: "10" }]),
    {
      name: "refuses a rate together with a window, and says what algorithms take",
      covers: ["5.2.12"],
      run(bench) {
        assert.throws(
          () => bench.limiter({ ratePerSecond: 1, limit: 5, windowMs: 1_000 }),
          { code: "CONFIG_INVALID", message: /ratePerSecond.*algorithm/ },
        );
        return Promise.resolve();
      },
    },
    refuses("a limit without a window", ["5.3.7"], "windowMs", [{ ...sliding, windowMs: undefined }, { limit: 5 }]),
    refuses("a window without a limit", ["5.3.8"], "limit", [{ ...sliding, limit: undefined }, { windowMs: 1_000 }]),
    refuses("a limit of 0", ["5.3.9"], "limit", [{ ...sliding, limit: 0 }]),
    refuses("a limit below 0, or not whole", ["5.3.10"], "limit", [{ ...sliding, limit: -1 }, {
      ...sliding,
      limit: 1.5,
    }]),
    refuses("a window of 0", ["5.3.11"], "windowMs", [{ ...sliding, windowMs: 0 }]),
    refuses("a window below 0, or without end", ["5.3.12"], "windowMs", [
      { ...sliding, windowMs: -1 },
      { ...sliding, windowMs: Infinity },
    ]),
    refuses("permits below 0", ["5.4.7"], "maxConcurrent", [{ maxConcurrent: -1 }]),
    refuses("0 permits, or a part of one", ["5.4.8"], "maxConcurrent", [{ maxConcurrent: 0 }, { maxConcurrent: 0.5 }]),
    {
      name: "reports a token bucket as it was configured",
      covers: ["5.2.7", "5.2.10", "5.7.1", "5.7.2", "5.7.5", "5.11.redis", "5.11.memory"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 42.5, burst: 3 });
        const [rate] = limiter.policy.rates;
        assert.equal(rate?.algorithm, "token_bucket");
        assert.equal(rate.quota / rate.windowUs, 42.5 / 1_000_000);
        assert.equal(limiter.policy.capacity, 3);
        assert.equal((await limiter.peek()).limits[0]?.algorithm, "token_bucket");
      },
    },
    {
      name: "takes token_bucket as the name of a limiter that has only permits",
      covers: ["5.2.11", "5.4.5", "5.7.3"],
      async run(bench) {
        const limiter = bench.limiter({ algorithm: "token_bucket", maxConcurrent: 7 });
        assert.equal(limiter.policy.maxConcurrent, 7);
        assert.deepEqual(limiter.policy.rates, []);
        const [permits] = (await limiter.peek()).limits;
        assert.equal(permits?.algorithm, "concurrency");
        assert.equal(permits.limit, 7);
      },
    },
    {
      name: "reports a sliding window as it was configured",
      covers: ["5.3.4", "5.3.5", "5.3.6", "5.7.4", "5.7.6", "5.11.redis"],
      async run(bench) {
        const limiter = bench.limiter({ ...sliding, maxConcurrent: 2, leaseTtlMs: 5_000, timeoutMs: 250 });
        assert.deepEqual(limiter.policy, {
          rates: [{ algorithm: "sliding_window", capacity: 5, windowUs: 1_000_000 }],
          maxConcurrent: 2,
          maxWaiters: Infinity,
          leaseTtlUs: 5_000_000,
          capacity: 5,
          timeoutMs: 250,
          denyCacheUs: 1_000_000,
          tokenLeaseUs: 0,
          keyShards: 0,
          onChange: "keep",
          onStoreError: "local",
          decisionTimeoutUs: 1_000_000,
          localShare: 1,
        });
        const [window] = (await limiter.peek()).limits;
        assert.equal(window?.limit, 5);
        assert.equal(window.windowMs, 1_000);
      },
    },
    {
      name: "lists limiters under their ids, with their store and policy",
      covers: ["5.7.7", "5.11.memory"],
      run(bench) {
        const rs = bench.instance({ api: sliding, login: { ratePerSecond: 1 } });
        const listed = rs.listLimiters();
        assert.deepEqual(Object.keys(listed), ["api", "login"]);
        assert.equal(listed["api"]?.store, "s");
        assert.equal(listed["api"].policy, rs.limiter("api").policy);
        return Promise.resolve();
      },
    },
    {
      name: "does not let a caller change a policy from outside",
      covers: ["5.7.8"],
      run(bench) {
        const { policy } = bench.limiter(sliding);
        for (const part of [policy, policy.rates, policy.rates[0]]) assert.equal(Object.isFrozen(part), true);
        assert.throws(() => Object.assign(policy, { maxConcurrent: 9 }), TypeError);
        return Promise.resolve();
      },
    },
    {
      name: "follows a limiter that is configured anew from the next call on",
      covers: ["law.13"],
      async run(bench) {
        const rs = bench.instance({ api: sliding });
        for (let i = 0; i < 5; i++) await rs.acquire("api");
        assert.equal((await rs.tryAcquire("api")).allowed, false);
        rs.configureLimiter("api", { ...sliding, limit: 7 });
        const after = [await rs.tryAcquire("api"), await rs.tryAcquire("api"), await rs.tryAcquire("api")];
        assert.deepEqual(after.map((decision) => decision.allowed), [true, true, false]);
      },
    },
  ],
};
