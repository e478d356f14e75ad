/**
 * Requests as a script reads them: policies once, then the requests, flat.
 *
 * @module
 */

import type { Mark } from "../../algorithms/kernel.ts";
import { correctedName } from "../correction.ts";
import type { StoreRequest, TakeRequest, Target } from "../store.ts";
import { integerArg } from "./bucket_header.ts";
import { bucketCall } from "./buckets.ts";
import { decodeSeveral } from "./decode_several.ts";
import { decodeWindows } from "./decode_windows.ts";
import { EncodedPolicies, keysBeside, morePlacesOf } from "./encode_policies.ts";
import type { KeyNames } from "./keys.ts";
import { aloneWith, isPlain, type RuleState } from "./rules.ts";
import type { Script } from "./script.ts";
import type { KeyCall, ScriptCall } from "./script_call.ts";
import { encodeMixed, isKnownMixed } from "./encode_mixed.ts";
import { permitArgs } from "./encode_several.ts";
import { isShortBatch, writeShort } from "./short_permits.ts";
import { encodeWindows } from "./encode_windows.ts";
import { bucket, coordinate, decide, several, takeMixed } from "./scripts.gen.ts";
import type { UsedRules } from "./register_cache.ts";
import type { NamedRequest } from "./named_request.ts";

/** A call of a script that decides more than takes by one key, and what it takes to read its reply. */
export interface EncodedCall extends ScriptCall {
  /** The requests that it runs, in the order of their replies. */
  readonly batch: readonly NamedRequest[];
  /** Whether messages follow the replies. */
  readonly hasMessages: boolean;
}

/** What goes with every call. */
export interface EncodeOptions {
  /** How keys and channels are called. */
  readonly names: KeyNames;
  /** Added to every time to live, in milliseconds. */
  readonly graceMs: number;
  /** A clock for tests; the server's own where undefined. */
  readonly nowUs: number | undefined;
  /** The instances of this process that hear of their waiters in the reply, where requests involve permits. @default {[]} */
  readonly callers?: readonly string[];
  /** Whether the instances have inboxes, which are kept and emptied. @default {false} */
  readonly hasInboxes?: boolean;
}

const MODES = { now: "0", wait: "1", peek: "2" } as const;

/** Whether a request asks for details, which only the large script knows. */
function asksDetails(request: StoreRequest): request is TakeRequest & Required<Pick<TakeRequest, "details">> {
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

/**
 * Turns a batch into one call of a script that decides key by key. Requests with `times` are takes from single token buckets,
 * and must not stand in one batch with others.
 */
export function encodeByKey(script: Script, batch: readonly NamedRequest[], options: EncodeOptions): KeyCall {
  const clock = clockArgs(options);
  if (script === bucket) return bucketCall(batch, clock);
  const { keys, args, windows } = script === takeMixed ? encodeMixed(batch, clock) : encodeWindows(batch, clock);
  const decode = script === several ? decodeSeveral : decodeWindows;
  return { script, keys, args, read: (reply) => decode(windows, batch.length, reply) };
}

/** Turns a batch into one call of another script, that can run all of it; an empty one only asks for messages. */
export function encodeBatch(script: Script, batch: readonly NamedRequest[], options: EncodeOptions): EncodedCall {
  return isShortBatch(batch) ? encodeShortBatch(batch, options) : encodeRequests(script, batch, options);
}

function encodeRequests(smallest: Script, batch: readonly NamedRequest[], options: EncodeOptions): EncodedCall {
  const { callers = [] } = options;
  // An integer says nothing of the window that it is.
  const plain = smallest === decide && batch.every(({ rules }) => rules.every(isPlain));
  const policies = new EncodedPolicies();
  const keys: string[] = [];
  const body: string[] = [];
  for (const { request, keys: named, rules } of batch) {
    if (!plain) body.push(...head(request));
    else if (request.op === "take") body.push(MODES[request.mode], integerArg(request.maxWaitUs));
    body.push(String(request.targets.length));
    const { op, targets } = request;
    let hasMore = op === "reset";
    for (const [i, target] of request.targets.entries()) {
      // What is not by these rules is no business of the small script.
      const own = plain ? aloneWith(target.policy) : rules[i] as RuleState;
      body.push(policies.index(target.policy, own), String(target.cost), String(target.permits));
      if (request.op === "giveBack") body.push(...encodeMarks(request.marks[i] ?? []));
      else if (asksDetails(request)) {
        for (const units of request.details?.[i] ?? []) body.push(String(units.length), ...units.map(integerArg));
      } else if (request.op === "reset" || request.op === "block") body.push(correctedName(target));
      hasMore ||= morePlacesOf(own).length > 0;
    }
    if (!hasMore) keys.push(...named);
    else {
      for (const [i, target] of targets.entries()) {
        keys.push(...keysBeside(target, rules[i] as RuleState, options.names));
        if (op === "reset") keys.push(...options.names.leasesBeside(target));
      }
    }
  }
  const args = clockArgs(options);
  if (!plain) args.push("", ...inboxArgs(options));
  args.push(...policies.args);
  args.push(String(batch.length), ...body);
  const hasMessages = !plain && callers.length > 0;
  return { script: plain ? decide : coordinate, keys, args, batch, hasMessages };
}

function encodeShortBatch(batch: readonly NamedRequest[], options: EncodeOptions): EncodedCall {
  const { letters, keys, ids, policies } = writeShort(batch);
  const args = [...clockArgs(options), letters, ...inboxArgs(options), ...ids];
  for (const policy of policies) args.push(...permitArgs(policy));
  const hasMessages = (options.callers?.length ?? 0) > 0;
  return { script: coordinate, keys, args, batch, hasMessages };
}

function clockArgs({ nowUs, graceMs }: EncodeOptions): string[] {
  return [nowUs === undefined ? "" : String(nowUs), String(Math.ceil(graceMs))];
}

/** How processes hear of their waiters. */
function inboxArgs({ names: { channel }, callers = [], hasInboxes = false }: EncodeOptions): string[] {
  return [channel, String(hasInboxes ? -callers.length : callers.length), ...callers];
}

function head(request: StoreRequest): string[] {
  switch (request.op) {
    case "take":
      if (asksDetails(request)) return ["I"];
      if (request.times !== undefined) return ["L", String(request.times)];
      return ["T", request.id, MODES[request.mode], integerArg(request.maxWaitUs), String(request.arrivalUs)];
    case "poll":
      return ["P", request.id, String(request.arrivalUs)];
    case "release":
      return ["R", request.id];
    case "renew":
      return ["N", request.id];
    case "giveBack":
      return ["G"];
    case "refund":
      return ["F"];
    case "penalize":
      return ["X"];
    case "reset":
      return ["Z", request.from ?? ""];
    case "block":
      return ["B", integerArg(request.durationUs), request.keepLonger ? "1" : "0", request.from ?? ""];
  }
}

function encodeMarks(marks: readonly Mark[]): string[] {
  const { nowUs = 0, atUs = 0, cost = 0 } = marks[0] ?? {};
  const numbers = [nowUs, atUs, cost];
  for (const { level, trace = [] } of marks) numbers.push(...level, trace.length, ...trace);
  return numbers.map(String);
}
