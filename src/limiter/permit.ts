/**
 * What `acquire` resolves to.
 *
 * @module
 */

import { showAs } from "../base/inspect.ts";
import type { Decision } from "./decision.ts";

/**
 * Leave to go ahead. Dispose of it, or release it, when done: a slot is held until then.
 *
 * @example Held for a block
 * ```ts
 * import { acquire } from "@ratesync/core";
 *
 * async function upload(file: Blob, signal?: AbortSignal) {
 *   await using permit = await acquire("upload", { signal });
 *   await fetch("https://files.example/", { method: "PUT", body: file, signal: permit.lost });
 * }
 * ```
 */
export interface Permit extends AsyncDisposable {
  /** The decision that granted it. */
  readonly decision: Decision;
  /** How long the caller waited for it, in milliseconds. */
  readonly waitedMs: number;
  /**
   * For a slot: a number above that of every permit granted before it on this limiter and key, so that what the slot
   * protects can refuse a holder that was thought dead. Undefined without a slot.
   */
  readonly fencingToken: number | undefined;
  /** Aborted, with a `LeaseLostError`, if the slot is lost before it is released: somebody else may hold it then. */
  readonly lost: AbortSignal;
  /**
   * Gives the slot back. Only the first call does anything; it never rejects: a slot that cannot be given back now
   * falls free when its lease ends.
   */
  release(): Promise<void>;
}

/** A permit without a slot: there is nothing to give back, and nothing to lose. */
export class RatePermit implements Permit {
  /** The decision that granted it. */
  readonly decision: Decision;
  /** How long the caller waited for it, in milliseconds. */
  readonly waitedMs: number;
  #lost: AbortSignal | undefined;

  /**
   * Makes one.
   *
   * @param decision The decision that granted it.
   * @param waitedMs How long the caller waited for it, in milliseconds.
   */
  constructor(decision: Decision, waitedMs: number) {
    this.decision = decision;
    this.waitedMs = waitedMs;
  }

  /** There is no slot. */
  get fencingToken(): undefined {
    return undefined;
  }

  /** Never aborted. */
  get lost(): AbortSignal {
    return this.#lost ??= new AbortController().signal;
  }

  /** Does nothing. */
  release(): Promise<void> {
    return Promise.resolve();
  }

  /** Does nothing. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

showAs<Permit>(RatePermit.prototype, "Permit", ({ waitedMs, fencingToken, decision }) => {
  return { waitedMs, fencingToken, decision };
});
