/**
 * Requests of a log with whole seconds, spread over their second: else those of one second are one burst.
 *
 * @module
 */

import type { Entry } from "../input/entry.ts";

const SECOND_US = 1e6;

/** Takes requests in the order of their times, and hands them on at times of their own. */
export class Spread {
  readonly #take: (entry: Entry, timeUs: number) => void;
  /** Requests of one time. */
  #together: Entry[] = [];

  /**
   * @param take Takes each request with its time.
   */
  constructor(take: (entry: Entry, timeUs: number) => void) {
    this.#take = take;
  }

  /** Takes the next request. */
  push(entry: Entry): void {
    const [first] = this.#together;
    if (first !== undefined && first.timeUs !== entry.timeUs) this.#hand(entry.timeUs);
    this.#together.push(entry);
  }

  /** Hands on what is left. */
  end(): void {
    this.#hand(Infinity);
  }

  /** Spreads the requests of one time evenly over a second, or until the next time. */
  #hand(nextUs: number): void {
    const together = this.#together;
    this.#together = [];
    together.forEach((entry, i) => {
      const spanUs = Math.min(SECOND_US, nextUs - entry.timeUs);
      this.#take(entry, entry.timeUs + Math.floor(spanUs * i / together.length));
    });
  }
}
