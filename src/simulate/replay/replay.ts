/**
 * All limiters in the time of a log, under one set of rules or two.
 *
 * @module
 */

import type { Entry } from "../input/entry.ts";
import { LimiterTally } from "../tally/limiter_tally.ts";
import { type Counts, Series } from "../tally/series.ts";
import type { Plan } from "./plan.ts";
import { type ReplayLimiter, replayLimiter } from "./replay_limiter.ts";
import type { ReplayRules } from "./rules.ts";

const HOUR_US = 3.6e9;

/** A limiter, what decides for it, and what it has decided. */
interface Replayed {
  readonly source: number;
  readonly now: ReplayLimiter | undefined;
  readonly before: ReplayLimiter | undefined;
  readonly isCompared: boolean;
  readonly isSame: boolean;
  readonly tally: LimiterTally;
}

/** Asks each limiter about each request, as if it were the only one. */
export class Replay {
  /** What each limiter has decided, in their order. */
  readonly tallies: readonly LimiterTally[];
  /** Requests that were checked, and those that any limiter denied, or denies or allows newly. */
  readonly total: Counts = { requests: 0, denied: 0, newlyDenied: 0, newlyAllowed: 0 };
  /** The same by hour. */
  readonly hours: Series = new Series([HOUR_US]);
  /** Requests that have no key for any limiter. */
  withoutKey = 0;
  readonly #limiters: readonly Replayed[];
  #lastUs = 0;

  /**
   * @param plan How keys are formed.
   * @param rules The limiters.
   */
  constructor(plan: Plan, rules: readonly ReplayRules[]) {
    this.#limiters = rules.map(({ policy, oldPolicy, change }, i) => ({
      source: plan.sourceOf(i),
      now: policy && replayLimiter(policy),
      // Equal rules decide equally.
      before: oldPolicy === undefined || change === "same" ? undefined : replayLimiter(oldPolicy),
      isCompared: change !== undefined,
      isSame: change === "same",
      tally: new LimiterTally(),
    }));
    this.tallies = this.#limiters.map(({ tally }) => tally);
  }

  /**
   * Replays a request.
   *
   * @param entry The request.
   * @param timeUs When it came, in microseconds.
   * @throws {Error} If that is before the last one: it would be decided wrongly.
   */
  take(entry: Entry, timeUs: number = entry.timeUs): void {
    const { keys, path, cost } = entry;
    if (timeUs < this.#lastUs) throw new Error("Cannot replay a request: it is older than the one before");
    this.#lastUs = timeUs;
    let hasKey = false;
    let isDenied = false;
    let isNewlyDenied = false;
    let isNewlyAllowed = false;
    for (const i of entry.limiters) {
      const limiter = this.#limiters[i] as Replayed;
      const { tally } = limiter;
      const number = keys[limiter.source] as number;
      if (number === -1) {
        tally.withoutKey++;
        continue;
      }
      hasKey = true;
      const waitUs = limiter.now === undefined ? 0 : limiter.now.decide(number, cost, timeUs);
      let oldWaitUs: number | undefined;
      if (limiter.isCompared) oldWaitUs = limiter.isSame ? waitUs : limiter.before?.decide(number, cost, timeUs) ?? 0;
      tally.units += cost;
      if (waitUs === Infinity) tally.tooLarge++;
      tally.count(timeUs, number, path, waitUs, oldWaitUs);
      if (waitUs > 0) isDenied = true;
      if (oldWaitUs === undefined || waitUs > 0 === oldWaitUs > 0) continue;
      if (waitUs > 0) isNewlyDenied = true;
      else isNewlyAllowed = true;
    }
    if (!hasKey) {
      this.withoutKey++;
      return;
    }
    const { total } = this;
    const hour = this.hours.at(timeUs);
    total.requests++;
    hour.requests++;
    if (isDenied) {
      total.denied++;
      hour.denied++;
    }
    if (isNewlyDenied) {
      total.newlyDenied++;
      hour.newlyDenied++;
    }
    if (isNewlyAllowed) {
      total.newlyAllowed++;
      hour.newlyAllowed++;
    }
  }
}
