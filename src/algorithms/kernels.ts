/**
 * The second half of the table of rate algorithms: how each counts. Loaded with a store.
 *
 * @module
 */

import type { StateCodec } from "./codec.ts";
import { fixedWindowCodec } from "./fixed_window/codec.ts";
import { FlatFixedWindow } from "./fixed_window/flat.ts";
import { fixedWindowExcess, fixedWindowProblem } from "./fixed_window/invariants.ts";
import { fixedWindow } from "./fixed_window/kernel.ts";
import type { FlatLimit } from "./flat.ts";
import { type Handover, windowHandover } from "./handover.ts";
import type { Kernel, Level } from "./kernel.ts";
import type { RateAlgorithm, RateLimit } from "./limit.ts";
import { slidingWindowCodec } from "./sliding_window/codec.ts";
import { slidingWindowExcess, slidingWindowProblem } from "./sliding_window/invariants.ts";
import { slidingWindow } from "./sliding_window/kernel.ts";
import { slidingWindowCounterCodec } from "./sliding_window_counter/codec.ts";
import { FlatSlidingWindowCounter } from "./sliding_window_counter/flat.ts";
import { slidingWindowCounterExcess, slidingWindowCounterProblem } from "./sliding_window_counter/invariants.ts";
import { slidingWindowCounter } from "./sliding_window_counter/kernel.ts";
import { tokenBucketCodec } from "./token_bucket/codec.ts";
import { flatTokenBucket } from "./token_bucket/flat.ts";
import { tokenBucketHandover } from "./token_bucket/handover.ts";
import { tokenBucketProblem } from "./token_bucket/invariants.ts";
import { tokenBucket } from "./token_bucket/kernel.ts";

/** What a kernel keeps for one limit of one key. Only the kernel that made it can read it. */
export type RateState = object;

/** How one algorithm counts. */
interface Row<Limit, State> {
  /** The arithmetic. */
  readonly kernel: Kernel<Limit, State>;
  /** What becomes of its states when rules change. */
  readonly handover: Handover<Limit, State>;
  /** How its states are written as bytes. */
  readonly codec: StateCodec<Limit, State>;
  /** The same on states that are numbers. Absent where a state is more than a few numbers. */
  flat?(limit: Limit): FlatLimit<State>;
  /** A state that has this level at an instant. Absent where a level does not tell what a later call meets. */
  fromLevel?(level: Level, atUs: number): State;
  /** What is wrong with the form of a state, whatever rules made it; undefined if nothing is. */
  problem(state: State, limit: Limit): string | undefined;
  /** More units in a state than the limit allows. Absent where the clock alone tells how many there are. */
  excess?(state: State, limit: Limit): string | undefined;
}

type AnyRow = Row<RateLimit, RateState>;

const ROWS: Readonly<Record<RateAlgorithm, AnyRow>> = {
  token_bucket: row({
    kernel: tokenBucket,
    flat: flatTokenBucket,
    handover: tokenBucketHandover,
    codec: tokenBucketCodec,
    fromLevel: ([us, rem], atUs) => ({ tatUs: atUs + us, tatRem: rem }),
    problem: tokenBucketProblem,
  }),
  sliding_window: row({
    kernel: slidingWindow,
    handover: windowHandover(slidingWindow),
    codec: slidingWindowCodec,
    problem: slidingWindowProblem,
    excess: slidingWindowExcess,
  }),
  sliding_window_counter: row({
    kernel: slidingWindowCounter,
    flat: (limit) => new FlatSlidingWindowCounter(limit),
    handover: windowHandover(slidingWindowCounter),
    codec: slidingWindowCounterCodec,
    problem: slidingWindowCounterProblem,
    excess: slidingWindowCounterExcess,
  }),
  fixed_window: row({
    kernel: fixedWindow,
    flat: (limit) => new FlatFixedWindow(limit),
    handover: windowHandover(fixedWindow),
    codec: fixedWindowCodec,
    problem: fixedWindowProblem,
    excess: fixedWindowExcess,
  }),
};

/** The kernel that counts a limit. A limit and the states made for it belong together. */
export function kernelOf(limit: RateLimit): Kernel<RateLimit, RateState> {
  return ROWS[limit.algorithm].kernel;
}

/** The arithmetic of a limit on states that are numbers; undefined where they are not. */
export function flatOf(limit: RateLimit): FlatLimit<RateState> | undefined {
  return ROWS[limit.algorithm].flat?.(limit);
}

/** How the states of a limit are handed over to other rules. */
export function handoverOf(limit: RateLimit): Handover<RateLimit, RateState> {
  return ROWS[limit.algorithm].handover;
}

/** How the states of a limit are written as bytes. */
export function codecOf(limit: RateLimit): StateCodec<RateLimit, RateState> {
  return ROWS[limit.algorithm].codec;
}

/** The state of a limit that had a level at an instant; undefined where a level does not tell it. */
export function stateFromLevel(limit: RateLimit, level: Level, atUs: number): RateState | undefined {
  return ROWS[limit.algorithm].fromLevel?.(level, atUs);
}

/**
 * What is wrong with the form of a state, whatever rules made it: undefined if nothing is. It holds for every state that a
 * kernel makes: tests check it, and so does a store with `checkStates`.
 */
export function stateProblem(limit: RateLimit, state: RateState): string | undefined {
  return ROWS[limit.algorithm].problem(state, limit);
}

/**
 * More units in a state than the limit allows, where the limit was the same all the time: undefined if there are not. Units
 * that wait are counted in the windows for which they were taken.
 */
export function stateExcess(limit: RateLimit, state: RateState): string | undefined {
  return ROWS[limit.algorithm].excess?.(state, limit);
}

/** A row as it is found by the name of its algorithm. */
function row<Limit extends RateLimit, State extends RateState>(row: Row<Limit, State>): AnyRow {
  return row as Row<never, never> as AnyRow;
}
