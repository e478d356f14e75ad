import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import {
  createRateSync,
  type DecisionJSON,
  type Limiter,
  type LimiterOptions,
  RateLimitedError,
  type Reservation,
} from "../../mod.ts";
import { openNodeRedis } from "../../src/stores/redis/connections/node_redis.ts";
import type { RedisConnection } from "../../src/stores/redis/connections/connection.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import type { Policy } from "../../src/policy/policy.ts";
import type { Store } from "../../src/stores/store.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { limitArb, runs } from "../_support/arbitraries.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { Remote, settle } from "./_remote.ts";

/** Time stands still while real keys would expire: they get a minute more. */
const GRACE_MS = 60_000;

/** Longer than any test here takes. */
const CAP: LimiterOptions = { denyCacheMs: 86_400_000, onStoreError: "throw" };

/** One step of one process. */
interface Step {
  readonly ask: "try" | "peek" | "acquire" | "reserve" | "cancel" | "abort" | "refund" | "penalize" | "block" | "reset";
  /** Moves by µs, or to where the last denial said, plus `us`. */
  readonly move: "us" | "retry";
  readonly us: number;
  readonly share: number;
  readonly timeoutMs: number;
}

const stepArb: fc.Arbitrary<Step> = fc.record({
  ask: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom("try", "try", "try", "peek") },
    { weight: 3, arbitrary: fc.constantFrom("acquire", "acquire", "reserve", "abort", "cancel") },
    { weight: 1, arbitrary: fc.constantFrom("refund", "penalize", "block", "reset") },
  ),
  move: fc.constantFrom("us", "us", "us", "us", "retry"),
  us: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(-1, 0, 1, 1) },
    { weight: 4, arbitrary: fc.nat(2_000) },
    { weight: 1, arbitrary: fc.nat(700_000) },
  ),
  share: fc.oneof(fc.constantFrom(0, 0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
  timeoutMs: fc.constantFrom(0, 0, 1, 100, 5_000),
});

/** What a call came to: a decision, or something else. */
type Outcome = DecisionJSON | string;

/** A limiter whose traffic is written down. */
class Actor {
  readonly limiter: Limiter;
  /** What became of each call. */
  readonly log: Outcome[] = [];
  retryAfterMs = 0;
  readonly #reservations: Reservation[] = [];
  readonly #waits: AbortController[] = [];
  readonly #pending: Promise<unknown>[] = [];

  constructor(limiter: Limiter) {
    this.limiter = limiter;
  }

  async act({ ask, share, timeoutMs }: Step): Promise<void> {
    const { limiter } = this;
    const cost = 1 + Math.floor(share * (limiter.policy.capacity - 1));
    switch (ask) {
      case "try":
      case "peek": {
        const decision = ask === "try" ? await limiter.tryAcquire({ cost }) : await limiter.peek({ cost });
        if (!decision.allowed) this.retryAfterMs = decision.retryAfterMs;
        return void this.log.push(decision.toJSON());
      }
      case "acquire": {
        const abort = new AbortController();
        this.#waits.push(abort);
        const place = this.log.push("") - 1;
        const call = limiter.acquire({ cost, timeoutMs, signal: abort.signal });
        this.#pending.push(call.then(
          (permit) => void (this.log[place] = `waited ${permit.waitedMs}`),
          (error) => void (this.log[place] = told(error)),
        ));
        return;
      }
      case "reserve":
        return await limiter.reserve({ cost, timeoutMs }).then((reservation) => {
          this.#reservations.push(reservation);
          this.log.push(`waits ${reservation.waitMs}`);
        }, (error) => void this.log.push(told(error)));
      case "cancel":
        return void await this.#reservations.pop()?.settle(share > 0.5 ? 0 : 1);
      case "abort":
        return this.#waits.pop()?.abort("enough");
      case "refund":
        return await limiter.refund(cost);
      case "penalize":
        return void await limiter.penalize(cost);
      case "block":
        return await limiter.block(timeoutMs);
      case "reset":
        return await limiter.reset();
    }
  }

  /** Waits until all calls have ended. */
  async end(clock: FakeClock): Promise<void> {
    await clock.advance(10_000);
    await Promise.all(this.#pending);
  }
}

