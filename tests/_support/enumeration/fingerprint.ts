/**
 * Worlds as numbers: the same number for worlds that cannot be told apart, whenever they came about.
 *
 * Two different worlds have the same number by chance once in 2^53 pairs: among a few million, the chance that one world
 * is left out is below one in a thousand.
 *
 * @module
 */

import type { Mark } from "../../../src/algorithms/kernel.ts";
import type { FixedWindowState } from "../../../src/algorithms/fixed_window/kernel.ts";
import type { RateState } from "../../../src/algorithms/kernels.ts";
import type { RateLimit, TokenBucketLimit } from "../../../src/algorithms/limit.ts";
import type { SlidingWindowState } from "../../../src/algorithms/sliding_window/kernel.ts";
import type { SlidingWindowCounterState } from "../../../src/algorithms/sliding_window_counter/kernel.ts";
import type { TokenBucketState } from "../../../src/algorithms/token_bucket/kernel.ts";
import type { Window } from "../../../src/algorithms/windows.ts";
import type { Kept } from "../auditor/kept.ts";
import { spanUs, START_US, type World } from "./world.ts";

/** The number of a world. */
export function fingerprint(limits: readonly RateLimit[], world: World): number {
  const { nowUs, states, kept, debts } = world;
  const hash = new Hash(nowUs, -4 * spanUs(limits));
  for (let i = 0; i < limits.length; i++) addState(hash, limits[i] as RateLimit, states[i] as RateState);
  hash.add(kept.length);
  for (let i = 0; i < kept.length; i++) {
    const { atUs, taken, units, settled, marks } = kept[i] as Kept;
    hash.add(atUs);
    hash.add(settled ? -units : taken);
    for (let mark = 0; mark < marks.length; mark++) addMark(hash, marks[mark] as Mark, settled);
  }
  for (let i = 0; i < debts.length; i++) {
    const debt = debts[i];
    if (debt === undefined) continue;
    hash.add(debt.shares.length);
    hash.addPast(debt.promisedUs);
    for (const { number, left, promisedBeforeUs } of debt.shares) {
      hash.add(kept.findIndex((each) => each.number === number));
      hash.add(left / (limits[i] as TokenBucketLimit).denominator);
      hash.addPast(promisedBeforeUs);
    }
  }
  return hash.value;
}

/** Stands behind a list, and is in none. */
const END = -1;

/** Number by number: a search spends most of its time here. */
function addState(hash: Hash, { algorithm }: RateLimit, state: RateState): void {
  switch (algorithm) {
    case "token_bucket":
      return addBucket(hash, state as TokenBucketState);
    case "sliding_window":
      return addRuns(hash, state as SlidingWindowState);
    case "sliding_window_counter":
      hash.add((state as SlidingWindowCounterState).previous);
      return addWindows(hash, (state as SlidingWindowCounterState).windows);
    case "fixed_window":
      return addWindows(hash, (state as FixedWindowState).windows);
  }
}

function addBucket(hash: Hash, { tatUs, tatRem, back, promisedUs }: TokenBucketState): void {
  hash.add(tatUs);
  hash.add(tatRem);
  if (back !== undefined || promisedUs !== undefined) hash.add(promisedUs ?? 0);
  if (back !== undefined) {
    hash.add(back.us);
    hash.add(back.rem);
    hash.add(back.untilUs);
    for (const share of back.shares) {
      hash.add(share.endUs);
      hash.add(share.us);
      hash.add(share.rem);
    }
  }
  hash.add(END);
}

/** An instant that is promised matters only where there are runs, and runs only where they have units. */
function addRuns(hash: Hash, { pages, total, promisedUs }: SlidingWindowState): void {
  if (total > 0) hash.add(promisedUs);
  for (const { stampsUs, units, from, to } of pages) {
    for (let run = from; run < to; run++) {
      if (units[run] === 0) continue;
      hash.add(stampsUs[run] as number);
      hash.add(units[run] as number);
    }
  }
  hash.add(END);
}

function addWindows(hash: Hash, windows: readonly Window[]): void {
  for (const { startUs, count } of windows) {
    hash.add(startUs);
    hash.add(count);
  }
  hash.add(END);
}

/** Of a take that was settled, only its window still matters, for the laws. */
function addMark(hash: Hash, { nowUs, level, trace }: Mark, settled: boolean): void {
  if (settled) return hash.add(nowUs + level[1]);
  hash.add(nowUs);
  hash.add(level[0]);
  hash.add(level[1]);
  if (trace !== undefined) { for (let i = 0; i < trace.length; i++) hash.add(trace[i] as number); }
  hash.add(END);
}

/** A number of more than 32 bits, or a fraction, in 32 bits. */
function foldedOf(number: number): number {
  const fine = Math.floor(number) === number ? number : Math.round(number * 4_096) + 0.5;
  return (fine | 0) ^ (fine / 2 ** 32 | 0);
}

/** Takes numbers in, one after the other. Instants count from the world's clock. */
class Hash {
  readonly #nowUs: number;
  readonly #oldUs: number;
  #high = 0x9e3779b9;
  #low = 0x85ebca6b;

  constructor(nowUs: number, oldUs: number) {
    this.#nowUs = nowUs;
    this.#oldUs = oldUs;
  }

  add(number: number): void {
    this.#mix(number < START_US / 2 ? number + 1e6 : Math.max(number - this.#nowUs, this.#oldUs));
  }

  /** An instant that matters only while it lies ahead. */
  addPast(atUs: number): void {
    this.#mix(Math.max(atUs - this.#nowUs, 0));
  }

  get value(): number {
    return (this.#high >>> 0) * 2 ** 21 + (this.#low >>> 11);
  }

  /** Murmur3's finalizer, on two lanes with different multipliers. */
  #mix(number: number): void {
    const bits = (number | 0) === number ? number : foldedOf(number); // nearly all of them are small
    let high = Math.imul(this.#high ^ bits, 0x85ebca6b);
    high = Math.imul(high ^ high >>> 13, 0xc2b2ae35);
    let low = Math.imul(this.#low ^ bits ^ high >>> 7, 0x27d4eb2f);
    low = Math.imul(low ^ low >>> 15, 0x165667b1);
    this.#high = high ^ high >>> 16;
    this.#low = low ^ low >>> 14;
  }
}
