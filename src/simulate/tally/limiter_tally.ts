/**
 * What happened to the requests of one limiter.
 *
 * @module
 */

import { Column } from "./names.ts";
import { type Counts, Series } from "./series.ts";

const SECOND_US = 1e6;
const HOUR_US = 3_600 * SECOND_US;

/** How long the parts of a plot may be, and how many it has at most. */
const PLOT_WIDTHS_US: readonly number[] = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400].map((s) => s * SECOND_US);
const PLOT_BUCKETS = 400;

/** A key that was denied, or whose denials changed. */
export interface KeyTally {
  /** Denials. */
  denied: number;
  /** Denied by the new rules, and allowed by the old ones. */
  newlyDenied: number;
  /** Allowed by the new rules, and denied by the old ones. */
  newlyAllowed: number;
  /** The first and the last denial, in microseconds; NaN where there is none. */
  firstUs: number;
  lastUs: number;
  /** The longest time in which it was denied without a break, from a denial until it would have been allowed. */
  longestUs: number;
  /** When the denials began that go on; NaN while it is allowed. */
  sinceUs: number;
}

/** Counts by key, path and time. */
export class LimiterTally {
  /** All requests. */
  readonly total: Counts = { requests: 0, denied: 0, newlyDenied: 0, newlyAllowed: 0 };
  /** Units that requests cost. */
  units = 0;
  /** Requests that cost more than the limit can ever hold; they are denied. */
  tooLarge = 0;
  /** Requests without a key, which were not checked. */
  withoutKey = 0;
  /** By hour. */
  readonly hours: Series = new Series([HOUR_US]);
  /** By a time that gives a plot. */
  readonly plot: Series = new Series(PLOT_WIDTHS_US, PLOT_BUCKETS);
  /** Requests by the number of the key. */
  readonly keyRequests: Column = new Column();
  /** Keys that were denied or changed, by number. */
  readonly keys: Map<number, KeyTally> = new Map();
  /** Requests, denials and changes by the number of the path. */
  readonly pathRequests: Column = new Column();
  readonly pathDenied: Column = new Column();
  readonly pathNewlyDenied: Column = new Column();
  readonly pathNewlyAllowed: Column = new Column();

  /**
   * Counts a decision.
   *
   * @param timeUs When it was made.
   * @param key The number of the key.
   * @param path The number of the path.
   * @param waitUs How long until the request would be allowed, in microseconds; 0 if it was. Infinity for never.
   * @param oldWaitUs The same by the old rules; undefined without them.
   */
  count(timeUs: number, key: number, path: number, waitUs: number, oldWaitUs: number | undefined): void {
    const hour = this.hours.at(timeUs);
    const part = this.plot.at(timeUs);
    this.total.requests++;
    hour.requests++;
    part.requests++;
    this.keyRequests.add(key);
    this.pathRequests.add(path);
    const isDenied = waitUs > 0;
    const wasDenied = oldWaitUs === undefined ? isDenied : oldWaitUs > 0;
    if (!isDenied && !wasDenied) {
      if (this.keys.size > 0) {
        const known = this.keys.get(key);
        if (known !== undefined) known.sinceUs = NaN;
      }
      return;
    }
    const tally = this.#keyOf(key);
    if (isDenied) {
      this.total.denied++;
      hour.denied++;
      part.denied++;
      this.pathDenied.add(path);
      deny(tally, timeUs, waitUs);
    } else tally.sinceUs = NaN;
    if (isDenied === wasDenied) return;
    const change = isDenied ? "newlyDenied" : "newlyAllowed";
    this.total[change]++;
    hour[change]++;
    part[change]++;
    tally[change]++;
    (isDenied ? this.pathNewlyDenied : this.pathNewlyAllowed).add(path);
  }

  #keyOf(key: number): KeyTally {
    let tally = this.keys.get(key);
    if (tally === undefined) {
      tally = { denied: 0, newlyDenied: 0, newlyAllowed: 0, firstUs: NaN, lastUs: NaN, longestUs: 0, sinceUs: NaN };
      this.keys.set(key, tally);
    }
    return tally;
  }
}

function deny(tally: KeyTally, timeUs: number, waitUs: number): void {
  if (tally.denied === 0) tally.firstUs = timeUs;
  tally.denied++;
  tally.lastUs = timeUs;
  if (Number.isNaN(tally.sinceUs)) tally.sinceUs = timeUs;
  // A request that can never be allowed does not say when others of its key can.
  const untilUs = waitUs === Infinity ? timeUs : timeUs + waitUs;
  tally.longestUs = Math.max(tally.longestUs, untilUs - tally.sinceUs);
}
