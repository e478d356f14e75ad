/**
 * Logs of exact windows that are too large for short sequences: thousands of requests on the memory store and on Redis.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Mark } from "../../src/algorithms/kernel.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import { KeyNames } from "../../src/stores/redis/keys.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import { marksOf, type StoreRequest, type TakeReply, type Target } from "../../src/stores/store.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import type { ParityServices } from "./parity.ts";
import { freshPrefix } from "./redis.ts";
import { assertSame } from "./same.ts";
import { plain } from "./store_parity.ts";
import { decodeStored, plainStates } from "./stored_state.ts";

/** A sequence of numbers in [0, 1) that is the same for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ state >>> 13) >>> 0) / 2 ** 32;
  };
}

/** The operations on a log. */
export interface LogRun {
  /** Units in a window. */
  readonly limit: number;
  /** The window's length. */
  readonly windowMs: number;
  /** How many requests there are. */
  readonly steps: number;
  /** Which of all sequences it is. */
  readonly seed: number;
  /** Whether most requests cost a good part of the limit. @default {false} */
  readonly areLarge?: boolean;
}

/**
 * Runs random requests on both stores: the same replies, and now and then the same stored states.
 *
 * @returns The most runs that were stored.
 */
export async function compareLogs(
  services: ParityServices,
  { limit, windowMs, steps, seed, areLarge = false }: LogRun,
): Promise<number> {
  const next = random(seed);
  const clock = new FakeClock(1_767_225_600_000_000);
  const keyPrefix = freshPrefix();
  const memory = new MemoryStore({ clock });
  const redis = new RedisStore(services.connection, {
    keyPrefix,
    timingMarginMs: 600_000,
    testClock: clock,
    ...(services.testScript && { testScript: services.testScript }),
  });
  const policy = compilePolicy({ algorithm: "sliding_window", limit, windowMs });
  const target: Target = { limiter: "l", key: "k", policy, cost: 1, permits: 0 };
  const [main] = new KeyNames(keyPrefix).of(target) as [string];
  const taken: { target: Target; marks: Mark[][] }[] = [];
  let mostRuns = 0;
  for (let step = 0; step < steps; step++) {
    // Now few calls in a window, now more than it has room for.
    const pace = [0.2, 1, 1.6][Math.floor(step / (areLarge ? 50 : 400)) % 3] as number;
    const each = areLarge ? 20 : limit;
    if (next() < 0.9) clock.set(clock.nowUs() + Math.floor(2 * next() * windowMs * 1_000 / each / pace));
    if (next() < 0.002) clock.set(clock.nowUs() + Math.floor(windowMs * 1_000 * next()));
    const dice = next();
    const cost = dice < (areLarge ? 0.3 : 0.9) ? 1 : 1 + Math.floor(next() * limit / (areLarge ? 1 : 4));
    const asked = { ...target, cost };
    const kind = next();
    let request: StoreRequest = {
      op: "take",
      mode: kind < 0.1 ? "wait" : kind < 0.15 ? "peek" : "now",
      maxWaitUs: windowMs * 400,
      id: `i.${step}.d.0.1.1`,
      arrivalUs: 0,
      targets: [asked],
    };
    if (kind > 0.99) request = { op: kind > 0.995 ? "refund" : "penalize", targets: [asked] };
    else if (kind > 0.85 && taken.length > 0) {
      const place = next() < 0.5 ? taken.length - 1 : Math.floor(next() * taken.length);
      const [{ target: given, marks }] = taken.splice(place, 1) as [typeof taken[number]];
      const units = next() < 0.5 ? given.cost : 1 + Math.floor(next() * (given.cost - 1));
      request = { op: "giveBack", targets: [{ ...given, cost: units }], marks };
    }
    const [expected, actual] = await Promise.all([memory, redis].map((store) => store.execute(request)));
    assertSame(
      plain(actual as TakeReply),
      plain(expected as TakeReply),
      () => `step ${step} of seed ${seed}: ${JSON.stringify(request)}`,
    );
    if (request.op === "take" && request.mode !== "peek" && (expected as TakeReply).status === "allowed") {
      taken.push({ target: asked, marks: marksOf([asked], expected as TakeReply) });
      if (taken.length > limit) taken.shift();
    }
    if (step % 10 > 0) continue;
    const stored = decodeStored(policy.rates, await services.raw.bytes(main), [], clock.nowUs())[0] as number[];
    mostRuns = Math.max(mostRuns, stored.length / 2);
    const kept = plainStates(policy.rates, memory.statesOf(target))[0];
    assertSame(stored, kept, () => `stored after step ${step} of seed ${seed}`);
  }
  return mostRuns;
}

/** A law for mistakes in what short sequences do not reach: pages, and rings that wrap. */
export async function assertLogs(services: ParityServices): Promise<void> {
  for (const seed of [1, 2]) await compareLogs(services, { limit: 300, windowMs: 7_000, steps: 2_500, seed });
  await compareLogs(services, { limit: 300, windowMs: 200_000_000, steps: 1_000, seed: 1 });
}

/** The same for costs of many runs, which fill pages. */
export async function assertLargeCosts(services: ParityServices): Promise<void> {
  const large = { windowMs: 200_000_000, steps: 300, areLarge: true };
  for (const seed of [1, 2]) await compareLogs(services, { ...large, limit: 65_536, seed });
}

/** The same for logs that are read and written as a whole. */
export async function assertSmallLogs(services: ParityServices): Promise<void> {
  for (const seed of [1, 2]) await compareLogs(services, { limit: 30, windowMs: 1_000, steps: 1_500, seed });
}

/** Fills a log run by run: it has little room free, and yet rarely becomes longer. */
export async function assertLittleRoom(services: ParityServices): Promise<void> {
  const clock = new FakeClock(1_767_225_600_000_000);
  const keyPrefix = freshPrefix();
  const testScript = services.testScript;
  const store = new RedisStore(services.connection, { keyPrefix, testClock: clock, ...(testScript && { testScript }) });
  const policy = compilePolicy({ algorithm: "sliding_window", limit: 1_000, windowMs: 3_600_000 });
  const target: Target = { limiter: "l", key: "k", policy, cost: 1, permits: 0 };
  const [main] = new KeyNames(keyPrefix).of(target) as [string];
  const lengths = new Set<number>();
  for (let runs = 1; runs <= 400; runs++) {
    clock.set(clock.nowUs() + 1);
    await store.execute({ op: "take", mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0, targets: [target] });
    const length = Number(await services.raw.send("STRLEN", main));
    assert.ok(length <= 1.25 * (80 + 8 * (runs + runs / 64 + 5)), `${runs} runs in ${length} bytes`);
    lengths.add(length);
  }
  assert.ok(lengths.size <= 32, `the log became longer ${lengths.size} times`);
}
