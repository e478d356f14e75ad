/**
 * A request whose keys have names.
 *
 * @module
 */

import type { StoreRequest } from "../store.ts";
import type { RuleState } from "./rules.ts";

/** A request, and what its keys are called. */
export interface NamedRequest {
  /** What is asked. */
  readonly request: StoreRequest;
  /** The keys of its targets, as `KeyNames` gives them. */
  readonly keys: readonly string[];
  /** What is known of the rules of each target. @default no others are in use */
  readonly rules?: readonly RuleState[];
}
