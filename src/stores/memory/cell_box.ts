/**
 * Cells of one limiter: keys with any limits, blocks and slots.
 *
 * @module
 */

import type { Level } from "../../algorithms/kernel.ts";
import type { RateLimit } from "../../algorithms/limit.ts";
import { kernelOf, type RateState } from "../../algorithms/kernels.ts";
import { sameLimits, takeOver } from "../../algorithms/take_over.ts";
import type { Policy } from "../../policy/policy.ts";
import type { EvictionCandidate, Table } from "./table.ts";
import type { Cell } from "./cell.ts";
import { sectionFreshFromUs, settledSections } from "./sections.ts";

/** How long a key keeps its book after the last grant: a key in use would make one for each permit. */
const BOOK_KEPT_US = 100_000;

/** Cells by key. */
export class CellBox implements Table {
  readonly #cells = new Map<string | undefined, Cell>();
  #sweep: Iterator<[string | undefined, Cell]> = this.#cells.entries();

  /** How many cells there are. */
  get size(): number {
    return this.#cells.size;
  }

  /** Whether a key is kept. */
  has(key: string | undefined): boolean {
    return this.#cells.has(key);
  }

  /** The cell of a key. */
  get(key: string | undefined): Cell | undefined {
    return this.#cells.get(key);
  }

  /** Keeps a cell. */
  set(key: string | undefined, cell: Cell): void {
    this.#cells.set(key, cell);
  }

  /** Forgets a cell. Returns whether there was one. */
  delete(key: string | undefined): boolean {
    return this.#cells.delete(key);
  }

  /** Forgets those of the next few that cannot be told from fresh ones. Returns whether it came to its end. */
  sweep(looks: number, nowUs: number): boolean {
    for (let i = 0; i < looks; i++) {
      const next = this.#sweep.next();
      if (next.done) {
        this.#sweep = this.#cells.entries();
        return true;
      }
      const [key, cell] = next.value;
      const keptUs = cell.slots === undefined ? 0 : BOOK_KEPT_US;
      if (!cell.slots?.inUse && freshFromUs(cell) + keptUs <= nowUs) this.#cells.delete(key);
    }
    return false;
  }

  /** The one nearest to fresh of the next few whose slots nobody uses. */
  weakest(looks: number): EvictionCandidate | undefined {
    let best: EvictionCandidate | undefined;
    for (let i = Math.min(looks, this.#cells.size); i > 0; i--) {
      let next = this.#sweep.next();
      if (next.done) {
        this.#sweep = this.#cells.entries();
        next = this.#sweep.next();
      }
      if (next.done) break;
      const [key, cell] = next.value;
      if (cell.slots?.inUse) continue;
      const freshUs = freshFromUs(cell);
      if (best === undefined || freshUs < best.freshUs) best = { table: this, key, freshUs };
    }
    return best;
  }
}

/** A cell of a key that nobody has used. */
export function freshCell(policy: Policy): Cell {
  return {
    policy,
    states: policy.rates.map((rate) => kernelOf(rate).fresh()),
    blockedUs: 0,
    slots: undefined,
    others: undefined,
  };
}

/** A cell under other rules, which took over at an instant: what was counted counts on, as those rules say. */
export function adapt(cell: Cell, policy: Policy, changedUs: number): Cell {
  if (cell.policy === policy) return cell;
  if (!sameLimits(cell.policy.rates, policy.rates)) {
    const { policy: { rates }, states } = cell;
    cell.states = takeOver({ rates, states }, policy.rates, policy.onChange, changedUs);
  }
  cell.policy = policy;
  return cell;
}

/** The cell as it stands after a step back of the clock, which has to be written to be kept; the same where there was none. */
export function settle(cell: Cell, nowUs: number): Cell {
  const { policy: { rates }, states, others } = cell;
  const sections = others && settledSections(others, nowUs);
  let settled: RateState[] | undefined;
  for (let i = 0; i < rates.length; i++) {
    const rate = rates[i] as RateLimit;
    const state = kernelOf(rate).settle(states[i] as RateState, nowUs, rate);
    if (state !== states[i]) (settled ??= states.slice())[i] = state;
  }
  if (settled === undefined && sections === others) return cell;
  return { ...cell, states: settled ?? states, others: sections };
}

/** Where each rate of a cell stands. */
export function levelsOf(policy: Policy, cell: Cell, nowUs: number): Level[] {
  const levels: Level[] = [];
  for (let i = 0; i < policy.rates.length; i++) {
    const rate = policy.rates[i] as RateLimit;
    levels.push(kernelOf(rate).measure(cell.states[i] as RateState, nowUs, rate));
  }
  return levels;
}

/** From this instant on, nothing but held slots tells the cell from a fresh one. */
function freshFromUs(cell: Cell): number {
  const latestUs = Math.max(cell.blockedUs, cell.slots?.freshFromUs ?? 0);
  return Math.max(latestUs, ...[cell, ...cell.others ?? []].map(sectionFreshFromUs));
}
