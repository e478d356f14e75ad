/**
 * From a decision to what explains it.
 *
 * @module
 */

import { durationWords } from "../../base/duration_words.ts";
import { systemClock, toWallMs } from "../../base/clock.ts";
import type { Level } from "../../algorithms/kernel.ts";
import type { RateLimit } from "../../algorithms/limit.ts";
import { freeInUs, wordsFor } from "../../algorithms/words.ts";
import type { Degradation } from "../degradation.ts";
import type { DenialReason, Outcome } from "../outcome.ts";
import { changesOf } from "./changes.ts";
import { Explanation } from "./explanation.ts";
import {
  blockedPart,
  classOf,
  deniedBy,
  detailedWait,
  type LimitState,
  limitStates,
  type Part,
  ruleFor,
} from "./limit_states.ts";
import { summaryOf } from "./summary.ts";
import type {
  ExplainedLimit,
  ExplainedLimiter,
  ExplainedOutage,
  ExplainedPermits,
  ExplanationData,
  ExplanationSource,
  UnitsFree,
} from "./types.ts";

/** What is explained. */
export interface Explained {
  /** The limiters of the call. */
  readonly parts: readonly Part[];
  /** What became of it. */
  readonly outcome: Outcome;
  /** Why it was denied. */
  readonly reason: DenialReason | undefined;
  /** Why the configured store has not decided. */
  readonly degradation: Degradation | undefined;
}

/** Explains a call. */
export function explain(explained: Explained): Explanation {
  const { parts, outcome, reason, degradation } = explained;
  const states = limitStates(parts, outcome);
  const limiters = parts.map((part, place) => {
    return limiterOf(part, place, states.filter((state) => state.place === place), explained);
  });
  const data: Omit<ExplanationData, "summary" | "changes"> = {
    allowed: outcome.status === "allowed",
    reason,
    deniedBy: deniedBy(parts, outcome),
    retryAfterMs: outcome.status === "allowed" ? 0 : outcome.waitUs / 1_000,
    source: sourceOf(outcome, degradation),
    complete: outcome.details !== undefined,
    limiters,
    outage: degradation && outageOf(degradation),
  };
  const changes = changesOf(data, states, outcome);
  return new Explanation({ ...data, summary: summaryOf(data), changes });
}

function sourceOf({ source }: Outcome, degradation: Degradation | undefined): ExplanationSource {
  if (degradation === undefined) return source ?? "store";
  return degradation.isLocal ? "local" : "failure_policy";
}

function outageOf({ store, error, sinceUs, policy, localShare }: Degradation): ExplainedOutage {
  const { code, reason, message } = error;
  const sinceMs = sinceUs === undefined ? undefined : toWallMs(systemClock, sinceUs);
  return { store, code, reason, message, sinceMs, policy, localShare };
}

function limiterOf(
  part: Part,
  place: number,
  states: readonly LimitState[],
  { outcome }: Explained,
): ExplainedLimiter {
  const { limiter, key, cost } = part;
  const block = blockOf(place, outcome, states);
  const limits = states.map((state) => state.rate === undefined ? permitsOf(state, outcome) : rateOf(state, outcome));
  const denies = block !== undefined || outcome.status === "store" || limits.some((limit) => limit.denies);
  return { limiter, key, keyClass: classOf(part), cost, denies, block, limits };
}

function blockOf(place: number, outcome: Outcome, states: readonly LimitState[]): ExplainedLimiter["block"] {
  const { status, waitUs, levels, details, isPause } = outcome;
  const detailed = details?.[place]?.blockedUs ?? 0;
  if (detailed > 0) return { kind: "block", endsInMs: detailed / 1_000 };
  const toldUs = levels[place]?.blockedUs ?? (levels.length === 1 ? waitUs : 0);
  const isBlocked = details === undefined && status === "blocked" && (toldUs > 0 || place === blockedPart(outcome));
  if (!isBlocked) return undefined;
  // A store may tell only when the block has ended and the rates agree: if these agree earlier, it is the block's end.
  const isEnd = toldUs > 0 && states.every((state) => (state.waitUs ?? Infinity) < toldUs);
  return { kind: isPause ? "pause" : "block", endsInMs: isEnd || isPause ? toldUs / 1_000 : undefined };
}

