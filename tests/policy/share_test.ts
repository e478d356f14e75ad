import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ConfigError } from "../../mod.ts";
import type { LimiterOptions } from "../../src/policy/options.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { localPolicy } from "../../src/policy/share.ts";

function local(options: LimiterOptions): Policy {
  return localPolicy(compilePolicy(options));
}

describe("localPolicy()", () => {
  it("is the policy itself if the share is 1", () => {
    const policy = compilePolicy({ ratePerSecond: 5 });
    assert.equal(localPolicy(policy), policy);
  });

  it("is computed once", () => {
    const policy = compilePolicy({ ratePerSecond: 5, localShare: 0.5 });
    assert.equal(localPolicy(policy), localPolicy(policy));
  });

  it("scales rate and burst of a token bucket, exactly", () => {
    const bucket = local({ ratePerSecond: 100, burst: 200, localShare: 0.29 });
    const [rate] = bucket.rates;
    assert.equal(rate?.capacity, 58);
    assert.equal(bucket.capacity, 58);
    assert.deepEqual(rate, compilePolicy({ ratePerSecond: 29, burst: 58 }).rates[0]);
    const third = local({ ratePerSecond: 1, burst: 3, localShare: 1 / 3 }).rates[0];
    assert.ok(third?.algorithm === "token_bucket");
    assert.deepEqual([third.intervalUs, third.intervalRem, third.capacity], [3_000_000, 0, 1]);
  });

  it("scales windows and slots, and leaves one of each", () => {
    for (const algorithm of ["sliding_window", "sliding_window_counter", "fixed_window"] as const) {
      const window = { algorithm, windowMs: 1_000 };
      assert.equal(local({ ...window, limit: 10, localShare: 0.25 }).rates[0]?.capacity, 2);
      assert.equal(local({ ...window, limit: 2, localShare: 0.1 }).rates[0]?.capacity, 1);
    }
    assert.equal(local({ maxConcurrent: 50, localShare: 0.1 }).maxConcurrent, 5);
    assert.equal(local({ maxConcurrent: 3, localShare: 0.1 }).maxConcurrent, 1);
  });

  it("rounds a share that is no simple fraction down to thousandths", () => {
    assert.equal(
      local({ algorithm: "fixed_window", limit: 10_000, windowMs: 1, localShare: 0.12345678 }).capacity,
      1_230,
    );
    assert.equal(local({ algorithm: "fixed_window", limit: 10_000, windowMs: 1, localShare: 1e-9 }).capacity, 10);
  });

  it("throws when the policy is made if a share is too small", () => {
    assert.throws(() => compilePolicy({ limit: 1, windowMs: 1e12, localShare: 0.001 }), (error) => {
      return error instanceof ConfigError && error.path === "localShare";
    });
  });
});

describe("Options of failures", () => {
  it("come from the limiter, then from its store", () => {
    const store = { failClosed: true, decisionTimeoutMs: 200, localShare: 0.5 };
    const { onStoreError, decisionTimeoutUs, localShare } = compilePolicy({ ratePerSecond: 1 }, store);
    assert.deepEqual({ onStoreError, decisionTimeoutUs, localShare }, {
      onStoreError: "deny",
      decisionTimeoutUs: 200_000,
      localShare: 0.5,
    });
    const own = compilePolicy({ ratePerSecond: 1, onStoreError: "throw", decisionTimeoutMs: Infinity }, store);
    assert.deepEqual([own.onStoreError, own.decisionTimeoutUs], ["throw", Infinity]);
    const plain = compilePolicy({ ratePerSecond: 1 });
    assert.deepEqual([plain.onStoreError, plain.decisionTimeoutUs, plain.localShare], ["local", 1_000_000, 1]);
  });

  it("are checked", () => {
    for (const decisionTimeoutMs of [0, -1, NaN, "1" as never]) {
      assert.throws(() => compilePolicy({ ratePerSecond: 1, decisionTimeoutMs }), { path: "decisionTimeoutMs" });
    }
    for (const localShare of [0, 1.1, NaN, "1" as never]) {
      assert.throws(() => compilePolicy({ ratePerSecond: 1, localShare }), { path: "localShare" });
    }
  });
});
