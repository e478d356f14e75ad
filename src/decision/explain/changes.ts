/**
 * What would change a denial.
 *
 * @module
 */

import { durationWords } from "../../base/duration_words.ts";
import { show } from "../../base/text.ts";
import { wordsFor } from "../../algorithms/words.ts";
import type { Outcome } from "../outcome.ts";
import type { LimitState } from "./limit_states.ts";
import type { ExplainedChange, ExplainedLimiter, ExplanationData } from "./types.ts";

/** Everything that would, in the order in which to think of it. */
export function changesOf(
  data: Omit<ExplanationData, "summary" | "changes">,
  states: readonly LimitState[],
  outcome: Outcome,
): ExplainedChange[] {
  if (data.allowed) return [];
  const { limiters, retryAfterMs } = data;
  const limiter = data.deniedBy?.limiter ?? "";
  const changes: ExplainedChange[] = [];
  if (data.deniedBy?.rule === "store") changes.push(storeBack(data, limiter));
  else if (retryAfterMs > 0) {
    const text = `Wait ${durationWords(retryAfterMs)}: the call is allowed then if no other comes first.`;
    changes.push({ kind: "wait", limiter, afterMs: retryAfterMs, text });
  }
  const lower = lowerCost(states, limiters);
  if (lower > 0) {
    changes.push({
      kind: "lower_cost",
      limiter,
      units: lower,
      text: `A call that costs ${lower} or less is allowed now.`,
    });
  }
  limiters.forEach((each, place) => {
    const own = states.filter((state) => state.place === place);
    changes.push(...unblock(each), ...refund(each, own, outcome), ...release(each, own));
  });
  return changes;
}

function storeBack({ outage }: Pick<ExplanationData, "outage">, limiter: string): ExplainedChange {
  return { kind: "store", limiter, text: `Store ${show(outage?.store)} decides again.` };
}

/** The largest cost that the limits of a call with one limiter allow now, if only its cost is too large; else 0. */
function lowerCost(states: readonly LimitState[], limiters: readonly ExplainedLimiter[]): number {
  const [only] = limiters;
  const others = states.some(({ rate, denies }) => denies && rate === undefined);
  if (limiters.length !== 1 || only?.block !== undefined || others || !states.some(({ denies }) => denies)) return 0;
  return Math.min(...states.flatMap(({ rate, remaining }) => rate === undefined ? [] : [remaining]));
}

function unblock({ limiter, key, block }: ExplainedLimiter): ExplainedChange[] {
  if (block?.kind !== "block") return [];
  const end = block.endsInMs === undefined ? {} : { afterMs: block.endsInMs };
  const text = `The block ends${
    block.endsInMs === undefined ? " by itself" : ` in ${durationWords(block.endsInMs)}`
  }; ${call("block", limiter, 0, key)} ends it now.`;
  return [{ kind: "unblock", limiter, ...end, text }];
}

function refund(
  { limiter, key, cost }: ExplainedLimiter,
  states: readonly LimitState[],
  { levels }: Outcome,
): ExplainedChange[] {
  let units = 0;
  for (const { rate, denies, place, index } of states) {
    if (rate === undefined || !denies) continue;
    const own = wordsFor(rate).refundFor(rate, levels[place]?.rates[index] ?? [0, 0], cost);
    if (own === undefined) return [];
    units = Math.max(units, own);
  }
  const text = `${call("refund", limiter, units, key)} makes room in limiter ${show(limiter)} for the call.`;
  return units === 0 ? [] : [{ kind: "refund", limiter, units, text }];
}

function release({ limiter, limits }: ExplainedLimiter, states: readonly LimitState[]): ExplainedChange[] {
  const state = states.find(({ rate, denies }) => denies && rate === undefined);
  const permits = limits.at(-1)?.permits;
  if (state === undefined || permits === undefined) return [];
  const units = Math.max(state.part.permits - state.remaining, 0);
  const changes: ExplainedChange[] = [];
  if (units > 0) {
    const text = `${units === 1 ? "A holder releases a permit" : `Holders release ${units} permits`} of limiter ${
      show(limiter)
    }.`;
    changes.push({ kind: "release", limiter, units, text });
  }
  const { waiting } = permits;
  if (waiting !== undefined && waiting > 0) {
    const text = waiting === 1 ? "One call waits in front." : `${waiting} calls wait in front.`;
    changes.push({ kind: "queue", limiter, units: waiting, text });
  }
  return changes;
}

/** How a correction is written, with the key left as a name: an explanation may be shown to others. */
function call(verb: string, limiter: string, number: number, key: string | undefined): string {
  return `${verb}(${show(limiter)}, ${number}${key === undefined ? "" : ", { key }"})`;
}
