import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import { createRateSync, type Decision, type LimiterOptions, type RateSync, type StoreConfig } from "@ratesync/core";
import { runs } from "../_support/arbitraries.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { type RestRedis, startRestRedis, TOKEN } from "../_support/rest_redis.ts";

/** So long that nothing refills while a test runs. */
const HOUR = 3_600_000;

const CORRECTIONS = ["block", "unblock", "penalize", "refund", "reset"] as const;
const OTHERS = ["tryAcquire", "tryAcquire", "tryAcquire", "peek", "reserve"] as const;

/** One call of a program. */
interface Step {
  readonly verb: (typeof CORRECTIONS)[number] | (typeof OTHERS)[number];
  /** Who is limited; "" for the limiter as a whole. */
  readonly key: string;
  readonly units: number;
}

const stepArb: fc.Arbitrary<Step> = fc.record({
  verb: fc.constantFrom(...CORRECTIONS, ...OTHERS),
  key: fc.constantFrom("", "a", "b", "long".repeat(60)),
  units: fc.integer({ min: 1, max: 3 }),
});

const isCorrection = ({ verb }: Step) => (CORRECTIONS as readonly string[]).includes(verb);

/** What a call tells, without what depends on how long the test takes. */
function told({ allowed, reason, remaining }: Decision): string {
  return allowed ? `allowed, ${remaining} left` : `denied by ${reason}`;
}

async function run(rs: RateSync<"api">, { verb, key, units }: Step): Promise<string> {
  const who = key === "" ? {} : { key };
  switch (verb) {
    case "tryAcquire":
      return told(await rs.tryAcquire("api", { ...who, cost: units }));
    case "peek":
      return told(await rs.peek("api", { ...who, cost: units }));
    case "reserve":
      return await rs.reserve("api", { ...who, cost: units, timeoutMs: 0 }).then(
        ({ decision }) => told(decision),
        ({ decision }: { decision: Decision }) => told(decision),
      );
    case "block":
      return await rs.block("api", HOUR, who).then(String);
    case "unblock":
      return await rs.block("api", 0, who).then(String);
    case "penalize":
      return await rs.penalize("api", units, who).then(String);
    case "refund":
      return await rs.refund("api", units, who).then(String);
    case "reset":
      return await rs.reset("api", who).then(String);
  }
}

const FORGIVING: Readonly<Record<string, (rs: RateSync<"api">) => Promise<void>>> = {
  "reset()": (rs) => rs.reset("api"),
  "refund()": (rs) => rs.refund("api", 3),
  "block(0)": (rs) => rs.block("api", 0),
};

const LIMITERS: Readonly<Record<string, LimiterOptions>> = {
  "a token bucket": { limit: 5, windowMs: HOUR },
  "a sliding window": { algorithm: "sliding_window", limit: 5, windowMs: HOUR },
  "a fixed window and a token bucket": {
    limits: [{ algorithm: "fixed_window", limit: 4, windowMs: HOUR }, { limit: 5, windowMs: HOUR }],
  },
};

describe("Calls that are not awaited", () => {
  let rest: RestRedis;
  before(async () => void (rest = await startRestRedis()));
  after(() => rest[Symbol.asyncDispose]());

  const stores: Readonly<Record<string, () => StoreConfig>> = {
    memory: () => ({ engine: "memory" }),
    Redis: () => ({ engine: "redis", url: redisUrl(), keyPrefix: freshPrefix() }),
    "Redis over REST": () => ({ engine: "redis", url: rest.url, token: TOKEN, keyPrefix: freshPrefix() }),
  };

  function open(store: StoreConfig, api: LimiterOptions): RateSync<"api"> {
    return createRateSync({
      stores: { store },
      limiters: { api: { ...api, onStoreError: "throw", decisionTimeoutMs: 20_000 } },
    });
  }

  for (const [place, config] of Object.entries(stores)) {
    for (const [limiter, options] of Object.entries(LIMITERS)) {
      it(`decide as awaited ones, from the first call on: ${limiter} on ${place}`, async () => {
        const steps = fc.array(stepArb, { minLength: 1, maxLength: 12 });
        await fc.assert(
          fc.asyncProperty(steps, async (program) => {
            await using waiting = open(config(), options);
            await using hasty = open(config(), options);
            const expected: string[] = [];
            for (const step of program) expected.push(await run(waiting, step));
            assert.deepEqual(await Promise.all(program.map((step) => run(hasty, step))), expected);
          }),
          { numRuns: runs(place === "memory" ? 100 : 8) },
        );
      });
    }

    const remembering: Readonly<Record<string, LimiterOptions>> = {
      "a remembered denial": { limit: 3, windowMs: HOUR },
      "a remembered denial of a window": { algorithm: "sliding_window", limit: 3, windowMs: HOUR },
      ...(place === "memory" ? {} : { "token leases": { limit: 8, windowMs: HOUR, tokenLeaseMs: 1_000 } }),
    };
    for (const [known, options] of Object.entries(remembering)) {
      it(`${known} does not hide a correction from later calls: ${place}`, async () => {
        const steps = fc.array(stepArb, { minLength: 1, maxLength: 12 });
        await fc.assert(
          fc.asyncProperty(steps, async (program) => {
            await using waiting = open(config(), options);
            await using hasty = open(config(), options);
            const pending: Promise<string>[] = [];
            for (const step of program.filter(({ verb }) => verb !== "reserve")) {
              const expected = (await run(waiting, step)).replace(/,.*/, "");
              const got = run(hasty, step);
              if (isCorrection(step)) pending.push(got);
              else assert.equal((await got).replace(/,.*/, ""), expected);
            }
            await Promise.all(pending);
          }),
          { numRuns: runs(place === "memory" ? 50 : 8) },
        );
      });

      for (const [correction, correct] of Object.entries(FORGIVING)) {
        it(`a call right after ${correction} is allowed in spite of ${known}: ${place}`, async () => {
          await using rs = open(config(), options);
          if (correction === "block(0)") await rs.block("api", HOUR);
          for (let i = 0; i < 20; i++) await rs.tryAcquire("api");
          assert.equal((await rs.tryAcquire("api")).allowed, false);
          const done = correct(rs);
          assert.equal((await rs.tryAcquire("api")).allowed, true);
          await done;
        });
      }
    }
  }

  it("resetAll() of the memory store takes effect at once", async () => {
    await using rs = open({ engine: "memory" }, { limit: 1, windowMs: HOUR });
    await rs.tryAcquire("api");
    const resetting = rs.resetAll();
    assert.equal((await rs.tryAcquire("api")).allowed, true);
    await resetting;
  });

  it("a correction that fails rejects, and later calls go on", async () => {
    await using rs = open({ engine: "memory" }, { limit: 1, windowMs: HOUR });
    const [correction, decision] = await Promise.allSettled([rs.penalize("api", 0.5), rs.tryAcquire("api")]);
    assert.equal(correction.status, "rejected");
    assert.equal(decision.status === "fulfilled" && decision.value.allowed, true);
  });
});
