/**
 * What the limits of windows say about themselves.
 *
 * @module
 */

import { exactDuration } from "../base/duration_words.ts";
import type { Level } from "./kernel.ts";
import type { Window } from "./window.ts";

/** What a limit of some algorithm says about itself. */
export interface LimitWords<Limit> {
  /** How much it admits in what time: `100 per 1 min`. */
  rule(limit: Limit): string;
  /** Units that count at a level: more than the limit holds where units were taken for later. */
  used(limit: Limit, level: Level): number;
  /** Whether units were taken for later: by calls that wait, by reservations, or by a penalty. */
  isAhead(limit: Limit, level: Level): boolean;
  /** What stands in it at a level. */
  standing(limit: Limit, level: Level): string;
  /** How long until so many units are free, at most those that it holds, in microseconds; undefined if a level does not tell. */
  freeInUs(limit: Limit, level: Level, units: number): number | undefined;
  /** How many units to give back so that a cost fits now; undefined if that is not known, or would not help. */
  refundFor(limit: Limit, level: Level, cost: number): number | undefined;
}

/** How units come to be used before their time. */
export const TAKEN_AHEAD = "taken ahead by calls that wait, reservations or a penalty";

/** What windows differ in. */
interface WindowKind {
  /** How many windows a unit counts for, at most. @default {1} */
  readonly windows?: number;
  /** Whether all units of a window leave it at the same time. @default {false} */
  readonly endsAtOnce?: boolean;
  /** Whether its units are an estimate. @default {false} */
  readonly isEstimate?: boolean;
  /** What stands in one, where no units were taken for later. */
  standing(limit: Window, level: Level): string;
}

/** The words of a kind of window. */
export function windowWords(
  { windows = 1, endsAtOnce = false, isEstimate = false, standing }: WindowKind,
): LimitWords<Window> {
  const isAhead = ({ windowUs }: Window, [, resetUs]: Level) => resetUs > windows * windowUs;
  return {
    rule: ({ capacity, windowUs }) => `${capacity} per ${exactDuration(windowUs)}`,
    used: (_limit, [used]) => used,
    isAhead,
    standing: (limit, level) =>
      isAhead(limit, level) ? `full, and units of later windows ${TAKEN_AHEAD}` : standing(limit, level),
    freeInUs(limit, level, units) {
      const [used, resetUs] = level;
      if (used + units <= limit.capacity) return 0;
      return units === limit.capacity || (endsAtOnce && !isAhead(limit, level)) ? resetUs : undefined;
    },
    refundFor: (limit, level, cost) =>
      isEstimate || isAhead(limit, level) ? undefined : Math.max(level[0] + cost - limit.capacity, 0),
  };
}
