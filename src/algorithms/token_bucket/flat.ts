/**
 * Token buckets as numbers: the instant at which each is full, and, where the rate has one, the rest.
 *
 * @module
 */

import type { FlatLevel, FlatLimit } from "../flat.ts";
import type { TokenBucketLimit } from "../limit.ts";
import type { TokenBucketState } from "./kernel.ts";

/** The arithmetic of one token bucket whose rate has no rest: the instant alone. */
class FlatTokenBucket implements FlatLimit<TokenBucketState> {
  /** How many numbers a state is. */
  readonly width = 1;
  readonly #intervalUs: number;
  readonly #burstUs: number;

  /** Makes the arithmetic of a limit. */
  constructor({ intervalUs, burstUs }: TokenBucketLimit) {
    this.#intervalUs = intervalUs;
    this.#burstUs = burstUs;
  }

  /** Whether a state is no more than its instant. */
  fits(state: TokenBucketState): boolean {
    return isPlain(state);
  }

  /** Writes a state that fits. */
  write({ tatUs }: TokenBucketState, rows: Float64Array, at: number): void {
    rows[at] = tatUs;
  }

  /** The state that was written. */
  read(rows: Float64Array, at: number): TokenBucketState {
    return { tatUs: rows[at] as number, tatRem: 0 };
  }

  /** When a cost fits; NaN where the instant is too far away for this clock. */
  earliest(rows: Float64Array, at: number, nowUs: number, cost: number): number {
    const tatUs = rows[at] as number;
    if (tatUs - this.#burstUs > nowUs) return NaN;
    const startUs = (tatUs > nowUs ? tatUs : nowUs) + cost * this.#intervalUs - this.#burstUs;
    return startUs > nowUs ? startUs : nowUs;
  }

  /** Takes a cost now. */
  take(rows: Float64Array, at: number, nowUs: number, cost: number): void {
    const tatUs = rows[at] as number;
    rows[at] = (tatUs > nowUs ? tatUs : nowUs) + cost * this.#intervalUs;
  }

  /** How long until the bucket is full, in microseconds; there is no rest. */
  measure(rows: Float64Array, at: number, nowUs: number, level: FlatLevel): void {
    const leftUs = (rows[at] as number) - nowUs;
    level.first = leftUs > 0 ? leftUs : 0;
    level.second = 0;
  }

  /** When the bucket cannot be told from a fresh one. */
  freshFromUs(rows: Float64Array, at: number): number {
    return (rows[at] as number) + 2;
  }
}

/** The arithmetic of one token bucket of any rate: the instant, and its rest. */
class FlatFractionBucket implements FlatLimit<TokenBucketState> {
  /** How many numbers a state is. */
  readonly width = 2;
  readonly #limit: TokenBucketLimit;
  /** Where `#advance` ends. */
  #nextUs = 0.5;
  #nextRem = 0;

  /** Makes the arithmetic of a limit. */
  constructor(limit: TokenBucketLimit) {
    this.#limit = limit;
  }

  /** Whether a state is no more than its instant. */
  fits(state: TokenBucketState): boolean {
    return isPlain(state);
  }

  /** Writes a state that fits. */
  write({ tatUs, tatRem }: TokenBucketState, rows: Float64Array, at: number): void {
    rows[at] = tatUs;
    rows[at + 1] = tatRem;
  }

  /** The state that was written. */
  read(rows: Float64Array, at: number): TokenBucketState {
    return { tatUs: rows[at] as number, tatRem: rows[at + 1] as number };
  }

  /** When a cost fits; NaN where the instant is too far away for this clock. */
  earliest(rows: Float64Array, at: number, nowUs: number, cost: number): number {
    if (this.#startOf(rows[at] as number, rows[at + 1] as number) > nowUs) return NaN;
    this.#advance(rows, at, nowUs, cost);
    const startUs = this.#startOf(this.#nextUs, this.#nextRem);
    return startUs > nowUs ? startUs : nowUs;
  }

  /** Takes a cost now. */
  take(rows: Float64Array, at: number, nowUs: number, cost: number): void {
    this.#advance(rows, at, nowUs, cost);
    rows[at] = this.#nextUs;
    rows[at + 1] = this.#nextRem;
  }

  /** How long until the bucket is full, in whole microseconds, and the rest of that. */
  measure(rows: Float64Array, at: number, nowUs: number, level: FlatLevel): void {
    const leftUs = (rows[at] as number) - nowUs;
    level.first = leftUs > 0 ? leftUs : 0;
    level.second = leftUs < 0 ? 0 : rows[at + 1] as number;
  }

  /** When the bucket cannot be told from a fresh one. */
  freshFromUs(rows: Float64Array, at: number): number {
    return (rows[at] as number) + 2;
  }

  /** The first whole microsecond at which the bucket held what now leaves it so. */
  #startOf(us: number, rem: number): number {
    return us - this.#limit.burstUs + (rem > this.#limit.burstRem ? 1 : 0);
  }

  /** Where the bucket stands after a cost was taken at `nowUs`. */
  #advance(rows: Float64Array, at: number, nowUs: number, cost: number): void {
    const { intervalUs, intervalRem, denominator } = this.#limit;
    const tatUs = rows[at] as number;
    const tatRem = rows[at + 1] as number;
    const idle = tatUs < nowUs - 1 || (tatUs < nowUs && tatRem === 0);
    const owed = cost * intervalRem;
    const carry = Math.floor(owed / denominator);
    const rem = (idle ? 0 : tatRem) + owed - carry * denominator;
    const more = rem >= denominator ? 1 : 0;
    this.#nextUs = (idle ? nowUs : tatUs) + cost * intervalUs + carry + more;
    this.#nextRem = rem - more * denominator;
  }
}

/** The arithmetic of a token bucket, on numbers. */
export function flatTokenBucket(limit: TokenBucketLimit): FlatLimit<TokenBucketState> {
  return limit.denominator === 1 ? new FlatTokenBucket(limit) : new FlatFractionBucket(limit);
}

/** Whether a state is no more than its instant. */
function isPlain({ back, promisedUs, reach }: TokenBucketState): boolean {
  return back === undefined && promisedUs === undefined && reach === undefined;
}
