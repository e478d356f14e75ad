/**
 * What a limiter tells those who subscribe.
 *
 * @module
 */

import { heed } from "../base/heed.ts";
import { show } from "../base/text.ts";
import type { StoreError } from "../base/errors.ts";
import type { Decision } from "../decision/decision.ts";

/** An event of a limiter. */
export type LimiterEvent =
  | {
    /** A call was decided. */
    readonly type: "decision";
    /** The limiter's id. */
    readonly limiter: string;
    /** The decision. */
    readonly decision: Decision;
    /** How long the caller waited for it, in milliseconds. */
    readonly waitedMs: number;
  }
  | {
    /** A permit was released. */
    readonly type: "release";
    /** The limiter's id. */
    readonly limiter: string;
  }
  | {
    /** A lease ended before its permit was released. */
    readonly type: "lease_lost";
    /** The limiter's id. */
    readonly limiter: string;
  }
  | {
    /** The store could not decide; the failure policy does. */
    readonly type: "store_error";
    /** The limiter's id. */
    readonly limiter: string;
    /** What the store said. */
    readonly error: StoreError;
  };

/** Receives events. What it throws or rejects with is logged, and changes nothing else. */
export type LimiterListener = (event: LimiterEvent) => void;

/** An event of a store that is not inside this process. */
export type StoreEvent =
  | {
    /** The store cannot decide. Until it can, limiters do not ask it: their failure policies decide. */
    readonly type: "store_down";
    /** The store's id. */
    readonly store: string;
    /** What the store said last. */
    readonly error: StoreError;
  }
  | {
    /** The store fails for some calls, but not for all: limiters go on asking it. */
    readonly type: "store_impaired";
    /** The store's id. */
    readonly store: string;
    /** What the first of those calls failed with. */
    readonly error: StoreError;
  }
  | {
    /** The store decides everything again. */
    readonly type: "store_up";
    /** The store's id. */
    readonly store: string;
    /** How long it did not, in milliseconds: to its first answer, or to the last call that failed. */
    readonly downMs: number;
  }
  | {
    /** Other processes have come to use other rules for a limiter, or none does any more. */
    readonly type: "mixed_rules";
    /** The store's id. */
    readonly store: string;
    /** The limiter's id. */
    readonly limiter: string;
    /** The rules of this process, in words. */
    readonly rules: string;
    /** Those of other processes; empty where all have had the same for five minutes. */
    readonly others: readonly string[];
  };

/** Receives events of stores. What it throws or rejects with is logged, and changes nothing else. */
export type StoreListener = (event: StoreEvent) => void;

/** What messages are written to. `console` is one. */
export interface Logger {
  /** Something that a developer may want to see. */
  debug(message: string, ...data: unknown[]): void;
  /** Something that went as planned. */
  info(message: string, ...data: unknown[]): void;
  /** Something to look at. */
  warn(message: string, ...data: unknown[]): void;
  /** Something that failed. */
  error(message: string, ...data: unknown[]): void;
}

/** Subscriptions of one limiter or instance. */
export class Subscriptions<Event = LimiterEvent> {
  readonly #listeners = new Set<(event: Event) => void>();
  readonly #failed: (error: unknown) => void;

  constructor(log: Pick<Logger, "error">) {
    this.#failed = (error) => log.error("a subscriber failed", error);
  }

  /** Whether an event would reach a listener. */
  get any(): boolean {
    return this.#listeners.size > 0;
  }

  /**
   * Adds a listener. Returns how to remove it.
   *
   * @throws {TypeError} If it is no function.
   */
  add(listener: (event: Event) => void): () => void {
    if (typeof listener !== "function") {
      throw new TypeError(`Cannot subscribe: expected a function, received ${show(listener)}`);
    }
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Calls all listeners. */
  emit(event: Event): void {
    for (const listener of this.#listeners) {
      try {
        heed(listener(event), this.#failed);
      } catch (error) {
        this.#failed(error);
      }
    }
  }
}
