/**
 * Entries of one limiter: keys with any limits, blocks and permits.
 *
 * @module
 */

import type { Level } from "../../algorithms/kernel.ts";
import type { RateLimit } from "../../algorithms/limit.ts";
import { kernelOf, type RateState } from "../../algorithms/kernels.ts";
import { sameLimits, takeOver } from "../../algorithms/take_over.ts";
import type { Policy } from "../../policy/policy.ts";
import type { EvictionCandidate, Table } from "./table.ts";
import type { Entry } from "./entry.ts";
import { sectionFreshFromUs, settledSections } from "./sections.ts";

/** How long a key keeps its ledger after the last grant: a key in use would make one for each permit. */
const LEDGER_KEPT_US = 100_000;

/** Entries by key. */
export class EntryTable implements Table {
  readonly #entries = new Map<string | undefined, Entry>();
  #sweep: Iterator<[string | undefined, Entry]> = this.#entries.entries();

  /** How many entries there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether a key is kept. */
  has(key: string | undefined): boolean {
    return this.#entries.has(key);
  }

  /** All keys. */
  keys(): IterableIterator<string | undefined> {
    return this.#entries.keys();
  }

  /** All keys and their entries. */
  all(): IterableIterator<[string | undefined, Entry]> {
    return this.#entries.entries();
  }

  /** The entry of a key. */
  get(key: string | undefined): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Keeps an entry. */
  set(key: string | undefined, entry: Entry): void {
    this.#entries.set(key, entry);
  }

  /** Forgets an entry. Returns whether there was one. */
  delete(key: string | undefined): boolean {
    return this.#entries.delete(key);
  }

  /** Forgets those of the next few that cannot be told from fresh ones. Returns whether it came to its end. */
  sweep(looks: number, nowUs: number): boolean {
    for (let i = 0; i < looks; i++) {
      const next = this.#sweep.next();
      if (next.done) {
        this.#sweep = this.#entries.entries();
        return true;
      }
      this.forgetIfFresh(...next.value, nowUs);
    }
    return false;
  }

  /** Forgets an entry if it cannot be told from a fresh one. */
  forgetIfFresh(key: string | undefined, entry: Entry, nowUs: number): void {
    const keptUs = entry.ledger === undefined ? 0 : LEDGER_KEPT_US;
    if (!entry.ledger?.inUse && freshFromUs(entry) + keptUs <= nowUs) this.#entries.delete(key);
  }

  /** The one nearest to fresh of the next few whose permits are not in use. */
  weakest(looks: number): EvictionCandidate | undefined {
    let best: EvictionCandidate | undefined;
    for (let i = Math.min(looks, this.#entries.size); i > 0; i--) {
      let next = this.#sweep.next();
      if (next.done) {
        this.#sweep = this.#entries.entries();
        next = this.#sweep.next();
      }
      if (next.done) break;
      const [key, entry] = next.value;
      if (entry.ledger?.inUse) continue;
      const freshUs = freshFromUs(entry);
      if (best === undefined || freshUs < best.freshUs) best = { table: this, key, freshUs };
    }
    return best;
  }
}

/** An entry of a key that was not used. */
export function freshEntry(policy: Policy): Entry {
  return {
    policy,
    states: policy.rates.map((rate) => kernelOf(rate).fresh()),
    blockedUs: 0,
    ledger: undefined,
    others: undefined,
  };
}

/** An entry under other rules, which took over at an instant: what was counted counts on, as those rules say. */
export function adapt(entry: Entry, policy: Policy, changedUs: number): Entry {
  if (entry.policy === policy) return entry;
  if (!sameLimits(entry.policy.rates, policy.rates)) {
    const { policy: { rates }, states } = entry;
    entry.states = takeOver({ rates, states }, policy.rates, policy.onChange, changedUs);
  }
  entry.policy = policy;
  return entry;
}

/** The entry as it stands after a step back of the clock, which has to be written to be kept; the same where there was none. */
export function settle(entry: Entry, nowUs: number): Entry {
  const { policy: { rates }, states, others } = entry;
  const sections = others && settledSections(others, nowUs);
  let settled: RateState[] | undefined;
  for (let i = 0; i < rates.length; i++) {
    const rate = rates[i] as RateLimit;
    const state = kernelOf(rate).settle(states[i] as RateState, nowUs, rate);
    if (state !== states[i]) (settled ??= states.slice())[i] = state;
  }
  if (settled === undefined && sections === others) return entry;
  return { ...entry, states: settled ?? states, others: sections };
}

/** Where each rate of an entry stands. */
export function levelsOf(policy: Policy, entry: Entry, nowUs: number): Level[] {
  const levels: Level[] = [];
  for (let i = 0; i < policy.rates.length; i++) {
    const rate = policy.rates[i] as RateLimit;
    levels.push(kernelOf(rate).measure(entry.states[i] as RateState, nowUs, rate));
  }
  return levels;
}

/** From this instant on, nothing but held permits tells the entry from a fresh one. */
export function freshFromUs(entry: Entry): number {
  const latestUs = Math.max(entry.blockedUs, entry.ledger?.freshFromUs ?? 0, sectionFreshFromUs(entry));
  return entry.others === undefined ? latestUs : Math.max(latestUs, ...entry.others.map(sectionFreshFromUs));
}
