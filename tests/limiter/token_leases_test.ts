import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { createRateSync, type Decision, type Limiter, type LimiterOptions, type RateSync } from "../../mod.ts";
import type { TokenBucketLimit } from "../../src/algorithms/limit.ts";
import { tokenBucket } from "../../src/algorithms/token_bucket/kernel.ts";
import { compileLimit } from "../../src/policy/compile_policy.ts";
import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import { FakeClock, nextTurn } from "../../src/testing/fake_clock.ts";
import { runs } from "../_support/arbitraries.ts";
import { assertBucket } from "../algorithms/_bounds.ts";
import type { Grant } from "../algorithms/_track.ts";
import { Remote } from "./_remote.ts";

/** Several processes on one store. */
class Fleet {
  readonly clock = new FakeClock();
  readonly backing = new MemoryStore({ clock: this.clock });
  readonly options: LimiterOptions;
  /** What was admitted, and when. */
  readonly admitted: Pick<Grant, "cost" | "atUs">[] = [];
  readonly stores: Remote[] = [];
  readonly #latencyUs: () => number;

  constructor(options: LimiterOptions, latencyUs: () => number = () => 0) {
    this.options = { onStoreError: "throw", ...options };
    this.#latencyUs = latencyUs;
  }

  /** Starts one more process. */
  start(): { rs: RateSync<"api" | "other">; api: Limiter; store: Remote } {
    const store = new Remote(this.clock, this.backing, this.#latencyUs);
    this.stores.push(store);
    const limiters = { api: this.options, other: { ratePerSecond: 1, burst: 100 } };
    const rs = createRateSync({ stores: { store }, clock: this.clock, limiters });
    return { rs, api: rs.limiter("api"), store };
  }

  /** Tries, and writes down what was admitted. */
  async try(limiter: Limiter, cost: number = 1): Promise<Decision> {
    const decision = await limiter.tryAcquire({ cost });
    if (decision.allowed) this.admit(cost);
    return decision;
  }

  /** Writes down what was admitted. */
  admit(cost: number): void {
    this.admitted.push({ cost, atUs: this.clock.nowUs() });
  }

  /** How many requests the stores got. */
  get requests(): number {
    return this.stores.reduce((sum, { requests }) => sum + requests.length, 0);
  }

  /** How many units a process without any could take at once. */
  async left(): Promise<number> {
    return (await this.start().api.peek()).remaining;
  }

  /** Fails if more was admitted than was configured. */
  assertBound(): void {
    const { tokenLeaseMs: _, denyCacheMs: __, onStoreError: ___, ...limit } = this.options;
    assertBucket(compileLimit(limit, "") as TokenBucketLimit, this.admitted as Grant[]);
  }

  /** Traffic of a process that never has enough: so many calls at a time, again and again, for a time. */
  async saturate(limiter: Limiter, lanes: number, forMs: number): Promise<number> {
    const endUs = this.clock.nowUs() + forMs * 1_000;
    let allowed = 0;
    const lane = async () => {
      while (this.clock.nowUs() < endUs) {
        const decision = await this.try(limiter);
        if (decision.allowed) allowed++;
        else await this.sleep(decision.retryAfterMs);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return allowed;
  }

  /** Waits on the fleet's clock. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) =>
      void this.clock.schedule(this.clock.nowUs() + Math.max(Math.ceil(ms * 1_000), 1), resolve)
    );
  }
}

describe("The bound with token leases", () => {
  const optionsArb = fc.record({
    ratePerSecond: fc.constantFrom(0.7, 1 / 3, 3, 10, 33.3, 500, 700_001),
    burst: fc.integer({ min: 2, max: 60 }),
    tokenLeaseMs: fc.constantFrom(1, 7, 50, 400, 1_000, 5_000, 10_000),
    denyCacheMs: fc.constantFrom(0, 50, 1_000),
  }).filter(({ ratePerSecond, burst, tokenLeaseMs }) => burst > Math.ceil(ratePerSecond * tokenLeaseMs / 1_000));

  const stepArb = fc.record({
    who: fc.nat(3),
    ask: fc.oneof(
      { weight: 10, arbitrary: fc.constantFrom("try", "many", "many", "sync") },
      { weight: 4, arbitrary: fc.constantFrom("acquire", "abort", "peek") },
      { weight: 1, arbitrary: fc.constantFrom("close", "crash") },
    ),
    share: fc.oneof(fc.constantFrom(0, 0, 0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
    /** A share of the lease time, of the time of a unit, or of that of the bucket. */
    move: fc.constantFrom("none", "none", "lease", "unit", "bucket"),
    by: fc.oneof(fc.double({ min: 0, max: 1.1, noNaN: true }), fc.constantFrom(0.25, 0.5, 1)),
    many: fc.integer({ min: 2, max: 30 }),
  });

  it("is that of the configured limit, whatever the processes do", async () => {
    let [ahead, returned] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        optionsArb,
        fc.array(stepArb, { minLength: 5, maxLength: 80, size: "max" }),
        fc.constantFrom(0, 0, 300, 20_000),
        async (options, steps, latencyUs) => {
          const fleet = new Fleet(options, () => latencyUs);
          const all = Array.from({ length: 4 }, () => fleet.start());
          const aborts: AbortController[] = [];
          const { capacity } = all[0]?.api.policy as { capacity: number };
          for (const { who, ask, share, move, by, many } of steps) {
            const unitMs = 1_000 / options.ratePerSecond;
            const spanMs = { none: 0, lease: options.tokenLeaseMs, unit: unitMs, bucket: options.burst * unitMs }[move];
            await fleet.clock.advance(spanMs * by);
            const { rs, api } = all[who] as ReturnType<Fleet["start"]>;
            const cost = 1 + Math.floor(share * (capacity - 1));
            if (ask === "try") void fleet.try(api, cost).catch(() => {});
            else if (ask === "many") { for (let i = 0; i < many; i++) void fleet.try(api).catch(() => {}); }
            else if (ask === "sync") {
              for (let i = 0; i < many; i++) if (api.tryAcquireSync()?.allowed) fleet.admit(1);
            } else if (ask === "peek") void api.peek({ cost }).catch(() => {});
            else if (ask === "abort") aborts.pop()?.abort();
            else if (ask === "acquire") {
              const abort = new AbortController();
              aborts.push(abort);
              api.acquire({ cost, timeoutMs: unitMs * 3, signal: abort.signal }).then(
                () => fleet.admit(cost),
                () => {},
              );
            } else {
              // A crash gives nothing back, a close everything.
              if (ask === "close") void rs.close();
              all[who] = fleet.start();
            }
          }
          await fleet.clock.advance(options.tokenLeaseMs);
          fleet.assertBound();
          const asked = fleet.stores.flatMap(({ requests }) => requests);
          ahead += asked.filter((request) => request.op === "take" && (request.times ?? 1) > 1).length;
          returned += asked.filter(({ op }) => op === "giveBack").length;
        },
      ),
      { numRuns: runs(80) },
    );
    assert.ok(ahead > 50 && returned > 10, `only ${ahead} leases, and ${returned} returns`);
  });

  it("holds on the kernel: for any charge, partial use, and order of give-backs", () => {
    const limitArb = fc.record({
      ratePerSecond: fc.constantFrom(0.7, 1 / 3, 3, 10, 33.3, 1_000, 700_001, 1_000_000),
      burst: fc.integer({ min: 1, max: 40 }),
    });
    const stepArb = fc.record({
      ask: fc.constantFrom("lease", "lease", "back"),
      units: fc.integer({ min: 1, max: 20 }),
      used: fc.double({ min: 0, max: 1, noNaN: true }),
      pick: fc.nat(100),
      move: fc.oneof(fc.constantFrom(0, 0, 0.01, 1), fc.double({ min: 0, max: 0.5, noNaN: true })),
      us: fc.constantFrom(0, 1, 2),
    });
    fc.assert(
      fc.property(limitArb, fc.array(stepArb, { maxLength: 120, size: "max" }), (options, steps) => {
        const limit = compileLimit(options, "") as TokenBucketLimit;
        const { intervalUs, intervalRem, denominator, capacity } = limit;
        let [state, nowUs] = [tokenBucket.fresh(), 1.7e15];
        const used: Grant[] = [];
        const unused: { units: number; atUs: number }[] = [];
        for (const { ask, units, used: share, pick, move, us } of steps) {
          nowUs += Math.floor(move * limit.burstUs) + us;
          if (ask === "lease") {
            let taken = 0;
            while (taken < Math.min(units, capacity) && tokenBucket.earliest(state, nowUs, 1, limit) === nowUs) {
              state = tokenBucket.take(state, nowUs, nowUs, 1, limit);
              taken++;
            }
            const cost = Math.round(taken * share);
            used.push({ cost, atUs: nowUs } as Grant);
            unused.push({ units: taken - cost, atUs: nowUs });
          } else if (unused.length > 0) {
            const [lease] = unused.splice(pick % unused.length, 1) as [{ units: number; atUs: number }];
            const carry = Math.floor(lease.units * intervalRem / denominator);
            const level = [lease.units * intervalUs + carry, lease.units * intervalRem - carry * denominator] as const;
            const mark = { nowUs: lease.atUs, atUs: lease.atUs, cost: 0, level };
            if (lease.units > 0) state = tokenBucket.giveBack(state, nowUs, lease.units, mark, limit);
          }
        }
        assertBucket(limit, used.filter(({ cost }) => cost > 0));
      }),
      { numRuns: runs(500) },
    );
  });
});

