/**
 * What the memory store keeps of one limiter.
 *
 * @module
 */

import type { FlatLimit } from "../../algorithms/flat.ts";
import type { Kernel } from "../../algorithms/kernel.ts";
import { flatOf, kernelOf, type RateState } from "../../algorithms/kernels.ts";
import type { RateLimit } from "../../algorithms/limit.ts";
import { sameLimits } from "../../algorithms/take_over.ts";
import type { Policy } from "../../policy/policy.ts";
import type { EvictionCandidate, Table } from "./table.ts";
import { adapt, EntryTable, freshEntry } from "./entry_table.ts";
import type { Entry } from "./entry.ts";
import { turned } from "./sections.ts";
import { type RowCopy, RowTable } from "./row_table.ts";

/** For how long rules may go unused and still count what others take: as the register does in Redis. */
const OTHERS_US = 300_000_000;

/**
 * All keys of a limiter, each in one place: in a row table while states under its rules are numbers, else in an entry. Where rules
 * change, a key moves when it is next written.
 */
export class LimiterTable implements Table {
  /** The rules that were asked for last. */
  policy: Policy;
  /** What counts each limit of the rules. */
  kernels: readonly Kernel<RateLimit, RateState>[] = [];
  /** Where keys under those rules are kept, if their states are numbers and there are no permits. */
  rowTable: RowTable | undefined;
  readonly #entries = new EntryTable();
  /** One for each rules that keys have been counted by. */
  #rowTables: RowTable[] = [];
  /** The time in which policies held; policies with the same limits share it. */
  readonly #reigns = new WeakMap<Policy, Reign>();
  /** Until when rules that were in use before may still be so, beside the present ones. */
  #othersUntilUs = -Infinity;
  /** The table whose turn it is when keys are looked at; 0 for the entries. */
  #turn = 0;

  /**
   * @param policy The limiter's rules.
   * @param nowUs The store's clock.
   */
  constructor(policy: Policy, nowUs: number) {
    this.policy = policy;
    this.adopt(policy, nowUs);
  }

  /** Goes by other rules from now on. */
  adopt(policy: Policy, nowUs: number): void {
    const reign = this.#reigns.get(this.policy);
    if (reign !== undefined && sameLimits(this.policy.rates, policy.rates)) this.#reigns.set(policy, reign);
    else {
      if (reign !== undefined) {
        reign.endUs = nowUs;
        this.#othersUntilUs = nowUs + OTHERS_US;
      }
      this.#reigns.set(policy, { endUs: nowUs });
    }
    this.policy = policy;
    this.kernels = policy.rates.map((rate) => kernelOf(rate));
    this.rowTable = policy.maxConcurrent > 0 ? undefined : this.#rowTableFor(policy);
  }

