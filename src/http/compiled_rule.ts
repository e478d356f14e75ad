/**
 * One limiter's part in a guard.
 *
 * @module
 */

import type { Identify } from "./identify.ts";
import type { KeyPrefix } from "./key_class.ts";
import type { Cost } from "./options.ts";
import type { Settle } from "./settle.ts";

/** A rule with everything that it takes from the guard. */
export interface CompiledRule<Raw> {
  /** What error messages put in front of option names: `limiter[1].`; empty if the guard has one rule. */
  readonly path: string;
  /** The limiter's id. */
  readonly limiter: string;
  /** Returns the key of a request; `undefined` where all requests share one limit. */
  readonly identify: Identify<Raw> | undefined;
  /** What kind of key it is; undefined if the key tells. */
  readonly keyClass: string | undefined;
  /** What keys of known classes begin with. */
  readonly keyPrefixes: readonly KeyPrefix[];
  /** Units that a request takes. */
  readonly cost: Cost<Raw>;
  /** Returns the real cost after the answer. */
  readonly settle: Settle<Raw> | undefined;
}
