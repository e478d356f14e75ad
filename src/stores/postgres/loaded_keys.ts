/**
 * The rows of a transaction as entries, on which the kernels decide, and what becomes of them.
 *
 * @module
 */

import type { RateState } from "../../algorithms/kernels.ts";
import type { Reach } from "../../algorithms/reach.ts";
import { sameLimits } from "../../algorithms/take_over.ts";
import { isTokenBucket } from "../../algorithms/token_bucket/limit.ts";
import type { TokenBucketState } from "../../algorithms/token_bucket/kernel.ts";
import type { Policy } from "../../policy/policy.ts";
import type { Entry } from "../memory/entry.ts";
import { decodeEntry, encodeEntry, unknownRules } from "../memory/entry_codec.ts";
import { adapt, freshEntry, freshFromUs, settle } from "../memory/entry_table.ts";
import type { Entries } from "../memory/run_context.ts";
import { sectionFor, turned } from "../memory/sections.ts";
import type { Target } from "../store.ts";
import { parseWaiterId } from "../waiter_id.ts";
import { fromHex } from "./hex.ts";
import { rowName } from "./keys.ts";
import { sortByName } from "./row_order.ts";
import type { RuleBook } from "./rules.ts";

/** A row as it is read. */
export interface LoadedRow {
  readonly tat: number;
  readonly rem: number;
  readonly rules: number;
  /** The reach of the latest promised instant; 0 where none is promised. */
  readonly reach: number;
  /** The digits of its bytes; empty of a plain token bucket. */
  readonly state: string;
}

/** A row as it is written. */
export interface WrittenRow {
  readonly name: string;
  /** Whether there was none. */
  readonly isNew: boolean;
  readonly tat: number;
  readonly rem: number | null;
  readonly rules: number;
  readonly ends: number | null;
  readonly queued: boolean;
  readonly reach: number | null;
  /** Its bytes; undefined of a plain token bucket. */
  readonly state: Uint8Array | undefined;
}

/** The rows tell of rules that this process has not read yet. */
export class UnknownRules extends Error {}

interface Loaded {
  readonly row: LoadedRow | undefined;
  /** The entry as it stands, after what was done to it. */
  entry: Entry | undefined;
  /** The entry as it was read, in bytes: only for what cannot be told from numbers. */
  before: Uint8Array | undefined;
  target: Target;
}

/** For how long a waiting call keeps its row without asking again, in microseconds. */
const WAITS_US = 86_400_000_000;

/** Entries of the rows that one transaction has locked. */
export class LoadedKeys implements Entries {
  readonly #rules: RuleBook;
  readonly #rows: ReadonlyMap<string, LoadedRow>;
  readonly #isLast: boolean;
  readonly #loaded = new Map<string, Loaded>();

  /**
   * Reads nothing yet.
   *
   * @param rules Which rules rows are under.
   * @param rows The rows by their names; those that are missing are not there.
   * @param isLast Whether rules that are not known now are none.
   */
  constructor(rules: RuleBook, rows: ReadonlyMap<string, LoadedRow>, isLast: boolean) {
    this.#rules = rules;
    this.#rows = rows;
    this.#isLast = isLast;
  }

  /**
   * Reads the row of a target, before anything is done to it.
   *
   * @throws {StoreError} If it cannot be read.
   * @throws {UnknownRules} If the rules must be read first.
   */
  load(target: Target): void {
    this.#of(target);
  }

  read(target: Target, nowUs: number): Entry {
    return settle(this.#adapted(this.#of(target), target, nowUs), nowUs);
  }

  write(target: Target, entry: Entry): void {
    this.#of(target).entry = entry;
  }

  settle(target: Target, nowUs: number): void {
    const loaded = this.#of(target);
    const entry = this.#adapted(loaded, target, nowUs);
    const settled = settle(entry, nowUs);
    const isNew = entry.others !== undefined && entry !== loaded.entry;
    if (settled !== entry || isNew) loaded.entry = settled;
  }

  reset(target: Target): void {
    const loaded = this.#loaded.get(rowName(target));
    const ledger = loaded?.entry?.ledger;
    ledger?.clear();
    if (loaded !== undefined) loaded.entry = { ...freshEntry(target.policy), ledger };
  }

  /** What has to be written: what differs from what was read. New rows come first, each of both in the order of names. */
  changed(nowUs: number): WrittenRow[] {
    const rows: WrittenRow[] = [];
    for (const [name, loaded] of this.#loaded) {
      const row = this.#written(name, loaded, nowUs);
      if (row !== undefined) rows.push(row);
    }
    return sortByName(rows, ({ name }) => name).sort((a, b) => Number(b.isNew) - Number(a.isNew));
  }

  #of(target: Target): Loaded {
    const name = rowName(target);
    let loaded = this.#loaded.get(name);
    if (loaded === undefined) this.#loaded.set(name, loaded = this.#read(name, target));
    loaded.target = target;
    return loaded;
  }