  /** How many keys there are. */
  get size(): number {
    let { size } = this.#entries;
    for (const rowTable of this.#rowTables) size += rowTable.size;
    return size;
  }

  /** All keys, each once. */
  *keys(): Generator<string | undefined, void, void> {
    yield* this.#entries.keys();
    for (const rowTable of this.#rowTables) yield* rowTable.keys();
  }

  /** Whether a key is kept anywhere but in the row table of the present rules. */
  isElsewhere(key: string | undefined): boolean {
    if (this.#rowTables.length === 1 && this.#entries.size === 0) return false;
    return this.#entries.has(key) ||
      this.#rowTables.some((rowTable) => rowTable !== this.rowTable && rowTable.find(key) > 0);
  }

  /** The entry of a key as it was written, if it is in one. */
  entryOf(key: string | undefined): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Whether a key is kept. */
  has(key: string | undefined): boolean {
    return this.#entries.has(key) || this.#rowTables.some((rowTable) => rowTable.find(key) > 0);
  }

  /** The entry of a key as it stands under the present rules, or a fresh one. It has to be written to be kept. */
  read(key: string | undefined, nowUs: number): Entry {
    const entry = this.#entries.get(key);
    if (entry !== undefined) return this.#adapted(entry, nowUs);
    for (const rowTable of this.#rowTables) {
      const place = rowTable.find(key);
      if (place === 0) continue;
      const { policy } = rowTable;
      const states = rowTable.statesOf(key, place);
      return this.#adapted(
        { policy, states, blockedUs: rowTable.blockedUs(key), ledger: undefined, others: undefined },
        nowUs,
      );
    }
    return freshEntry(this.policy);
  }

  /** An entry under the present rules, as of the instant at which those it was written under ended. */
  #adapted(entry: Entry, nowUs: number): Entry {
    const { policy } = this;
    if (entry.others !== undefined && nowUs >= this.#othersUntilUs) entry = { ...entry, others: undefined };
    if (entry.policy === policy) return entry;
    const { endUs } = this.#reigns.get(entry.policy) as Reign;
    const areOthersSeen = nowUs < this.#othersUntilUs && policy.onChange === "keep";
    return areOthersSeen && !sameLimits(entry.policy.rates, policy.rates)
      ? turned(entry, policy, endUs)
      : adapt(entry, policy, endUs);
  }

  /** Keeps an entry that was read and changed. */
  write(key: string | undefined, entry: Entry): void {
    const { rowTable } = this;
    const isMore = entry.ledger !== undefined || entry.others !== undefined;
    const into = rowTable === undefined || isMore ? this.#entries : rowTable;
    if (into !== this.#entries && this.#entries.size > 0) this.#entries.delete(key);
    for (const other of this.#rowTables) if (other !== into) other.delete(key);
    if (into instanceof EntryTable) into.set(key, entry);
    else {
      into.put(key, entry.states);
      into.block(key, entry.blockedUs);
    }
  }

  /** Starts a key anew: full limits, every permit free, no block. Those who wait keep their places, and tokens rise on. */
  reset(key: string | undefined): void {
    const ledger = this.#entries.get(key)?.ledger;
    this.delete(key);
    if (ledger === undefined) return;
    ledger.clear();
    this.#entries.set(key, { ...freshEntry(this.policy), ledger });
  }

  /** Forgets a key. Returns whether there was one. */
  delete(key: string | undefined): boolean {
    return this.#entries.delete(key) || this.#rowTables.some((rowTable) => rowTable.delete(key));
  }

  /** Forgets those of the next few that cannot be told from fresh ones. Returns whether it came to its end. */
  sweep(looks: number, nowUs: number): boolean {
    const table = this.#turn === 0 ? this.#entries : this.#rowTables[this.#turn - 1] as Table;
    if (table.size > 0 && !table.sweep(looks, nowUs)) return false;
    this.#turn = (this.#turn + 1) % (this.#rowTables.length + 1);
    return this.#turn === 0;
  }

  /** Forgets a key that is kept under other rules, or counted by several, if it cannot be told from a fresh one. */
  tidy(key: string | undefined, nowUs: number): void {
    if (!this.isElsewhere(key)) return;
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      if (entry.policy !== this.policy || entry.others !== undefined) this.#entries.forgetIfFresh(key, entry, nowUs);
    } else for (const rows of this.#rowTables) if (rows !== this.rowTable) rows.forgetIfFresh(key, nowUs);
  }

  /** Forgets all that cannot be told from fresh. */
  forgetFresh(nowUs: number): void {
    for (const table of [this.#entries, ...this.#rowTables]) {
      table.sweep(Infinity, nowUs); // from where it stands to the end
      table.sweep(Infinity, nowUs);
    }
  }

  /** The one nearest to fresh of the next few. */
  weakest(looks: number): EvictionCandidate | undefined {
    let best = this.#entries.weakest(looks);
    for (const rowTable of this.#rowTables) best = nearer(best, rowTable.weakest(looks));
    return best;
  }

  /** The entry of a key as it is kept, under the rules that it was written under. */
  kept(key: string | undefined): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) return entry;
    const rows = this.#rowTables.find((rowTable) => rowTable.find(key) > 0);
    if (rows === undefined) return undefined;
    const states = rows.statesOf(key, rows.find(key));
    return { policy: rows.policy, states, blockedUs: rows.blockedUs(key), ledger: undefined, others: undefined };
  }

  /** All entries, as they are met: those that are added meanwhile come too. */
  entries(): IterableIterator<[string | undefined, Entry]> {
    return this.#entries.all();
  }

  /** All rows as they are at this moment. */
  copyRows(): RowCopy[] {
    return this.#rowTables.map((rowTable) => rowTable.copy());
  }

  /** The rules that keys are kept under, and the present ones; some may come several times. */
  *policies(): Generator<Policy, void, void> {
    yield this.policy;
    for (const rowTable of this.#rowTables) yield rowTable.policy;
    for (const [, { policy, others = [] }] of this.#entries.all()) {
      yield policy;
      for (const section of others) yield section.policy;
    }
  }

  /** When each of some rules ended that were in use here, and how long others count. */
  reignsOf(policies: Iterable<Policy>): Reigns {
    const ends: Reign[] = [];
    const reigns: [Policy, number][] = [];
    for (const policy of policies) {
      const reign = this.#reigns.get(policy);
      if (reign === undefined) continue;
      if (!ends.includes(reign)) ends.push(reign);
      reigns.push([policy, ends.indexOf(reign)]);
    }
    return { reigns, endsUs: ends.map(({ endUs }) => endUs), othersUntilUs: this.#othersUntilUs };
  }

  /** Takes over what `reignsOf` told of another table. */
  loadReigns({ reigns, endsUs, othersUntilUs }: Reigns): void {
    const ends = endsUs.map((endUs): Reign => ({ endUs }));
    for (const [policy, place] of reigns) this.#reigns.set(policy, ends[place] as Reign);
    this.#othersUntilUs = othersUntilUs;
  }

  /** Takes in rows of another table; undefined states of rules that are no numbers are none. */
  loadRows(policy: Policy, keys: readonly (string | undefined)[], rows: Float64Array): void {
    this.#rowTableOf(policy)?.load(keys, rows);
  }

  /** Takes in an entry of another table, into the rows of its rules or not. */
  load(key: string | undefined, entry: Entry, isRow: boolean): void {
    const rows = isRow ? this.#rowTableOf(entry.policy) : undefined;
    if (rows === undefined) return this.#entries.set(key, entry);
    rows.put(key, entry.states);
    rows.block(key, entry.blockedUs);
  }

  #rowTableFor(policy: Policy): RowTable | undefined {
    const isSame = (rowTable: RowTable) => sameLimits(rowTable.policy.rates, policy.rates);
    this.#rowTables = this.#rowTables.filter((rowTable) => rowTable.size > 0 || isSame(rowTable));
    this.#turn = 0;
    const rowTable = this.#rowTableOf(policy);
    if (rowTable !== undefined) rowTable.policy = policy;
    return rowTable;
  }

  /** The row table of rules, made if there is none; undefined where their states are no numbers. */
  #rowTableOf(policy: Policy): RowTable | undefined {
    let rowTable = this.#rowTables.find((each) => sameLimits(each.policy.rates, policy.rates));
    if (rowTable === undefined) {
      const flats = policy.rates.map(flatOf).filter((flat): flat is FlatLimit<RateState> => flat !== undefined);
      if (flats.length < Math.max(policy.rates.length, 1)) return undefined;
      this.#rowTables.push(rowTable = new RowTable(policy, flats));
    }
    return rowTable;
  }
}

/** When rules ended that were in use. */
export interface Reigns {
  /** Rules, and which of the ends is theirs. */
  readonly reigns: readonly (readonly [Policy, number])[];
  /** The ends. */
  readonly endsUs: readonly number[];
  /** Until when rules that were in use before may still be so. */
  readonly othersUntilUs: number;
}

/** The time in which a policy held. */
interface Reign {
  /** When another one took its place. */
  endUs: number;
}

/** Of two, the one nearer to fresh. */
export function nearer(
  one: EvictionCandidate | undefined,
  other: EvictionCandidate | undefined,
): EvictionCandidate | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.freshUs < one.freshUs ? other : one;
}
