/**
 * Those who observe an instance.
 *
 * @module
 */

import type { Logger, StoreEvent, Subscriptions } from "./events.ts";
import type { Observer, ObserverMethods } from "./observer.ts";
import { joined } from "./observing.ts";

/** The observers of an instance, as one. A method is undefined if none of them has it. */
export class Observers {
  /** Their methods. */
  methods: Partial<ObserverMethods> = {};
  /** Called when methods come or go, for what keeps a field of its own on its hot path. */
  readonly followers: (() => void)[] = [];
  #all: readonly Observer[] = [];
  readonly #log: Pick<Logger, "error">;
  readonly #storeEvents: Subscriptions<StoreEvent> | undefined;

  constructor(log: Pick<Logger, "error">, storeEvents?: Subscriptions<StoreEvent>) {
    this.#log = log;
    this.#storeEvents = storeEvents;
  }

  /** Adds one. Returns how to remove it. */
  add(observer: Observer): () => void {
    this.#use([...this.#all, observer]);
    const ignore = this.#storeEvents?.add((event) => observer.storeChanged?.(event));
    let isAdded = true;
    return () => {
      // One that was added twice is removed one by one.
      if (isAdded) this.#use(this.#all.toSpliced(this.#all.indexOf(observer), 1));
      isAdded = false;
      ignore?.();
    };
  }

  #use(all: readonly Observer[]): void {
    this.methods = joined(all, this.#log);
    this.#all = all;
    for (const changed of this.followers) changed();
  }
}
