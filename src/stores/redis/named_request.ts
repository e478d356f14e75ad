/**
 * A request whose keys have names.
 *
 * @module
 */

import type { BatchItem } from "../batch.ts";
import type { DoneReply, ReplySink, StoreRequest, TakeReply } from "../store.ts";
import type { UsedRules } from "./register_cache.ts";

/**
 * One item of a batch. A class: V8 may come to make objects of a literal in the old generation, where everything that
 * they hold grows old with them.
 */
export class NamedRequest implements BatchItem<TakeReply | DoneReply> {
  /** The request. */
  readonly request: StoreRequest;
  /** The keys of its targets, as `KeyNames` gives them. */
  readonly keys: readonly string[];
  /** What is known of the rules of each target. */
  readonly rules: readonly UsedRules[];
  sink: ReplySink<TakeReply | DoneReply> | undefined = undefined;
  isGone = false;
  leave: (() => void) | undefined = undefined;

  /**
   * Joins a request with its keys.
   *
   * @param request The request.
   * @param keys The keys of its targets.
   * @param rules What is known of the rules of each target.
   */
  constructor(request: StoreRequest, keys: readonly string[], rules: readonly UsedRules[]) {
    this.request = request;
    this.keys = keys;
    this.rules = rules;
  }
}
