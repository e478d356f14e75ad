/**
 * The time in which a service over REST is not asked, because it has said that it is asked too often. What is refused
 * here costs no request, for decisions, probes, renewals and checks.
 *
 * @module
 */

import type { Clock } from "../../../../base/clock.ts";
import { StoreError } from "../../../../base/errors.ts";

/** The pause after a refusal that does not say how long, in milliseconds; each one in a row takes twice as long. */
const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/** The pauses of one connection. */
export class Pause {
  readonly #clock: Clock;
  #error: StoreError | undefined;
  #untilUs = 0;
  #unsaidMs = FIRST_MS;

  /**
   * @param clock What time is measured by.
   */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why nothing is sent now, with how long that lasts; undefined if it may be sent. */
  refusal(): StoreError | undefined {
    const leftUs = this.#untilUs - this.#clock.nowUs();
    return this.#error === undefined || leftUs <= 0 ? undefined : lasting(this.#error, leftUs / 1_000);
  }

  /** Begins a pause, or makes it longer, as the service has said. Returns the error with the time. */
  begin(error: StoreError): StoreError {
    const { retryAfterMs = this.#unsaidMs } = error;
    if (error.retryAfterMs === undefined) this.#unsaidMs = Math.min(2 * this.#unsaidMs, LONGEST_MS);
    this.#error = error;
    this.#untilUs = Math.max(this.#untilUs, this.#clock.nowUs() + Math.ceil(retryAfterMs * 1_000));
    return lasting(error, retryAfterMs);
  }

  /** The service has answered. */
  end(): void {
    this.#unsaidMs = FIRST_MS;
  }
}

function lasting({ code, message, reason, cause }: StoreError, retryAfterMs: number): StoreError {
  return new StoreError(code, message, { reason, cause, retryAfterMs });
}
