/**
 * The units of one key that this process has leased: the oldest are used first, and what is too old goes back.
 *
 * @module
 */

import type { Mark } from "../algorithms/kernel.ts";

/** Units that were charged together. */
export interface Grant {
  /** How many are left. */
  units: number;
  /** How many there were. */
  readonly taken: number;
  /** When the store was asked, by this process' clock: not after the charge. */
  readonly askedUs: number;
  /** When they are too old to be used, by the same clock. */
  readonly untilUs: number;
  /** What the charge left behind, for giving units of it back. */
  readonly marks: readonly (readonly Mark[])[];
}

/** The leased units of one key. */
export class LeasedUnits {
  /** The grant in use; undefined where there is none. A field, as the next: each call reads them. */
  oldest: Grant | undefined = undefined;
  /** How many units there are, with those that are too old and have not been found to be. */
  held = 0;
  /** What was taken ahead, the oldest first. */
  readonly #ahead: Grant[] = [];
  readonly #onDone: (grant: Grant, nowUs: number) => void;

  /** @param onDone Called with a grant that is used up or too old, when it has been taken out. */
  constructor(onDone: (grant: Grant, nowUs: number) => void) {
    this.#onDone = onDone;
  }

  /** How many grants there are. */
  get grants(): number {
    return this.oldest === undefined ? 0 : 1 + this.#ahead.length;
  }

  /** Adds units. */
  add(grant: Grant): void {
    this.held += grant.units;
    if (this.oldest === undefined) this.oldest = grant;
    else this.#ahead.push(grant);
  }

  /** Uses units of the oldest grant, if it has as many and is not too old. Returns that grant. */
  useOldest(cost: number, nowUs: number): Grant | undefined {
    const { oldest } = this;
    if (oldest === undefined || oldest.units < cost || nowUs >= oldest.untilUs) return undefined;
    oldest.units -= cost;
    this.held -= cost;
    return oldest;
  }

  /** Uses units, of as many grants as it takes. Returns whether there are enough: else none is used. */
  use(cost: number, nowUs: number): boolean {
    if (this.fresh(nowUs) < cost) return false;
    for (let rest = cost; rest > 0;) {
      const grant = this.oldest as Grant;
      const used = Math.min(grant.units, rest);
      grant.units -= used;
      this.held -= used;
      rest -= used;
      if (grant.units === 0) this.#shift(nowUs);
    }
    return true;
  }

  /** The units that may be used now; what is too old goes. */
  fresh(nowUs: number): number {
    while (this.oldest !== undefined && nowUs >= this.oldest.untilUs) this.#shift(nowUs);
    return this.held;
  }

  /** Takes everything out. */
  takeAll(): Grant[] {
    const all = this.oldest === undefined ? [] : [this.oldest, ...this.#ahead.splice(0)];
    this.oldest = undefined;
    this.held = 0;
    return all;
  }

  /** Takes out what is more than `most`, of the newest first. */
  trim(most: number): Grant[] {
    const trimmed: Grant[] = [];
    const all = this.oldest === undefined ? [] : [this.oldest, ...this.#ahead];
    for (const grant of all.toReversed()) {
      const units = Math.min(grant.units, this.held - most);
      if (units <= 0) continue;
      grant.units -= units;
      this.held -= units;
      trimmed.push({ ...grant, units });
    }
    return trimmed;
  }

  #shift(nowUs: number): void {
    const grant = this.oldest as Grant;
    this.oldest = this.#ahead.shift();
    this.held -= grant.units;
    this.#onDone(grant, nowUs);
  }
}
