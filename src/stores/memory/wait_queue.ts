/**
 * Who waits for the permits of one key, in order of arrival.
 *
 * @module
 */

/** One that waits. */
export interface Waiter {
  /** Its id, which tells what it asks for. */
  readonly id: string;
  /** When it arrived. */
  readonly arrivalUs: number;
  /** Whether it was called here and keeps its place while it waits for another limiter. */
  readonly isKept: boolean;
}

interface Place extends Waiter {
  isGone: boolean;
}

/** Joining at the end and leaving cost the same however many wait. */
export class WaitQueue {
  #places: Place[] = [];
  /** Those before it are gone. */
  #front = 0;
  readonly #byId = new Map<string, Place>();

  /** How many wait. */
  get size(): number {
    return this.#byId.size;
  }

  /** Whether an id waits. */
  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** All who wait, in order. */
  waiters(): Waiter[] {
    return this.#places.filter(({ isGone }) => !isGone);
  }

  /** Who stands at a place of the queue, from 0. Costs as much as the places in front of it. */
  at(place: number): Waiter | undefined {
    let left = place;
    for (let i = this.#front; i < this.#places.length; i++) {
      const each = this.#places[i] as Place;
      if (each.isGone) {
        if (i === this.#front) this.#front++;
      } else if (left-- === 0) return each;
    }
    return undefined;
  }

  /** Puts an id at the end of the queue, or where its arrival belongs. Returns its arrival. */
  join(id: string, nowUs: number, arrivalUs: number, isKept: boolean = false): number {
    this.leave(id);
    const last = this.#last();
    const at = arrivalUs === 0 ? Math.max(nowUs, (last?.arrivalUs ?? 0) + 1) : arrivalUs;
    const place: Place = { id, arrivalUs: at, isKept, isGone: false };
    this.#byId.set(id, place);
    if (last === undefined || isBefore(last, place)) this.#places.push(place);
    else this.#places.splice(this.#placeFor(place), 0, place);
    return at;
  }

  /** Takes an id out of the queue. Returns whether it was there. */
  leave(id: string): boolean {
    const place = this.#byId.get(id);
    if (place === undefined) return false;
    place.isGone = true;
    this.#byId.delete(id);
    if (this.#places.length > 32 && this.#byId.size < this.#places.length / 2) {
      this.#places = this.#places.filter(({ isGone }) => !isGone);
      this.#front = 0;
    }
    return true;
  }

  /** The last one that waits; those behind it are gone for good. */
  #last(): Place | undefined {
    for (let last = this.#places.at(-1); last?.isGone; last = this.#places.at(-1)) this.#places.pop();
    if (this.#front > this.#places.length) this.#front = this.#places.length;
    return this.#places.at(-1);
  }

  #placeFor(place: Place): number {
    let [low, high] = [this.#front, this.#places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(this.#places[middle] as Place, place)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Where two arrive at one instant, their ids decide, as they do in a sorted set of Redis. */
function isBefore(one: Waiter, other: Waiter): boolean {
  return one.arrivalUs < other.arrivalUs || (one.arrivalUs === other.arrivalUs && one.id < other.id);
}
