/**
 * Token buckets of one limiter, side by side: most keys are one of these, so that a key costs little more than its
 * place in a map. The arithmetic is that of `algorithms/token_bucket/kernel.ts`.
 *
 * @module
 */

import type { TokenBucketLimit } from "../../algorithms/limit.ts";
import type { Reach } from "../../algorithms/reach.ts";
import { tokenBucket, type TokenBucketState } from "../../algorithms/token_bucket/kernel.ts";
import type { Policy } from "../../policy/policy.ts";
import type { Box, Victim } from "./box.ts";

/** Who a bucket belongs to; undefined is the limiter as a whole. */
type Key = string | undefined;

/** How many buckets there is room for at first. */
const FIRST = 8;

/** A slab with fewer places than this is not worth packing. */
const LOOSE = 256;

/** Instants of buckets, by place; places that fell free are used again. */
export class BucketSlab implements Box {
  /** What remainders are counted in: those in one denominator mean nothing to another. */
  readonly denominator: number;
  /** The rules that were asked for last. */
  policy: Policy;
  /** For each place, the whole microseconds of the instant at which its bucket is full. */
  tatUs: Float64Array = new Float64Array(FIRST);
  /** For each place the rest, in units of 1 / `denominator` µs; undefined where there is none. */
  tatRem: Float64Array | undefined;
  /** For each place the reach of what is promised, 0 for none; made when something is. */
  #reaches: Uint8Array | undefined;
  readonly #places = new Map<Key, number>();
  /** Whose each place is; `null` of a free one. */
  #keys: (Key | null)[] = [];
  /** Until when keys are denied everything; most limiters have none. */
  readonly #blocks = new Map<Key, number>();
  /** Buckets that are more than an instant: something was given back, or is promised. Most limiters have none. */
  readonly #more = new Map<Key, TokenBucketState>();
  /** The first free place; `tatUs` of it holds the next. */
  #free = -1;
  #cursor = 0;

  /**
   * Makes one.
   *
   * @param policy The rules of its keys.
   * @param denominator What remainders are counted in.
   */
  constructor(policy: Policy, denominator: number) {
    this.policy = policy;
    this.denominator = denominator;
    this.tatRem = denominator === 1 ? undefined : new Float64Array(FIRST);
  }

  /** How many buckets there are. */
  get size(): number {
    return this.#places.size;
  }

  /** The place of a key; -1 if it has none. */
  find(key: Key): number {
    return this.#places.get(key) ?? -1;
  }

  /** The rest of an instant. */
  remOf(place: number): number {
    return this.tatRem === undefined ? 0 : this.tatRem[place] as number;
  }

  /** How far ahead a promised instant was; undefined where none is promised. */
  reachOf(place: number): Reach | undefined {
    return this.#reaches === undefined ? undefined : (this.#reaches[place] || undefined) as Reach | undefined;
  }

