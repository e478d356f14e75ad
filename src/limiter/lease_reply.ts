/**
 * What is answered from leased units: a reply that no store gave.
 *
 * @module
 */

import { tokenBucket, type TokenBucketState } from "../algorithms/token_bucket/kernel.ts";
import type { TokenBucketLimit } from "../algorithms/limit.ts";
import type { TakeReply, TargetLevel } from "../stores/store.ts";

/** Where a bucket stands by this process' clock, as the store told it when it was asked. */
export function stateOf(levels: readonly TargetLevel[], askedUs: number): TokenBucketState {
  const [us, rem] = levels[0]?.rates[0] ?? [0, 0];
  return { tatUs: askedUs + us, tatRem: rem };
}

/** A reply that no store gave. */
export class LeaseReply implements TakeReply {
  readonly status: TakeReply["status"];
  readonly nowUs: number;
  readonly waitUs: number;
  readonly arrivalUs = 0;
  readonly #rate: TokenBucketLimit;
  readonly #known: TokenBucketState;
  readonly #units: number;

  constructor(
    status: TakeReply["status"],
    nowUs: number,
    waitUs: number,
    rate: TokenBucketLimit,
    known: TokenBucketState,
    units: number,
  ) {
    this.status = status;
    this.nowUs = nowUs;
    this.waitUs = waitUs;
    this.#rate = rate;
    this.#known = known;
    this.#units = units;
  }

  /** Where the bucket stands as far as this process knows, with its own units counted as free. */
  get levels(): readonly TargetLevel[] {
    const state = tokenBucket.refund(this.#known, this.nowUs, this.#units, this.#rate);
    return [{ rates: [tokenBucket.measure(state, this.nowUs, this.#rate)], slots: undefined }];
  }
}
