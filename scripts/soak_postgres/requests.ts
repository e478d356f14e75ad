/**
 * What processes of a soak ask of their store, so that many ask about the same keys.
 *
 * @module
 */

import { compilePolicy } from "../../src/policy/compile_policy.ts";
import type { LimiterOptions } from "../../src/policy/options.ts";
import type { DoneReply, StoreRequest, TakeReply, TakeRequest, Target } from "../../src/stores/store.ts";

/** The limiters, with how many keys each has. SQL decides about the first three, kernels about the last two. */
export const LIMITERS: Readonly<Record<string, { readonly options: LimiterOptions; readonly keys: number }>> = {
  hot: { options: { ratePerSecond: 500, burst: 100 }, keys: 1 },
  user: { options: { ratePerSecond: 7, burst: 5 }, keys: 300 },
  whole: { options: { ratePerSecond: 10, burst: 3 }, keys: 300 },
  window: { options: { algorithm: "fixed_window", limit: 20, windowMs: 1_000 }, keys: 50 },
  log: { options: { algorithm: "sliding_window", limit: 20, windowMs: 1_000 }, keys: 50 },
};

/**
 * Requests one after the other: lone ones, for several keys at once, waits, looks and penalties.
 *
 * @param seed Where the random numbers begin.
 */
export function requestsOf(seed: number): () => StoreRequest {
  const random = numbers(seed);
  const policies = Object.entries(LIMITERS).map(([limiter, { options, keys }]) => {
    return { limiter, policy: compilePolicy(options), keys };
  });
  const target = (place: number): Target => {
    const { limiter, policy, keys } = policies[place % policies.length] as typeof policies[number];
    return { limiter, policy, key: `k${random(keys)}`, cost: 1, permits: 0 };
  };
  const takeOf = (targets: readonly Target[], mode: TakeRequest["mode"]): StoreRequest => {
    return { op: "take", targets, mode, maxWaitUs: mode === "wait" ? 300_000 : 0, id: "", arrivalUs: 0 };
  };
  return () => {
    const what = random(100);
    if (what < 80) return takeOf([target(random(3))], "now"); // of buckets
    if (what < 88) return takeOf([target(3 + random(2))], "now");
    if (what < 92) return takeOf([target(random(3))], "wait");
    if (what < 95) return takeOf([target(random(3))], "peek");
    // Kernels lock rows that SQL has to do with: of several limiters at once, or for a penalty.
    if (what < 99) return takeOf([target(4), target(2), target(0), target(1)], "now");
    return { op: "penalize", targets: [target(1)] };
  };
}

/** The keys that units were taken of, and the instant for which, by the server's clock; nothing where none were. */
export function unitsOf(asked: StoreRequest, reply: TakeReply | DoneReply): readonly [key: string, us: number][] {
  if (asked.op !== "take" || asked.mode === "peek" || !("status" in reply) || reply.status !== "allowed") return [];
  return asked.targets.map(({ limiter, key }) => [`${limiter}:${key}`, reply.nowUs + reply.waitUs]);
}

/** Whole numbers from 0, below a limit: the same for a seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
