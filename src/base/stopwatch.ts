/**
 * How long ago something was, also when the machine or this process slept in between.
 *
 * @module
 */

import { systemClock } from "./clock.ts";

/** Measures the time since it was started last. */
export class Stopwatch {
  #startUs = 0;
  #startWallMs = 0;

  /** Makes one, and starts it. */
  constructor() {
    this.restart();
  }

  /** Starts over. */
  restart(): void {
    this.#startUs = systemClock.nowUs();
    this.#startWallMs = Date.now();
  }

  /**
   * Milliseconds since the start. The monotonic clock stands still while a machine sleeps, and the wall clock may be
   * set back: the larger of the two differences counts, so a wall clock that was set forward counts as time that passed.
   */
  get elapsedMs(): number {
    return Math.max((systemClock.nowUs() - this.#startUs) / 1_000, Date.now() - this.#startWallMs);
  }
}
