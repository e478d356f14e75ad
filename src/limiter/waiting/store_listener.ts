/**
 * Receives what a store sends to a process: wakeups for calls that queue, and corrections for calls that wait for a rate.
 *
 * @module
 */

import type { Correction, Target, Wakeup, WakeupListener } from "../../stores/store.ts";
import type { PermitQueue } from "./permit_queue.ts";

/** Where news from a store goes. */
export interface NewsTakers {
  /** Takes wakeups. */
  readonly room: PermitQueue;
  /** Takes corrections. */
  corrected(correction: Correction): void;
}

/** The listener of one process at one store. */
export class StoreListener implements WakeupListener {
  readonly #to: NewsTakers;

  constructor(to: NewsTakers) {
    this.#to = to;
  }

  /** The process, as the store knows it. */
  get instance(): string {
    return this.#to.room.instance;
  }

  /** Whether a call waits for a wakeup. */
  get isAwaited(): boolean {
    return this.#to.room.isAwaited;
  }

  /** The target that an id queues on. */
  targetOf(id: string): Target | undefined {
    return this.#to.room.targetOf(id);
  }

  /** Takes a wakeup. */
  wakeup(wakeup: Wakeup): void {
    this.#to.room.wakeup(wakeup);
  }

  /** Wakeups may have been missed. */
  missed(): void {
    this.#to.room.missed();
  }

  /** Takes a correction. */
  corrected(correction: Correction): void {
    this.#to.corrected(correction);
  }
}