function told(error: unknown): Outcome {
  return error instanceof RateLimitedError ? error.decision.toJSON() : String(error);
}

/**
 * Fails unless two outcomes are the same. Of a blocked key, and of several limits, what is left is as the store told it
 * last; and a block may end before the rate has recovered: the reason then is the first one.
 */
function assertSame(outcome: Outcome, expected: Outcome, { rates }: Policy): void {
  if (typeof outcome === "string" || typeof expected === "string" || expected.allowed) {
    return assert.deepEqual(outcome, expected);
  }
  const isBlocked = outcome.reason === "blocked" || expected.reason === "blocked";
  const facts = ({ allowed, retryAfterMs, remaining, resetAfterMs, reason, limits }: DecisionJSON) => {
    if (rates.every(({ algorithm }) => algorithm === "token_bucket")) {
      return { allowed, retryAfterMs, remaining, resetAfterMs, limits, reason: isBlocked ? "" : reason };
    }
    if (isBlocked) return { allowed, retryAfterMs };
    return rates.length > 1
      ? { allowed, retryAfterMs, remaining, reason }
      : { allowed, retryAfterMs, remaining, resetAfterMs, limits, reason };
  };
  assert.deepEqual(facts(outcome), facts(expected));
}

async function sameTraffic(
  options: LimiterOptions,
  steps: readonly Step[],
  open: (clock: FakeClock) => Store,
): Promise<{ asked: number; askedWithout: number }> {
  const stores: Remote[] = [];
  const clock = new FakeClock(undefined, { settle: () => settle(stores) });
  const actors = [86_400_000, 0].map((denyCacheMs) => {
    const store = new Remote(clock, open(clock));
    stores.push(store);
    const limiters = { api: { ...options, ...CAP, denyCacheMs, timeoutMs: 0, decisionTimeoutMs: Infinity } };
    return new Actor(createRateSync({ stores: { store }, clock, limiters }).limiter("api"));
  }) as [Actor, Actor];
  for (const step of steps) {
    const [one, other] = actors;
    const us = step.move === "us" ? step.us : Math.round(other.retryAfterMs * 1_000) + Math.min(step.us, 1);
    await clock.advance(Math.max(us, 0) / 1_000);
    await one.act(step);
    await other.act(step);
  }
  for (const actor of actors) await actor.end(clock);
  const [one, other] = actors;
  assert.equal(one.log.length, other.log.length);
  one.log.forEach((outcome, i) => assertSame(outcome, other.log[i] as Outcome, one.limiter.policy));
  for (const store of stores) await store.resetAll();
  return { asked: stores[0]?.requests.length ?? 0, askedWithout: stores[1]?.requests.length ?? 0 };
}

const limitersArb: fc.Arbitrary<LimiterOptions> = fc.oneof(
  { weight: 4, arbitrary: limitArb as fc.Arbitrary<LimiterOptions> },
  { weight: 1, arbitrary: fc.record({ limits: fc.array(limitArb, { minLength: 2, maxLength: 3 }) }) },
);
const stepsArb = fc.array(stepArb, { minLength: 10, maxLength: 80, size: "max" });

