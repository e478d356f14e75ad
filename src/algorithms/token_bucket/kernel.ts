/**
 * Token bucket, as the generic cell rate algorithm: one instant per key says when the bucket will be full again.
 *
 * Source: ITU-T I.371 (1996), virtual scheduling. The instant is kept exactly, as whole microseconds and a remainder
 * in units of 1 / `denominator` µs, so no rounding of the interval piles up.
 *
 * Units that are given back shorten the debt. A waiter's promised instant depends on the debt before it, so while an
 * instant is promised only the newest take can be given back. Otherwise a take gives back what is not refilled of its
 * own share, which everything that was given back in front of it has moved forward.
 *
 * @module
 */

import {
  forgottenFromUs,
  type GivenBack,
  inFront,
  minus,
  NOTHING,
  plus,
  remember,
  shorter,
  type Span,
  tidied,
} from "./given_back.ts";
import type { Kernel, Level, Mark, Run } from "../kernel.ts";
import type { TokenBucketLimit } from "../limit.ts";
import { latestPromise, type Reach, reachOf } from "../reach.ts";

/** The theoretical arrival time: the instant at which the bucket is full again. */
export interface TokenBucketState {
  /** Whole microseconds since the epoch. */
  readonly tatUs: number;
  /** The rest, in units of 1 / `denominator` µs; below it. */
  readonly tatRem: number;
  /** What was given back, as long as an older take may still be given back. */
  readonly back?: GivenBack | undefined;
  /** The latest instant that is promised to a waiter, where `tatUs` does not tell it. */
  readonly promisedUs?: number | undefined;
  /** How far ahead the latest promised instant was when this was written; undefined where none is promised. */
  readonly reach?: Reach | undefined;
}

const FRESH: TokenBucketState = Object.freeze({ tatUs: 0, tatRem: 0 });

