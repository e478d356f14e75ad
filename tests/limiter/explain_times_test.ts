import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import { createRateSync, type Explanation, type Limiter, type LimiterOptions } from "../../mod.ts";
import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import type { RedisConnection } from "../../src/stores/redis/connections/connection.ts";
import { openNodeRedis } from "../../src/stores/redis/connections/node_redis.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import type { Store } from "../../src/stores/store.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { limitArb, runs, startArb } from "../_support/arbitraries.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";

/** What happens to a key before it is explained. */
interface Event {
  readonly what: "try" | "reserve" | "penalize" | "refund" | "block";
  readonly us: number;
  readonly share: number;
}

const eventArb: fc.Arbitrary<Event> = fc.record({
  what: fc.constantFrom("try", "try", "try", "try", "reserve", "penalize", "refund", "block"),
  us: fc.oneof(fc.constantFrom(0, 0, 1, 7_000), fc.nat(20_000), fc.nat(3_000_000)),
  share: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
});

const optionsArb: fc.Arbitrary<LimiterOptions> = fc.oneof(
  { weight: 3, arbitrary: limitArb as fc.Arbitrary<LimiterOptions> },
  { weight: 1, arbitrary: fc.record({ limits: fc.array(limitArb, { minLength: 2, maxLength: 3 }) }) },
);

const caseArb = fc.record({
  options: optionsArb,
  startUs: startArb,
  events: fc.array(eventArb, { minLength: 1, maxLength: 25, size: "max" }),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
});

/** One limiter on a store, at a clock that this test sets. */
class Scene {
  readonly clock: FakeClock;
  readonly limiter: Limiter;

  constructor(options: LimiterOptions, startUs: number, open: (clock: FakeClock) => Store) {
    this.clock = new FakeClock(startUs);
    const limiters = {
      api: { ...options, denyCacheMs: 0, onStoreError: "throw", decisionTimeoutMs: Infinity } as const,
    };
    const stores = { default: open(this.clock) };
    this.limiter = createRateSync({ stores, clock: this.clock, limiters }).limiter("api");
  }

  costOf(share: number): number {
    return 1 + Math.floor(share * (this.limiter.policy.capacity - 1));
  }

  async play({ what, us, share }: Event): Promise<void> {
    const cost = this.costOf(share);
    this.clock.set(this.clock.nowUs() + us);
    if (what === "try") await this.limiter.tryAcquire({ cost });
    else if (what === "reserve") await this.limiter.reserve({ cost, timeoutMs: 2_000 }).catch(() => {});
    else if (what === "penalize") await this.limiter.penalize(cost);
    else if (what === "refund") await this.limiter.refund(cost);
    else await this.limiter.block(us / 1_000);
  }

  /** Whether a call is allowed at an instant. */
  async allows(cost: number, atUs: number): Promise<boolean> {
    this.clock.set(atUs);
    return (await this.limiter.peek({ cost })).allowed;
  }
}

/** When so many units are free by every limit of an explanation, and the key is not blocked, in microseconds from now. */
function freeInUs({ limiters: [limiter] }: Explanation, units: number): number | undefined {
  let latestUs = Math.round((limiter?.block?.endsInMs ?? 0) * 1_000);
  for (const { limit, free } of limiter?.limits ?? []) {
    const afterMs = free.find((each) => each.units === units)?.afterMs;
    if (units > limit || afterMs === undefined) return undefined;
    latestUs = Math.max(latestUs, Math.round(afterMs * 1_000));
  }
  return latestUs;
}

