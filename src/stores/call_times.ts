/**
 * How long calls are on their way when nothing holds them up.
 *
 * @module
 */

/** How long the fastest call is remembered, at least. */
const REMEMBERED_US = 10_000_000;

/** The times of recent calls. */
export class CallTimes {
  /** The fastest of this span of time, and of the one before. */
  #latelyUs = Infinity;
  #beforeUs = Infinity;
  #sinceUs = -Infinity;

  /** How long the fastest recent call was on its way, with one that was sent and answered now; all in microseconds. */
  fastestWith(sentUs: number, nowUs: number): number {
    if (nowUs - this.#sinceUs > REMEMBERED_US) {
      this.#beforeUs = this.#latelyUs;
      this.#latelyUs = Infinity;
      this.#sinceUs = nowUs;
    }
    this.#latelyUs = Math.min(this.#latelyUs, nowUs - sentUs);
    return Math.min(this.#latelyUs, this.#beforeUs);
  }
}
