/**
 * Receives what a store sends to a process: wakeups for calls that queue, and corrections for calls that wait for a rate.
 *
 * @module
 */

import type { Correction, Store, Target, Wakeup, WakeupListener } from "../stores/store.ts";
import type { StoreHealth } from "../resilience/store_health.ts";
import type { PermitQueue } from "./permit_queue.ts";

/** Calls that wait less than this for a rate need not hear of corrections by other processes, in microseconds. */
const HEAR_US = 250_000;

/** Where news from a store goes. */
export interface NewsTakers {
  /** Takes wakeups. */
  readonly room: PermitQueue;
  /** Takes corrections. */
  corrected(correction: Correction): void;
  /** Learns of failures to listen. */
  readonly health: StoreHealth | undefined;
}

/** The listener of one process at one store. */
export class StoreListener implements WakeupListener {
  /** The process, as the store knows it. */
  readonly instance: string;
  /** Whether messages about permits reach this process. */
  hears = false;
  readonly #store: Store;
  readonly #to: NewsTakers;
  #listening: Promise<void> | undefined;
  #subscribed: Promise<void> | undefined;
  #mustListen = false;

  constructor(store: Store, to: NewsTakers) {
    this.#store = store;
    this.#to = to;
    this.instance = to.room.instance;
  }

  /** Makes sure that messages about permits reach this process. Tried again after a failure. */
  listen(): Promise<void> {
    this.#mustListen = true;
    const { health } = this.#to;
    const mark = health?.mark ?? 0;
    this.#listening ??= this.#subscribe().then(() => {
      this.hears = true;
    }).catch((error) => {
      this.#listening = undefined;
      health?.failed(error, mark, [], true);
      throw error;
    });
    return this.#listening;
  }

  /** Tries again to listen, if that has failed; undefined where nothing in this process waits for permits. */
  listenAgain(): Promise<void> | undefined {
    return this.#mustListen ? this.listen() : undefined;
  }

  /** Makes sure that this process hears of corrections by others, as far as that is possible, for a call that waits. */
  hear(waitUs: number): void {
    if (waitUs >= HEAR_US) this.#subscribe().catch(() => {});
  }

  #subscribe(): Promise<void> {
    return this.#subscribed ??= this.#store.listen(this).catch((error) => {
      this.#subscribed = undefined;
      throw error;
    });
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
