/**
 * Sliding window counters as numbers: the count that fades, when the present window opened, and its count; 0 where there
 * is none.
 *
 * @module
 */

import type { FlatLevel, FlatLimit } from "../flat.ts";
import type { SlidingWindowCounterLimit } from "../limit.ts";
import { fades, type SlidingWindowCounterState } from "./kernel.ts";

/** The arithmetic of one counter, on numbers. */
export class FlatSlidingWindowCounter implements FlatLimit<SlidingWindowCounterState> {
  /** How many numbers a state is. */
  readonly width = 3;
  readonly #limit: SlidingWindowCounterLimit;
  readonly #steps: number;
  /** The last two windows, as `#roll` found them. */
  #startUs = 0.5;
  #previous = 0;
  #current = 0;

  /** Makes the arithmetic of a limit. */
  constructor(limit: SlidingWindowCounterLimit) {
    this.#limit = limit;
    this.#steps = limit.windowUs / limit.stepUs;
  }

  /** Whether a state is two windows at most, of which the later one has opened. */
  fits({ previous, windows, reach }: SlidingWindowCounterState): boolean {
    return reach === undefined && (windows.length === 1 || (windows.length === 0 && previous === 0));
  }

  /** Writes a state that fits. */
  write({ previous, windows: [window] }: SlidingWindowCounterState, rows: Float64Array, at: number): void {
    rows[at] = previous;
    rows[at + 1] = window === undefined ? 0 : window.startUs;
    rows[at + 2] = window === undefined ? 0 : window.count;
  }

  /** The state that was written. */
  read(rows: Float64Array, at: number): SlidingWindowCounterState {
    const [previous, startUs, count] = [rows[at], rows[at + 1], rows[at + 2]] as [number, number, number];
    return { previous, windows: count === 0 ? [] : [{ startUs, count }] };
  }

  /** When a cost fits; NaN where the window has not opened by this clock. */
  earliest(rows: Float64Array, at: number, nowUs: number, cost: number): number {
    if ((rows[at + 1] as number) > nowUs) return NaN;
    this.#roll(rows, at, nowUs);
    const { capacity, windowUs } = this.#limit;
    if (this.#previous + this.#current + cost <= capacity) return nowUs;
    const roomUs = fades(this.#previous, capacity - cost - this.#current, this.#limit);
    const fitsUs = roomUs <= windowUs ? roomUs : windowUs + fades(this.#current, capacity - cost, this.#limit);
    return Math.max(nowUs, this.#startUs + fitsUs);
  }

  /** Takes a cost now. */
  take(rows: Float64Array, at: number, nowUs: number, cost: number): void {
    this.#roll(rows, at, nowUs);
    rows[at] = this.#previous;
    rows[at + 1] = this.#startUs;
    rows[at + 2] = this.#current + cost;
  }

  /** The units in use, of those before as many as count still, and how long until none is. */
  measure(rows: Float64Array, at: number, nowUs: number, level: FlatLevel): void {
    this.#roll(rows, at, nowUs);
    const left = this.#steps - Math.floor((nowUs - this.#startUs) / this.#limit.stepUs);
    const fading = this.#previous === 0 ? 0 : Math.ceil(this.#previous * left / this.#steps);
    const resetUs = this.freshFromUs(rows, at) - nowUs;
    level.first = fading + this.#current;
    level.second = resetUs > 0 ? resetUs : 0;
  }

  /** When the counter cannot be told from a fresh one. */
  freshFromUs(rows: Float64Array, at: number): number {
    return (rows[at + 2] as number) === 0 ? 0 : (rows[at + 1] as number) + 2 * this.#limit.windowUs;
  }

  /** The last two windows as they stand now: unchanged, moved on by one, or opened anew. */
  #roll(rows: Float64Array, at: number, nowUs: number): void {
    const startUs = rows[at + 1] as number;
    const count = rows[at + 2] as number;
    const { windowUs } = this.#limit;
    const isOpen = count > 0 && nowUs < startUs + windowUs;
    const isNext = !isOpen && count > 0 && nowUs < startUs + 2 * windowUs;
    this.#startUs = isOpen ? startUs : isNext ? startUs + windowUs : nowUs;
    this.#previous = isOpen ? rows[at] as number : isNext ? count : 0;
    this.#current = isOpen ? count : 0;
  }
}
