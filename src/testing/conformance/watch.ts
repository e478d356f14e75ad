/**
 * A promise under observation, for cases that say when something happens, and when not yet.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";

/** A promise that is followed. */
export class Watch<Result> {
  readonly #startUs: number;
  #outcome:
    | { readonly atUs: number; readonly result: Result }
    | { readonly atUs: number; readonly error: unknown }
    | undefined;

  /**
   * @param promise What is followed.
   * @param clock The time it is followed by.
   */
  constructor(promise: Promise<Result>, clock: Clock) {
    this.#startUs = clock.nowUs();
    promise.then(
      (result) => void (this.#outcome = { atUs: clock.nowUs(), result }),
      (error) => void (this.#outcome = { atUs: clock.nowUs(), error }),
    );
  }

  /** Whether it has not settled yet. */
  get pending(): boolean {
    return this.#outcome === undefined;
  }

  /** After how many virtual milliseconds it has settled; undefined while it has not. */
  get afterMs(): number | undefined {
    return this.#outcome === undefined ? undefined : (this.#outcome.atUs - this.#startUs) / 1_000;
  }

  /** What it has resolved to. */
  get result(): Result {
    if (this.#outcome === undefined) throw new Error("Cannot tell the result: the promise is pending");
    if ("error" in this.#outcome) throw this.#outcome.error;
    return this.#outcome.result;
  }

  /** What it has rejected with; undefined if it has not. */
  get error(): unknown {
    return this.#outcome !== undefined && "error" in this.#outcome ? this.#outcome.error : undefined;
  }

  /** The `code` of what it has rejected with; undefined if it has not. */
  get errorCode(): unknown {
    return (this.error as { readonly code?: unknown } | undefined)?.code;
  }
}
