/**
 * What `acquire` resolves to.
 *
 * @module
 */

import { showAs } from "../../base/inspect.ts";
import type { Decision } from "./decision.ts";

/**
 * Permission to go ahead. Release or dispose of it when done: with `maxConcurrent` it counts until then.
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
   * With `maxConcurrent`: a number above that of every permit granted before it for this limiter and key. A storage that
   * compares it can refuse a holder whose lease has ended. Else undefined.
   */
  readonly fencingToken: number | undefined;
  /** Aborted with a `LeaseLostError` if the lease ends before the release. Another caller may hold the permit then. */
  readonly lost: AbortSignal;
  /**
   * Gives the permit back. Only the first call does anything, and it never rejects: a permit that cannot be given back
   * now is free when its lease ends.
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
