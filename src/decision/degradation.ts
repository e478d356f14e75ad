/**
 * Why the configured store has not decided about a call.
 *
 * @module
 */

import type { StoreError } from "../base/errors.ts";

/** What decided in its place, and why. */
export interface Degradation {
  /** The id of the store. */
  readonly store: string;
  /** What it failed with. */
  readonly error: StoreError;
  /** Since when it is not asked, by the machine's clock; undefined if only single calls failed. */
  readonly sinceUs: number | undefined;
  /** What the failure policy says. */
  readonly policy: "local" | "allow" | "deny";
  /** Whether a store of this process decided. */
  readonly isLocal: boolean;
  /** The share of the limits that it applied, or would have. */
  readonly localShare: number;
}
