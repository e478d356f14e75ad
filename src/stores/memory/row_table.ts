/**
 * Keys of one limiter whose states are numbers, side by side in one array: most keys are that, so that one costs little
 * more than its place in a map, and a decision reads one row.
 *
 * @module
 */

import { type FlatLevel, type FlatLimit, FlatLimits, type FlatTake } from "../../algorithms/flat.ts";
import type { Level } from "../../algorithms/kernel.ts";
import { kernelOf, type RateState } from "../../algorithms/kernels.ts";
import type { RateLimit } from "../../algorithms/limit.ts";
import type { Policy } from "../../policy/policy.ts";
import type { EvictionCandidate, Table } from "./table.ts";

/** Whose a row is; undefined is the limiter as a whole. */
export type Key = string | undefined;

/** What a row table held at a moment. */
export interface RowCopy {
  /** The rules of its keys. */
  readonly policy: Policy;
  /** The key of each place; `null` of a free one, of 0, and of an odd one. */
  readonly keys: readonly (Key | null)[];
  /** The rows, by place. */
  readonly rows: Float64Array;
  /** How many numbers a row is. */
  readonly width: number;
  /** Keys that are more than their row. */
  readonly odd: readonly Key[];
}

/** How long a key stays that cannot be told from a fresh one, in microseconds: one in use would be added for each call. */
const KEPT_US = 1_000_000;

/** How many rows there is room for at first. */
const FIRST = 8;

/** A row table with fewer rows than this is not worth packing. */
const LOOSE = 256;

/** Where a level is written before it is read. */
const LEVEL: FlatLevel = { first: 0, second: 0 };

/** Rows by place, from 1; places that fell free are used again. */
export class RowTable implements Table {
  /** The rules that were asked for last. */
  policy: Policy;
  /** What counts each limit. */
  readonly flats: readonly FlatLimit<RateState>[];
  /** All of them together. */
  readonly all: FlatTake;
  /** How many numbers a row is. */
  readonly width: number;
  /** All rows. Row 0 is that of every key that is not kept: zeros, as good as fresh. */
  rows: Float64Array;
  /** The place of each key. */
  readonly places: Map<Key, number> = new Map();
  /** Whose each place is; `null` of a free one, and of 0. */
  #keys: (Key | null)[] = [null];
  /** Until when keys are denied everything; most limiters have none. */
  readonly blocks: Map<Key, number> = new Map();
  /** States that are more than numbers: something was given back, or is promised. Most limiters have none. */
  readonly more: Map<Key, readonly RateState[]> = new Map();
  /** The first free place, 0 for none; the first number of it holds the next. */
  #free = 0;
  #cursor = 1;

  /**
   * @param policy The rules of its keys.
   * @param flats What counts each limit.
   */
  constructor(policy: Policy, flats: readonly FlatLimit<RateState>[]) {
    this.policy = policy;
    this.flats = flats;
    this.all = flats.length === 1 ? flats[0] as FlatTake : new FlatLimits(flats);
    this.width = flats.reduce((sum, { width }) => sum + width, 0);
    this.rows = new Float64Array(FIRST * this.width);
  }

  /** How many keys there are. */
  get size(): number {
    return this.places.size;
  }

  /** The place of a key; 0 if it has none. */
  find(key: Key): number {
    return this.places.get(key) ?? 0;
  }

  /** A place for a key that has none yet. */
  add(key: Key): number {
    let place = this.#free;
    if (place > 0) this.#free = this.rows[place * this.width] as number;
    else place = this.#keys.length;
    if (place * this.width === this.rows.length) this.#grow();
    this.#keys[place] = key;
    this.places.set(key, place);
    this.rows.fill(0, place * this.width, (place + 1) * this.width);
    return place;
  }

  /** Keeps the states of a key. */
  put(key: Key, states: readonly RateState[]): void {
    const place = this.find(key) || this.add(key);
    if (!this.flats.every((flat, i) => flat.fits(states[i] as RateState))) {
      this.more.set(key, states);
      return;
    }
    if (this.more.size > 0) this.more.delete(key);
    let at = place * this.width;
    for (const [i, flat] of this.flats.entries()) {
      flat.write(states[i] as RateState, this.rows, at);
      at += flat.width;
    }
  }

  /** The states of a key that has a place. */
  statesOf(key: Key, place: number): RateState[] {
    const more = this.more.get(key);
    if (more !== undefined) return [...more];
    let at = place * this.width;
    return this.flats.map((flat) => flat.read(this.rows, (at += flat.width) - flat.width));
  }

  /** Where each limit of the key of a place stands. */
  levelsOf(place: number, nowUs: number): Level[] {
    let at = place * this.width;
    return this.flats.map((flat): Level => {
      flat.measure(this.rows, at, nowUs, LEVEL);
      at += flat.width;
      return [LEVEL.first, LEVEL.second];
    });
  }

  /** All keys. */
  keys(): IterableIterator<Key> {
    return this.places.keys();
  }

