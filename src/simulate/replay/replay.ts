/**
 * All limiters in the time of a log, under one set of rules or two.
 *
 * @module
 */

import type { Entry } from "../input/entry.ts";
import { LimiterTally } from "../tally/limiter_tally.ts";
import { type Counts, Series } from "../tally/series.ts";
import type { KeySource } from "./key_source.ts";
import type { Plan } from "./plan.ts";
import { LogClock, ReplayLimiter } from "./replay_limiter.ts";
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
  readonly #clock = new LogClock();
  readonly #sources: readonly KeySource[];
  readonly #limiters: readonly Replayed[];

  /**
   * @param plan How keys are formed.
   * @param rules The limiters.
   */
  constructor(plan: Plan, rules: readonly ReplayRules[]) {
    this.#sources = plan.sources;
    this.#limiters = rules.map(({ limiter, policy, oldPolicy, change }, i) => ({
      source: plan.sourceOf(i),
      now: policy && new ReplayLimiter(limiter, policy, this.#clock),
      // Equal rules decide equally.
      before: oldPolicy === undefined || change === "same"
        ? undefined
        : new ReplayLimiter(limiter, oldPolicy, this.#clock),
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
   * @param timeUs When it came, in microseconds: not before the last one.
   */
  take(entry: Entry, timeUs: number = entry.timeUs): void {
    const { keys, path, cost } = entry;
    this.#clock.set(timeUs);
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
      const key = (this.#sources[limiter.source] as KeySource).keyOf(number);
      const waitUs = limiter.now === undefined ? 0 : limiter.now.decide(key, cost);
      let oldWaitUs: number | undefined;
      if (limiter.isCompared) oldWaitUs = limiter.isSame ? waitUs : limiter.before?.decide(key, cost) ?? 0;
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