/** A hundred a second, and a hundred at once of which ten are lent. */
const HUNDRED: LimiterOptions = { ratePerSecond: 100, burst: 100, tokenLeaseMs: 100 };

describe("A fleet with token leases", () => {
  for (const processes of [1, 2, 4]) {
    for (const lanes of [1, 20]) {
      it(`gets the whole rate with ${processes} processes under full load, ${lanes} calls at a time`, async () => {
        const fleet = new Fleet({ ratePerSecond: 100, burst: 60, tokenLeaseMs: 200 });
        const all = Array.from({ length: processes }, () => fleet.start());
        const work = Promise.all(all.map(({ api }) => fleet.saturate(api, lanes, 20_000)));
        const counts = await fleet.clock.runUntil(work);
        const total = counts.reduce((sum, count) => sum + count, 0);
        fleet.assertBound();
        assert.ok(total >= 0.9 * 20 * 100, `only ${total} of 2000`);
      });
    }
  }

  it("decides without a promise from what it has leased, and leases more for the next calls", async () => {
    const fleet = new Fleet({ ...HUNDRED, ratePerSecond: 0.1, tokenLeaseMs: 10_000 });
    const { api, store } = fleet.start();
    const keyed = api.for("user:1");
    assert.equal(keyed.tryAcquireSync(), undefined, "the store is not open yet");
    assert.equal((await keyed.tryAcquire()).allowed, true);
    assert.equal(keyed.tryAcquireSync(), undefined, "the lease of one unit was used");
    await nextTurn();
    const decision = keyed.tryAcquireSync();
    assert.ok(decision?.allowed, "the call before has leased a unit");
    assert.deepEqual([decision.limiter, decision.key, decision.cost, decision.degraded], ["api", "user:1", 1, false]);
    assert.equal(decision.limits.length, 1);
    assert.equal(keyed.tryAcquireSync({ cost: 5 }), undefined);
    await nextTurn();
    const asked = await store.during(() => Promise.resolve(assert.ok(keyed.tryAcquireSync({ cost: 5 })?.allowed)));
    assert.equal(asked, 0, "all five were leased");
    assert.equal(api.metrics().totalAcquisitions, 3, "an undecided call is not counted");
    assert.equal(api.metrics().tokenLeaseHits, 2);
  });

  it("repeats a denial without a promise, and takes nothing for a cost that a process should not lease", async () => {
    const fleet = new Fleet({ ...HUNDRED, ratePerSecond: 0.1, tokenLeaseMs: 10_000 });
    const { api, store } = fleet.start();
    const { capacity } = api.policy;
    assert.equal(await store.during(async () => await api.tryAcquire({ cost: capacity })) > 0, true);
    const denied = await api.tryAcquire();
    assert.equal(denied.allowed, false);
    const again = api.tryAcquireSync();
    assert.deepEqual([again?.allowed, again?.reason], [false, "rate"]);
    assert.ok((again?.retryAfterMs ?? 0) > 0);
    const { api: other, store: way } = fleet.start();
    await other.peek();
    assert.equal(
      await way.during(async () => {
        assert.equal(other.tryAcquireSync({ cost: capacity }), undefined);
        await nextTurn();
      }),
      0,
    );
  });

  it("gives unused units back within the lease time", async () => {
    const fleet = new Fleet({ ...HUNDRED, ratePerSecond: 0.1, tokenLeaseMs: 10_000 });
    const { api, store } = fleet.start();
    for (let i = 0; i < 10; i++) await fleet.try(api);
    const { capacity } = api.policy;
    assert.ok(await fleet.left() < capacity - 10, "it holds some");
    await fleet.clock.advance(5_000);
    assert.equal(await fleet.left(), capacity - 10);
    assert.equal(store.requests.at(-1)?.op, "giveBack");
    assert.equal(await store.during(() => fleet.clock.advance(60_000)), 0, "it then has nothing more to do");
  });

  it("gives them back when it is closed: another takes all but what was used", async () => {
    const fleet = new Fleet({ ...HUNDRED, ratePerSecond: 0.1, tokenLeaseMs: 10_000 });
    const { rs, api } = fleet.start();
    for (let i = 0; i < 10; i++) await fleet.try(api);
    await rs.close();
    const other = fleet.start().api;
    assert.equal((await other.tryAcquire({ cost: other.policy.capacity - 10 })).allowed, true);
    assert.equal((await other.tryAcquire()).allowed, false);
  });

  it("holds at most half of the bucket in a process, whatever it was asked for", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 50 }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 40 })), { maxLength: 30 }),
        async (burst, asks) => {
          // A rate so low that nothing refills meanwhile.
          const fleet = new Fleet({ ratePerSecond: 1e-6, burst, tokenLeaseMs: 10_000 });
          const { api } = fleet.start();
          const { capacity } = api.policy;
          for (const [cost, calls] of asks) {
            await Promise.all(Array.from({ length: calls }, () => fleet.try(api, Math.min(cost, capacity))));
            await nextTurn();
            const used = fleet.admitted.reduce((sum, grant) => sum + grant.cost, 0);
            const stranded = capacity - used - await fleet.left();
            assert.ok(stranded <= Math.max(Math.floor(capacity / 2), 1), `${stranded} of ${capacity}`);
            await fleet.clock.advance(300);
          }
        },
      ),
      { numRuns: runs(100) },
    );
  });

  it("needs at most one request in a hundred decisions for a hot key", async () => {
    const fleet = new Fleet({ ratePerSecond: 10_000, burst: 10_000, tokenLeaseMs: 500 });
    const { api, store } = fleet.start();
    const warm = () => fleet.clock.runUntil(fleet.saturate(api, 5, 100));
    await warm();
    const before = fleet.admitted.length;
    const asked = await store.during(warm);
    const decisions = fleet.admitted.length - before;
    assert.ok(asked <= decisions / 100, `${asked} requests for ${decisions} decisions`);
  });

  it("needs at most one request a decision for a key with a low rate, however low", async () => {
    for (const everyMs of [1, 20, 90, 130, 260, 600, 1_500, 10_000]) {
      const fleet = new Fleet({ ratePerSecond: 100, burst: 200, tokenLeaseMs: 1_000 });
      const { api, store } = fleet.start();
      for (let i = 0; i < 40; i++) {
        await fleet.try(api);
        await fleet.clock.advance(everyMs);
      }
      await fleet.clock.advance(10_000);
      assert.ok(store.requests.length <= 41, `${store.requests.length} requests for 40 calls, one in ${everyMs} ms`);
    }
  });

  it("needs one request for the first call of an idle key", async () => {
    const fleet = new Fleet(HUNDRED);
    const { api, store } = fleet.start();
    for (let i = 0; i < 3; i++) {
      assert.equal(await store.during(() => fleet.try(api)), 1);
      assert.equal(await store.during(() => fleet.clock.advance(10_000)), 0);
    }
  });
});

