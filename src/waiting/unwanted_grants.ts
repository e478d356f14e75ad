/**
 * Permits that the store grants to calls which are over, because it could not be told so.
 *
 * @module
 */

import type { Target, Wakeup } from "../stores/store.ts";

/** How many calls are remembered that the store may not know to be over. */
const MOST = 10_000;

/** Gives back what is granted to calls that are over. */
export class UnwantedGrants {
  readonly #over = new Map<string, readonly Target[]>();
  readonly #giveBack: ((wakeup: Wakeup, targets: readonly Target[]) => void) | undefined;

  /**
   * Remembers no call yet.
   *
   * @param giveBack Called with what was granted, and with what the call had asked for; absent for a store that is always told.
   */
  constructor(giveBack: ((wakeup: Wakeup, targets: readonly Target[]) => void) | undefined) {
    this.#giveBack = giveBack;
  }

  /** The store could not be told that a call is over. Beyond 10 000 calls, the oldest one is forgotten. */
  expect(id: string, targets: readonly Target[]): void {
    this.#over.set(id, targets);
    for (const [oldest] of this.#over) {
      if (this.#over.size <= MOST) break;
      this.#over.delete(oldest);
    }
  }

  /** Gives back what was granted, if the call is one of these. */
  refuse(wakeup: Wakeup): void {
    const targets = this.#over.get(wakeup.id);
    if (targets === undefined) return;
    this.#over.delete(wakeup.id);
    this.#giveBack?.(wakeup, targets);
  }
}
