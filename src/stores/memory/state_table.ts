/**
 * What the memory store keeps: bounded, and forgotten once it cannot be told from fresh. And how most calls take from it.
 *
 * @module
 */

import type { FlatLevel, FlatLimit } from "../../algorithms/flat.ts";
import type { RateState } from "../../algorithms/kernels.ts";
import { MAX_PLAIN_KEY, shortKey } from "../../base/short_key.ts";
import type { Policy } from "../../policy/policy.ts";
import { LevelReply } from "../level_reply.ts";
import { RatesReply } from "../rates_reply.ts";
import { IN_LEFT, type LevelLeft, type TakeReply, type TakeRequest, type Target } from "../store.ts";
import { settle } from "./entry_table.ts";
import type { Entry } from "./entry.ts";
import { LimiterTable, nearer } from "./limiter_table.ts";
import type { RowTable } from "./row_table.ts";
import type { Entries } from "./run_context.ts";

/** How many keys of the same limiter are looked at for one that may be forgotten, each time one is added. */
const SWEEP = 4;

/** The same for keys of any limiter. */
const SWEEP_ALL = 2;

/** How many keys are compared when one must be evicted: half of the same limiter, half of any. */
const SAMPLE = 16;

/** Where a level is written for which the caller has no place. */
const SCRATCH: FlatLevel = { first: 0, second: 0 };

/** All keys of a store. */
export class StateTable implements Entries {
  readonly #maxKeys: number;
  readonly #byLimiter = new Map<string, LimiterTable>();
  readonly #all: LimiterTable[] = [];
  /** There are not more keys than this: those that were counted last, and all added since. */
  #atMost = 0;
  /** The table whose turn it is when keys of any limiter are looked at. */
  #turn = 0;
  #lastId: string | undefined;
  #last: LimiterTable | undefined;