function rateOf(state: LimitState, outcome: Outcome): ExplainedLimit {
  const { place, part, index, remaining, denies, waitUs } = state;
  const rate = state.rate as RateLimit;
  const level: Level = outcome.levels[place]?.rates[index] ?? [0, 0];
  const words = wordsFor(rate);
  const isKnown = outcome.status !== "store" && outcome.levels[place]?.rates[index] !== undefined;
  return {
    algorithm: rate.algorithm,
    rule: ruleFor(part.policy, rate),
    limit: rate.capacity,
    used: isKnown ? words.used(rate, level) : undefined,
    remaining: isKnown ? remaining : undefined,
    standing: isKnown ? words.standing(rate, level) + leasedWords(part, outcome) : "not known: no store has decided",
    takenAhead: words.isAhead(rate, level),
    denies,
    deniesForMs: waitUs === undefined ? undefined : waitUs / 1_000,
    free: unitsOf(rate.capacity).map((units) => {
      if (units > rate.capacity) return never(units);
      const us = isKnown ? freeIn(state, outcome, rate, level, units) : undefined;
      return us === undefined ? { units, afterMs: undefined, reason: "not_known" } : { units, afterMs: us / 1_000 };
    }),
  };
}

/** A store counts units as used that processes have taken in advance; they may still allow calls. */
function leasedWords({ policy }: Part, { details }: Outcome): string {
  return details === undefined || policy.tokenLeaseUs === 0
    ? ""
    : "; units that processes hold in advance count as used";
}

function freeIn(
  { place, part, index, waitUs }: LimitState,
  { details }: Outcome,
  rate: RateLimit,
  level: Level,
  units: number,
): number | undefined {
  return detailedWait(details?.[place], index, rate, units, part.cost) ?? freeInUs(rate, level, units) ??
    (units === part.cost ? waitUs : undefined);
}

function permitsOf({ place, part, remaining, denies, waitUs }: LimitState, outcome: Outcome): ExplainedLimit {
  const limit = part.policy.maxConcurrent;
  const level = outcome.levels[place]?.permits;
  const details = outcome.details?.[place];
  const isKnown = level !== undefined && outcome.status !== "store";
  const { used = 0, freeInUs: endsInUs = 0 } = level ?? {};
  const permits: ExplainedPermits = {
    held: used,
    processes: details === undefined || details.processes < 0 ? undefined : details.processes,
    waiting: details?.waiting,
    leaseEndsInMs: used === 0 ? undefined : endsInUs / 1_000,
  };
  return {
    algorithm: "concurrency",
    rule: ruleFor(part.policy, undefined),
    limit,
    used: isKnown ? used : undefined,
    remaining: isKnown ? remaining : undefined,
    standing: isKnown ? permitWords(permits, limit) : "not known: no store has decided",
    takenAhead: false,
    denies,
    deniesForMs: waitUs === undefined ? undefined : waitUs / 1_000,
    free: unitsOf(limit).map((units) => {
      if (units > limit) return never(units);
      if (!isKnown) return { units, afterMs: undefined, reason: "not_known" };
      return units <= remaining ? { units, afterMs: 0 } : { units, afterMs: undefined, reason: "held" };
    }),
    ...(isKnown ? { permits } : {}),
  };
}

function permitWords({ held, processes, waiting, leaseEndsInMs }: ExplainedPermits, limit: number): string {
  const by = processes === undefined || held === 0
    ? ""
    : ` by ${processes} ${processes === 1 ? "process" : "processes"}`;
  const words = [`${held} of ${limit} held${by}`];
  if (waiting !== undefined && waiting > 0) words.push(`${waiting} ${waiting === 1 ? "call waits" : "calls wait"}`);
  if (leaseEndsInMs !== undefined) {
    words.push(`the next lease ends in ${durationWords(leaseEndsInMs)} unless it is renewed`);
  }
  return words.join("; ");
}

function unitsOf(capacity: number): number[] {
  return [...new Set([1, 10, capacity])].sort((a, b) => a - b);
}

function never(units: number): UnitsFree {
  return { units, afterMs: undefined, reason: "more_than_limit" };
}
