/**
 * Those who observe an instance.
 *
 * @module
 */

import { show } from "../../base/text.ts";
import type { Logger, StoreEvent, Subscriptions } from "./events.ts";
import type { Observer } from "./observer.ts";

type Method = Exclude<keyof Observer, "storeChanged">;

/** A method of an observer. None has more arguments; a list of them would take longer than the call. */
type Tell = (a?: unknown, b?: unknown, c?: unknown, d?: unknown) => unknown;

/** The observers of an instance, as one. A method is undefined where none of them has it. */
export class Observers {
  decided: Observer["decided"] = undefined;
  denied: Observer["denied"] = undefined;
  begun: Observer["begun"] = undefined;
  queued: Observer["queued"] = undefined;
  dequeued: Observer["dequeued"] = undefined;
  released: Observer["released"] = undefined;
  storeCalled: Observer["storeCalled"] = undefined;
  /** In entries of their own, so that one that was added twice is removed once. */
  #all: readonly { readonly observer: Observer }[] = [];
  readonly #log: Pick<Logger, "error">;
  readonly #storeEvents: Subscriptions<StoreEvent> | undefined;
  readonly #followers: (() => void)[] = [];

  constructor(log: Pick<Logger, "error">, storeEvents?: Subscriptions<StoreEvent>) {
    this.#log = log;
    this.#storeEvents = storeEvents;
  }

  /** Has `changed` called when methods come or go, for what keeps a field of its own on its hot path. */
  follow(changed: () => void): void {
    this.#followers.push(changed);
  }

  /** Adds one. Returns how to remove it. */
  add(observer: Observer): () => void {
    if (typeof observer !== "object" || observer === null) {
      throw new TypeError(`Cannot observe: expected an object with methods of Observer, received ${show(observer)}`);
    }
    const entry = { observer };
    this.#use([...this.#all, entry]);
    const ignore = this.#storeEvents?.add((event) => observer.storeChanged?.(event));
    return () => {
      ignore?.();
      this.#use(this.#all.filter((other) => other !== entry));
    };
  }

  #use(all: readonly { readonly observer: Observer }[]): void {
    this.#all = all;
    this.decided = this.#join("decided");
    this.denied = this.#join("denied");
    this.begun = this.#join("begun");
    this.queued = this.#join("queued");
    this.dequeued = this.#join("dequeued");
    this.released = this.#join("released");
    this.storeCalled = this.#join("storeCalled");
    for (const changed of this.#followers) changed();
  }

  #join(method: Method): Tell | undefined {
    const all = this.#all.flatMap(({ observer }) => (observer[method] as Tell | undefined)?.bind(observer) ?? []);
    if (all.length === 0) return undefined;
    return (a, b, c, d) => {
      let value: unknown;
      for (const tell of all) {
        try {
          value = tell(a, b, c, d);
        } catch (error) {
          this.#log.error("an observer failed", error);
        }
      }
      return value;
    };
  }
}
