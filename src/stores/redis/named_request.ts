/**
 * A request whose keys have names, and which script decides it.
 *
 * @module
 */

import type { BatchItem } from "../batch.ts";
import type { DoneReply, ReplySink, StoreRequest, TakeReply, TakeRequest, Target } from "../store.ts";
import type { UsedRules } from "./register_cache.ts";
import { isKnownMixed } from "./rules.ts";
import type { Script } from "./script.ts";
import { bucket, coordinate, decide, takeMixed } from "./scripts.gen.ts";

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

/** Whether a request asks for details, which only the large script knows. */
export function asksDetails(request: StoreRequest): request is TakeRequest & Required<Pick<TakeRequest, "details">> {
  return request.op === "take" && request.mode === "peek" && request.details !== undefined;
}

/** Whether a request can be decided by the small script: a take that has nothing to do with permits. */
function isSmall(named: NamedRequest): boolean {
  const { op, targets } = named.request;
  if (op !== "take" || asksDetails(named.request)) return false;
  return targets.every((target) => target.policy.maxConcurrent === 0) && named.rules.every(({ isAlone }) => isAlone);
}

/** Whether a script decides about each request of its batches by one key. */
export function isKeyByKey(script: Script): boolean {
  return script !== decide && script !== coordinate;
}

/** The smallest script that can run a request. */
export function scriptOf(named: NamedRequest): Script {
  const { request, rules } = named;
  if (request.op !== "take") return coordinate;
  if (request.targets.length === 1 && (request.mode !== "peek" || !asksDetails(request))) {
    const own = rules[0] as UsedRules;
    if (own.policy.maxConcurrent > 0) return coordinate;
    if (own.isAlone) return own.keyScript ?? decide;
    if (request.times === undefined && isKnownMixed(own)) return takeMixed;
  }
  return isSmall(named) ? decide : coordinate;
}

/** The smallest script that can run all of a batch. */
export function commonScript(batch: readonly NamedRequest[]): Script {
  const [first = coordinate, ...others] = new Set(batch.map(scriptOf));
  if (others.length === 0) return first;
  return batch.every(isSmall) ? decide : coordinate;
}

/** Whether a request and the one before it become one entry of the script. */
export function isRepeat(named: NamedRequest, before: NamedRequest): boolean {
  if (named.keys[0] !== before.keys[0]) return false;
  const { request } = named;
  if (request.op !== "take" || before.request.op !== "take") return false;
  const script = scriptOf(named);
  if (!isKeyByKey(script) || script === takeMixed || script !== scriptOf(before)) return false;
  const [target] = request.targets as [Target];
  const { targets, mode, maxWaitUs, times } = before.request;
  if (script !== bucket && mode === "wait") return false;
  return request.times === undefined && times === undefined && request.mode === mode &&
    request.maxWaitUs === maxWaitUs && target.policy === targets[0]?.policy && target.cost === targets[0]?.cost;
}