  /**
   * @param maxKeys The most keys; past it the one nearest to fresh is forgotten first.
   */
  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  /** How many keys there are. */
  get size(): number {
    let size = 0;
    for (const keys of this.#all) size += keys.size;
    return size;
  }

  /** The keys of a limiter as they are kept. */
  keysIn(limiter: string): Iterable<string | undefined> {
    return this.#byLimiter.get(limiter)?.keys() ?? [];
  }

  /** All tables, by limiter. */
  tables(): IterableIterator<[string, LimiterTable]> {
    return this.#byLimiter.entries();
  }

  /** The rules that keys are kept under, and the present ones of each limiter; some may come several times. */
  *policies(): Generator<Policy, void, void> {
    for (const keys of this.#all) yield* keys.policies();
  }

  /** The table of a limiter, which goes by these rules from `nowUs` on. */
  keysOf(limiter: string, policy: Policy, nowUs: number): LimiterTable {
    const keys = limiter === this.#lastId ? this.#last as LimiterTable : this.#find(limiter, policy, nowUs);
    if (keys.policy !== policy) keys.adopt(policy, nowUs);
    return keys;
  }

  /** The entry of a target as it stands, or a fresh one. It has to be written to be kept. */
  read(target: Target, nowUs: number): Entry {
    return settle(this.stored(target, nowUs), nowUs);
  }

  /** The same as it was written, whatever the clock shows. */
  stored(target: Target, nowUs: number): Entry {
    return this.keysOf(target.limiter, target.policy, nowUs).read(keptKey(target), nowUs);
  }

  /**
   * Writes an entry that had to be corrected, whatever is decided: after a step back of the clock, or because rules met a key
   * that others had written. Otherwise each call would correct it again, to a later instant.
   */
  settle(target: Target, nowUs: number): void {
    const keys = this.keysOf(target.limiter, target.policy, nowUs);
    const entry = keys.read(keptKey(target), nowUs);
    const settled = settle(entry, nowUs);
    const isNew = entry.others !== undefined && entry !== keys.entryOf(keptKey(target));
    if (settled !== entry || isNew) this.write(target, settled, nowUs);
  }

  /** Keeps an entry that was read and changed. */
  write(target: Target, entry: Entry, nowUs: number): void {
    const keys = this.keysOf(target.limiter, target.policy, nowUs);
    const key = keptKey(target);
    if (!keys.has(key)) this.makeRoom(keys, nowUs);
    keys.write(key, entry);
  }

  /** Starts a key anew: full limits, every permit free, no block. Those who wait keep their places. */
  reset(target: Target, nowUs: number): void {
    this.keysOf(target.limiter, target.policy, nowUs).reset(keptKey(target));
  }

  /**
   * Forgets the key of a target if it cannot be told from a fresh one by the rules that it is kept under, and these are not
   * those of the target: so that it makes no difference for the next decision whether it was forgotten before.
   */
  tidy(target: Target, nowUs: number): void {
    this.keysOf(target.limiter, target.policy, nowUs).tidy(keptKey(target), nowUs);
  }

  /** Forgets all that cannot be told from fresh. Costs as much as there are keys. */
  forgetFresh(nowUs: number): void {
    for (const keys of this.#all) keys.forgetFresh(nowUs);
  }

  /** Forgets every key, and wakes no call. */
  clear(): void {
    this.#byLimiter.clear();
    this.#all.length = 0;
    this.#atMost = this.#turn = 0;
    this.#lastId = this.#last = undefined;
  }

  /** Forgets some of what need not be kept, and more if there is no room, for a key that is about to be added. */
  makeRoom(keys: LimiterTable, nowUs: number): void {
    keys.sweep(SWEEP, nowUs);
    if (this.#any()?.sweep(SWEEP_ALL, nowUs)) this.#turn++;
    if (++this.#atMost <= this.#maxKeys) return;
    this.#atMost = this.size + 1;
    if (this.#atMost <= this.#maxKeys) return;
    const candidate = nearer(keys.weakest(SAMPLE / 2), this.#any()?.weakest(SAMPLE / 2));
    candidate?.table.delete(candidate.key);
  }

  /** The table whose turn it is; empty ones have none. */
  #any(): LimiterTable | undefined {
    const count = this.#all.length;
    for (let i = 0; i < count; i++, this.#turn++) {
      const keys = this.#all[this.#turn % count] as LimiterTable;
      if (keys.size > 0) return keys;
    }
    return undefined;
  }

  #find(limiter: string, policy: Policy, nowUs: number): LimiterTable {
    let keys = this.#byLimiter.get(limiter);
    if (keys === undefined) {
      keys = new LimiterTable(policy, nowUs);
      this.#byLimiter.set(limiter, keys);
      this.#all.push(keys);
    }
    this.#lastId = limiter;
    this.#last = keys;
    return keys;
  }
}

/**
 * The decision that most calls ask for: one key whose states are numbers, now. What `transaction.ts` and the kernels do, in one
 * stretch, and without making a state.
 *
 * Decides if numbers are all that the key is, and nothing has to be promised for later; else undefined, and where the key is
 * blocked or the clock has stepped back. `IN_LEFT` where it is allowed and `left` says all else. It stays small enough
 * to be compiled as one.
 */
export function takeRow(
  table: StateTable,
  keys: LimiterTable,
  rowTable: RowTable,
  asWritten: string | undefined,
  cost: number,
  nowUs: number,
  mode: TakeRequest["mode"],
  maxWaitUs: number,
  left: LevelLeft | undefined,
): TakeReply | undefined {
  const key = asWritten === undefined || asWritten.length <= MAX_PLAIN_KEY ? asWritten : shortKey(asWritten);
  let place = rowTable.places.get(key) ?? 0;
  if (place === 0 && keys.isElsewhere(key)) return undefined;
  if ((rowTable.more.size > 0 || rowTable.blocks.size > 0) && rowTable.isOdd(key, nowUs)) return undefined;
  const atUs = rowTable.all.earliest(rowTable.rows, place * rowTable.width, nowUs, cost);
  const waitUs = atUs - nowUs;
  const allowed = waitUs <= 0;
  if (!allowed && (Number.isNaN(waitUs) || (mode === "wait" && waitUs <= maxWaitUs))) return undefined;
  if (allowed && mode !== "peek") {
    if (place === 0) {
      table.makeRoom(keys, nowUs);
      place = rowTable.add(key);
    }
    rowTable.all.take(rowTable.rows, place * rowTable.width, nowUs, cost);
  }
  const status = allowed ? "allowed" : "rate";
  const { flats, rows, width } = rowTable;
  if (flats.length > 1) return new RatesReply(status, nowUs, waitUs, rowTable.levelsOf(place, nowUs), undefined);
  const flat = flats[0] as FlatLimit<RateState>;
  const at = place * width;
  const level = left ?? SCRATCH;
  flat.measure(rows, at, nowUs, level);
  if (left === undefined || !allowed) return new LevelReply(status, nowUs, waitUs, level.first, level.second);
  left.nowUs = nowUs;
  return IN_LEFT;
}

/** A long key is kept as its hash. */
function keptKey({ key, isHash }: Target): string | undefined {
  return isHash ? key : shortKey(key);
}
