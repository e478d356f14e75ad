/**
 * What `several.lua` answers, as replies.
 *
 * @module
 */

import type { Level } from "../../algorithms/kernel.ts";
import type { RateLimit } from "../../algorithms/limit.ts";
import type { StoreError } from "../../base/errors.ts";
import { RatesReply } from "../rates_reply.ts";
import type { TakeReply } from "../store.ts";
import type { ScriptReply } from "./connections/connection.ts";
import type { WindowHeader } from "./encode_windows.ts";
import { type BatchEntry, type BatchGroup, placesOf } from "../alike_takes.ts";
import { refusedByScript } from "./refused_by_script.ts";
import { takeReply } from "./take_reply.ts";

type Reply = TakeReply | StoreError;

/** Reads the reply to groups of `size` requests; undefined if it is not one entry for each of theirs. */
export function decodeSeveral(
  windows: readonly BatchGroup<WindowHeader>[],
  size: number,
  reply: readonly ScriptReply[],
): Reply[] | undefined {
  const replies = new Array<Reply>(size);
  const nowUs = Number(reply[0]);
  let cursor = 1;
  const nextLevels = ({ policy }: WindowHeader) =>
    policy.rates.map((): Level => [Number(reply[cursor++]), Number(reply[cursor++])]);
  for (const { header, entries, counted } of windows) {
    for (const entry of entries) {
      const answer = reply[cursor];
      if (typeof answer !== "number") {
        cursor++;
        answerLong(replies, entry, header, nowUs, counted, answer);
      } else if (counted) {
        cursor++;
        if (!(answer >= 0 && answer <= entry.times)) return undefined;
        const levels = nextLevels(header);
        expand(replies, entry, header, answer, levels, nowUs, Number(reply[cursor++]));
      } else {
        if (answer < 0) cursor++;
        const status = answer < 0 ? "rate" : "allowed";
        const one = new RatesReply(status, nowUs, answer < 0 ? -1 - answer : 0, nextLevels(header), undefined);
        for (const i of placesOf(entry)) replies[i] = one;
      }
    }
  }
  return cursor === reply.length ? replies : undefined;
}

/** Answers an entry that was left to `decide.lua`: one table for each take of a count, else one for all; or a message. */
function answerLong(
  replies: Reply[],
  entry: BatchEntry,
  { policy }: WindowHeader,
  nowUs: number,
  counted: boolean,
  answer: ScriptReply | undefined,
): void {
  const one = (numbers: ScriptReply | undefined): Reply =>
    Array.isArray(numbers)
      ? takeReply(nowUs, numbers.map(Number), [{ policy }], true)
      : refusedByScript(String(numbers));
  const many = counted && Array.isArray(answer) ? answer : undefined;
  const all = many === undefined ? one(answer) : undefined;
  for (const [i, place] of placesOf(entry).entries()) replies[place] = all ?? one(many?.[i]);
}

/** Answers takes that were one entry: each that was admitted left less in use than the one after it. */
function expand(
  replies: Reply[],
  entry: BatchEntry,
  { policy, cost }: WindowHeader,
  taken: number,
  levels: readonly Level[],
  nowUs: number,
  waitUs: number,
): void {
  const denied = taken < entry.times ? new RatesReply("rate", nowUs, waitUs, levels, undefined) : undefined;
  for (const [i, place] of placesOf(entry).entries()) {
    const units = (taken - 1 - i) * cost;
    replies[place] = denied !== undefined && i >= taken ? denied : new RatesReply(
      "allowed",
      nowUs,
      0,
      units === 0 ? levels : levels.map((level, j) => levelBefore(policy.rates[j] as RateLimit, level, units)),
      undefined,
    );
  }
}

/** Where a limit stood before the last `units` were taken. */
function levelBefore(rate: RateLimit, [first, second]: Level, units: number): Level {
  if (rate.algorithm !== "token_bucket") return [first - units, second];
  const owed = units * rate.intervalRem;
  const carry = Math.floor(owed / rate.denominator);
  const rem = second - (owed - carry * rate.denominator);
  const us = first - units * rate.intervalUs - carry;
  return rem < 0 ? [us - 1, rem + rate.denominator] : [us, rem];
}
