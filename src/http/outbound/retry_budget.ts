/**
 * How many requests may be sent again: a share of those that were sent, so that retries never multiply an outage.
 *
 * @module
 */

/** Retries that can be saved up, and that there are at the start. */
const MOST = 10;

/** The retries that one fetch has left. */
export class RetryBudget {
  readonly #share: number;
  #left: number = MOST;

  /**
   * @param share Retries for each request, from 0 to 1.
   */
  constructor(share: number) {
    this.#share = share;
    if (share === 0) this.#left = 0;
  }

  /** A request is sent for the first time. */
  earn(): void {
    this.#left = Math.min(this.#left + this.#share, MOST);
  }

  /** Takes one retry, if there is one. */
  spend(): boolean {
    // Shares such as 0.1 do not add up exactly.
    if (this.#left < 1 - 1e-9) return false;
    this.#left -= 1;
    return true;
  }
}
