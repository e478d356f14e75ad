/**
 * When a window of a server ends, derived from several answers.
 *
 * A server writes whole seconds, rounded up: "1" is any time up to a second. But each answer of a window tells of the same
 * instant, so the earliest of what they allow is nearer to it than any single one: the first answer of a window is off
 * by no more than its own delay.
 *
 * @module
 */

/** Headers count in seconds. */
const GRAIN_MS = 1_000;

/** What one answer says. */
export interface Sighting {
  /** When the request was sent, in milliseconds by this machine's clock. */
  readonly sentMs: number;
  /** When its answer came. */
  readonly receivedMs: number;
  /** How long from the answer on the server said that the window lasts. */
  readonly resetMs: number;
  /** Whether that was written more finely than in whole seconds. */
  readonly exact?: boolean | undefined;
}

/** The present window of one quota, as seen by one process. */
export class AnnouncedWindow {
  #earliestMs = -Infinity;
  #latestMs = -Infinity;
  #longestMs = 0;
  #exact = false;

  /** Takes one more answer into account: of this window, or of the next one. */
  see({ sentMs, receivedMs, resetMs, exact = false }: Sighting): void {
    const earliestMs = sentMs + resetMs - (exact ? 1 : GRAIN_MS);
    const latestMs = receivedMs + resetMs;
    const same = earliestMs <= this.#latestMs && this.#earliestMs <= latestMs && sentMs < this.#latestMs;
    this.#earliestMs = same ? Math.max(earliestMs, this.#earliestMs) : earliestMs;
    this.#latestMs = same ? Math.min(latestMs, this.#latestMs) : latestMs;
    this.#longestMs = same ? Math.max(resetMs, this.#longestMs) : resetMs;
    this.#exact = exact;
  }

  /**
   * When it is over, in milliseconds by this machine's clock, at the latest. Undefined where the server writes whole
   * seconds and never wrote more than one: a server that frees a unit every few milliseconds writes "1" too.
   */
  get endMs(): number | undefined {
    return this.#exact || this.#longestMs > GRAIN_MS ? this.#latestMs : undefined;
  }
}
