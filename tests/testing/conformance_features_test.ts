import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { LimiterOptions } from "../../mod.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { storeConformance, type StoreConformanceOptions } from "../../src/testing/mod.ts";
import type { FakeClock } from "../../src/testing/fake_clock.ts";
import { Remote } from "../limiter/_remote.ts";

const open: StoreConformanceOptions["open"] = ({ clock }) => new Remote(clock as FakeClock);

describe("storeConformance() behind a wire", () => {
  for (const { name, run } of storeConformance({ open })) it(name, run);
});

describe("storeConformance() without remembered denials", () => {
  const adapt = (options: LimiterOptions): LimiterOptions => ({ denyCacheMs: 0, ...options });
  const told = "configuration: reports a sliding window as it was configured"; // and that includes them
  for (const { name, run } of storeConformance({ open, adapt })) if (name !== told) it(name, run);
});

/**
 * The same bucket, from which units are leased: for the shortest time, or for a thousandth of what a unit takes to come,
 * because a process looks at its leases that often for as long as a case lasts.
 */
function leasing(options: LimiterOptions): LimiterOptions {
  try {
    const { rates, maxConcurrent } = compilePolicy(options);
    const [rate] = rates;
    if (rates.length > 1 || rate?.algorithm !== "token_bucket" || maxConcurrent > 0) return options;
    const tokenLeaseMs = Math.min(Math.max(1, Math.floor(rate.windowUs / rate.quota / 1_000_000)), 10_000);
    const lent = Math.ceil(rate.quota * tokenLeaseMs * 1_000 / rate.windowUs);
    return { ...options, burst: rate.capacity + lent, tokenLeaseMs };
  } catch {
    return options;
  }
}

/** What asks a process that has found the bucket empty again at the very instant of the next unit. */
const PAUSED: readonly string[] = [
  "token bucket: holds exactly `burst` units, and refills one an interval",
  "token bucket: admits a cost of n exactly when n single units would be admitted",
  "token bucket: grants nothing more when the clock steps back",
  "corrections: penalize takes units whatever the limit says, and later calls wait for them",
];

describe("storeConformance() with token leases", () => {
  const cases = storeConformance({ open, adapt: leasing });

  for (const { name, run } of cases) if (!PAUSED.includes(name)) it(name, run);

  it("differ where a process leaves a bucket to the others that it has found empty", () => {
    assert.deepEqual(PAUSED, cases.map(({ name }) => name).filter((name) => PAUSED.includes(name)));
  });
});