/** Compares an explanation with the decision at the same moment, and with those of later ones. */
async function checkTimes(scene: Scene, cost: number): Promise<Explanation> {
  const { clock, limiter } = scene;
  const nowUs = clock.nowUs();
  const explanation = await limiter.explain({ cost });
  const decision = await limiter.peek({ cost });
  const { allowed, reason, retryAfterMs } = decision;
  assert.deepEqual([explanation.allowed, explanation.reason, explanation.retryAfterMs], [
    allowed,
    reason,
    retryAfterMs,
  ]);
  assert.ok(explanation.complete);

  const [explained] = explanation.limiters;
  const limits = explained?.limits ?? [];
  const { deniedBy } = explanation;
  if (deniedBy?.limit !== undefined) {
    const longest = Math.max(...limits.map(({ deniesForMs }) => deniesForMs ?? NaN));
    assert.equal(limits[deniedBy.limit]?.deniesForMs, longest);
    assert.equal(limits[deniedBy.limit]?.rule, deniedBy.rule);
    assert.equal(retryAfterMs, longest);
    const place = decision.deniedBy?.limit ?? -1;
    assert.ok(limits[place]?.denies, "the limit that the decision names does not deny");
  }
  const told = decision.explain().limiters[0];
  assert.equal(told?.block === undefined, explained?.block === undefined);
  if (told?.block?.endsInMs !== undefined) assert.deepEqual(told.block, explained?.block);
  const known = told?.limits ?? [];
  known.forEach(({ used, remaining, standing, free, denies, deniesForMs }, i) => {
    const limit = limits[i];
    assert.deepEqual({ used, remaining, standing, denies }, {
      used: limit?.used,
      remaining: limit?.remaining,
      standing: limit?.standing,
      denies: limit?.denies,
    });
    if (deniesForMs !== undefined) assert.equal(deniesForMs, limit?.deniesForMs);
    free.forEach((each, j) => each.reason === "not_known" || assert.deepEqual(each, limit?.free[j]));
  });

  const units = [...new Set(limits.flatMap(({ free }) => free.map((each) => each.units)))];
  const times = units.map((each) => [each, freeInUs(explanation, each)] as const)
    .filter((each): each is readonly [number, number] => each[1] !== undefined)
    .sort(([, one], [, other]) => one - other);
  for (const [each, us] of times) {
    if (us > 0) assert.equal(await scene.allows(each, nowUs + us - 1), false, `${each} units 1 µs before ${us} µs`);
    assert.equal(await scene.allows(each, nowUs + us), true, `${each} units at ${us} µs`);
  }
  clock.set(nowUs);
  return explanation;
}

/** Checks that the refund that an explanation names makes room for the call, and that one unit less does not. */
async function checkRefund(scene: Scene, { changes, limiters }: Explanation, cost: number): Promise<boolean> {
  const units = changes.find(({ kind }) => kind === "refund")?.units;
  if (units === undefined || limiters[0]?.block !== undefined) return false;
  if (units > 1) {
    await scene.limiter.refund(units - 1);
    assert.equal((await scene.limiter.peek({ cost })).allowed, false, "one unit less is enough");
  }
  await scene.limiter.refund(1);
  assert.equal((await scene.limiter.peek({ cost })).allowed, true, `${units} units are not enough`);
  return true;
}

describe("explain()", () => {
  let connection: RedisConnection;
  before(() => connection = openNodeRedis({ url: redisUrl() }));
  after(() => connection.close());

  it("names in memory the microsecond at which units are free, and the refund that makes room", async () => {
    let refunds = 0;
    await fc.assert(
      fc.asyncProperty(caseArb, async ({ options, startUs, events, share }) => {
        const scene = new Scene(options, startUs, (clock) => new MemoryStore({ clock }));
        for (const event of events) await scene.play(event);
        const cost = scene.costOf(share);
        if (await checkRefund(scene, await checkTimes(scene, cost), cost)) refunds++;
      }),
      { numRuns: runs(300) },
    );
    assert.ok(refunds > 10, `${refunds} refunds were tried`);
  });

  it("says the same on Redis, and is right there", async () => {
    await fc.assert(
      fc.asyncProperty(caseArb, async ({ options, startUs, events, share }) => {
        const memory = new Scene(options, startUs, (clock) => new MemoryStore({ clock }));
        // Real keys would expire while time stands still.
        const redis = new Scene(options, startUs, (testClock) => {
          return new RedisStore(connection, { keyPrefix: freshPrefix(), testClock, timingMarginMs: 60_000 });
        });
        for (const event of events) {
          await memory.play(event);
          await redis.play(event);
        }
        const cost = memory.costOf(share);
        const expected = await memory.limiter.explain({ cost });
        assert.deepEqual((await checkTimes(redis, cost)).toJSON(), expected.toJSON());
      }),
      { numRuns: runs(60) },
    );
  });
});
