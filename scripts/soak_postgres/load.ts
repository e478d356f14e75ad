/**
 * What a process asks of a PostgreSQL store, and what it was allowed.
 *
 * @module
 */

import type { LimiterOptions } from "../../src/policy/options.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { createPostgresStore } from "../../src/stores/postgres/mod.ts";
import type { StoreRequest, TakeReply, TakeRequest, Target } from "../../src/stores/store.ts";

/** The limiters, with how many keys each has. SQL decides about the first three, kernels about the last two. */
export const LIMITERS: Readonly<Record<string, { readonly options: LimiterOptions; readonly keys: number }>> = {
  hot: { options: { ratePerSecond: 500, burst: 100 }, keys: 1 },
  user: { options: { ratePerSecond: 7, burst: 5 }, keys: 300 },
  whole: { options: { ratePerSecond: 10, burst: 3 }, keys: 300 },
  window: { options: { algorithm: "fixed_window", limit: 20, windowMs: 1_000 }, keys: 50 },
  log: { options: { algorithm: "sliding_window", limit: 20, windowMs: 1_000 }, keys: 50 },
};

/** What a process does. */
export interface Load {
  /** The database. */
  readonly url: string;
  /** The schema of the store. */
  readonly schema: string;
  /** How many connections the process has. */
  readonly connections: number;
  /** How many requests are under way at any time. */
  readonly lanes: number;
  /** How many requests to make, at most. */
  readonly requests: number;
  /** For how long, at most, in milliseconds. */
  readonly ms: number;
  /** Where its random numbers begin. */
  readonly seed: number;
}

/** What came of it. */
export interface LoadResult {
  /** Requests that were answered. */
  readonly requests: number;
  /** Statements and transactions that these took. */
  readonly batches: number;
  /** For each key of each limiter, the instants for which units were taken, by the server's clock. */
  readonly taken: Readonly<Record<string, readonly number[]>>;
  /** What failed, by message, and how often. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Makes requests, many on the same keys as other processes: lone ones, for several keys at once, waits, looks and penalties. */
export async function runLoad({ url, schema, connections, lanes, requests, ms, seed }: Load): Promise<LoadResult> {
  const store = createPostgresStore({ url, schema, poolMaxSize: connections, socketTimeoutMs: 60_000 });
  await store.connect();
  const policies = Object.entries(LIMITERS).map(([limiter, { options, keys }]) => {
    return { limiter, policy: compilePolicy(options), keys };
  });
  const taken: Record<string, number[]> = {};
  const errors: Record<string, number> = {};
  let [batches, answered, made] = [0, 0, 0];
  store.watchCalls(() => void batches++);
  const random = numbers(seed);
  const endMs = performance.now() + ms;

  const target = (place: number): Target => {
    const { limiter, policy, keys } = policies[place % policies.length] as typeof policies[number];
    return { limiter, policy, key: `k${random(keys)}`, cost: 1, slots: 0 };
  };
  const takeOf = (targets: readonly Target[], mode: TakeRequest["mode"]): StoreRequest => {
    return { op: "take", targets, mode, maxWaitUs: mode === "wait" ? 300_000 : 0, id: "", arrivalUs: 0 };
  };
  const request = (): StoreRequest => {
    const what = random(100);
    if (what < 80) return takeOf([target(random(3))], "now"); // of buckets
    if (what < 88) return takeOf([target(3 + random(2))], "now");
    if (what < 92) return takeOf([target(random(3))], "wait");
    if (what < 95) return takeOf([target(random(3))], "peek");
    // Kernels lock rows that SQL has to do with: of several limiters at once, or for a penalty.
    if (what < 99) return takeOf([target(4), target(2), target(0), target(1)], "now");
    return { op: "penalize", targets: [target(1)] };
  };
  const note = (asked: StoreRequest, reply: TakeReply) => {
    if (asked.op !== "take" || asked.mode === "peek" || reply.status !== "allowed") return;
    for (const { limiter, key } of asked.targets) (taken[`${limiter}:${key}`] ??= []).push(reply.nowUs + reply.waitUs);
  };
  await Promise.all(Array.from({ length: lanes }, async () => {
    while (made < requests && performance.now() < endMs) {
      made++;
      const asked = request();
      try {
        note(asked, await store.execute(asked) as TakeReply);
        answered++;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        errors[message] = (errors[message] ?? 0) + 1;
      }
    }
  }));
  await store.close();
  return { requests: answered, batches, taken, errors };
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
