/**
 * The first attempt to connect, which may have begun before a call waits for it.
 *
 * @module
 */

import { keepAlive } from "../../../../base/deadline.ts";

/** One attempt. */
export class Opening {
  /** Settles with it. */
  readonly done: Promise<void>;
  /** Whether the process may end before it is over. */
  #isBackground: boolean;

  /**
   * Follows one.
   *
   * @param done Settles with it.
   * @param isBackground Whether what it opens leaves the process free to end.
   */
  constructor(done: Promise<void>, isBackground: boolean) {
    this.done = done;
    this.#isBackground = isBackground;
  }

  /** The same for a call that waits for it: the process stays alive for it. */
  awaited(): Promise<void> {
    if (this.#isBackground) {
      this.#isBackground = false;
      const life = keepAlive();
      const end = () => life.cancel();
      this.done.then(end, end);
    }
    return this.done;
  }
}
