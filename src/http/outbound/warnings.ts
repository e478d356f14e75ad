/**
 * Warnings that are given once, and again only after things were well in between.
 *
 * @module
 */

import type { Logger } from "../../observe/events.ts";

/** The warnings of one limited fetch. */
export class Warnings {
  readonly #logger: Logger | undefined;
  readonly #given = new Set<string>();

  /**
   * Starts with no warning given.
   *
   * @param logger Where warnings go; undefined for nowhere.
   */
  constructor(logger: Logger | undefined) {
    this.#logger = logger;
  }

  /** Warns, unless the same was said before. */
  warn(message: string, error: unknown): void {
    if (this.#given.has(message)) return;
    this.#given.add(message);
    this.#logger?.warn(message, error);
  }

  /** What was warned of is over: the next warning with this message is given. */
  over(message: string): void {
    this.#given.delete(message);
  }
}
