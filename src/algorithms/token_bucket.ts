/**
 * Token bucket, as the generic cell rate algorithm: one instant per key says when the bucket will be full again.
 *
 * Source: ITU-T I.371 (1996), virtual scheduling. The instant is kept exactly, as whole microseconds and a remainder
 * in units of 1 / `denominator` µs, so no rounding of the interval piles up.
 *
 * @module
 */

import type { Kernel, Level, Mark } from "./kernel.ts";
import type { TokenBucketLimit } from "./limit.ts";

/** The theoretical arrival time: the instant at which the bucket is full again. */
export interface TokenBucketState {
  /** Whole microseconds since the epoch. */
  readonly tatUs: number;
  /** The rest, in units of 1 / `denominator` µs; below it. */
  readonly tatRem: number;
}

const FRESH: TokenBucketState = Object.freeze({ tatUs: 0, tatRem: 0 });

/** The arithmetic of a token bucket. */
export const tokenBucket: Kernel<TokenBucketLimit, TokenBucketState> = Object.freeze({
  fresh: (): TokenBucketState => FRESH,

  earliest(state: TokenBucketState, nowUs: number, cost: number, limit: TokenBucketLimit): number {
    const next = advance(arrive(state, nowUs), cost, limit);
    const startUs = next.tatUs - limit.burstUs;
    const startRem = next.tatRem - limit.burstRem;
    return Math.max(nowUs, startRem > 0 ? startUs + 1 : startUs);
  },

  take(
    state: TokenBucketState,
    _nowUs: number,
    atUs: number,
    cost: number,
    limit: TokenBucketLimit,
  ): TokenBucketState {
    return advance(arrive(state, atUs), cost, limit);
  },

  giveBack(
    state: TokenBucketState,
    nowUs: number,
    units: number,
    mark: Mark,
    limit: TokenBucketLimit,
  ): TokenBucketState {
    const leftUs = mark.nowUs + mark.level[0] - nowUs;
    if (leftUs < 0 || state.tatUs < nowUs) return state; // full, now or since then: there is nothing left to return
    const isLast = state.tatUs === nowUs + leftUs && state.tatRem === mark.level[1];
    const waitsAhead = state.tatUs - limit.burstUs - (state.tatRem < limit.burstRem ? 1 : 0) >= nowUs;
    // Instants behind this one are promised already; moving the end would hand one of them out twice.
    if (!isLast && waitsAhead) return state;
    const back = retreat(state, units, limit);
    // What has been refilled since the take is free already: only the rest of its debt can be returned.
    const least = subtract(state, leftUs, mark.level[1], limit);
    const tooFar = back.tatUs < least.tatUs || (back.tatUs === least.tatUs && back.tatRem < least.tatRem);
    return tooFar ? least : back;
  },

  refund(state: TokenBucketState, nowUs: number, units: number, limit: TokenBucketLimit): TokenBucketState {
    const back = retreat(state, units, limit);
    return back.tatUs < nowUs ? { tatUs: nowUs, tatRem: 0 } : back;
  },

  measure(state: TokenBucketState, nowUs: number): Level {
    return state.tatUs < nowUs ? [0, 0] : [state.tatUs - nowUs, state.tatRem];
  },

  // A microsecond later than full: until then an arrival may still count from the fraction, see `arrive`.
  freshFromUs: (state: TokenBucketState): number => state.tatUs + 2,
});

/**
 * The state at an arrival. The clock shows whole microseconds, so an arrival at `nowUs` may be any instant after
 * `nowUs - 1`: a bucket that is full since less than that keeps its fraction, and a saturated one never drifts.
 */
function arrive(state: TokenBucketState, nowUs: number): TokenBucketState {
  const idle = state.tatUs < nowUs - 1 || (state.tatUs < nowUs && state.tatRem === 0);
  return idle ? { tatUs: nowUs, tatRem: 0 } : state;
}

function advance(state: TokenBucketState, units: number, limit: TokenBucketLimit): TokenBucketState {
  const rem = units * limit.intervalRem;
  const carry = Math.floor(rem / limit.denominator);
  const tatUs = state.tatUs + units * limit.intervalUs + carry;
  const tatRem = state.tatRem + rem - carry * limit.denominator;
  return tatRem < limit.denominator ? { tatUs, tatRem } : { tatUs: tatUs + 1, tatRem: tatRem - limit.denominator };
}

function retreat(state: TokenBucketState, units: number, limit: TokenBucketLimit): TokenBucketState {
  const rem = units * limit.intervalRem;
  const carry = Math.floor(rem / limit.denominator);
  return subtract(state, units * limit.intervalUs + carry, rem - carry * limit.denominator, limit);
}

function subtract(state: TokenBucketState, us: number, rem: number, limit: TokenBucketLimit): TokenBucketState {
  const tatUs = state.tatUs - us;
  const tatRem = state.tatRem - rem;
  return tatRem >= 0 ? { tatUs, tatRem } : { tatUs: tatUs - 1, tatRem: tatRem + limit.denominator };
}