  /** Changes what is kept at a place. */
  set(place: number, tatUs: number, tatRem: number, reach: Reach | undefined): void {
    this.tatUs[place] = tatUs;
    if (this.tatRem !== undefined) this.tatRem[place] = tatRem;
    if (this.#reaches !== undefined) this.#reaches[place] = reach ?? 0;
    else if (reach !== undefined) (this.#reaches = new Uint8Array(this.tatUs.length))[place] = reach;
  }

  /** Keeps a key that has no place yet. */
  add(key: Key, tatUs: number, tatRem: number, reach: Reach | undefined): void {
    let place = this.#free;
    if (place >= 0) this.#free = this.tatUs[place] as number;
    else place = this.#keys.length;
    if (place === this.tatUs.length) this.#grow();
    this.#keys[place] = key;
    this.#places.set(key, place);
    this.set(place, tatUs, tatRem, reach);
  }

  /** Keeps a key. */
  put(key: Key, state: TokenBucketState): void {
    const { tatUs, tatRem, back, promisedUs, reach } = state;
    const place = this.find(key);
    if (place >= 0) this.set(place, tatUs, tatRem, reach);
    else this.add(key, tatUs, tatRem, reach);
    if (back !== undefined || promisedUs !== undefined) this.#more.set(key, state);
    else if (this.#more.size > 0) this.#more.delete(key);
  }

  /** The bucket of a key that has a place. */
  stateOf(key: Key, place: number): TokenBucketState {
    const more = this.#more.get(key);
    if (more !== undefined) return more;
    return { tatUs: this.tatUs[place] as number, tatRem: this.remOf(place), reach: this.reachOf(place) };
  }

  /** Whether a bucket is more than an instant. */
  hasMore(key: Key): boolean {
    return this.#more.size > 0 && this.#more.has(key);
  }

  /** Until when a key is denied everything; 0 if it is not. */
  blockedUs(key: Key): number {
    return this.#blocks.size === 0 ? 0 : this.#blocks.get(key) ?? 0;
  }

  /** Denies a key that has a place everything until an instant; 0 lifts that. */
  block(key: Key, untilUs: number): void {
    if (untilUs > 0) this.#blocks.set(key, untilUs);
    else if (this.#blocks.size > 0) this.#blocks.delete(key);
  }

  /** Forgets a key. Returns whether there was one. */
  delete(key: Key): boolean {
    const place = this.#places.get(key);
    if (place === undefined) return false;
    this.#places.delete(key);
    this.block(key, 0);
    if (this.#more.size > 0) this.#more.delete(key);
    this.#keys[place] = null;
    this.tatUs[place] = this.#free;
    this.#free = place;
    if (this.#keys.length > LOOSE && this.size < this.#keys.length / 4) this.#pack();
    return true;
  }

  /** Forgets those of the next few that cannot be told from fresh ones. Returns whether it came to its end. */
  sweep(looks: number, nowUs: number): boolean {
    for (let i = 0; i < looks; i++) {
      if (this.#cursor >= this.#keys.length) {
        this.#cursor = 0;
        return true;
      }
      const place = this.#cursor++;
      const key = this.#keys[place];
      if (key !== null && this.#freshFromUs(place) <= nowUs) this.delete(key);
    }
    return false;
  }

  /** The one nearest to fresh of the next few. */
  weakest(looks: number): Victim | undefined {
    let best = -1;
    let bestUs = Infinity;
    for (let seen = 0, left = looks; left > 0 && seen < this.#keys.length; seen++) {
      const place = this.#cursor < this.#keys.length ? this.#cursor : 0;
      this.#cursor = place + 1;
      if (this.#keys[place] === null) continue;
      left--;
      const freshUs = this.#freshFromUs(place);
      if (freshUs >= bestUs) continue;
      best = place;
      bestUs = freshUs;
    }
    return best < 0 ? undefined : { box: this, key: this.#keys[best] as Key, freshUs: bestUs };
  }

  /** As `tokenBucket.freshFromUs` says, and not before a block ends. */
  #freshFromUs(place: number): number {
    const key = this.#keys[place] as Key;
    const more = this.#more.size === 0 ? undefined : this.#more.get(key);
    const freshUs = more === undefined
      ? (this.tatUs[place] as number) + 2
      : tokenBucket.freshFromUs(more, this.policy.rates[0] as TokenBucketLimit);
    return this.#blocks.size === 0 ? freshUs : Math.max(freshUs, this.blockedUs(key));
  }

  #grow(): void {
    const room = this.tatUs.length + Math.max(FIRST, this.tatUs.length >> 2);
    this.tatUs = grown(this.tatUs, room);
    if (this.tatRem !== undefined) this.tatRem = grown(this.tatRem, room);
    if (this.#reaches === undefined) return;
    const reaches = new Uint8Array(room);
    reaches.set(this.#reaches);
    this.#reaches = reaches;
  }

  /** Moves everything together where most places are free, so that memory comes back and nobody searches for long. */
  #pack(): void {
    const { tatUs, tatRem } = this;
    const reaches = this.#reaches;
    const room = this.size + FIRST;
    this.tatUs = new Float64Array(room);
    this.tatRem = tatRem && new Float64Array(room);
    this.#reaches = reaches && new Uint8Array(room);
    this.#keys = [];
    this.#free = -1;
    this.#cursor = 0;
    for (const [key, place] of this.#places) {
      const reach = (reaches?.[place] || undefined) as Reach | undefined;
      this.set(this.#keys.length, tatUs[place] as number, tatRem?.[place] ?? 0, reach);
      this.#places.set(key, this.#keys.length);
      this.#keys.push(key);
    }
  }
}

function grown(from: Float64Array, room: number): Float64Array {
  const to = new Float64Array(room);
  to.set(from);
  return to;
}
