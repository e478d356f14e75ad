/**
 * Takes beside other rules, as `take_mixed.lua` reads them: alike ones that follow one another in groups under one header.
 *
 * @module
 */

import { algorithmOf } from "../../algorithms/mod.ts";
import type { RateLimit } from "../../algorithms/limit.ts";
import type { TakeRequest, Target } from "../store.ts";
import { integerArg } from "./bucket_header.ts";
import type { NamedRequest } from "./named_request.ts";
import type { WindowHeader } from "./encode_windows.ts";
import { type BatchGroup, isAlike } from "../alike_takes.ts";
import { isKnownMixed, isPlain, type RuleState } from "./rules.ts";

/** Writes the KEYS and ARGV of `take_mixed.lua` for takes from keys that several rules share; `clock` stands in front. */
export function encodeMixed(
  batch: readonly NamedRequest[],
  clock: string,
): { keys: string[]; args: string[]; windows: BatchGroup<WindowHeader>[] } {
  const args = [clock];
  const windows: BatchGroup<WindowHeader>[] = [];
  for (const [index, { request, rules }] of batch.entries()) {
    const take = request as TakeRequest;
    const [target] = take.targets as readonly [Target];
    const last = windows.at(-1);
    const isMore = last !== undefined && isAlike(last.header, take, target);
    const group = isMore
      ? last
      : { header: headerOf(take, target, rules[0] as RuleState), entries: [], counted: false };
    if (!isMore) windows.push(group);
    group.entries.push({ index, more: undefined, times: 1, group: windows.length - 1, hasTimes: false });
  }
  for (const { header: { mode, args: own }, entries } of windows) {
    args.push(mode === "peek" ? "1" : "0", String(entries.length), ...own);
  }
  return { keys: batch.map(({ keys }) => keys[0] as string), args, windows };
}

function headerOf({ mode, maxWaitUs }: TakeRequest, { policy, cost }: Target, rules: RuleState): WindowHeader {
  const { letter, numbers } = algorithmOf((policy.rates[0] as RateLimit).algorithm);
  const args = [
    String(cost),
    mode === "wait" ? integerArg(maxWaitUs) : "0",
    rules.isMixed ? "0" : "1",
    letter,
    ...numbers(policy.rates[0] as RateLimit).map(String),
    ...plainOf(rules),
  ];
  return { policy, mode, maxWaitUs, cost, flags: 0, maxTimes: 1, args, namedArgs: args, scale: 0 };
}

/** The plain rules as the script reads them; empty if they are about to change, or are no limit that it knows. */
function plainOf(rules: RuleState): string[] {
  if (isPlain(rules)) return ["="];
  return rules.nextForm === "" && isKnownMixed({ form: rules.plainForm }) ? rules.plainForm.split(" ").slice(1) : [""];
}
