/**
 * Takes from single windows, and from several limits of one key, as `fixed_window.lua`, `sliding_window_counter.lua`,
 * `sliding_window.lua` and `several.lua` read them.
 *
 * @module
 */

import type { RateLimit } from "../../algorithms/limit.ts";
import { algorithmOf } from "../../algorithms/mod.ts";
import type { Policy } from "../../policy/policy.ts";
import type { TakeRequest, Target } from "../store.ts";
import { KIND, whole } from "./bucket_header.ts";
import type { NamedRequest } from "./named_request.ts";
import { exactTimes, severalArgs } from "./encode_several.ts";
import { isPlain } from "./rules.ts";
import { gather, type GatheredRun, isAlike, isCounted, type RunHeader } from "./gather.ts";

/** What the takes of a run have in common. */
export interface WindowHeader extends RunHeader {
  /** What the script is told after the number of entries. */
  readonly args: readonly string[];
  /** The same of rules that are not the plain ones: every value that they write names them. */
  readonly namedArgs: readonly string[];
}

/** Entries under one header. */
export type WindowRun = GatheredRun<WindowHeader>;

/** Counts stay below this in what is stored. */
const MAX_COUNT = 2 ** 31;

/** How many headers are kept for a policy: costs and waits usually vary in few ways. */
const MAX_HEADERS = 16;

const kept = new WeakMap<Policy, WindowHeader[]>();

/** Turns takes that one script decides into what it is told, after `clock`. */
export function encodeWindows(
  batch: readonly NamedRequest[],
  clock: readonly string[],
): { keys: string[]; args: string[]; runs: WindowRun[] } {
  const keys: string[] = [];
  const args = [...clock];
  const runs: WindowRun[] = [];
  for (const { header, entries, counted } of gather(batch, headerOf)) {
    // The keys of a run differ, so its entries may change places.
    const groups = counted ? [entries.filter((entry) => !isCounted(entry)), entries.filter(isCounted)] : [entries];
    for (const [i, group] of groups.entries()) {
      if (group.length === 0) continue;
      const kind = (header.mode === "peek" ? KIND.peek : 0) + (i > 0 ? KIND.counts : 0);
      const arePlain = group.every(({ index }) => (batch[index] as NamedRequest).rules?.every(isPlain) ?? true);
      args.push(String(kind), String(group.length), ...(arePlain ? header.args : header.namedArgs));
      for (const entry of group) {
        keys.push((batch[entry.index] as NamedRequest).keys[0] as string);
        if (i > 0) args.push(String(entry.times));
      }
      runs.push({ header, entries: group, counted: i > 0 });
    }
  }
  return { keys, args, runs };
}

function headerOf(request: TakeRequest, target: Target): WindowHeader {
  const { policy } = target;
  let headers = kept.get(policy);
  if (headers === undefined) kept.set(policy, headers = []);
  for (const header of headers) {
    if (isAlike(header, request, target)) return header;
  }
  if (headers.length >= MAX_HEADERS) headers.length = 0;
  const header = makeHeader(request, target);
  headers.push(header);
  return header;
}

function makeHeader({ mode, maxWaitUs }: TakeRequest, { policy, cost }: Target): WindowHeader {
  const waitUs = mode === "wait" ? whole(maxWaitUs) : "0";
  const argsBy = (arePlain: boolean) =>
    policy.rates.length > 1 ? severalArgs(policy, cost, waitUs) : windowArgs(policy, cost, waitUs, arePlain);
  return {
    policy,
    mode,
    maxWaitUs,
    cost,
    // Takes that wait are for different instants: each is an entry.
    maxTimes: mode === "wait" ? 1 : Math.min(Math.floor(MAX_COUNT / cost), ...policy.rates.map(exactTimes)),
    args: argsBy(true),
    namedArgs: argsBy(false),
  };
}

function windowArgs({ rates }: Policy, cost: number, waitUs: string, arePlain: boolean): string[] {
  const rate = rates[0] as RateLimit;
  const [capacity, windowUs, third = 0] = algorithmOf(rate.algorithm).numbers(rate);
  // An integer does not name the rules of a fixed window: only the plain rules store one.
  const withoutInteger = rate.algorithm === "fixed_window" && !arePlain;
  return [cost, capacity, windowUs, withoutInteger ? 0 : third].map(String).concat(waitUs);
}
