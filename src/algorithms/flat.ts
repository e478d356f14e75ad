/**
 * States as numbers in an array: what a store in memory keeps of most keys, so that a key costs little more than its name,
 * and a decision makes no state.
 *
 * @module
 */

/** Where the numbers of `Kernel.measure` are written. */
export interface FlatLevel {
  /** The first of them. */
  first: number;
  /** The second. */
  second: number;
}

/** Taking from a row of numbers. */
export interface FlatTake {
  /**
   * As `Kernel.earliest`; NaN where `Kernel.settle` would correct the state, because the clock stepped back.
   */
  earliest(rows: Float64Array, at: number, nowUs: number, cost: number): number;
  /** As `Kernel.take` for `nowUs`, which `earliest` told. */
  take(rows: Float64Array, at: number, nowUs: number, cost: number): void;
}

/**
 * The arithmetic of one limit on a state that is a few numbers. It decides what needs no waiting; the kernel does the rest.
 * What it decides, it decides as the kernel does, to the integer.
 */
export interface FlatLimit<State> extends FlatTake {
  /** How many numbers a state is. Those of a fresh one are zeros. */
  readonly width: number;
  /** Whether a state is no more than its numbers: nothing is promised to callers who wait, and nothing was given back. */
  fits(state: State): boolean;
  /** Writes a state that fits. */
  write(state: State, rows: Float64Array, at: number): void;
  /** The state that was written. */
  read(rows: Float64Array, at: number): State;
  /** As `Kernel.measure`. */
  measure(rows: Float64Array, at: number, nowUs: number, level: FlatLevel): void;
  /** As `Kernel.freshFromUs`. */
  freshFromUs(rows: Float64Array, at: number): number;
}

/** Several limits, whose states stand one behind the other in a row: all of them must agree. */
export class FlatLimits implements FlatTake {
  readonly #flats: readonly FlatLimit<object>[];

  constructor(flats: readonly FlatLimit<object>[]) {
    this.#flats = flats;
  }

  /** When a cost fits all of them. */
  earliest(rows: Float64Array, at: number, nowUs: number, cost: number): number {
    let latestUs = nowUs;
    let from = at;
    for (let i = 0; i < this.#flats.length; i++) {
      const flat = this.#flats[i] as FlatLimit<object>;
      const atUs = flat.earliest(rows, from, nowUs, cost);
      if (Number.isNaN(atUs)) return NaN;
      if (atUs > latestUs) latestUs = atUs;
      from += flat.width;
    }
    return latestUs;
  }

  /** Takes a cost from each of them. */
  take(rows: Float64Array, at: number, nowUs: number, cost: number): void {
    let from = at;
    for (let i = 0; i < this.#flats.length; i++) {
      const flat = this.#flats[i] as FlatLimit<object>;
      flat.take(rows, from, nowUs, cost);
      from += flat.width;
    }
  }
}
