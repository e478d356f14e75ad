/**
 * Requests as a script reads them: policies once, then the requests, flat.
 *
 * @module
 */

import type { Mark } from "../../algorithms/kernel.ts";
import { correctedName } from "../correction.ts";
import type { StoreRequest } from "../store.ts";
import { integerArg } from "./bucket_header.ts";
import { decodeSeveral } from "./decode_several.ts";
import { decodeWindows } from "./decode_windows.ts";
import { EncodedPolicies, keysBeside, morePlacesOf } from "./encode_policies.ts";
import type { KeyNames } from "./keys.ts";
import { aloneWith, isPlain, type RuleState } from "./rules.ts";
import type { Script } from "./script.ts";
import type { KeyCall, ScriptCall } from "./script_call.ts";
import { encodeMixed } from "./encode_mixed.ts";
import { asksDetails, type NamedRequest } from "./named_request.ts";
import { aloneRequest } from "./alone_permits.ts";
import { isShortBatch, permitArgs, writeShort } from "./short_permits.ts";
import { encodeWindows } from "./encode_windows.ts";
import { coordinate, decide, several, takeMixed } from "./scripts.gen.ts";

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
  /** What the ARGV of every script begins with: what is added to times to live, and in front of that the clock of a test. */
  readonly clock: string;
  /** The instances of this process that hear of their waiters in the reply, where requests involve permits. @default {[]} */
  readonly callers?: readonly string[];
  /** Whether the instances have inboxes, which are kept and emptied. @default {false} */
  readonly hasInboxes?: boolean;
}

const MODES = { now: "0", wait: "1", peek: "2" } as const;

/** Turns takes by one key each, but those from single token buckets, into a call of the script that decides them. */
export function encodeTakes(script: Script, batch: readonly NamedRequest[], clock: string): KeyCall {
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
  const args = [options.clock];
  const words = [...policies.args, String(batch.length), ...body];
  const alone = batch.length === 1 && !options.hasInboxes ? aloneRequest(batch[0] as NamedRequest) : undefined;
  if (alone !== undefined) args.push(alone.letter, hearersArg(options), alone.id, words.join(" "), ...alone.words);
  else if (plain) args.push(...words);
  else args.push("", hearersArg(options), ...words);
  const hasMessages = !plain && callers.length > 0;
  return { script: plain ? decide : coordinate, keys, args, batch, hasMessages };
}

function encodeShortBatch(batch: readonly NamedRequest[], options: EncodeOptions): EncodedCall {
  const { letters, keys, ids, policies } = writeShort(batch);
  const args = [options.clock, letters, hearersArg(options), ...ids];
  for (const policy of policies) args.push(permitArgs(policy).join(" "));
  const hasMessages = (options.callers?.length ?? 0) > 0;
  return { script: coordinate, keys, args, batch, hasMessages };
}

/** How processes hear of their waiters. */
function hearersArg({ names: { channel }, callers = [], hasInboxes = false }: EncodeOptions): string {
  const listed = callers.length === 0 ? "" : `,${callers.join(",")},`;
  return `${hasInboxes && callers.length > 0 ? "-" : ""}${listed}:${channel}`;
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
