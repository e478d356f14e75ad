import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import { tokenBucket, type TokenBucketState } from "../../../../src/algorithms/token_bucket/kernel.ts";
import { compilePolicy } from "../../../../src/policy/compile_policy.ts";
import type { LimitOptions } from "../../../../src/policy/options.ts";
import type { Policy } from "../../../../src/policy/policy.ts";
import { MemoryStore } from "../../../../src/stores/memory/memory_store.ts";
import { isBucketTake } from "../../../../src/stores/postgres/buckets/header.ts";
import type { TakeReply, TakeRequest, Target } from "../../../../src/stores/store.ts";
import { FakeClock } from "../../../../src/testing/fake_clock.ts";
import { runs, startArb } from "../../../_support/arbitraries.ts";
import { BucketTable } from "../../../_support/postgres_buckets.ts";

/** Rates with and without a rest, and some whose numbers are as large as they may be. */
const bucketArb: fc.Arbitrary<LimitOptions> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      ratePerSecond: fc.constantFrom(0.5, 1, 3, 7, 10, 1 / 3, 33.3, 1_000, 700_001, 1_000_000),
      burst: fc.integer({ min: 1, max: 12 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      limit: fc.integer({ min: 1, max: 12 }),
      windowMs: fc.constantFrom(0.013, 1, 10, 1_000, 86_400_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<LimitOptions>(
      { limit: 1_000_000, windowMs: 86_400_000 * 365 },
      { limit: 999_983, windowMs: 1_000, burst: 1_000_000 },
      { limit: 7, windowMs: 86_400_000 * 365 * 20, burst: 8 },
      { ratePerSecond: 0.1234567, burst: 100 },
    ),
  },
);

/** One request, and how the clock moves before it: by microseconds, or to when the last denial said, or nearly. */
const askArb = fc.record({
  move: fc.oneof(
    fc.constantFrom("retry" as const, "early" as const),
    fc.constantFrom(0, 0, 0, 1, 2, 100_000),
    fc.nat(3_000_000),
  ),
  limiter: fc.nat(2),
  key: fc.nat(3),
  mode: fc.constantFrom(
    "now" as const,
    "now" as const,
    "now" as const,
    "wait" as const,
    "wait" as const,
    "peek" as const,
  ),
  share: fc.oneof(fc.constant(0), fc.constant(0), fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
  waits: fc.constantFrom(1, 1_000, 100_000, 20_000_000, Infinity),
  times: fc.constantFrom(undefined, undefined, undefined, 1, 3, 5),
  together: fc.integer({ min: 1, max: 5 }),
});

function requestOf(policy: Policy, ask: typeof askArb extends fc.Arbitrary<infer Ask> ? Ask : never): TakeRequest {
  const { capacity } = policy;
  const cost = 1 + Math.floor(ask.share * (capacity - 1));
  const times = ask.mode === "now" && ask.times !== undefined
    ? Math.min(ask.times, Math.floor(capacity / cost))
    : undefined;
  const target = { limiter: `l${ask.limiter}`, policy, key: `k${ask.key}`, cost, permits: 0 };
  const maxWaitUs = ask.mode === "wait" ? ask.waits : 0;
  return { op: "take", targets: [target], mode: ask.mode, maxWaitUs, id: "", arrivalUs: 0, times };
}

describe("BucketCalls", () => {
  let table: BucketTable;
  before(async () => {
    table = await BucketTable.open(0);
  });
  after(() => table.close());

  it("decides as the memory store does, to the integer, in batches of any takes from single token buckets", async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(bucketArb, { minLength: 1, maxLength: 3 }),
        startArb,
        fc.array(fc.array(askArb, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 12 }),
        async (limiters, startUs, batches) => {
          const policies = limiters.map((options) => compilePolicy(options));
          let [nowUs, retryUs] = [startUs, 0];
          const clock = new FakeClock(startUs);
          const memory = new MemoryStore({ clock });
          const run = `${round++}:`;
          const targets = new Map<string, Target>();
          for (const batch of batches) {
            const requests = batch.flatMap((ask) => {
              const request = requestOf(policies[ask.limiter % policies.length] as Policy, ask);
              const [target] = request.targets;
              const named = { ...target, limiter: `${run}${ask.limiter % policies.length}` } as typeof target & object;
              return new Array<TakeRequest>(ask.together).fill({ ...request, targets: [named] });
            }).filter(isBucketTake);
            const { move } = batch[0] as { move: number | "retry" | "early" };
            if (typeof move === "number") nowUs += move;
            else nowUs = Math.max(nowUs, retryUs - (move === "early" ? 1 : 0));
            table.nowUs = nowUs;
            clock.set(nowUs);
            const replies = await table.send(requests, ({ limiter }) => Number(limiter.at(-1)) + 1);
            requests.forEach((request, i) => {
              const expected = memory.execute(request) as TakeReply;
              const reply = replies[i] as TakeReply;
              assert.ok(reply !== undefined && !(reply instanceof Error), `request ${i} was left: ${String(reply)}`);
              assert.deepEqual(told(reply), told(expected), `request ${i} of ${JSON.stringify(request)}`);
              if (reply.status === "rate") retryUs = reply.nowUs + reply.waitUs;
              targets.set(`${request.targets[0]?.limiter}:${request.targets[0]?.key}`, request.targets[0] as Target);
            });
          }
          for (const row of await table.rows(run)) {
            const [state] = memory.statesOf(targets.get(row.key) as Target) as [TokenBucketState];
            if (state.tatUs === 0 || tokenBucket.freshFromUs(state, policies[0]?.rates[0] as never) <= nowUs) continue;
            const [tatUs, tatRem, reach] = [Number(row.tat), Number(row.rem), Number(row.extra) % 4];
            assert.deepEqual({ tatUs, tatRem, reach }, { ...state, reach: state.reach ?? 0 });
          }
        },
      ),
      { numRuns: runs(60) },
    );
  });
});

function told({ status, nowUs, waitUs, levels, times }: TakeReply): unknown {
  return { status, nowUs, waitUs, times, levels: levels.map(({ rates, traces }) => ({ rates, traces: traces?.[0] })) };
}
