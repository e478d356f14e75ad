/**
 * The reply to a take from one token bucket: most are, and few callers look at their levels.
 *
 * @module
 */

import type { TakeReply, TakeStatus, TargetLevel } from "./store.ts";

/** A reply that makes its levels when they are asked for. */
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
    const level: TargetLevel = { rates: [[this.#us, this.#rem]], slots: undefined };
    return [this.#trace === undefined ? level : { ...level, traces: [this.#trace] }];
  }
}
