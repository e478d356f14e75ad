/**
 * Which limits of a call deny it, and which of them keeps it out the longest.
 *
 * @module
 */

import type { RateLimit } from "../../algorithms/limit.ts";
import { freeInUs, ruleOf } from "../../algorithms/words.ts";
import type { Policy } from "../../policy/policy.ts";
import { permitsRule } from "../../policy/rules_text.ts";
import { type PolicyLevel, rateStatus } from "../../policy/status.ts";
import type { TargetDetails } from "../../stores/store.ts";
import type { Outcome } from "../outcome.ts";
import type { DeniedBy } from "./types.ts";

/** One limiter of a call. */
export interface Part {
  /** Its id. */
  readonly limiter: string;
  /** Its rules, as they were applied. */
  readonly policy: Policy;
  /** The key. */
  readonly key: string | undefined;
  /** What the call says of the kind of the key. */
  readonly keyClass: string | undefined;
  /** Units to take. */
  readonly cost: number;
  /** Permits to take. */
  readonly permits: number;
}

/** One limit of a call. */
export interface LimitState {
  /** The place of its limiter in the call. */
  readonly place: number;
  /** Its limiter. */
  readonly part: Part;
  /** Its place among the limits of its limiter, permits last. */
  readonly index: number;
  /** The limit; undefined of permits. */
  readonly rate: RateLimit | undefined;
  /** Units or permits that are left. */
  readonly remaining: number;
  /** When it is as good as unused, in milliseconds; of permits when the first lease ends. */
  readonly resetAfterMs: number;
  /** Whether it denies the call. */
  readonly denies: boolean;
  /** How long it alone denies the call, in microseconds; undefined where that is not known. */
  readonly waitUs: number | undefined;
}

/** What became of calls that lack a permit, or might. */
const PERMITS: ReadonlySet<Outcome["status"]> = new Set<Outcome["status"]>(["permits", "queued", "queue_full"]);

/** Every limit of a call, in order. */
export function limitStates(parts: readonly Part[], outcome: Outcome): LimitState[] {
  // Metrics count denials by this: plain loops take a fraction of what `flatMap` takes.
  const all: LimitState[] = [];
  parts.forEach((part, place) => addStates(all, part, place, outcome));
  const states = withKnownWait(all, outcome);
  if (!PERMITS.has(outcome.status) || states.some(({ rate, denies }) => denies && rate === undefined)) return states;
  // Permits are free, but kept for calls that came before.
  const kept = states.findIndex(({ rate, part }) => rate === undefined && part.permits > 0);
  return states.map((state, i) => i === kept ? { ...state, denies: true, waitUs: undefined } : state);
}

/** If one wait alone is not known, and no known one is as long as that of the call, it is that. */
function withKnownWait(states: LimitState[], { status, waitUs }: Outcome): LimitState[] {
  const unknown = states.filter((state) => state.waitUs === undefined);
  const isIt = status === "rate" && unknown.length === 1 && states.every((state) => (state.waitUs ?? 0) < waitUs);
  return isIt ? states.map((state) => state.waitUs === undefined ? { ...state, waitUs } : state) : states;
}

function addStates(states: LimitState[], part: Part, place: number, { status, levels, details }: Outcome): void {
  const { limiter, policy: { rates, maxConcurrent }, cost, permits } = part;
  const level = levels[place] as PolicyLevel;
  const mayDeny = status !== "allowed" && status !== "store";
  rates.forEach((rate, index) => {
    const own = level.rates[index] ?? [0, 0];
    const { remaining, resetAfterMs } = rateStatus(limiter, rate, own);
    const denies = mayDeny && remaining < cost;
    const waitUs = denies ? detailedWait(details?.[place], index, rate, cost) ?? freeInUs(rate, own, cost) : 0;
    states.push({ place, part, index, rate, remaining, resetAfterMs, denies, waitUs });
  });
  if (maxConcurrent === 0) return;
  const { used, freeInUs: endsInUs } = level.permits ?? { used: 0, freeInUs: 0 };
  const remaining = Math.max(maxConcurrent - used, 0);
  const denies = mayDeny && remaining < permits;
  const resetAfterMs = endsInUs / 1_000;
  const waitUs = denies ? undefined : 0;
  states.push({ place, part, index: rates.length, rate: undefined, remaining, resetAfterMs, denies, waitUs });
}

