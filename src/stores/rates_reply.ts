/**
 * The reply to a take from several limits of one key: few callers look at their levels.
 *
 * @module
 */

import type { Level } from "../algorithms/kernel.ts";
import type { TakeReply, TakeStatus, TargetLevel } from "./store.ts";

/** What a mark of one limit holds besides the level. */
export type Trace = readonly number[] | undefined;

/** A reply that makes its levels when they are asked for. */
export class RatesReply implements TakeReply {
  /** What became of it. */
  readonly status: TakeStatus;
  /** The store's clock at the decision. */
  readonly nowUs: number;
  /** How long until it may go ahead, or may be tried again. */
  readonly waitUs: number;
  readonly #rates: readonly Level[];
  readonly #traces: readonly Trace[] | undefined;

  /**
   * @param status What became of the take.
   * @param nowUs The store's clock at the decision.
   * @param waitUs How long until it may go ahead, or may be tried again.
   * @param rates Where each limit stands.
   * @param traces What the mark of each limit holds besides the level.
   */
  constructor(
    status: TakeStatus,
    nowUs: number,
    waitUs: number,
    rates: readonly Level[],
    traces: readonly Trace[] | undefined,
  ) {
    this.status = status;
    this.nowUs = nowUs;
    this.waitUs = waitUs;
    this.#rates = rates;
    this.#traces = traces;
  }

  /** No call queues for a rate. */
  get arrivalUs(): number {
    return 0;
  }

  /** Where the limits stand. */
  get levels(): readonly TargetLevel[] {
    const level: TargetLevel = { rates: this.#rates, permits: undefined };
    return [this.#traces === undefined ? level : { ...level, traces: this.#traces }];
  }
}
