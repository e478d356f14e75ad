/**
 * What is answered from leased units: a reply that no store gave.
 *
 * @module
 */

import { kernelOf, type RateState, stateFromLevel } from "../algorithms/kernels.ts";
import type { RateLimit } from "../algorithms/limit.ts";
import type { TakeReply, TargetLevel } from "../stores/store.ts";

/** Where a limit that lends units stands by this process' clock, as the store told it when it was asked. */
export function stateOf(rate: RateLimit, levels: readonly TargetLevel[], askedUs: number): RateState {
  return stateFromLevel(rate, levels[0]?.rates[0] ?? [0, 0], askedUs) ?? kernelOf(rate).fresh();
}

/** A reply that no store gave. */
export class TokenLeaseReply implements TakeReply {
  readonly status: TakeReply["status"];
  readonly nowUs: number;
  readonly waitUs: number;
  readonly #rate: RateLimit;
  readonly #known: RateState;
  readonly #units: number;

  constructor(
    status: TakeReply["status"],
    nowUs: number,
    waitUs: number,
    rate: RateLimit,
    known: RateState,
    units: number,
  ) {
    this.status = status;
    this.nowUs = nowUs;
    this.waitUs = waitUs;
    this.#rate = rate;
    this.#known = known;
    this.#units = units;
  }

  /** Where it comes from. */
  get source(): "token_lease" {
    return "token_lease";
  }

  /** It does not queue. */
  get arrivalUs(): 0 {
    return 0;
  }

  /** Where the limit stands as far as this process knows, with its own units counted as free. */
  get levels(): readonly TargetLevel[] {
    const kernel = kernelOf(this.#rate);
    const state = kernel.refund(this.#known, this.nowUs, this.#units, this.#rate);
    return [{ rates: [kernel.measure(state, this.nowUs, this.#rate)], permits: undefined }];
  }
}
