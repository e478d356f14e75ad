/**
 * One limit under a sequence of calls, on the bare kernel: what was granted, when, and what is left.
 *
 * @module
 */

import fc from "fast-check";

import type { Kernel, Level, Mark } from "../../src/algorithms/kernel.ts";
import type { RateLimit } from "../../src/algorithms/limit.ts";
import { kernelOf, type RateState } from "../../src/algorithms/kernels.ts";
import { compileLimit } from "../../src/policy/compile_policy.ts";
import type { LimitOptions, RateAlgorithm } from "../../src/policy/options.ts";
import { limitArb } from "../_support/arbitraries.ts";

/** Every rate algorithm. */
export const ALGORITHMS: readonly RateAlgorithm[] = [
  "token_bucket",
  "sliding_window",
  "sliding_window_counter",
  "fixed_window",
];

/** Units that were taken, and for when. */
export interface Grant {
  /** How many were taken. */
  readonly taken: number;
  /** How many of them are not given back. */
  readonly cost: number;
  /** The clock when it was decided. */
  readonly nowUs: number;
  /** The instant they are for. */
  readonly atUs: number;
  /** By which they can be given back. */
  readonly mark: Mark;
}

/** How the clock moves: by µs, by a share of the limit's span, or to where a cost would be allowed. */
export type Move =
  | { readonly by: "us"; readonly us: number }
  | { readonly by: "window"; readonly share: number; readonly us: number }
  | { readonly by: "retry"; readonly share: number; readonly us: number };

/** A limit on its way through time. */
export class Track {
  /** What is counted. */
  readonly limit: RateLimit;
  /** How. */
  readonly kernel: Kernel<RateLimit, RateState>;
  /** What is remembered. */
  state: RateState;
  /** The clock. */
  nowUs: number;

  /** A fresh key, or one that stands as another does. */
  constructor(limit: RateLimit, nowUs: number, state?: RateState) {
    this.limit = limit;
    this.kernel = kernelOf(limit);
    this.state = state === undefined ? this.kernel.fresh() : structuredClone(state);
    this.nowUs = nowUs;
  }

  /** The window, or the time that an empty bucket takes to fill: what moves are measured by. */
  get spanUs(): number {
    return this.limit.algorithm === "token_bucket" ? this.limit.burstUs : this.limit.windowUs;
  }

  /** The same, on its own way from here. */
  fork(): Track {
    return new Track(this.limit, this.nowUs, this.state);
  }

  /** A cost, as a share of the capacity: 0 is one unit, 1 all of them. */
  cost(share: number): number {
    return 1 + Math.floor(share * (this.limit.capacity - 1));
  }

  /** The state as this clock can have written it. */
  settled(): RateState {
    return this.kernel.settle(this.state, this.nowUs, this.limit);
  }

  /** A call that is denied: it writes nothing but what a step back of the clock makes necessary. */
  look(): void {
    this.state = this.settled();
  }

  /** When a cost could be taken. */
  earliest(cost: number): number {
    return this.kernel.earliest(this.settled(), this.nowUs, cost, this.limit);
  }

  /** Where it stands. */
  level(): Level {
    return this.kernel.measure(this.settled(), this.nowUs, this.limit);
  }

  /** Takes now, if that is allowed. */
  take(cost: number): Grant | undefined {
    return this.earliest(cost) <= this.nowUs ? this.reserve(cost) : undefined;
  }

  /** Takes for the earliest instant, or for one after it, as another limit may ask. */
  reserve(cost: number, laterUs: number = 0): Grant {
    const { nowUs } = this;
    const atUs = this.earliest(cost) + laterUs;
    const before = this.settled();
    this.state = this.kernel.take(before, nowUs, atUs, cost, this.limit);
    const trace = this.kernel.trace?.(before, this.state, nowUs, atUs);
    return { taken: cost, cost, nowUs, atUs, mark: { nowUs, atUs, cost, level: this.level(), trace } };
  }

