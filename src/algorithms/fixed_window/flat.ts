/**
 * Fixed windows as numbers: when the window opened, and its count; 0 where there is none.
 *
 * @module
 */

import type { FlatLevel, FlatLimit } from "../flat.ts";
import type { FixedWindowLimit } from "../limit.ts";
import type { Window } from "../windows.ts";
import type { FixedWindowState } from "./kernel.ts";

/** The arithmetic of one fixed window, on numbers. */
export class FlatFixedWindow implements FlatLimit<FixedWindowState> {
  /** How many numbers a state is. */
  readonly width = 2;
  readonly #capacity: number;
  readonly #windowUs: number;

  /** Makes the arithmetic of a limit. */
  constructor({ capacity, windowUs }: FixedWindowLimit) {
    this.#capacity = capacity;
    this.#windowUs = windowUs;
  }

  /** Whether a state is one window at most, which has opened. */
  fits({ windows, reach }: FixedWindowState): boolean {
    return reach === undefined && windows.length <= 1;
  }

  /** Writes a state that fits. */
  write({ windows: [window] }: FixedWindowState, rows: Float64Array, at: number): void {
    rows[at] = window === undefined ? 0 : window.startUs;
    rows[at + 1] = window === undefined ? 0 : window.count;
  }

  /** The state that was written. */
  read(rows: Float64Array, at: number): FixedWindowState {
    const window: Window = { startUs: rows[at] as number, count: rows[at + 1] as number };
    return { windows: window.count === 0 ? [] : [window] };
  }

  /** When a cost fits; NaN where the window has not opened by this clock. */
  earliest(rows: Float64Array, at: number, nowUs: number, cost: number): number {
    const startUs = rows[at] as number;
    if (startUs > nowUs) return NaN;
    if ((rows[at + 1] as number) + cost <= this.#capacity) return nowUs;
    const endUs = startUs + this.#windowUs;
    return endUs > nowUs ? endUs : nowUs;
  }

  /** Takes a cost now. */
  take(rows: Float64Array, at: number, nowUs: number, cost: number): void {
    const count = rows[at + 1] as number;
    const isOpen = count > 0 && nowUs < (rows[at] as number) + this.#windowUs;
    if (!isOpen) rows[at] = nowUs;
    rows[at + 1] = isOpen ? count + cost : cost;
  }

  /** The units in use, and how long until none is. */
  measure(rows: Float64Array, at: number, nowUs: number, level: FlatLevel): void {
    const resetUs = (rows[at] as number) + this.#windowUs - nowUs;
    const count = rows[at + 1] as number;
    level.first = resetUs > 0 ? count : 0;
    level.second = resetUs > 0 && count > 0 ? resetUs : 0;
  }

  /** When the window cannot be told from a fresh one. */
  freshFromUs(rows: Float64Array, at: number): number {
    return (rows[at + 1] as number) === 0 ? 0 : (rows[at] as number) + this.#windowUs;
  }
}
