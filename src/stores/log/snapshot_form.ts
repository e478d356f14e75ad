/**
 * The form of a snapshot: blocks, each with its length, its kind and a head as JSON, and numbers or entries behind it.
 *
 * @module
 */

import type { SessionTuple } from "./sessions.ts";

/** What a block holds. */
export const BLOCK: Readonly<Record<"head" | "rows" | "entries" | "end", number>> = Object.freeze({
  /** The state but for its keys. */
  head: 1,
  /** Keys whose states are numbers. */
  rows: 2,
  /** Keys with entries. */
  entries: 3,
  /** Nothing: the snapshot is whole. */
  end: 4,
});

/** Of each block: how long it is in all, how long its head is, and its kind. */
export const PREFIX_BYTES = 9;

/** The head of a snapshot. */
export interface SnapshotHead {
  /** The version of what it says. */
  readonly version: number;
  /** Of which life of the shard it is. */
  readonly id: string;
  /** The time of the state. */
  readonly nowUs: number;
  /** When the last mark was, and the digest since. */
  readonly markUs: number;
  readonly digest: readonly [number, number];
  readonly sessions: readonly SessionTuple[];
  /** The texts of all rules that it refers to. */
  readonly rules: readonly string[];
  readonly limiters: readonly LimiterHead[];
}

/** What is kept of a limiter but for its keys. */
export interface LimiterHead {
  /** Its name. */
  readonly limiter: string;
  /** The rules that were asked for last. */
  readonly rules: number;
  /** Rules that were in use, each with the place of its end. */
  readonly reigns: readonly (readonly [number, number])[];
  /** The ends, in microseconds. */
  readonly endsUs: readonly number[];
  /** Until when others may be in use; -1 for none. */
  readonly othersUntilUs: number;
}

/** The head of a block of rows: limiter, rules, keys. The rows follow, 8 bytes for each number, the lowest byte first. */
export type RowsHead = readonly [number, number, readonly (string | null)[]];

/** The head of a block of entries: limiter, keys, the length of each entry, whether they belong into rows. */
export type EntriesHead = readonly [number, readonly (string | null)[], readonly number[], boolean];
