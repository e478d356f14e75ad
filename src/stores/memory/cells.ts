/**
 * What the memory store keeps: one cell a key, bounded, and forgotten once it cannot be told from a fresh one.
 *
 * @module
 */

import { kernelOf, type RateState } from "../../algorithms/mod.ts";
import type { TokenBucketLimit } from "../../algorithms/limit.ts";
import type { TokenBucketState } from "../../algorithms/token_bucket.ts";
import type { Policy } from "../../policy/policy.ts";
import type { Target } from "../store.ts";
import type { SlotBook } from "./slot_book.ts";

/** The state of one key of one limiter. */
export interface Cell {
  /** The rules that the states were made for. */
  policy: Policy;
  /** One for each rate of the policy. */
  states: RateState[];
  /** Everything is denied until this instant. */
  blockedUs: number;
  /** Who is inside and who waits; made when first needed. */
  slots: SlotBook | undefined;
}

/** How many cells are looked at for one that may be forgotten, each time one is added. */
const SWEEP = 4;

/** How many cells are compared when one must be evicted. */
const SAMPLE = 16;

/** All cells of a store. */
export class Cells {
  readonly #cells = new Map<string, Cell>();
  readonly #maxKeys: number;
  #sweep: Iterator<[string, Cell]> = this.#cells.entries();

  /**
   * Makes one.
   *
   * @param maxKeys The most cells; past it the one nearest to fresh is forgotten first.
   */
  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  /** How many cells there are. */
  get size(): number {
    return this.#cells.size;
  }

  /** The cell of a target as it stands, or a fresh one that is not kept yet. */
  read(target: Target): Cell {
    const cell = this.#cells.get(nameOf(target));
    return cell === undefined ? freshCell(target.policy) : adapt(cell, target.policy);
  }

  /** Keeps a cell that was read and changed. */
  write(target: Target, cell: Cell, nowUs: number): void {
    const name = nameOf(target);
    if (!this.#cells.has(name)) this.#makeRoom(nowUs);
    this.#cells.set(name, cell);
  }

  /** Forgets every cell, but wakes nobody. */
  clear(): void {
    this.#cells.clear();
    this.#sweep = this.#cells.entries();
  }

  #makeRoom(nowUs: number): void {
    for (const [name, cell] of this.#some(SWEEP)) {
      if (freshFromUs(cell) <= nowUs && !cell.slots?.inUse) this.#cells.delete(name);
    }
    if (this.#cells.size < this.#maxKeys) return;
    let victim: [string, number] | undefined;
    for (const [name, cell] of this.#some(SAMPLE)) {
      const freshUs = freshFromUs(cell);
      if (!cell.slots?.inUse && (victim === undefined || freshUs < victim[1])) victim = [name, freshUs];
    }
    if (victim !== undefined) this.#cells.delete(victim[0]);
  }

  /** The next few cells, round and round. */
  *#some(count: number): Generator<[string, Cell]> {
    for (let i = 0; i < Math.min(count, this.#cells.size); i++) {
      let { value, done } = this.#sweep.next();
      if (done) {
        this.#sweep = this.#cells.entries();
        ({ value, done } = this.#sweep.next());
      }
      if (!done) yield value;
    }
  }
}

/** From this instant on, nothing but held slots tells the cell from a fresh one. */
function freshFromUs(cell: Cell): number {
  return cell.policy.rates.reduce(
    (latest, rate, i) => Math.max(latest, kernelOf(rate).freshFromUs(cell.states[i] as RateState, rate)),
    Math.max(cell.blockedUs, cell.slots?.freshFromUs ?? 0),
  );
}

/** Different targets have different names: the length tells where the limiter's id ends; without a key there is none. */
function nameOf({ limiter, key }: Target): string {
  return key === undefined ? `:${limiter}` : `${limiter.length}:${limiter}${key}`;
}

function freshCell(policy: Policy): Cell {
  return {
    policy,
    states: policy.rates.map((rate) => kernelOf(rate).fresh()),
    blockedUs: 0,
    slots: undefined,
  };
}

/** A limiter was configured anew: states of the same algorithms live on, others start fresh. */
function adapt(cell: Cell, policy: Policy): Cell {
  if (cell.policy === policy) return cell;
  const same = cell.policy.rates.length === policy.rates.length &&
    cell.policy.rates.every((rate, i) => rate.algorithm === policy.rates[i]?.algorithm);
  cell.states = policy.rates.map((rate, i) => {
    const state = cell.states[i];
    const before = cell.policy.rates[i];
    if (!same || state === undefined) return kernelOf(rate).fresh();
    return rate.algorithm === "token_bucket"
      ? withDenominator(state as TokenBucketState, before as TokenBucketLimit, rate)
      : state;
  });
  cell.policy = policy;
  return cell;
}

/** A remainder means nothing to another denominator; a microsecond more covers any. */
function withDenominator(
  state: TokenBucketState,
  before: TokenBucketLimit,
  after: TokenBucketLimit,
): TokenBucketState {
  return before.denominator === after.denominator ? state : { tatUs: state.tatUs + 1, tatRem: 0 };
}
