/**
 * Law 16: processes with different rules for one key admit at most the larger of the bounds, and what a bucket with the
 * larger one refills meanwhile: a bucket counts no more units of other rules than it holds.
 *
 * @module
 */

import type { RateLimit } from "../../../src/algorithms/limit.ts";
import { admits, refilledIn } from "./bounds.ts";
import { isOpened, type Kept, startOf, unitsIn } from "./kept.ts";
import type { Ledger } from "./ledger.ts";
import { tooMuch } from "./too_much.ts";

/** A take, and the units of it that are kept. */
export type Admitted = Pick<Kept, "atUs" | "units">;

/**
 * More than the larger bound, in any interval.
 *
 * @param policies The rates of each policy.
 * @param kept What was taken and is kept.
 * @param metUs When the key has met other rules: they do not know what those before them have forgotten.
 * @param mostIn What they may admit in an interval. @default what the documentation says
 * @returns What is wrong; undefined if nothing is.
 */
export function aboveLarger(
  policies: readonly (readonly RateLimit[])[],
  kept: readonly Admitted[],
  metUs: readonly number[] = [],
  mostIn: (policies: readonly (readonly RateLimit[])[], us: number) => number = largerIn,
): string | undefined {
  const inOrder = kept.toSorted((a, b) => a.atUs - b.atUs);
  for (let first = 0; first < inOrder.length; first++) {
    let sum = 0;
    for (const { atUs, units } of inOrder.slice(first)) {
      sum += units;
      const { atUs: fromUs } = inOrder[first] as Admitted;
      const borders = [fromUs, ...metUs.filter((us) => us > fromUs && us <= atUs), atUs];
      let most = 0;
      for (let i = 1; i < borders.length; i++) {
        most += mostIn(policies, (borders[i] as number) - (borders[i - 1] as number));
      }
      if (sum > most) return `${sum} units in ${atUs - fromUs} µs, where the larger of the bounds is ${most}`;
    }
  }
  return undefined;
}

/**
 * What policies admit together, and what a bucket of theirs refills. Limits of one kind keep to the larger number. Else a
 * window says something about times shorter than itself only, and a fixed window or counter counts since it opened: on
 * either side of that, others may have taken as much as the larger number.
 */
function largerIn(policies: readonly (readonly RateLimit[])[], us: number): number {
  const limits = policies.flat();
  const refilled = Math.max(0, ...limits.map((limit) => refilledIn(limit, us)));
  if (new Set(limits.map(kindOf)).size === 1) {
    return Math.max(...policies.map((rates) => admits(rates, us))) + refilled;
  }
  if (limits.some((limit) => limit.algorithm !== "token_bucket" && us >= limit.windowUs)) return Infinity;
  const opening = new Set(limits.filter(({ algorithm }) => OPENS.includes(algorithm)).map(kindOf));
  const most = Math.max(...policies.map((rates) => Math.min(...rates.map(({ capacity }) => capacity))));
  return (opening.size + 1) * most + refilled;
}

/** The algorithms whose windows open with a unit. */
const OPENS: readonly string[] = ["fixed_window", "sliding_window_counter"];

function kindOf(limit: RateLimit): string {
  return limit.algorithm === "token_bucket" ? limit.algorithm : `${limit.algorithm} of ${limit.windowUs}`;
}

/**
 * The larger of what policies admit, and nothing more. Windows say nothing about times longer than themselves: in each of
 * their lengths the units of other rules are counted, too.
 */
export function strictlyLargerIn(policies: readonly (readonly RateLimit[])[], us: number): number {
  const isBound = (limit: RateLimit) => limit.algorithm === "token_bucket" || us < limit.windowUs;
  return Math.max(...policies.map((rates) => admits(rates.filter(isBound), us)));
}

/**
 * Tells of a take that its own rules did not allow. A window must count all units taken since the key met those rules, by
 * any process; a token bucket only those taken under the same rules, because it counts the units of others in part.
 */
export function aboveOwn({ rules, kept, takenBy }: Ledger): string | undefined {
  for (const own of rules) {
    const isOwn = ({ number, units }: Kept) => units > 0 && takenBy.get(number)?.rules === own;
    for (const [place, limit] of own.rates.entries()) {
      if (limit.algorithm === "token_bucket") {
        const problem = tooMuch([limit], kept.filter(isOwn));
        if (problem !== undefined) return `by ${limit.algorithm}: ${problem}`;
        continue;
      }
      for (const one of kept.filter(isOwn)) {
        const known = kept.slice(takenBy.get(one.number)?.takesBefore, one.number);
        const startUs = isOpened(limit) ? startOf(limit, one, place) : one.atUs - limit.windowUs + 1;
        const sum = unitsIn(known, startUs, one.atUs);
        if (sum > limit.capacity) return `${sum} units in a ${limit.algorithm} of ${limit.capacity}`;
      }
    }
  }
  return undefined;
}
