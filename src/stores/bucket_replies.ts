/**
 * Replies to takes from one token bucket, from what a server tells: how many it admitted, and where the bucket stands.
 *
 * @module
 */

import type { TokenBucketLimit } from "../algorithms/limit.ts";
import { tokenBucket } from "../algorithms/token_bucket/kernel.ts";
import type { TakeReply, TakeRequest, TakeStatus, TargetLevel } from "./store.ts";

/** What alike takes have in common. */
export interface BucketTerms {
  /** Their only limit. */
  readonly rate: TokenBucketLimit;
  /** When to decide. */
  readonly mode: TakeRequest["mode"];
  /** Units of one take. */
  readonly cost: number;
  /** Whole microseconds by which one take moves the instant at which the bucket is full. */
  readonly costUs: number;
  /** What it moves it beyond those, in units of 1 / `denominator` µs; below it. */
  readonly costRem: number;
}

/** Alike takes from one key, which the server decides together. */
export interface TakesOfKey {
  /** Where the first of them stands in the batch. */
  readonly index: number;
  /** Where the others do, if there are any. */
  readonly more: readonly number[] | undefined;
  /** How many takes that are, or how many the one request asks for. */
  readonly times: number;
  /** Whether the request itself has a count. */
  readonly hasTimes: boolean;
}

/** What became of takes from one key. */
export interface BucketOutcome {
  /** The store's clock at the decision. */
  readonly nowUs: number;
  /** Until a block ends; 0 where there is none. */
  readonly blockedUs: number;
  /** How many were admitted. */
  readonly taken: number;
  /** How long until the bucket is full afterwards, in whole microseconds. */
  readonly us: number;
  /** The rest of that, in units of 1 / `denominator` µs. */
  readonly rem: number;
}

/** Whole microseconds of `cost` units, and the rest. */
export function spanOf(cost: number, rate: TokenBucketLimit): { costUs: number; costRem: number } {
  const { intervalUs, intervalRem, denominator } = rate;
  const carry = Math.floor(cost * intervalRem / denominator);
  return { costUs: cost * intervalUs + carry, costRem: cost * intervalRem - carry * denominator };
}

/** Answers every take of an entry. */
export function answerEntry(
  replies: unknown[],
  { index, more, times, hasTimes }: TakesOfKey,
  terms: BucketTerms,
  outcome: BucketOutcome,
): void {
  const { taken } = outcome;
  if (hasTimes) {
    replies[index] = taken > 0
      ? admitted(terms, outcome, outcome.us, outcome.rem, taken)
      : denied(terms, outcome, taken);
  } else if (more === undefined) {
    replies[index] = taken > 0 ? admitted(terms, outcome, outcome.us, outcome.rem) : denied(terms, outcome);
  } else if (terms.mode === "peek") {
    const reply = taken > 0 ? admitted(terms, outcome, outcome.us, outcome.rem) : denied(terms, outcome);
    replies[index] = reply;
    for (const i of more) replies[i] = reply;
  } else {
    // The last that was admitted left the bucket as it stands; each before it, one take less.
    const last = taken < times ? denied(terms, outcome) : undefined;
    for (let i = times - 1; i >= taken; i--) replies[i === 0 ? index : more[i - 1] as number] = last;
    const { rate: { denominator }, costUs, costRem } = terms;
    let { us, rem } = outcome;
    for (let i = taken - 1; i >= 0; i--) {
      replies[i === 0 ? index : more[i - 1] as number] = admitted(terms, outcome, us, rem);
      us -= costUs;
      rem -= costRem;
      if (rem < 0) {
        us -= 1;
        rem += denominator;
      }
    }
  }
}

/** The reply to a take that left the bucket at `us` and `rem`: its instant follows from where that ends. */
function admitted(
  { mode, rate: { burstUs, burstRem } }: BucketTerms,
  { nowUs, blockedUs }: BucketOutcome,
  us: number,
  rem: number,
  times?: number,
): TakeReply {
  if (mode !== "wait") return new BucketReply("allowed", nowUs, 0, us, rem, times);
  const waitUs = Math.max(us - burstUs + (rem > burstRem ? 1 : 0), blockedUs, 0);
  return new BucketReply("allowed", nowUs, waitUs, us, rem, times);
}

/** The reply to a take that was denied, with the bucket as it stands. */
export function denied(
  { rate, cost }: BucketTerms,
  { nowUs, blockedUs, us, rem }: BucketOutcome,
  times?: number,
): TakeReply {
  const waitUs = Math.max(tokenBucket.earliest({ tatUs: us, tatRem: rem }, 0, cost, rate), blockedUs);
  return new BucketReply(blockedUs > 0 ? "blocked" : "rate", nowUs, waitUs, us, rem, times);
}

/** The reply to a take from one token bucket. It makes its levels when they are asked for: few callers look at them. */
export class BucketReply implements TakeReply {
  /** What became of it. */
  readonly status: TakeStatus;
  /** The store's clock at the decision. */
  readonly nowUs: number;
  /** How long until it may go ahead, or may be tried again. */
  readonly waitUs: number;
  /** How often it was taken, where that was asked for. */
  readonly times: number | undefined;
  readonly #us: number;
  readonly #rem: number;
  readonly #trace: readonly number[] | undefined;

  /**
   * @param status What became of the take.
   * @param nowUs The store's clock at the decision.
   * @param waitUs How long until it may go ahead, or may be tried again.
   * @param us How long until the bucket is full, in whole microseconds.
   * @param rem The rest of that, in parts of the rate's denominator.
   * @param times How often it was taken, where that was asked for.
   * @param trace What a mark of it holds besides the level.
   */
  constructor(
    status: TakeStatus,
    nowUs: number,
    waitUs: number,
    us: number,
    rem: number,
    times?: number,
    trace?: readonly number[],
  ) {
    this.status = status;
    this.nowUs = nowUs;
    this.waitUs = waitUs;
    this.times = times;
    this.#us = us;
    this.#rem = rem;
    this.#trace = trace;
  }

  /** No call queues for a rate. */
  get arrivalUs(): number {
    return 0;
  }

  /** Where the bucket stands. */
  get levels(): readonly TargetLevel[] {
    const level: TargetLevel = { rates: [[this.#us, this.#rem]], permits: undefined };
    return [this.#trace === undefined ? level : { ...level, traces: [this.#trace] }];
  }
}