/** The units that a store is asked about, for each rate: 1, 10, all that it holds, and what the call costs. */
export function askedUnits(rate: RateLimit, cost: number): number[] {
  return [...new Set([1, 10, rate.capacity, cost])].filter((units) => units <= rate.capacity);
}

/** How long a store said that so many units take to be free, in microseconds. */
export function detailedWait(
  details: TargetDetails | undefined,
  index: number,
  rate: RateLimit,
  units: number,
  cost: number = units,
): number | undefined {
  return details?.waitsUs[index]?.[askedUnits(rate, cost).indexOf(units)];
}

/** The limit that denies a call and keeps it out the longest; undefined if none denies. */
export function boundOf(states: readonly LimitState[], { status, waitUs }: Outcome): LimitState | undefined {
  const denying = states.filter(({ denies }) => denies);
  if (PERMITS.has(status)) return denying.find(({ rate }) => rate === undefined) ?? longest(denying, waitUs);
  return longest(denying, waitUs);
}

/**
 * Where the waits of some are not known, the wait of the call tells: if no known one is as long, it is one of those. Of
 * several such, the one that is unused again the latest.
 */
function longest(denying: readonly LimitState[], callUs: number): LimitState | undefined {
  const known = denying.filter((state) => state.waitUs !== undefined);
  const unknown = denying.filter((state) => state.waitUs === undefined);
  const best = most(known, ({ waitUs }) => waitUs ?? 0);
  if (unknown.length === 0 || (best !== undefined && (best.waitUs ?? 0) >= callUs)) return best;
  return most(unknown, ({ resetAfterMs }) => resetAfterMs);
}

function most(states: readonly LimitState[], of: (state: LimitState) => number): LimitState | undefined {
  return states.reduce<LimitState | undefined>(
    (best, state) => best === undefined || of(state) > of(best) ? state : best,
    undefined,
  );
}

/** The limiter of a call that is blocked: of several, the one whose block ends last. */
export function blockedPart({ levels, details }: Outcome): number {
  let found = 0;
  let latestUs = -1;
  levels.forEach((level, place) => {
    const us = details?.[place]?.blockedUs ?? level.blockedUs ?? -1;
    if (us > latestUs) [found, latestUs] = [place, us];
  });
  return found;
}

/** What denied a call; undefined if it is allowed. */
export function deniedBy(parts: readonly Part[], outcome: Outcome): DeniedBy | undefined {
  const { status } = outcome;
  if (status === "allowed") return undefined;
  if (status === "store") return without(parts[0] as Part, "store");
  if (status === "blocked") return without(parts[blockedPart(outcome)] as Part, outcome.isPause ? "pause" : "block");
  const states = limitStates(parts, outcome);
  // A denial that is repeated, or decided from leased units, may know no limit that denies.
  const bound = boundOf(states, outcome) ?? states[0];
  if (bound === undefined) return without(parts[0] as Part, status);
  const { part, index, rate } = bound;
  return { limiter: part.limiter, keyClass: classOf(part), limit: index, rule: ruleFor(part.policy, rate) };
}

function without(part: Part, rule: string): DeniedBy {
  return { limiter: part.limiter, keyClass: classOf(part), limit: undefined, rule };
}

/** A limit of a policy in words. */
export function ruleFor({ maxConcurrent }: Policy, rate: RateLimit | undefined): string {
  return rate === undefined ? permitsRule(maxConcurrent) : ruleOf(rate);
}

/** What kind of key a call has. */
export function classOf({ keyClass, key }: Pick<Part, "keyClass" | "key">): string {
  return keyClass ?? (key === undefined ? "none" : "key");
}
