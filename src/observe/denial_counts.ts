/**
 * Denials by what denied them, counted while an observer wants them.
 *
 * @module
 */

import { algorithmOf } from "../algorithms/mod.ts";
import type { Policy } from "../policy/policy.ts";
import type { PolicyLevel } from "../policy/status.ts";
import type { DeniedBy } from "../decision/explain/types.ts";
import type { Decision } from "../decision/decision.ts";
import type { Outcome } from "../decision/outcome.ts";

/** Denials of one limiter, by one rule, of one class of keys. */
export interface DenialCount extends Pick<DeniedBy, "limiter" | "keyClass" | "rule"> {
  /** How many there were. */
  count: number;
}

/** Denials that have the same rule, told apart without words. */
interface Kind {
  readonly limiter: string;
  readonly policy: Policy;
  readonly keyClass: string | undefined;
  readonly hasKey: boolean;
  /** The place of the limit in the policy, or what else denied. */
  readonly denier: number;
  readonly counted: DenialCount;
}

/** What denies where no limit does, in place of its place. */
const BLOCK = -1;
const PAUSE = -2;
const STORE = -3;

/**
 * Counts denials. It finds the words of a rule once for each kind of denial. After that, a denial costs some comparisons and an
 * addition. Where several limits deny at once, the counter asks each time which of them keeps the call out the longest.
 */
export class DenialCounts {
  readonly #counts = new Map<string, DenialCount>();
  #kinds = new WeakMap<Policy, readonly Kind[]>();
  /** What was counted last of each limiter, and of all: often the next one too. */
  readonly #newest = new Map<string, Kind>();
  #last: Kind | undefined;

  /** Counts a denial that a limiter reports. Of a call over several limiters, each reports it: the one that denied counts. */
  count(limiter: string, decision: Decision): void {
    const { alone, outcome, cost } = decision;
    const denier = alone && outcome && denierOf(alone.policy, outcome, cost);
    if (alone === undefined || denier === undefined) {
      const { deniedBy } = decision;
      if (deniedBy?.limiter === limiter) this.#countOf(deniedBy).count++;
      return;
    }
    const { policy, keyClass } = alone;
    const hasKey = decision.key !== undefined;
    let kind = this.#last;
    if (kind === undefined || kind.limiter !== limiter) kind = this.#last = this.#newest.get(limiter);
    if (
      kind === undefined || kind.policy !== policy || kind.denier !== denier || kind.keyClass !== keyClass ||
      kind.hasKey !== hasKey
    ) {
      kind = this.#kindOf({ limiter, policy, keyClass, hasKey, denier }, decision);
      this.#newest.set(limiter, this.#last = kind);
    }
    kind.counted.count++;
  }

  /** The counts. */
  read(): readonly Readonly<DenialCount>[] {
    return [...this.#counts.values()];
  }

  /** Begins anew. */
  reset(): void {
    this.#counts.clear();
    this.#kinds = new WeakMap();
    this.#newest.clear();
    this.#last = undefined;
  }

  #kindOf(about: Omit<Kind, "counted">, decision: Decision): Kind {
    const { limiter, policy, keyClass, hasKey, denier } = about;
    const kinds = this.#kinds.get(policy) ?? [];
    let kind = kinds.find((each) =>
      each.denier === denier && each.keyClass === keyClass && each.hasKey === hasKey && each.limiter === limiter
    );
    if (kind === undefined) {
      kind = { ...about, counted: this.#countOf(decision.deniedBy as DeniedBy) };
      this.#kinds.set(policy, [...kinds, kind]);
    }
    return kind;
  }

  #countOf({ limiter, keyClass, rule }: DeniedBy): DenialCount {
    // Rules have no line breaks.
    const name = `${rule}\n${limiter.length}\n${limiter}${keyClass}`;
    let counted = this.#counts.get(name);
    if (counted === undefined) this.#counts.set(name, counted = { limiter, keyClass, rule, count: 0 });
    return counted;
  }
}

/** What denies a call on one limiter, as `deniedBy` finds it; undefined where that takes more than a look. */
function denierOf(policy: Policy, { status, isPause, levels }: Outcome, cost: number): number | undefined {
  const { rates, maxConcurrent } = policy;
  if (status === "blocked") return isPause ? PAUSE : BLOCK;
  if (status === "store") return STORE;
  if (rates.length + Number(maxConcurrent > 0) === 1) return 0;
  if (status !== "rate") return maxConcurrent > 0 ? rates.length : undefined;
  const { rates: standing, permits } = levels[0] as PolicyLevel;
  // Without permits too, it depends on how long each denies.
  if (maxConcurrent > 0 && maxConcurrent - (permits?.used ?? 0) < 1) return undefined;
  let found: number | undefined;
  for (let i = 0; i < rates.length; i++) {
    const rate = rates[i] as Policy["rates"][number];
    if (algorithmOf(rate.algorithm).standing(rate, standing[i] ?? [0, 0]).remaining >= cost) continue;
    if (found !== undefined) return undefined;
    found = i;
  }
  return found;
}