  #read(name: string, target: Target): Loaded {
    const row = this.#rows.get(name);
    if (row === undefined) return { row, entry: undefined, before: undefined, target };
    const policyOf = (id: number): Policy | undefined => {
      if (id === this.#rules.idOf(target)) return target.policy;
      const known = this.#rules.of(id);
      // Others may have begun to use these rules since they were read, or have ended to.
      if (!this.#isLast && (known === undefined || !this.#rules.isFresh)) throw new UnknownRules();
      return known?.policy;
    };
    if (row.state !== "") {
      const before = fromHex(row.state);
      return { row, entry: decodeEntry(before, policyOf), before, target };
    }
    const policy = policyOf(row.rules);
    if (policy === undefined) throw unknownRules(row.rules);
    const bucket = { tatUs: row.tat, tatRem: row.rem };
    const states = [row.reach === 0 ? bucket : { ...bucket, reach: row.reach as Reach }];
    return {
      row,
      entry: { policy, states, blockedUs: 0, ledger: undefined, others: undefined },
      before: undefined,
      target,
    };
  }

  /** An entry under the rules of a target. */
  #adapted({ entry: read }: Loaded, { limiter, policy }: Target, nowUs: number): Entry {
    if (read === undefined) return freshEntry(policy);
    const rules = this.#rules;
    const areOthersGone = read.others?.every((section) => !rules.isInUse(limiter, section.policy)) ?? false;
    const entry = areOthersGone ? { ...read, others: undefined } : read;
    if (entry.policy === policy) return entry;
    const counts = rules.isInUse(limiter, entry.policy) || sectionFor(entry, policy) !== undefined;
    return counts && !sameLimits(entry.policy.rates, policy.rates)
      ? turned(entry, policy, nowUs)
      : adapt({ ...entry }, policy, rules.seenUs(limiter, entry.policy) ?? nowUs);
  }

  #written(name: string, { row, entry, before, target }: Loaded, nowUs: number): WrittenRow | undefined {
    if (entry === undefined) return undefined;
    const refOf = (policy: Policy) => this.#rules.refOf(target.limiter, policy);
    const isNew = row === undefined;
    const bucket = plainBucket(entry, nowUs);
    if (bucket !== undefined) {
      const { tatUs: tat, tatRem: rem, reach = 0 } = bucket;
      const rules = refOf(entry.policy);
      if (isNew ? tat === 0 : isBucket(row, { tat, rem, rules, reach })) return undefined;
      const numbers = { tat, rem: rem || null, rules, reach: reach || null };
      return { name, isNew, ...numbers, ends: null, queued: false, state: undefined };
    }
    let state = encodeEntry(entry, refOf);
    if (isSame(state, before ?? (isNew ? encodeEntry(freshEntry(entry.policy), refOf) : undefined))) return undefined;
    if (entry.blockedUs > 0 && entry.blockedUs <= nowUs) {
      entry.blockedUs = 0;
      state = encodeEntry(entry, refOf);
    }
    const ends = endOf(entry, nowUs);
    const queued = (entry.ledger?.waiting ?? 0) > 0;
    return { name, isNew, tat: 0, rem: null, rules: refOf(entry.policy), ends, queued, reach: null, state };
  }
}

/** The state of an entry that is one token bucket and nothing else. */
function plainBucket(
  { policy, states, blockedUs, ledger, others }: Entry,
  nowUs: number,
): TokenBucketState | undefined {
  const [rate, another] = policy.rates;
  if (another !== undefined || !isTokenBucket(rate) || blockedUs > nowUs || ledger !== undefined) return undefined;
  const state = states[0] as RateState as TokenBucketState;
  return others === undefined && state.back === undefined && state.promisedUs === undefined ? state : undefined;
}

/** Whether a row is one token bucket with these numbers. */
function isBucket(row: LoadedRow, { tat, rem, rules, reach }: Omit<LoadedRow, "state">): boolean {
  return row.state === "" && row.tat === tat && row.rem === rem && row.rules === rules && row.reach === reach;
}

/** From when on a row can be forgotten. */
function endOf(entry: Entry, nowUs: number): number {
  let endUs = freshFromUs(entry);
  if (entry.ledger !== undefined) {
    const { leases, waiters } = entry.ledger.facts;
    endUs = Math.max(endUs, leases.at(-1)?.at ?? 0);
    for (const { id, arrivalUs } of waiters) {
      endUs = Math.max(endUs, Math.min(arrivalUs + parseWaiterId(id).maxWaitUs, nowUs + WAITS_US));
    }
  }
  return endUs;
}

function isSame(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && one.length === other.length && one.every((byte, i) => byte === other[i]);
}
