/**
 * The reply to a take from one limit that leaves nothing behind but its level.
 *
 * @module
 */

import type { TakeReply, TakeStatus, TargetLevel } from "./store.ts";

/** A reply that makes its levels when they are asked for: few callers look at them. */
export class LevelReply implements TakeReply {
  /** What became of it. */
  readonly status: TakeStatus;
  /** The store's clock at the decision. */
  readonly nowUs: number;
  /** How long until it may go ahead, or may be tried again. */
  readonly waitUs: number;
  readonly #first: number;
  readonly #second: number;

  /**
   * @param status What became of the take.
   * @param nowUs The store's clock at the decision.
   * @param waitUs How long until it may go ahead, or may be tried again.
   * @param first The first number of the level.
   * @param second The second number of the level.
   */
  constructor(status: TakeStatus, nowUs: number, waitUs: number, first: number, second: number) {
    this.status = status;
    this.nowUs = nowUs;
    this.waitUs = waitUs;
    this.#first = first;
    this.#second = second;
  }

  /** No call queues for a rate. */
  get arrivalUs(): number {
    return 0;
  }

  /** Where the limit stands. */
  get levels(): readonly TargetLevel[] {
    return [{ rates: [[this.#first, this.#second]], permits: undefined }];
  }
}
