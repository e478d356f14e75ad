/**
 * Sequences of requests of all kinds on a few keys, for stores that may run them together or one by one.
 *
 * @module
 */

import fc from "fast-check";

import type { LimiterOptions } from "../../../../src/policy/options.ts";
import { compilePolicy } from "../../../../src/policy/compile_policy.ts";
import {
  type DoneReply,
  marksOf,
  type StoreRequest,
  type TakeReply,
  type Target,
} from "../../../../src/stores/store.ts";
import { waiterId } from "../../../../src/stores/waiter_id.ts";

/** Policies, each of a limiter of its own: takes from one, from several and corrections go through different scripts. */
const POLICIES = ([
  { limit: 3, windowMs: 1_000 },
  { ratePerSecond: 7, burst: 5 },
  { algorithm: "fixed_window", limit: 2, windowMs: 1_000 },
  { limits: [{ limit: 4, windowMs: 1_000 }, { algorithm: "sliding_window", limit: 3, windowMs: 2_000 }] },
  { maxConcurrent: 2, leaseTtlMs: 60_000 },
  { limit: 3, windowMs: 1_000, maxConcurrent: 1, leaseTtlMs: 60_000 },
] as LimiterOptions[]).map((options) => compilePolicy(options));

/** The key that holds a value of the wrong type. */
export const BAD_KEY = "bad";

/** Names that stay as they are, names that are hashed, and one that fails. */
const KEYS = ["a", "b", "long ".repeat(60), "longer ".repeat(60), BAD_KEY];

/** Everything that is asked for. */
export const TARGETS: readonly Target[] = POLICIES.flatMap((policy, i) =>
  KEYS.map((key): Target => ({ limiter: `api${i}`, key, policy, cost: 1, permits: policy.maxConcurrent && 1 }))
);

/** What is wanted; which request that is depends on those before. */
export interface Wish {
  /** What to ask. */
  readonly ask: "now" | "wait" | "peek" | "times" | "again" | "giveBack" | "release" | "renew" | "correct" | "block";
  /** Of what; each key at most once. */
  readonly targets: readonly Target[];
  /** Chooses what else there is to choose. */
  readonly pick: number;
}

const targetArb = fc.record({
  target: fc.constantFrom(...TARGETS),
  cost: fc.constantFrom(1, 1, 1, 2),
}).map(({ target, cost }): Target => ({ ...target, cost: target.policy.rates.length > 0 ? cost : 1 }));

const wishArb: fc.Arbitrary<Wish> = fc.record({
  ask: fc.constantFrom(
    ...[
      "now",
      "now",
      "now",
      "now",
      "wait",
      "wait",
      "peek",
      "times",
      "again",
      "giveBack",
      "release",
      "release",
    ] as const,
    ...["renew", "correct", "block"] as const,
  ),
  targets: fc.oneof(
    { weight: 3, arbitrary: targetArb.map((target) => [target]) },
    { weight: 1, arbitrary: fc.uniqueArray(targetArb, { minLength: 2, maxLength: 3, selector: ({ key }) => key }) },
  ),
  pick: fc.nat(1_000),
});

/** The requests of one turn, and how long after the turn before. */
export const turnsArb: fc.Arbitrary<{ wishes: Wish[]; passUs: number }[]> = fc.array(
  fc.record({
    wishes: fc.array(wishArb, { minLength: 1, maxLength: 20 }),
    passUs: fc.constantFrom(0, 1, 100_000, 1_500_000),
  }),
  { minLength: 1, maxLength: 3 },
);

/** Turns wishes into requests; knows what was asked before, and what came of it in the turns before. */
export class Wishes {
  readonly #asked: StoreRequest[] = [];
  readonly #replies: { readonly request: StoreRequest; readonly reply: TakeReply }[] = [];

  /** The request of a wish, if there can be one. */
  requestOf({ ask, targets, pick }: Wish): StoreRequest | undefined {
    const request = this.#make(ask, targets, pick);
    if (request !== undefined) this.#asked.push(request);
    return request;
  }

  /** Remembers what came of a request. */
  remember(request: StoreRequest, reply: unknown): void {
    if (request.op === "take" && isTaken(reply)) this.#replies.push({ request, reply });
  }

  #make(ask: Wish["ask"], targets: readonly Target[], pick: number): StoreRequest | undefined {
    const [target] = targets as [Target];
    switch (ask) {
      case "now":
      case "wait":
      case "peek":
        return this.#take(ask, targets, pick);
      case "times": {
        const { policy, cost } = target;
        if (targets.length > 1 || policy.maxConcurrent > 0 || policy.rates.length > 1) return undefined;
        if (policy.rates[0]?.algorithm !== "token_bucket") return undefined;
        return { ...this.#take("now", targets, pick), times: 1 + pick % Math.floor(policy.capacity / cost) };
      }
      case "again": {
        const queued = this.#replies.filter(({ reply }) => reply.status === "queued").at(-1 - pick % 3);
        if (queued?.request.op !== "take" || queued.request.targets.length > 1) return undefined;
        const { request: { id, targets: [one] }, reply: { arrivalUs } } = queued;
        return { op: "poll", id, arrivalUs, targets: [one as Target] };
      }
      case "giveBack": {
        const taken = this.#replies.filter(({ reply }) => reply.status === "allowed").at(-1 - pick % 5);
        return taken &&
          { op: "giveBack", targets: taken.request.targets, marks: marksOf(taken.request.targets, taken.reply) };
      }
      case "release":
      case "renew": {
        const takes = this.#asked.filter((request) => request.op === "take");
        const take = takes.at(-1 - pick % 5);
        const held = take?.targets.filter(({ permits }) => permits > 0) ?? [];
        return take === undefined || held.length === 0 ? undefined : { op: ask, id: take.id, targets: held };
      }
      case "correct": {
        const op = (["refund", "penalize", "reset"] as const)[pick % 3] as "refund" | "penalize" | "reset";
        const rated = op === "reset" ? targets : targets.filter(({ policy }) => policy.rates.length > 0);
        return rated.length === 0 ? undefined : { op, targets: rated };
      }
      case "block":
        return { op: "block", targets, durationUs: pick % 3 === 0 ? 0 : 200_000 };
    }
  }

  #take(mode: "now" | "wait" | "peek", targets: readonly Target[], pick: number): StoreRequest & { op: "take" } {
    const { permits, cost } = targets[0] as Target;
    const maxWaitUs = mode === "wait" ? [100_000, 1e7][pick % 2] as number : 0;
    const sequence = this.#asked.length;
    const id = waiterId({ instance: "i", sequence, direct: targets.length === 1, maxWaitUs, permits, cost });
    return { op: "take", targets, mode, maxWaitUs, id, arrivalUs: 0 };
  }
}

function isTaken(reply: unknown): reply is TakeReply {
  return typeof reply === "object" && (reply as Partial<TakeReply & DoneReply>).status !== undefined;
}