describe("One process with the deny cache", () => {
  it("returns what it would return without it", async () => {
    let [asked, askedWithout] = [0, 0];
    await fc.assert(
      fc.asyncProperty(limitersArb, stepsArb, async (options, steps) => {
        const counts = await sameTraffic(options, steps, (clock) => new MemoryStore({ clock }));
        asked += counts.asked;
        askedWithout += counts.askedWithout;
      }),
      { numRuns: runs(200) },
    );
    assert.ok(asked < askedWithout * 0.95, `it asked ${asked} times, and ${askedWithout} times without`);
  });

  it("is so on Redis as well", async () => {
    const connection: RedisConnection = openNodeRedis({ url: redisUrl() });
    try {
      await fc.assert(
        fc.asyncProperty(limitersArb, stepsArb, async (options, steps) => {
          await sameTraffic(options, steps, (testClock) => {
            return new RedisStore(connection, { keyPrefix: freshPrefix(), testClock, timingMarginMs: GRACE_MS });
          });
        }),
        { numRuns: runs(15) },
      );
    } finally {
      await connection.close();
    }
  });
});

/** A process on a store, and how often it asks it. */
function scene(options: LimiterOptions, from?: { clock: FakeClock; backing: MemoryStore }) {
  const clock = from?.clock ?? new FakeClock();
  const backing = from?.backing ?? new MemoryStore({ clock });
  const store = new Remote(clock, backing);
  const rs = createRateSync({ stores: { store }, clock, limiters: { api: { onStoreError: "throw", ...options } } });
  return { clock, backing, store, rs, api: rs.limiter("api") };
}

describe("A denied key", () => {
  it("costs one request, then none until the named instant", async () => {
    const { api, clock, store } = scene({ limit: 1, windowMs: 900 });
    await api.tryAcquire();
    await clock.advance(100);
    assert.equal(await store.during(() => api.tryAcquire()), 1);
    const asked = await store.during(async () => {
      for (let i = 0; i < 500; i++) {
        await clock.advance(1);
        assert.equal((await api.tryAcquire()).retryAfterMs, 799 - i);
        assert.equal((await api.peek()).allowed, false);
        await assert.rejects(api.acquire({ timeoutMs: 10 }), RateLimitedError);
      }
      await clock.advance(299.999);
      assert.equal((await api.tryAcquire()).retryAfterMs, 0.001);
    });
    assert.equal(asked, 0);
    await clock.advance(0.001);
    assert.equal((await api.tryAcquire()).allowed, true);
  });

  it("is sent to the store again after the cap, 1 s by default", async () => {
    const { api, clock, store } = scene({ limit: 1, windowMs: 60_000 });
    await api.tryAcquire();
    await clock.advance(1);
    assert.equal(await store.during(() => api.tryAcquire()), 1);
    await clock.advance(999.999);
    assert.equal(await store.during(() => api.tryAcquire()), 0);
    await clock.advance(0.001);
    assert.equal(await store.during(() => api.tryAcquire()), 1);
  });

  it("is sent to the store each time when the cache is off", async () => {
    const { api, store } = scene({ limit: 1, windowMs: 60_000, denyCacheMs: 0 });
    for (let i = 0; i < 5; i++) assert.equal(await store.during(() => api.tryAcquire()), 1);
  });

  it("is sent to the store each time if the limiter has permits", async () => {
    const { api, clock, store } = scene({ maxConcurrent: 1, limit: 10, windowMs: 60_000 });
    const { permit } = await api.tryAcquire();
    for (let i = 0; i < 3; i++) assert.equal(await store.during(() => api.tryAcquire()), 1);
    await permit?.release();
    await clock.advance(1);
    assert.equal((await api.tryAcquire()).allowed, true);
  });

  it("denies each larger cost, and no smaller one", async () => {
    const { api, clock, store } = scene({ limit: 10, windowMs: 10_000 });
    await api.tryAcquire({ cost: 5 });
    await clock.advance(1);
    assert.equal((await api.tryAcquire({ cost: 8 })).retryAfterMs, 2_999);
    const asked = await store.during(async () => {
      assert.equal((await api.tryAcquire({ cost: 9 })).retryAfterMs, 3_999);
      assert.equal((await api.tryAcquire({ cost: 6 })).retryAfterMs, 999);
    });
    assert.equal(asked, 0);
    assert.equal((await api.tryAcquire({ cost: 1 })).allowed, true);
    assert.equal((await api.tryAcquire({ cost: 8 })).retryAfterMs, 3_999, "what was taken since counts");
  });

  it("is counted and reported like any other denial", async () => {
    const { api, clock } = scene({ limit: 1, windowMs: 60_000 });
    const denials: boolean[] = [];
    api.subscribe((event) => {
      if (event.type === "decision") denials.push(!event.decision.allowed);
    });
    await api.tryAcquire();
    await clock.advance(1);
    for (let i = 0; i < 3; i++) await api.tryAcquire();
    await assert.rejects(api.acquire({ timeoutMs: 10 }), RateLimitedError);
    assert.deepEqual(denials, [false, true, true, true, true]);
    const { totalAcquisitions, totalDenials } = api.metrics();
    assert.deepEqual([totalAcquisitions, totalDenials], [1, 4]);
  });

  it("holds while the store is unreachable, and then the failure policy decides", async () => {
    const { api, clock, store } = scene({ limit: 1, windowMs: 60_000, onStoreError: "allow" });
    await api.tryAcquire();
    await clock.advance(1);
    await api.tryAcquire();
    store.isDown = true;
    assert.equal((await api.tryAcquire()).allowed, false);
    await clock.advance(1_000);
    const decision = await api.tryAcquire();
    assert.deepEqual([decision.allowed, decision.degraded], [true, true]);
  });
});