  /** Gives units of a grant back. Returns what is left of it. */
  giveBack(grant: Grant, units: number = grant.cost): Grant {
    this.state = this.kernel.giveBack(this.settled(), this.nowUs, units, grant.mark, this.limit);
    return { ...grant, cost: grant.cost - units };
  }

  /** The largest cost that is allowed now. */
  room(): number {
    let [low, high] = [0, this.limit.capacity];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.earliest(middle) <= this.nowUs) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Moves the clock. */
  move(move: Move): void {
    if (move.by === "us") this.nowUs += move.us;
    else if (move.by === "window") this.nowUs += Math.max(Math.floor(move.share * this.spanUs) + move.us, 0);
    else this.nowUs = Math.max(this.nowUs, this.earliest(this.cost(move.share)) + move.us);
  }
}

const wide: fc.Arbitrary<LimitOptions> = fc.oneof(
  fc.record({
    ratePerSecond: fc.oneof(fc.double({ min: 0.001, max: 1_000_000, noNaN: true }), fc.integer({ min: 1, max: 1e6 })),
    burst: fc.integer({ min: 1, max: 100 }),
  }),
  fc.record({
    algorithm: fc.constantFrom(...ALGORITHMS),
    limit: fc.integer({ min: 1, max: 300 }),
    windowMs: fc.integer({ min: 300, max: 1e12 }).map((us) => us / 1_000),
  }),
);

/** A limit of any kind, or of the given one: small ones, where everything happens, and wide ones. */
export function rateArb(algorithm?: RateAlgorithm): fc.Arbitrary<RateLimit> {
  return fc.oneof({ weight: 3, arbitrary: limitArb }, { weight: 1, arbitrary: wide })
    .filter((options) => algorithm === undefined || (options.algorithm ?? "token_bucket") === algorithm)
    .filter((options) => compiles(options))
    .map((options) => compileLimit(options, ""));
}

/** Not every random number makes a limit that is exact in doubles; those are refused, and other tests see to that. */
function compiles(options: LimitOptions): boolean {
  try {
    compileLimit(options, "");
    return true;
  } catch {
    return false;
  }
}

/** Where clocks start: among real ones, whose digits fill a double. */
export const startArb: fc.Arbitrary<number> = fc.integer({ min: 1_700_000_000_000_000, max: 1_900_000_000_000_000 });

/** Moves that dwell on equal instants, and on edges and the microseconds around them. Never back. */
export const moveArb: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ by: fc.constant("us" as const), us: fc.constantFrom(0, 0, 1, 2, 7) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      by: fc.constant("window" as const),
      share: fc.oneof(fc.constantFrom(1, 0.5, 2), fc.double({ min: 0, max: 1.2, noNaN: true })),
      us: fc.constantFrom(-1, 0, 1),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      by: fc.constant("retry" as const),
      share: fc.constantFrom(0, 0, 0.5, 1),
      us: fc.constantFrom(-1, 0, 0, 1),
    }),
  },
);

/** A share of the capacity; mostly one unit. */
export const shareArb: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, 0, 1),
  fc.double({ min: 0, max: 1, noNaN: true }),
);

/** A call: when, how much, and whether it would wait. */
export interface Call {
  /** How the clock moves before it. */
  readonly move: Move;
  /** How much it takes. */
  readonly share: number;
  /** Takes for a later instant if it must. */
  readonly waits: boolean;
}

/** Calls, one after the other. */
export const callsArb: fc.Arbitrary<Call[]> = fc.array(
  fc.record({ move: moveArb, share: shareArb, waits: fc.boolean() }),
  { minLength: 1, maxLength: 50 },
);

/** A track that has been used by random calls, with what they were granted. */
export function used(limit: RateLimit, startUs: number, calls: readonly Call[]): { track: Track; grants: Grant[] } {
  const track = new Track(limit, startUs);
  const grants: Grant[] = [];
  for (const { move, share, waits } of calls) {
    track.move(move);
    const cost = track.cost(share);
    const grant = waits ? track.reserve(cost) : track.take(cost);
    if (grant !== undefined) grants.push(grant);
  }
  return { track, grants };
}
