/**
 * The reply to a take from one window.
 *
 * @module
 */

import type { TakeReply, TakeStatus, TargetLevel } from "./store.ts";

/** A reply that makes its levels when they are asked for. */
export class WindowReply implements TakeReply {
  /** What became of it. */
  readonly status: TakeStatus;
  /** The store's clock at the decision. */
  readonly nowUs: number;
  /** How long until it may go ahead, or may be tried again. */
  readonly waitUs: number;
  readonly #used: number;
  readonly #resetUs: number;

  /**
   * Makes one.
   *
   * @param status What became of the take.
   * @param nowUs The store's clock at the decision.
   * @param waitUs How long until it may go ahead, or may be tried again.
   * @param used The units in use.
   * @param resetUs How long until none is.
   */
  constructor(status: TakeStatus, nowUs: number, waitUs: number, used: number, resetUs: number) {
    this.status = status;
    this.nowUs = nowUs;
    this.waitUs = waitUs;
    this.#used = used;
    this.#resetUs = resetUs;
  }

  /** Nobody queues for a rate. */
  get arrivalUs(): number {
    return 0;
  }

  /** Where the window stands. */
  get levels(): readonly TargetLevel[] {
    return [{ rates: [[this.#used, this.#resetUs]], slots: undefined }];
  }
}