describe("A remembered denial ends at once", () => {
  const options: LimiterOptions = { limit: 2, windowMs: 3_600_000, denyCacheMs: 3_600_000 };
  type Scene = ReturnType<typeof scene>;

  /** Each is done to a key that is denied; afterwards it is allowed. */
  const CORRECTIONS: Record<string, (scene: Scene) => Promise<unknown>> = {
    reset: ({ api }) => api.reset(),
    refund: ({ api }) => api.refund(1),
    resetAll: ({ rs }) => rs.resetAll(),
    configureLimiter: ({ rs }) => Promise.resolve(rs.configureLimiter("api", { ...options, burst: 20 })),
  };
  for (const [name, correct] of Object.entries(CORRECTIONS)) {
    it(`by ${name}`, async () => {
      const all = scene(options);
      await all.api.tryAcquire({ cost: 2 });
      await all.clock.advance(1);
      assert.equal((await all.api.tryAcquire()).allowed, false);
      await correct(all);
      assert.equal((await all.api.tryAcquire()).allowed, true);
    });
  }

  it("by block(0), of a block", async () => {
    const { api, clock } = scene(options);
    await api.block(1_000_000);
    await clock.advance(1);
    for (let i = 0; i < 2; i++) assert.equal((await api.tryAcquire()).reason, "blocked");
    await api.block(0);
    assert.equal((await api.tryAcquire()).allowed, true);
  });

  for (const used of [0, 1]) {
    it(`by settling a reservation at ${used}`, async () => {
      const { api, clock } = scene(options);
      const reservation = await api.reserve({ cost: 2 });
      await clock.advance(1);
      assert.equal((await api.tryAcquire()).allowed, false);
      await (used === 0 ? reservation.cancel() : reservation.settle(used));
      assert.equal((await api.tryAcquire()).allowed, true);
    });
  }

  it("by a wait that is given up", async () => {
    const { api, clock } = scene({ ...options, windowMs: 2_000 });
    await api.tryAcquire({ cost: 2 });
    const abort = new AbortController();
    const waiting = api.acquire({ signal: abort.signal });
    await clock.advance(1);
    assert.equal((await api.tryAcquire()).retryAfterMs, 1_999);
    abort.abort(new Error("enough"));
    await assert.rejects(waiting, /enough/);
    await clock.advance(0);
    assert.equal((await api.tryAcquire()).retryAfterMs, 999);
  });

  it("even if the reply to the denial comes after it", async () => {
    const clock = new FakeClock();
    const store = new Remote(clock, new MemoryStore({ clock }), () => 100);
    const rs = createRateSync({ stores: { store }, clock, limiters: { api: options } });
    const api = rs.limiter("api");
    await clock.runUntil(api.tryAcquire({ cost: 2 }));
    const denial = api.acquire({ timeoutMs: 0 });
    denial.catch(() => {});
    await clock.advance(0.001);
    await clock.runUntil(api.reset());
    await assert.rejects(denial, RateLimitedError);
    assert.equal((await clock.runUntil(api.tryAcquire())).allowed, true);
  });

  it("even if the store does not say whether it was done", async () => {
    const { api, clock, store } = scene(options);
    await api.tryAcquire({ cost: 2 });
    await clock.advance(1);
    await api.tryAcquire();
    store.isDown = true;
    await assert.rejects(api.reset());
    store.isDown = false;
    assert.equal(await store.during(() => api.tryAcquire()), 1);
  });
});

