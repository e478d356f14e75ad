/**
 * The decision of `tryAcquire`.
 *
 * @module
 */

import { Decision } from "../policy/decision.ts";
import { type Permit, RatePermit } from "./permit.ts";

/** The decision of `tryAcquire`: with its permit where it allows. */
export class TryDecision extends Decision {
  #permit: Permit | undefined;

  /** What the decision grants; undefined where it denies. Without a slot, it is made when it is first asked for. */
  get permit(): Permit | undefined {
    return this.allowed ? this.#permit ??= new RatePermit(this, 0) : undefined;
  }

  /**
   * Comes with a permit that holds slots.
   *
   * @internal
   */
  grant(permit: Permit): void {
    this.#permit = permit;
  }
}