/** The arithmetic of a token bucket. */
export const tokenBucket: Kernel<TokenBucketLimit, TokenBucketState> = Object.freeze({
  fresh: (): TokenBucketState => FRESH,

  settle(state: TokenBucketState, nowUs: number, limit: TokenBucketLimit): TokenBucketState {
    const promisedUs = promisedOf(state, limit);
    if (promisedUs <= nowUs) return state;
    const latestUs = latestPromise(nowUs, state.reach, limit.burstUs);
    if (promisedUs <= latestUs) return state;
    const tat = { us: state.tatUs, rem: state.tatRem };
    const most = { us: latestUs + limit.burstUs, rem: limit.burstRem };
    // As a refund: every take moves forward, so that none can be given back for more than it still owes.
    const back = live(state, nowUs);
    const before = back === undefined ? state : { ...state, back: { ...back, untilUs: 0 } };
    if (!isShorter(most, tat)) return newState(tat.us, tat.rem, back, latestUs, nowUs, limit, state.reach);
    const settled = withReturned(before, minus(tat, most, limit), 0, nowUs, latestUs, limit);
    if (settled !== before) return settled;
    return newState(most.us, most.rem, undefined, latestUs, nowUs, limit, state.reach);
  },

  earliest(state: TokenBucketState, nowUs: number, cost: number, limit: TokenBucketLimit): number {
    return Math.max(nowUs, startOf(advance(arrive(state, nowUs), cost, limit), limit));
  },

  take(
    state: TokenBucketState,
    nowUs: number,
    atUs: number,
    cost: number,
    limit: TokenBucketLimit,
  ): TokenBucketState {
    const { tatUs, tatRem } = advance(arrive(state, atUs), cost, limit);
    const promisedUs = Math.max(atUs > nowUs ? atUs : 0, state.promisedUs ?? 0);
    return newState(tatUs, tatRem, live(state, nowUs), promisedUs, nowUs, limit, reachBefore(state, nowUs, limit));
  },

  trace(
    before: TokenBucketState,
    after: TokenBucketState,
    nowUs: number,
    atUs: number,
  ): readonly number[] | undefined {
    const { us, rem } = after.back ?? NOTHING;
    const waits = atUs > nowUs;
    const promisedUs = waits && (before.promisedUs ?? 0) > nowUs ? before.promisedUs as number : 0;
    const idle = waits && arrive(before, atUs) !== before;
    if (us === 0 && rem === 0 && promisedUs === 0 && !idle) return undefined;
    // One that cannot be told from a fresh one may be forgotten at any time.
    const from = before.tatUs + 2 <= nowUs ? FRESH : before;
    return [us, rem, promisedUs, idle ? from.tatUs : -1, idle ? from.tatRem : 0];
  },

  giveBack(
    state: TokenBucketState,
    nowUs: number,
    units: number,
    mark: Mark,
    limit: TokenBucketLimit,
  ): TokenBucketState {
    const trace = (mark.trace ?? NO_TRACE) as typeof NO_TRACE;
    const before = { us: trace[0], rem: trace[1] };
    const back = state.back ?? NOTHING;
    const end = { us: mark.nowUs + mark.level[0], rem: mark.level[1] };
    const tat = { us: state.tatUs, rem: state.tatRem };
    if (same(end, tat) && same(before, back) && mark.cost > 0) {
      // Nothing came after it.
      const all = units >= mark.cost;
      const waits = mark.atUs > mark.nowUs;
      const to = all && trace[3] >= 0 ? { us: trace[3], rem: trace[4] } : minus(tat, span(units, limit), limit);
      const kept = !waits ? state.promisedUs ?? 0 : all ? trace[2] : Math.max(state.promisedUs ?? 0, mark.atUs);
      return newState(to.us, to.rem, live(state, nowUs), kept, nowUs, limit, reachBefore(state, nowUs, limit));
    }
    if (promisedOf(state, limit) > nowUs) return state;
    const shareUs = plus(end, before, limit).us;
    if (shareUs > plus(tat, back, limit).us) return state; // it is not of this bucket, or was given back before
    const stands = shorter(minus(end, inFront(back, shareUs, before, limit), limit), tat);
    if (stands.us < nowUs) return state; // it is refilled
    const cut = shorter(span(units, limit), { us: stands.us - nowUs, rem: stands.rem });
    if (cut.us === 0 && cut.rem === 0) return state;
    return withReturned(state, cut, shareUs, nowUs, 0, limit);
  },

  refund(state: TokenBucketState, nowUs: number, units: number, limit: TokenBucketLimit): TokenBucketState {
    if (state.tatUs < nowUs) {
      return newState(nowUs, 0, live(state, nowUs), state.promisedUs ?? 0, nowUs, limit, state.reach);
    }
    const cut = shorter(span(units, limit), { us: state.tatUs - nowUs, rem: state.tatRem });
    if (cut.us === 0 && cut.rem === 0) return state;
    // As if the oldest units had been given back: every take moves forward.
    return withReturned(state, cut, 0, nowUs, promisedOf(state, limit), limit);
  },

  restart(state: TokenBucketState, nowUs: number, limit: TokenBucketLimit): TokenBucketState {
    const debt = { us: state.tatUs - nowUs, rem: state.tatRem };
    if (debt.us < 0) return FRESH;
    // As if all of it had been given back, until no older take would be in debt.
    const back = remember(live(state, nowUs) ?? NOTHING, { ...debt, endUs: 0 }, nowUs, state.tatUs + 2, limit);
    return newState(nowUs, 0, back, 0, nowUs, limit, undefined);
  },

  runs(state: TokenBucketState, nowUs: number, limit: TokenBucketLimit): readonly Run[] {
    if (state.tatUs < nowUs) return [];
    const units = unitsIn({ us: state.tatUs - nowUs, rem: state.tatRem }, limit);
    return units === 0 ? [] : [{ atUs: Math.max(nowUs, promisedOf(state, limit)), units }];
  },

  measure(state: TokenBucketState, nowUs: number): Level {
    return state.tatUs < nowUs ? [0, 0] : [state.tatUs - nowUs, state.tatRem];
  },

  // A microsecond later than full: until then an arrival may still count from the fraction, see `arrive`.
  freshFromUs({ tatUs, back, promisedUs = 0 }: TokenBucketState): number {
    return Math.max(tatUs, back === undefined ? 0 : forgottenFromUs(tatUs, back), promisedUs) + 2;
  },
});

const NO_TRACE: readonly [number, number, number, number, number] = [0, 0, 0, -1, 0];

/**
 * The state at an arrival. The clock shows whole microseconds, so an arrival at `nowUs` may be any instant after
 * `nowUs - 1`: a bucket that is full since less than that keeps its fraction, and a saturated one never drifts.
 */
function arrive(state: TokenBucketState, nowUs: number): TokenBucketState {
  const idle = state.tatUs < nowUs - 1 || (state.tatUs < nowUs && state.tatRem === 0);
  return idle ? { tatUs: nowUs, tatRem: 0 } : state;
}