describe("A modest process beside a greedy one", () => {
  for (
    const [name, options] of Object.entries<LimiterOptions>({
      "a hot limiter": { ratePerSecond: 200, burst: 150, tokenLeaseMs: 400 },
      "a long lease": { ratePerSecond: 5, burst: 60, tokenLeaseMs: 5_000 },
      "a slow limiter": { ratePerSecond: 5, burst: 10, tokenLeaseMs: 500 },
      "a small bucket": { ratePerSecond: 5, burst: 4, tokenLeaseMs: 200 },
    })
  ) {
    it(`waits for a unit and the lease time at most, with ${name}`, async () => {
      let longestMs = 0;
      for (let round = 0; round < 5; round++) {
        const fleet = new Fleet(options);
        const [greedy, modest] = [fleet.start().api, fleet.start().api];
        const done = Promise.all([
          fleet.saturate(greedy, 30, 30_000),
          (async () => {
            const endUs = fleet.clock.nowUs() + 30_000_000;
            while (fleet.clock.nowUs() < endUs) {
              const startUs = fleet.clock.nowUs();
              let decision = await fleet.try(modest);
              while (!decision.allowed) {
                await fleet.sleep(decision.retryAfterMs);
                decision = await fleet.try(modest);
              }
              longestMs = Math.max(longestMs, (fleet.clock.nowUs() - startUs) / 1_000);
              await fleet.sleep(137);
            }
          })(),
        ]);
        await fleet.clock.runUntil(done);
      }
      const { ratePerSecond = 0, tokenLeaseMs = 0 } = options;
      assert.ok(longestMs <= 1_000 / ratePerSecond + tokenLeaseMs, `${longestMs} ms`);
    });
  }
});
