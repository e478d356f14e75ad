/**
 * Pauses that grow, for refusals that do not say how long to wait.
 *
 * @module
 */

/** How pauses grow. */
export interface BackoffOptions {
  /** The first pause, in milliseconds. */
  readonly firstMs: number;
  /** The longest, in milliseconds. */
  readonly maxMs: number;
}

/** What was sent so little before the end of a pause was sent at its end, by a clock that is not exact. */
const SAME_MS = 1;

/** Pauses of one key. Requests that were under way when a pause began do not make it longer. */
export class Backoff {
  #steps = 0;
  #untilMs = -Infinity;

  /**
   * How long to pause after a refusal: twice as long as the last time, less a random part of up to half, so that the
   * processes of a fleet do not come back together.
   *
   * @param options How pauses grow.
   * @param sentMs When the refused request was sent, in milliseconds.
   * @param nowMs The present.
   * @param random A number from 0 to 1.
   */
  next({ firstMs, maxMs }: BackoffOptions, sentMs: number, nowMs: number, random: number): number {
    if (sentMs < this.#untilMs - SAME_MS) return Math.max(this.#untilMs - nowMs, 0);
    const fullMs = Math.min(firstMs * 2 ** Math.min(this.#steps++, 40), maxMs);
    const pauseMs = fullMs * (1 - random / 2);
    this.#untilMs = nowMs + pauseMs;
    return pauseMs;
  }

  /** An answer came that is no refusal, to a request that was sent at `sentMs`: the next pause is a first one. */
  succeeded(sentMs: number): void {
    if (sentMs >= this.#untilMs - SAME_MS) this.#steps = 0;
  }
}
