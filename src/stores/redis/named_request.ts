/**
 * A request whose keys have names.
 *
 * @module
 */

import type { StoreRequest } from "../store.ts";
import type { RuleState } from "./rules.ts";

/** A class, for the reason that the batcher gives at its `Entry`. */
export class NamedRequest {
  /** The request. */
  readonly request: StoreRequest;
  /** The keys of its targets, as `KeyNames` gives them. */
  readonly keys: readonly string[];
  /** What is known of the rules of each target. */
  readonly rules: readonly RuleState[];

  /**
   * Joins a request with its keys.
   *
   * @param request The request.
   * @param keys The keys of its targets.
   * @param rules What is known of the rules of each target.
   */
  constructor(request: StoreRequest, keys: readonly string[], rules: readonly RuleState[]) {
    this.request = request;
    this.keys = keys;
    this.rules = rules;
  }
}
