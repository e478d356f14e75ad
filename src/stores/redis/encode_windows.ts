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
import { FLAGS, integerArg } from "./bucket_header.ts";
import type { NamedRequest } from "./named_request.ts";
import { exactTimes, severalArgs } from "./encode_several.ts";
import { windowScale } from "./joined.ts";
import { isPlain } from "./rules.ts";
import { type BatchGroup, type GroupHeader, groupTakes, keptHeaders } from "../alike_takes.ts";

/** What the takes of a group have in common. */
export interface WindowHeader extends GroupHeader {
  /** Those of the {@linkcode FLAGS} that always hold. */
  readonly flags: number;
  /** The arguments of the script behind that. */
  readonly args: readonly string[];
  /** The same of rules that are not the plain ones: every value that they write names them. */
  readonly namedArgs: readonly string[];
  /** By what the first number of a level is multiplied where the script answers both as one; 0 where it answers two. */
  readonly scale: number;
}

/** Counts stay below this in what is stored. */
const MAX_COUNT = 2 ** 31;

/** The header of a take from single windows or several limits. */
const windowHeaderOf = keptHeaders(makeHeader);

/** Turns takes that one script decides into its KEYS and ARGV; `clock` stands in front. */
export function encodeWindows(
  batch: readonly NamedRequest[],
  clock: string,
): { keys: string[]; args: string[]; windows: BatchGroup<WindowHeader>[] } {
  const keys: string[] = [];
  const args = [clock];
  const windows = groupTakes(batch, windowHeaderOf);
  for (const { header, entries, counted } of windows) {
    const flags = header.flags + (counted ? FLAGS.counts : 0) + FLAGS.entry * entries.length;
    const arePlain = entries.every(({ index }) => (batch[index] as NamedRequest).rules.every(isPlain));
    args.push(String(flags), ...(arePlain ? header.args : header.namedArgs));
    for (const entry of entries) {
      keys.push((batch[entry.index] as NamedRequest).keys[0] as string);
      if (counted) args.push(String(entry.times));
    }
  }
  return { keys, args, windows };
}

function makeHeader({ mode, maxWaitUs }: TakeRequest, { policy, cost }: Target): WindowHeader {
  const waitUs = mode === "wait" ? integerArg(maxWaitUs) : undefined;
  const argsBy = (arePlain: boolean) =>
    policy.rates.length > 1 ? severalArgs(policy, cost, waitUs ?? "0") : windowArgs(policy, cost, waitUs, arePlain);
  return {
    policy,
    mode,
    maxWaitUs,
    cost,
    flags: mode === "peek" ? FLAGS.peek : mode === "wait" && policy.rates.length === 1 ? FLAGS.wait : 0,
    // Takes that wait are for different instants: each is an entry.
    maxTimes: mode === "wait" ? 1 : Math.min(Math.floor(MAX_COUNT / cost), ...policy.rates.map(exactTimes)),
    args: argsBy(true),
    namedArgs: argsBy(false),
    scale: windowScale(policy.rates[0] as RateLimit),
  };
}

function windowArgs({ rates }: Policy, cost: number, waitUs: string | undefined, arePlain: boolean): string[] {
  const rate = rates[0] as RateLimit;
  const [capacity, windowUs, third = 0] = algorithmOf(rate.algorithm).numbers(rate);
  // An integer does not name the rules of a fixed window: only the plain rules store one.
  const withoutInteger = rate.algorithm === "fixed_window" && !arePlain;
  return [cost, capacity, windowUs, withoutInteger ? 0 : third].map(String).concat(waitUs ?? []);
}
