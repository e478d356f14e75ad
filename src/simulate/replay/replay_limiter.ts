/**
 * One limiter in the time of a log.
 *
 * @module
 */

import { type FlatLimit, FlatLimits } from "../../algorithms/flat.ts";
import type { Kernel } from "../../algorithms/kernel.ts";
import { flatOf, kernelOf, type RateState } from "../../algorithms/kernels.ts";
import type { Policy } from "../../policy/policy.ts";

/** Decides for the keys of a limiter, by number. */
export interface ReplayLimiter {
  /**
   * Decides, as `tryAcquire` does.
   *
   * @param key The number of the key, from 0. Numbers without gaps take the least memory.
   * @param cost The units, a whole number from 1.
   * @param nowUs The time, in microseconds: not before the last one.
   * @returns 0 if it is allowed; else how long until it would be, in microseconds: Infinity if the limit is smaller.
   */
  decide(key: number, cost: number, nowUs: number): number;
}

/** What decides by a policy. As in the memory store, states are numbers in a row where their algorithms have such. */
export function replayLimiter(policy: Policy): ReplayLimiter {
  const flats = policy.rates.map(flatOf);
  return flats.includes(undefined)
    ? new StateLimiter(policy)
    : new RowLimiter(policy.capacity, flats as FlatLimit<RateState>[]);
}

/** A limiter whose states are numbers. A key has its place by its number: to look for it would take longer than to decide. */
class RowLimiter implements ReplayLimiter {
  readonly #capacity: number;
  readonly #width: number;
  readonly #all: FlatLimits | FlatLimit<RateState>;
  #rows: Float64Array;

  constructor(capacity: number, flats: readonly FlatLimit<RateState>[]) {
    this.#capacity = capacity;
    this.#width = flats.reduce((sum, { width }) => sum + width, 0);
    this.#all = flats.length === 1 ? flats[0] as FlatLimit<RateState> : new FlatLimits(flats);
    this.#rows = new Float64Array(64 * this.#width);
  }

  decide(key: number, cost: number, nowUs: number): number {
    if (cost > this.#capacity) return Infinity;
    const at = key * this.#width;
    if (at >= this.#rows.length) this.#grow(at + this.#width);
    const waitUs = this.#all.earliest(this.#rows, at, nowUs, cost) - nowUs;
    if (waitUs > 0) return waitUs;
    this.#all.take(this.#rows, at, nowUs, cost);
    return 0;
  }

  #grow(least: number): void {
    const grown = new Float64Array(Math.max(least, this.#rows.length * 1.5));
    grown.set(this.#rows);
    this.#rows = grown;
  }
}

/** How many keys are looked at, for each new one, for states that cannot be told from fresh ones. */
const SWEEP = 4;

/** A limiter with any states. Those that are as good as fresh are forgotten. */
class StateLimiter implements ReplayLimiter {
  readonly #policy: Policy;
  readonly #kernels: readonly Kernel<Policy["rates"][0], RateState>[];
  readonly #states: (RateState[] | undefined)[] = [];
  #cursor = 0;

  constructor(policy: Policy) {
    this.#policy = policy;
    this.#kernels = policy.rates.map(kernelOf);
  }

  decide(key: number, cost: number, nowUs: number): number {
    const { capacity, rates } = this.#policy;
    if (cost > capacity) return Infinity;
    const known = this.#states[key];
    const states = known ?? this.#kernels.map((kernel) => kernel.fresh());
    let atUs = nowUs;
    for (let i = 0; i < rates.length; i++) {
      const rate = rates[i] as Policy["rates"][0];
      const earliestUs = this.#kernelAt(i).earliest(states[i] as RateState, nowUs, cost, rate);
      if (earliestUs > atUs) atUs = earliestUs;
    }
    if (atUs > nowUs) return atUs - nowUs;
    for (let i = 0; i < rates.length; i++) {
      const rate = rates[i] as Policy["rates"][0];
      states[i] = this.#kernelAt(i).take(states[i] as RateState, nowUs, nowUs, cost, rate);
    }
    if (known === undefined) this.#add(key, states, nowUs);
    return 0;
  }

  #kernelAt(place: number): Kernel<Policy["rates"][0], RateState> {
    return this.#kernels[place] as Kernel<Policy["rates"][0], RateState>;
  }

  #add(key: number, states: RateState[], nowUs: number): void {
    while (this.#states.length < key) this.#states.push(undefined);
    this.#states[key] = states;
    const { rates } = this.#policy;
    for (let i = 0; i < SWEEP; i++) {
      const place = this.#cursor++ % this.#states.length;
      const old = this.#states[place];
      const isFresh = old?.every((state, j) =>
        this.#kernelAt(j).freshFromUs(state, rates[j] as Policy["rates"][0]) <= nowUs
      );
      if (isFresh) this.#states[place] = undefined;
    }
  }
}
