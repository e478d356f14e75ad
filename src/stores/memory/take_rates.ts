/**
 * Decides on one key with any limits whose states are more than numbers: what `transaction.ts` does, without a request.
 *
 * @module
 */

import type { Level } from "../../algorithms/kernel.ts";
import type { RateLimit } from "../../algorithms/limit.ts";
import type { RateState } from "../../algorithms/kernels.ts";
import { shortKey } from "../../base/short_key.ts";
import { RatesReply, type Trace } from "../rates_reply.ts";
import type { TakeReply, TakeRequest } from "../store.ts";
import { freshEntry } from "./entry_table.ts";
import type { Entry } from "./entry.ts";
import type { StateTable } from "./state_table.ts";
import type { LimiterTable } from "./limiter_table.ts";

/**
 * Decides if the key is in an entry of its present rules, or nowhere yet, and takes no permit; else undefined, and where the
 * clock has stepped back.
 */
export function takeRates(
  table: StateTable,
  keys: LimiterTable,
  asWritten: string | undefined,
  cost: number,
  nowUs: number,
  mode: TakeRequest["mode"],
  maxWaitUs: number,
): TakeReply | undefined {
  const { policy } = keys;
  const key = shortKey(asWritten);
  const known = keys.entryOf(key);
  if (
    known === undefined
      ? keys.has(key)
      : known.policy !== policy || known.ledger !== undefined || known.others !== undefined
  ) return undefined;

  const entry = known ?? freshEntry(policy);
  const { kernels } = keys;
  const { rates } = policy;
  const { states, blockedUs } = entry;
  let atUs = blockedUs > nowUs ? blockedUs : nowUs;
  for (let i = 0; i < rates.length; i++) {
    const kernel = kernels[i] as LimiterTable["kernels"][0];
    const rate = rates[i] as RateLimit;
    const state = states[i] as RateState;
    if (kernel.settle(state, nowUs, rate) !== state) return undefined;
    const earliestUs = kernel.earliest(state, nowUs, cost, rate);
    if (earliestUs > atUs) atUs = earliestUs;
  }
  const allowed = atUs <= nowUs || (mode === "wait" && atUs - nowUs <= maxWaitUs);
  let traces: Trace[] | undefined;
  if (allowed && mode !== "peek") {
    traces = takeAll(keys, entry, nowUs, atUs, cost);
    if (known === undefined) {
      table.makeRoom(keys, nowUs);
      keys.write(key, entry);
    }
  }
  const status = allowed ? "allowed" : blockedUs > nowUs ? "blocked" : "rate";
  const waitUs = atUs - nowUs;
  const levels: Level[] = [];
  for (let i = 0; i < rates.length; i++) {
    levels.push(
      (kernels[i] as LimiterTable["kernels"][0]).measure(states[i] as RateState, nowUs, rates[i] as RateLimit),
    );
  }
  return new RatesReply(status, nowUs, waitUs, levels, traces);
}

/** Takes a cost from all rates of an entry. Returns what marks hold besides the levels, where that is anything. */
function takeAll(
  { kernels }: LimiterTable,
  { states, policy: { rates } }: Entry,
  nowUs: number,
  atUs: number,
  cost: number,
): Trace[] | undefined {
  let traces: Trace[] | undefined;
  for (let i = 0; i < rates.length; i++) {
    const kernel = kernels[i] as LimiterTable["kernels"][0];
    const before = states[i] as RateState;
    const after = kernel.take(before, nowUs, atUs, cost, rates[i] as RateLimit);
    states[i] = after;
    const trace = kernel.trace?.(before, after, nowUs, atUs);
    if (trace !== undefined) (traces ??= rates.map((): Trace => undefined))[i] = trace;
  }
  return traces;
}
