/**
 * What is kept of a key that is not numbers in a row.
 *
 * @module
 */

import type { RateState } from "../../algorithms/kernels.ts";
import type { Policy } from "../../policy/policy.ts";
import type { PermitLedger } from "./permit_ledger.ts";

/** The state of one key of one limiter. */
export interface Entry {
  /** The rules that the states were made for. */
  policy: Policy;
  /** One for each rate of the policy. */
  states: RateState[];
  /** Everything is denied until this instant. */
  blockedUs: number;
  /** Who is inside and who waits; made when first needed. */
  ledger: PermitLedger | undefined;
  /** What other rules count, where several are in use. */
  others: readonly Section[] | undefined;
}

/** What some rules count of a key. */
export interface Section {
  /** The rules. */
  readonly policy: Policy;
  /** A state for each of their limits. */
  readonly states: readonly RateState[];
}
