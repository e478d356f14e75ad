/**
 * How long this process has held rows when it looks at what it read of them.
 *
 * If it stood still meanwhile, the server may have given the rows to others and ended the transaction. What is sent then
 * has an unknown fate, as far as this process can tell. So it does not send anything, and begins again.
 *
 * @module
 */

import { steadyUs, systemClock } from "../../base/clock.ts";
import { HELD_MS } from "./functions.ts";

/** For how long the least difference of the clocks is remembered, in microseconds. */
const REMEMBERED_US = 30_000_000;

/** The part of the time for which rows may be held that may pass before the answer is read, in microseconds. */
const LATE_US = HELD_MS * 1_000 * 0.6;

/** The age of answers: by how much more than the least of late they lag behind the server's clock. */
export class HeldRows {
  /** The least difference of the clocks in this span and in the one before. */
  #least = Infinity;
  #leastBefore = Infinity;
  #sinceUs = -Infinity;

  /**
   * Whether an answer is read so late that its rows may be lost.
   *
   * @param readUs When the server read its clock, by that clock.
   */
  isLate(readUs: number): boolean {
    const nowUs = steadyUs(systemClock);
    if (nowUs - this.#sinceUs > REMEMBERED_US) {
      this.#sinceUs = nowUs;
      this.#leastBefore = this.#least;
      this.#least = Infinity;
    }
    const differenceUs = nowUs - readUs;
    this.#least = Math.min(this.#least, differenceUs);
    return differenceUs - Math.min(this.#least, this.#leastBefore) > LATE_US;
  }

  /** The server's clock was set back: the difference is a new one. */
  forget(): void {
    this.#sinceUs = -Infinity;
    this.#least = Infinity;
  }
}
