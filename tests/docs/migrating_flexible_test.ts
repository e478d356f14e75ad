import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync } from "@ratesync/core";
import { FakeClock } from "@ratesync/core/testing";
import fc from "fast-check";
import { RateLimiterMemory, type RateLimiterRes } from "rate-limiter-flexible";

/** One call, as docs/migrating/rate-limiter-flexible.md translates it. */
interface Call {
  readonly kind: "consume" | "penalty" | "reward" | "delete";
  readonly units: number;
}

const LIMIT = 7;

const calls = fc.array(
  fc.record<Call>({
    kind: fc.constantFrom("consume", "consume", "consume", "penalty", "reward", "delete"),
    units: fc.integer({ min: 1, max: 4 }),
  }),
  { maxLength: 25 },
);

function bothSides() {
  const theirs = new RateLimiterMemory({ points: LIMIT, duration: 3_600 });
  const rs = createRateSync({
    clock: new FakeClock(),
    limiters: { api: { algorithm: "fixed_window", limit: LIMIT, windowMs: 3_600_000 } },
  });
  return { theirs, rs, ours: rs.limiter("api").for("k") };
}

describe("the calls of rate-limiter-flexible in docs/migrating", () => {
  it("leave as much as before, while no call is denied and no correction exceeds the limit", async () => {
    await fc.assert(
      fc.asyncProperty(calls, async (sequence) => {
        const { theirs, rs, ours } = bothSides();
        await using _closed = rs;
        let used = 0;
        for (const { kind, units } of sequence) {
          if (kind === "consume" && used + units <= LIMIT) {
            const { remainingPoints } = await theirs.consume("k", units);
            const { allowed, remaining } = await ours.tryAcquire({ cost: units });
            assert.deepEqual([allowed, remaining], [true, remainingPoints]);
            used += units;
          } else if (kind === "penalty" && used + units <= LIMIT) {
            await theirs.penalty("k", units);
            await ours.penalize(units);
            used += units;
          } else if (kind === "reward" && units <= used) {
            await theirs.reward("k", units);
            await ours.refund(units);
            used -= units;
          } else if (kind === "delete") {
            await theirs.delete("k");
            await ours.reset();
            used = 0;
          }
          const left = (await theirs.get("k"))?.remainingPoints ?? LIMIT;
          assert.deepEqual([left, (await ours.peek()).remaining], [LIMIT - used, LIMIT - used]);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("differ where the guide says so: denied calls, credit above the limit, penalties above it", async () => {
    const { theirs, rs, ours } = bothSides();
    await using _closed = rs;

    await theirs.consume("k", 5);
    await ours.tryAcquire({ cost: 5 });
    await assert.rejects(theirs.consume("k", 3));
    assert.equal((await ours.tryAcquire({ cost: 3 })).allowed, false);
    assert.equal((await theirs.get("k"))?.remainingPoints, 0);
    assert.equal((await ours.peek()).remaining, 2);

    await theirs.delete("k");
    await ours.reset();
    assert.equal((await theirs.reward("k", 3)).remainingPoints, LIMIT + 3);
    await ours.refund(3);
    assert.equal((await ours.peek()).remaining, LIMIT);

    await theirs.delete("k");
    await theirs.penalty("k", 2 * LIMIT);
    const denied = await theirs.consume("k").catch((reason: RateLimiterRes) => reason);
    assert.ok(denied.msBeforeNext > 3_500_000 && denied.msBeforeNext <= 3_600_000);
    await ours.penalize(2 * LIMIT);
    assert.equal((await ours.peek()).retryAfterMs, 2 * 3_600_000);
  });

  it("block and lift a block alike", async () => {
    const { theirs, rs, ours } = bothSides();
    await using _closed = rs;
    await theirs.block("k", 300);
    await ours.block(300_000);
    const denied = await theirs.consume("k").catch((reason: RateLimiterRes) => reason);
    const decision = await ours.tryAcquire();
    const { allowed, reason, remaining, retryAfterMs } = decision;
    assert.ok(denied.msBeforeNext > 299_000);
    assert.deepEqual([allowed, reason, retryAfterMs], [false, "blocked", 300_000]);
    assert.deepEqual([denied.remainingPoints, remaining], [0, LIMIT]);
    assert.match(decision.headers()["RateLimit"] ?? "", /;r=0;/);
    await theirs.delete("k");
    await ours.block(0);
    assert.equal((await theirs.consume("k")).remainingPoints, LIMIT - 1);
    assert.equal((await ours.tryAcquire()).remaining, LIMIT - 1);
  });
});