  /** Whether something else than its row decides about a key: its states are more than that, or it is blocked. */
  isOdd(key: Key, nowUs: number): boolean {
    return this.more.has(key) || this.blockedUs(key) > nowUs;
  }

  /** Until when a key is denied everything; 0 if it is not. */
  blockedUs(key: Key): number {
    return this.blocks.size === 0 ? 0 : this.blocks.get(key) ?? 0;
  }

  /** Denies a key that has a place everything until an instant; 0 lifts that. */
  block(key: Key, untilUs: number): void {
    if (untilUs > 0) this.blocks.set(key, untilUs);
    else if (this.blocks.size > 0) this.blocks.delete(key);
  }

  /** Forgets a key. Returns whether there was one. */
  delete(key: Key): boolean {
    const place = this.places.get(key);
    if (place === undefined) return false;
    this.places.delete(key);
    this.block(key, 0);
    if (this.more.size > 0) this.more.delete(key);
    this.#keys[place] = null;
    this.rows[place * this.width] = this.#free;
    this.#free = place;
    if (this.#keys.length > LOOSE && this.size < this.#keys.length / 4) this.#pack();
    return true;
  }

  /** Forgets those of the next few that cannot be told from fresh ones. Returns whether it came to its end. */
  sweep(looks: number, nowUs: number): boolean {
    for (let i = 0; i < looks; i++) {
      if (this.#cursor >= this.#keys.length) {
        this.#cursor = 1;
        return true;
      }
      const place = this.#cursor++;
      const key = this.#keys[place];
      if (key !== null && this.#freshFromUs(place) + KEPT_US <= nowUs) this.delete(key);
    }
    return false;
  }

  /** Forgets a key if it cannot be told from a fresh one. */
  forgetIfFresh(key: Key, nowUs: number): void {
    const place = this.find(key);
    if (place > 0 && this.#freshFromUs(place) + KEPT_US <= nowUs) this.delete(key);
  }

  /** The one nearest to fresh of the next few. */
  weakest(looks: number): EvictionCandidate | undefined {
    let best = 0;
    let bestUs = Infinity;
    for (let seen = 0, left = looks; left > 0 && seen < this.#keys.length; seen++) {
      const place = this.#cursor < this.#keys.length ? this.#cursor : 1;
      this.#cursor = place + 1;
      if (this.#keys[place] === null || this.#keys.length === 1) continue;
      left--;
      const freshUs = this.#freshFromUs(place);
      if (freshUs >= bestUs) continue;
      best = place;
      bestUs = freshUs;
    }
    return best === 0 ? undefined : { table: this, key: this.#keys[best] as Key, freshUs: bestUs };
  }

  /** When the key of a place equals one that was not used. */
  #freshFromUs(place: number): number {
    const key = this.#keys[place] as Key;
    let latestUs = this.blockedUs(key);
    const more = this.more.size === 0 ? undefined : this.more.get(key);
    let at = place * this.width;
    for (let i = 0; i < this.flats.length; i++) {
      const flat = this.flats[i] as FlatLimit<RateState>;
      const freshUs = more === undefined
        ? flat.freshFromUs(this.rows, at)
        : freshFromUs(more[i] as RateState, this.policy.rates[i] as RateLimit);
      if (freshUs > latestUs) latestUs = freshUs;
      at += flat.width;
    }
    return latestUs;
  }

  /** A copy of all that is numbers, and the keys that are more than that. Costs little: numbers are copied at once. */
  copy(): RowCopy {
    const keys = this.#keys.slice();
    const odd = [...new Set([...this.more.keys(), ...this.blocks.keys()])];
    for (const key of odd) keys[this.find(key)] = null;
    return { policy: this.policy, keys, rows: this.rows.slice(0, keys.length * this.width), width: this.width, odd };
  }

  /** Takes in keys that are not there yet, with their rows. */
  load(keys: readonly Key[], rows: Float64Array): void {
    const first = this.#keys.length;
    if ((first + keys.length) * this.width > this.rows.length) this.#grow(keys.length);
    this.rows.set(rows, first * this.width);
    for (const key of keys) this.places.set(key, this.#keys.push(key) - 1);
  }

  #grow(more: number = 0): void {
    const rows = this.rows.length / this.width;
    const grown = new Float64Array((rows + Math.max(FIRST, more, rows >> 2)) * this.width);
    grown.set(this.rows);
    this.rows = grown;
  }

  /** Moves everything together where most places are free, so that memory comes back and searches stay short. */
  #pack(): void {
    const { rows, width } = this;
    this.rows = new Float64Array((this.size + FIRST) * width);
    this.#keys = [null];
    this.#free = 0;
    this.#cursor = 1;
    for (const [key, from] of this.places) {
      const place = this.#keys.length;
      this.rows.set(rows.subarray(from * width, (from + 1) * width), place * width);
      this.places.set(key, place);
      this.#keys.push(key);
    }
  }
}

function freshFromUs(state: RateState, rate: RateLimit): number {
  return kernelOf(rate).freshFromUs(state, rate);
}
