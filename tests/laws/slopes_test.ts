import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { LimiterOptions } from "../../src/policy/options.ts";
import { marksOf, type Target } from "../../src/stores/store.ts";
import { correct, ScriptTimes, take, type Verb } from "./_script_times.ts";

/** What is 16 times as large may take 16 to this power times as long. */
const STEEPEST = 0.2;

/**
 * Times of less than this part of the reference are as good as equal: they are commands, and what a busy machine adds. The
 * reference is a script that does the same on every machine, and takes about 430 µs.
 */
const LEAST = 0.35;

/** How long a script may take at the most, in references: about a millisecond. */
const LONGEST = 2.3;

/**
 * The same where an exact window of more than 38 hours keeps a cost of a million in 3 922 runs, of up to 255 units each: those
 * are 31 kB, which Lua hashes whenever they become a string.
 */
const LONGEST_OF_DAYS = 5;

const HOUR_MS = 3_600_000;

/** Rules of each kind, with so many units an hour. */
const KINDS: Record<string, (limit: number) => LimiterOptions> = {
  token_bucket: (limit) => ({ limit, windowMs: HOUR_MS }),
  fixed_window: (limit) => ({ algorithm: "fixed_window", limit, windowMs: HOUR_MS }),
  sliding_window_counter: (limit) => ({ algorithm: "sliding_window_counter", limit, windowMs: HOUR_MS }),
  sliding_window: (limit) => ({ algorithm: "sliding_window", limit, windowMs: HOUR_MS }),
  several: (limit) => ({
    limits: [
      { limit, windowMs: HOUR_MS },
      { algorithm: "sliding_window", limit, windowMs: HOUR_MS },
      { algorithm: "fixed_window", limit, windowMs: HOUR_MS },
    ],
  }),
};

/** Takes a cost for later, as a call that gives up does, and gives it back. */
function giveUp(cost: number): Verb {
  const marks = new Map<Target, Awaited<ReturnType<typeof take>>>();
  return {
    prepare: async (target, store) => void marks.set(target, await take(target, store, cost, "wait")),
    act: async (target, store) => {
      const targets = [{ ...target, cost }];
      const reply = marks.get(target) as Awaited<ReturnType<typeof take>>;
      await store.execute({ op: "giveBack", targets, marks: marksOf(targets, reply) });
    },
  };
}

/** What can be asked of a key, in the order in which it is. */
const VERBS = ["take", "peek", "wait", "give back", "refund", "penalize", "block", "reset"] as const;

function verbs(cost: number): Record<(typeof VERBS)[number], Verb> {
  return {
    take: { act: (target, store) => take(target, store, cost, "now") },
    peek: { act: (target, store) => take(target, store, cost, "peek") },
    wait: { act: (target, store) => take(target, store, cost, "wait") },
    "give back": giveUp(cost),
    refund: { act: (target, store) => correct(target, store, "refund", cost) },
    penalize: { act: (target, store) => correct(target, store, "penalize", cost) },
    block: { act: (target, store) => correct(target, store, "block", cost) },
    reset: { act: (target, store) => correct(target, store, "reset", cost) },
  };
}

/** Fails if times that belong to sizes of n, 4n and 16n grow too fast. */
function assertFlat(times: readonly number[], what: string, leastUs: number): void {
  const [first = 0, ...more] = times.map((us) => Math.max(us, leastUs));
  const slope = Math.log((more.at(-1) ?? first) / first) / Math.log(16);
  assert.ok(slope <= STEEPEST, `${what}: ${times.join(", ")} µs, an exponent of ${slope.toFixed(2)}`);
}

/** Measures again if a first result is bad: what grows does so each time, and what was disturbed does not. */
async function twice(measured: () => Promise<void>): Promise<void> {
  try {
    await measured();
  } catch (error) {
    if (!(error instanceof assert.AssertionError)) throw error;
    await measured();
  }
}

describe("The time of a script", () => {
  let times: ScriptTimes;
  before(async () => {
    times = await ScriptTimes.open();
  });
  after(() => times[Symbol.asyncDispose]());

  /** Measures every verb on keys of three sizes. */
  async function measure(
    sizes: readonly number[],
    costOf: (size: number) => number,
    keysOf: (size: number) => Promise<Target[]>,
  ): Promise<Map<string, number[]>> {
    const keys: Target[][] = [];
    for (const size of sizes) keys.push(await keysOf(size));
    const costs = sizes.map(costOf);
    const measured = new Map<string, number[]>();
    for (const name of VERBS) {
      measured.set(name, await times.of(keys, (size) => verbs(costs[size] as number)[name]));
    }
    return measured;
  }

  it("is about a millisecond at most at a limit and a cost of a million, with an exact window of two days", () =>
    twice(async () => {
      const limit = 1_000_000;
      const referenceUs = await times.reference();
      const rules: LimiterOptions = { algorithm: "sliding_window", limit, windowMs: 48 * HOUR_MS };
      const measured = await measure(
        [limit],
        () => limit,
        () => times.keys(rules, (target, store) => take(target, store, limit, "now")),
      );
      for (const [name, [us = 0]] of measured) {
        assert.ok(us < referenceUs * LONGEST_OF_DAYS, `${name}: ${us} µs, reference ${referenceUs} µs`);
      }
    }));

  for (const [kind, rules] of Object.entries(KINDS)) {
    it(`does not grow with limit and cost, and is about a millisecond at most, with ${kind}`, () =>
      twice(async () => {
        const referenceUs = await times.reference();
        const measured = await measure(
          [62_500, 250_000, 1_000_000],
          (limit) => limit,
          (limit) => times.keys(rules(limit), (target, store) => take(target, store, limit, "now")),
        );
        for (const [name, us] of measured) {
          assertFlat(us, name, referenceUs * LEAST);
          assert.ok(
            Math.max(...us) < referenceUs * LONGEST,
            `${name}: ${us.join(", ")} µs, reference ${referenceUs} µs`,
          );
        }
      }));

    // Ten calls share a window here. A window that each call has for itself is stored in 11 bytes, and a value that grows
    // by these is read and written as a whole: with a limit of 1 the time grows with an exponent of 0.2 to 0.35.
    it(`does not grow with the number of calls that wait, with ${kind}`, () =>
      twice(async () => {
        const referenceUs = await times.reference();
        const measured = await measure(
          [150, 600, 2_400],
          () => 1,
          (waiters) =>
            times.keys(rules(10), async (target, store) => {
              for (let waiting = 0; waiting < waiters; waiting += 50) {
                await Promise.all(Array.from({ length: 50 }, () => take(target, store, 1, "wait")));
              }
            }),
        );
        for (const [name, us] of measured) assertFlat(us, name, referenceUs * LEAST);
      }));

    it(`does not grow with the length of the key, with ${kind}`, () =>
      twice(async () => {
        const referenceUs = await times.reference();
        const measured = await measure(
          [64, 1_024, 16_384],
          () => 1,
          (length) => times.keys(rules(10), undefined, length),
        );
        for (const [name, us] of measured) assertFlat(us, name, referenceUs * LEAST);
      }));
  }
});