function advance(state: TokenBucketState, units: number, limit: TokenBucketLimit): TokenBucketState {
  const { us, rem } = plus({ us: state.tatUs, rem: state.tatRem }, span(units, limit), limit);
  return { tatUs: us, tatRem: rem };
}

/** How long units take to be refilled. */
function span(units: number, limit: TokenBucketLimit): Span {
  const rem = units * limit.intervalRem;
  const carry = Math.floor(rem / limit.denominator);
  return { us: units * limit.intervalUs + carry, rem: rem - carry * limit.denominator };
}

/** How many units are refilled in a span, the last of them perhaps in part. */
function unitsIn(debt: Span, limit: TokenBucketLimit): number {
  const { intervalUs, intervalRem, denominator } = limit;
  // The quotient is off by its rounding at most.
  let units = Math.ceil((debt.us + debt.rem / denominator) / (intervalUs + intervalRem / denominator));
  while (isShorter(span(units, limit), debt)) units++;
  while (units > 0 && !isShorter(span(units - 1, limit), debt)) units--;
  return units;
}

function isShorter(a: Span, b: Span): boolean {
  return a.us < b.us || (a.us === b.us && a.rem < b.rem);
}

/**
 * A state made by other rules, under these: no wait takes longer than a full refill, behind what is promised to callers
 * who wait, until `promisedUs`.
 */
export function refillsInTime(
  state: TokenBucketState,
  promisedUs: number,
  nowUs: number,
  limit: TokenBucketLimit,
): TokenBucketState {
  const most = { us: Math.max(nowUs, promisedUs) + limit.burstUs, rem: limit.burstRem };
  const tat = shorter(most, { us: state.tatUs, rem: state.tatRem });
  return newState(tat.us, tat.rem, state.back, promisedUs, nowUs, limit, undefined);
}

/** The first whole microsecond at which the bucket held what now leaves it in this state. */
function startOf({ tatUs, tatRem }: TokenBucketState, { burstUs, burstRem }: TokenBucketLimit): number {
  return tatUs - burstUs + (tatRem > burstRem ? 1 : 0);
}

/** No instant later than this is promised to a waiter. */
export function promisedOf(state: TokenBucketState, limit: TokenBucketLimit): number {
  return Math.max(startOf(state, limit), state.promisedUs ?? 0);
}

/** The reach of a promise that lies ahead. */
function reachBefore(state: TokenBucketState, nowUs: number, limit: TokenBucketLimit): Reach | undefined {
  return state.reach !== undefined && promisedOf(state, limit) > nowUs ? state.reach : undefined;
}

/** A state that says no more than it must. */
function newState(
  tatUs: number,
  tatRem: number,
  back: GivenBack | undefined,
  promisedUs: number,
  nowUs: number,
  limit: TokenBucketLimit,
  before: Reach | undefined,
): TokenBucketState {
  const startUs = startOf({ tatUs, tatRem }, limit);
  const isTold = promisedUs <= nowUs || promisedUs <= startUs;
  const latestUs = Math.max(startUs, promisedUs);
  const reach = latestUs > nowUs ? reachOf(latestUs - nowUs, limit.burstUs, before) : undefined;
  if (isTold && back === undefined) return reach === undefined ? { tatUs, tatRem } : { tatUs, tatRem, reach };
  const kept = back && tidied(back, { us: tatUs, rem: tatRem }, limit);
  return { tatUs, tatRem, back: kept, promisedUs: isTold ? undefined : promisedUs, reach };
}

/** What was given back, as long as a take from before that may be in debt. */
function live({ tatUs, back }: TokenBucketState, nowUs: number): GivenBack | undefined {
  return back === undefined || forgottenFromUs(tatUs, back) <= nowUs ? undefined : back;
}

/** The state after something was given back that is not the newest take. */
function withReturned(
  state: TokenBucketState,
  cut: Span,
  endUs: number,
  nowUs: number,
  promisedUs: number,
  limit: TokenBucketLimit,
): TokenBucketState {
  const untilUs = Math.max(nowUs, promisedUs) + limit.burstUs + 1;
  const back = remember(live(state, nowUs) ?? NOTHING, { ...cut, endUs }, nowUs, untilUs, limit);
  if (back === undefined) return state;
  const { us, rem } = minus({ us: state.tatUs, rem: state.tatRem }, cut, limit);
  return newState(us, rem, back, promisedUs, nowUs, limit, reachBefore(state, nowUs, limit));
}

function same(a: Span, b: Span): boolean {
  return a.us === b.us && a.rem === b.rem;
}