describe("Several processes with the deny cache", () => {
  it("deny nothing that the store would have allowed, whatever the others take", async () => {
    await fc.assert(
      fc.asyncProperty(limitersArb, fc.array(fc.tuple(stepArb, fc.nat(2)), { maxLength: 60, size: "max" }), async (
        options,
        steps,
      ) => {
        const first = scene({ ...options, ...CAP });
        const { clock, backing } = first;
        const processes = [
          first.api,
          scene({ ...options, ...CAP }, first).api,
          scene({ ...options, ...CAP }, first).api,
        ];
        const judge = createRateSync({ stores: { backing }, clock, limiters: { api: { ...options, ...CAP } } });
        for (const [{ us, share }, who] of steps) {
          await clock.advance(Math.max(us, 0) / 1_000);
          const limiter = processes[who] as Limiter;
          const cost = 1 + Math.floor(share * (limiter.policy.capacity - 1));
          const truth = await judge.peek("api", { cost });
          const decision = await limiter.tryAcquire({ cost });
          assert.equal(decision.allowed, truth.allowed);
          assert.ok(decision.retryAfterMs <= truth.retryAfterMs, "others can only make it longer");
        }
      }),
      { numRuns: runs(100) },
    );
  });

  it("hear of another's correction after the cap at the latest", async () => {
    const one = scene({ limit: 1, windowMs: 3_600_000, denyCacheMs: 500 });
    const other = scene({ limit: 1, windowMs: 3_600_000, denyCacheMs: 500 }, one);
    await one.api.tryAcquire();
    await one.clock.advance(1);
    await one.api.tryAcquire();
    await other.api.reset();
    await one.clock.advance(499.999);
    assert.equal((await one.api.tryAcquire()).allowed, false);
    await one.clock.advance(0.001);
    assert.equal((await one.api.tryAcquire()).allowed, true);
  });
});

describe("A denial that still holds", () => {
  it("is repeated without a promise and without a request, with what tryAcquire() says", async () => {
    const clock = new FakeClock();
    const store = new Remote(clock);
    const rs = createRateSync({ stores: { store }, clock, limiters: { api: { ...CAP, ratePerSecond: 1, burst: 1 } } });
    const api = rs.limiter("api");
    await api.tryAcquire({ key: "a" });
    const first = await api.tryAcquire({ key: "a" });
    await clock.advance(100);
    const asked = store.requests.length;
    const again = api.decide("a", 1);
    assert.ok(!(again instanceof Promise), "it is a decision");
    assert.deepEqual([again.reason, again.retryAfterMs], ["rate", first.retryAfterMs - 100]);
    assert.deepEqual((await api.tryAcquire({ key: "a" })).toJSON(), again.toJSON());
    assert.equal(store.requests.length, asked);
    assert.equal(api.metrics().denyCacheHits, 2);
    assert.equal(api.metrics().totalDenials, 3);
    assert.throws(() => api.tryAcquireSync("a"), { code: "CONFIG_INVALID" }, "not by chance");
    assert.ok(api.decide("b", 1) instanceof Promise, "another key is asked for");
  });
});
