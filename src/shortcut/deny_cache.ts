/**
 * Denials that this process remembers: a key that is denied until an instant is not asked about before it.
 *
 * Nothing is denied here that the store would have allowed: the wait counts from before the store was asked, and other
 * traffic only makes it longer. What makes it shorter (reset, refund, settle, cancel, block) is forgotten here at once
 * where this process does it, and after the policy's cap where another one does.
 *
 * @module
 */

import { kernelOf, stateFromLevel } from "../algorithms/kernels.ts";
import type { RateLimit } from "../algorithms/limit.ts";
import { algorithmOf } from "../algorithms/mod.ts";
import { shortKey } from "../base/short_key.ts";
import type { Policy } from "../policy/policy.ts";
import type { TakeReply, Target, TargetLevel } from "../stores/store.ts";

/** The most keys that are remembered of one limiter; the oldest denial is forgotten first. */
const MAX_KEYS = 10_000;

interface Denial {
  readonly policy: Policy;
  readonly cost: number;
  readonly reply: TakeReply;
  /** When the store was asked, by this process' clock: not after the instant that the reply speaks of. */
  readonly askedUs: number;
}

/** The denials of one store's limiters. */
export class DenyCache {
  readonly #limiters = new Map<string, Map<string | undefined, Denial>>();
  /** Whether no denial was remembered since everything was forgotten. A field: each call reads it. */
  isEmpty = true;
  #forgotUs = -Infinity;

  /**
   * What the store said of a target, as of now, if a call that may wait `maxWaitUs` must still be denied for it.
   * Undefined where the store has to be asked.
   */
  find(target: Target, nowUs: number, maxWaitUs: number): TakeReply | undefined {
    const denials = this.#limiters.get(target.limiter);
    const key = shortKey(target.key);
    const denial = denials?.get(key);
    if (denial === undefined) return undefined;
    const ageUs = nowUs - denial.askedUs;
    // A clock that a test has set back tells nothing of how old it is.
    if (
      ageUs < 0 || denial.policy !== target.policy || ageUs >= Math.min(denial.reply.waitUs, target.policy.denyCacheUs)
    ) {
      denials?.delete(key);
      return undefined;
    }
    const waitUs = waitOf(denial, target.cost, ageUs);
    return waitUs > maxWaitUs ? new AgedReply(denial, waitUs, ageUs) : undefined;
  }

  /** Remembers the last reply to a target if it is a denial that time alone can end, else nothing. */
  remember(target: Target, reply: TakeReply, askedUs: number): void {
    const { policy, limiter, cost } = target;
    const key = shortKey(target.key);
    let denials = this.#limiters.get(limiter);
    denials?.delete(key);
    if (policy.denyCacheUs === 0 || policy.maxConcurrent > 0) return;
    if (reply.status !== "rate" && reply.status !== "blocked") return;
    // One that was on its way while something was forgotten may be of before that.
    if (askedUs <= this.#forgotUs || !agesExactly(policy, cost)) return;
    if (denials === undefined) this.#limiters.set(limiter, denials = new Map());
    for (const oldest of denials.keys()) {
      if (denials.size < MAX_KEYS) break;
      denials.delete(oldest);
    }
    this.isEmpty = false;
    denials.set(key, { policy, cost, reply, askedUs });
  }

  /** Forgets what is known of targets. `sinceUs`: denials that were asked for until then are not believed any more. */
  forget(targets: readonly Target[], sinceUs: number = this.#forgotUs): void {
    this.#forgotUs = sinceUs;
    for (const { limiter, key } of targets) this.#limiters.get(limiter)?.delete(shortKey(key));
  }

  /** Forgets everything. */
  clear(nowUs: number): void {
    this.#forgotUs = nowUs;
    this.#limiters.clear();
    this.isEmpty = true;
  }
}

/**
 * Whether it can be told what is left until the wait is over. Units of a window leave it one by one: then only that
 * nothing is left for a cost of 1. Of a blocked key, and of limits that did not deny, what is left is as the store told.
 */
function agesExactly({ rates }: Policy, cost: number): boolean {
  return cost === 1 || rates.every(({ algorithm }) => algorithmOf(algorithm).deniesUntilReady);
}

/** How long a cost has to wait at least, `ageUs` after the denial; 0 where that cannot be told from it. */
function waitOf({ policy, cost, reply, askedUs }: Denial, asked: number, ageUs: number): number {
  if (asked === cost) return reply.waitUs - ageUs;
  const [rate, ...more] = policy.rates;
  const level = reply.levels[0]?.rates[0];
  if (rate === undefined || more.length > 0 || level === undefined || reply.status === "blocked") return 0;
  const state = stateFromLevel(rate, level, askedUs);
  const nowUs = askedUs + ageUs;
  return state === undefined ? 0 : kernelOf(rate).earliest(state, nowUs, asked, rate) - nowUs;
}

/** An earlier reply, some time later. */
class AgedReply implements TakeReply {
  readonly status: TakeReply["status"];
  readonly nowUs: number;
  readonly waitUs: number;
  readonly arrivalUs = 0;
  readonly #denial: Denial;
  readonly #ageUs: number;

  constructor(denial: Denial, waitUs: number, ageUs: number) {
    this.status = denial.reply.status;
    this.nowUs = denial.reply.nowUs + ageUs;
    this.waitUs = waitUs;
    this.#denial = denial;
    this.#ageUs = ageUs;
  }

  /** Where it comes from. */
  get source(): "deny_cache" {
    return "deny_cache";
  }

  /** A bucket has refilled since, and windows have come nearer to their end. */
  get levels(): readonly TargetLevel[] {
    const { reply, policy } = this.#denial;
    return reply.levels.map(({ rates, permits }) => ({
      rates: rates.map((level, i) => algorithmOf((policy.rates[i] as RateLimit).algorithm).age(level, this.#ageUs)),
      permits,
    }));
  }
}
