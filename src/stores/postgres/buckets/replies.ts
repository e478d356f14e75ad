/**
 * Reads what the functions answer: see `functions.ts`.
 *
 * @module
 */

import { StoreError } from "../../../base/errors.ts";
import type { BucketOutcome } from "../../bucket_replies.ts";
import { LATE_SPAN } from "./arithmetic.ts";
import type { BucketEntry } from "./rounds.ts";

/** A row that was not taken from. */
export interface LeftRow {
  /** The clock when it was read. */
  readonly readUs: number;
  /** When its bucket is full, in whole microseconds. */
  readonly tat: number;
  /** The rest of that, in parts of the denominator. */
  readonly rem: number;
  /** The reach of the latest promised instant; 0 where there is none. */
  readonly reach: number;
  /** The number of the rules under which it was written. */
  readonly rules: number;
  /** Whether it holds more than this. */
  readonly isMore: boolean;
}

/** What a take has left in a row. */
export interface TakenNumbers {
  /** The clock before the row was locked. */
  readonly nowUs: number;
  /** How long after that until the bucket is full. */
  readonly us: number;
  readonly rem: number;
  /** The column. */
  readonly extra: number;
}

/** A take from a row. */
export interface TakenRow extends BucketOutcome {
  /** Whether the row was there before. */
  readonly isOld: boolean;
}

/** Undefined where another transaction has added the row just now. */
export type RowAnswer = TakenRow | LeftRow | undefined;

/** Reads the reply to a round: an answer for each entry. */
export function readRound(entries: readonly BucketEntry[], reply: string): RowAnswer[] {
  const parts = reply.split("|");
  const [nowUs, readUs] = [Number(parts[0]), Number(parts[4])];
  const [levels, rems, extras] = [numbers(parts[1]), numbers(parts[2]), numbers(parts[3])];
  const rows = new Map<number, LeftRow>();
  for (const text of parts[5] ? parts[5].split(",") : []) {
    const [place, tat, rem, extra, rules, isMore] = text.split(":").map(Number) as Six;
    rows.set(place, { readUs, tat, rem, reach: extra % 4, rules, isMore: isMore === 1 });
  }
  const [missing, kept] = [new Set(numbers(parts[6])), new Set(numbers(parts[7]))];
  if (levels.length + rows.size + missing.size !== entries.length) {
    throw new StoreError("STORE_REFUSED", `Cannot read what PostgreSQL answers: received ${reply.slice(0, 200)}`);
  }
  let next = 0;
  return entries.map((entry, i) => {
    const place = i + 1;
    if (rows.has(place)) return rows.get(place);
    if (missing.has(place)) return entry.header.mode !== "peek" && kept.has(place) ? undefined : added(entry, nowUs);
    const extra = extras[next] ?? 0;
    const us = levels[next] as number;
    const rem = rems[next++] ?? 0;
    return { isOld: true, ...outcomeOf(entry, { nowUs, us, rem, extra }) };
  });
}

/** What was taken from a row that was there: see `columnsAfterPart`. */
export function outcomeOf({ times }: BucketEntry, { nowUs, us, rem, extra }: TakenNumbers): BucketOutcome {
  const part = Math.floor(extra / 4);
  const lateUs = part % LATE_SPAN;
  return { nowUs: nowUs + lateUs, blockedUs: 0, taken: Math.floor(part / LATE_SPAN) || times, us: us - lateUs, rem };
}

/** Takes from a bucket that was full; a look at one takes nothing. */
function added({ header: { mode, unit, most, rate }, times }: BucketEntry, nowUs: number): TakenRow {
  const [fit, denominator] = [Number(most / unit), BigInt(rate.denominator)];
  const taken = mode === "peek" ? 1 : Math.min(fit, times);
  const level = mode === "peek" ? 0n : BigInt(taken) * unit;
  const [us, rem] = [Number(level / denominator), Number(level % denominator)];
  return { isOld: false, nowUs, blockedUs: 0, taken, us, rem };
}

/** A list of numbers. What is NULL in it is empty, and reads as 0. */
function numbers(list: string | undefined): number[] {
  return list ? list.split(",").map(Number) : [];
}

type Six = [number, number, number, number, number, number];
