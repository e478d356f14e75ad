/**
 * Worlds as numbers: the same number for worlds that cannot be told apart, whenever they came about.
 *
 * Two different worlds have the same number by chance once in 2^53 pairs: among a few million, the chance that one world
 * is left out is below one in a thousand.
 *
 * @module
 */

import type { Mark } from "../../../src/algorithms/kernel.ts";
import type { RateLimit, TokenBucketLimit } from "../../../src/algorithms/limit.ts";
import { plainStates } from "../stored_state.ts";
import { spanUs, START_US, type World } from "./world.ts";

/** The number of a world. */
export function fingerprint(limits: readonly RateLimit[], world: World): number {
  const { nowUs, states, kept, debts } = world;
  const hash = new Hash(nowUs, -4 * spanUs(limits));
  for (const numbers of plainStates(limits, states)) {
    hash.add(numbers.length);
    for (const number of numbers) hash.add(number);
  }
  hash.add(kept.length);
  for (const { atUs, taken, units, settled, marks } of kept) {
    hash.add(atUs);
    hash.add(settled ? -units : taken);
    for (const mark of marks) addMark(hash, mark, settled);
  }
  for (const [i, debt] of debts.entries()) {
    if (debt === undefined) continue;
    hash.add(debt.shares.length);
    hash.addPast(debt.promisedUs);
    for (const { number, left, promisedBeforeUs } of debt.shares) {
      hash.add(kept.findIndex((each) => each.number === number));
      hash.add(left / (limits[i] as TokenBucketLimit).denominator);
      hash.addPast(promisedBeforeUs);
    }
  }
  return hash.value;
}

/** Of a take that was settled, only its window still matters, for the laws. */
function addMark(hash: Hash, { nowUs, level, trace = [] }: Mark, settled: boolean): void {
  if (settled) return hash.add(nowUs + level[1]);
  hash.add(nowUs);
  for (const number of [...level, trace.length, ...trace]) hash.add(number);
}

/** Takes numbers in, one after the other. Instants count from the world's clock. */
class Hash {
  readonly #nowUs: number;
  readonly #oldUs: number;
  #high = 0x9e3779b9;
  #low = 0x85ebca6b;

  constructor(nowUs: number, oldUs: number) {
    this.#nowUs = nowUs;
    this.#oldUs = oldUs;
  }

  add(number: number): void {
    this.#mix(number < START_US / 2 ? number + 1e6 : Math.max(number - this.#nowUs, this.#oldUs));
  }

  /** An instant that matters only while it lies ahead. */
  addPast(atUs: number): void {
    this.#mix(Math.max(atUs - this.#nowUs, 0));
  }

  get value(): number {
    return (this.#high >>> 0) * 2 ** 21 + (this.#low >>> 11);
  }

  /** Murmur3's finalizer, on two lanes with different multipliers. */
  #mix(number: number): void {
    const fine = Math.floor(number) === number ? number : Math.round(number * 4_096) + 0.5;
    const bits = (fine | 0) ^ (fine / 2 ** 32 | 0);
    let high = Math.imul(this.#high ^ bits, 0x85ebca6b);
    high = Math.imul(high ^ high >>> 13, 0xc2b2ae35);
    let low = Math.imul(this.#low ^ bits ^ high >>> 7, 0x27d4eb2f);
    low = Math.imul(low ^ low >>> 15, 0x165667b1);
    this.#high = high ^ high >>> 16;
    this.#low = low ^ low >>> 14;
  }
}
