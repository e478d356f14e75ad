/**
 * The reply to a take of permits from one limiter that has nothing else.
 *
 * @module
 */

import type { TakeReply, TakeStatus, TargetLevel } from "./store.ts";

/** A reply that makes its levels when they are asked for. */
export class PermitReply implements TakeReply {
  /** What became of it. */
  readonly status: TakeStatus;
  /** The store's clock at the decision. */
  readonly nowUs: number;
  /** How long until one falls free by itself, where none is; else 0. */
  readonly waitUs: number;
  readonly #used: number;
  readonly #freeInUs: number;
  readonly #fence: number;

  /**
   * @param status What became of the take.
   * @param nowUs The store's clock at the decision.
   * @param waitUs How long until one falls free by itself, where none is; else 0.
   * @param used The permits in use.
   * @param freeInUs How long until one of them falls free by itself.
   * @param fence The fencing token; 0 where none was taken.
   */
  constructor(status: TakeStatus, nowUs: number, waitUs: number, used: number, freeInUs: number, fence: number) {
    this.status = status;
    this.nowUs = nowUs;
    this.waitUs = waitUs;
    this.#used = used;
    this.#freeInUs = freeInUs;
    this.#fence = fence;
  }

  /** It does not queue. */
  get arrivalUs(): number {
    return 0;
  }

  /** The fencing token; 0 where none was taken. */
  get fence(): number {
    return this.#fence;
  }

  /** Where the permits stand. */
  get levels(): readonly TargetLevel[] {
    return [{ rates: [], permits: { used: this.#used, freeInUs: this.#freeInUs, fence: this.#fence } }];
  }
}
