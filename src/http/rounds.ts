/**
 * Finds what has not come to an end within one to two seconds. One timer serves all, so that watching costs little.
 *
 * @module
 */

import { systemClock, type Timer } from "../base/clock.ts";

/** How long a round lasts, in microseconds. */
const ROUND_US = 1_000_000;

/** Items that are watched until they are taken out, or until one to two seconds have passed. */
export class Rounds<Item> {
  readonly #late: (item: Item) => void;
  #recent = new Set<Item>();
  #older = new Set<Item>();
  #timer: Timer | undefined;

  /**
   * Watches nothing yet.
   *
   * @param late Called once for each item that is still in after one to two seconds.
   */
  constructor(late: (item: Item) => void) {
    this.#late = late;
  }

  /** Watches an item. */
  add(item: Item): void {
    this.#recent.add(item);
    if (this.#timer === undefined) this.#schedule();
  }

  /** Takes an item out. The last one ends the timer: tests of users may look for timers that are left. */
  delete(item: Item): void {
    if (!this.#recent.delete(item) && !this.#older.delete(item)) return;
    if (this.#recent.size + this.#older.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#timer = systemClock.schedule(systemClock.nowUs() + ROUND_US, () => {
      const late = this.#older;
      this.#older = this.#recent;
      this.#recent = new Set();
      this.#timer = undefined;
      if (this.#older.size > 0) this.#schedule();
      for (const item of late) this.#late(item);
    }, { background: true });
  }
}
