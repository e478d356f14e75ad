/**
 * Warnings that are given once, and again only after things were well in between.
 *
 * @module
 */

import type { Log } from "../../observe/log.ts";

/** The warnings of one limited fetch. */
export class Warnings {
  readonly #log: Log;
  readonly #given = new Set<string>();

  /**
   * Starts with no warning given.
   *
   * @param log Where warnings go.
   */
  constructor(log: Log) {
    this.#log = log;
  }

  /** Warns, unless the same was said before. */
  warn(message: string, error: unknown): void {
    if (this.#given.has(message)) return;
    this.#given.add(message);
    this.#log.warn(message, error);
  }

  /** What was warned of is over: the next warning with this message is given. */
  over(message: string): void {
    this.#given.delete(message);
  }
}
