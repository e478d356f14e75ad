/**
 * Takes from single token buckets, as `bucket.lua` reads them: alike ones in groups under one header, and those on one
 * key as one entry with a count. The script tells how many it admitted and where the bucket stands; the replies follow from
 * that.
 *
 * @module
 */

import { tokenBucket, type TokenBucketState } from "../../algorithms/token_bucket/kernel.ts";
import type { StoreError } from "../../base/errors.ts";
import { answerEntry, type BucketOutcome, BucketReply, denied } from "../bucket_replies.ts";
import type { TakeReply } from "../store.ts";
import { type BatchEntry, type BatchGroup, groupTakes } from "../alike_takes.ts";
import { type BucketHeader, bucketHeaderOf, FLAGS } from "./bucket_header.ts";
import type { ScriptReply } from "./connections/connection.ts";
import type { NamedRequest } from "./named_request.ts";
import { refusedByScript } from "./refused_by_script.ts";
import type { KeyCall } from "./script_call.ts";
import { bucket } from "./scripts.gen.ts";

/** Turns takes from single token buckets into a call of the script; `clock` stands in front of its ARGV. */
export function bucketCall(batch: readonly NamedRequest[], clock: string): KeyCall {
  const keys: string[] = [];
  const args = [clock];
  const groups = groupTakes(batch, bucketHeaderOf);
  for (const { header, entries, counted } of groups) {
    // One alone has a way of its own.
    const more = counted ? FLAGS.counts : header.inUse && batch.length > 1 ? FLAGS.inUse : 0;
    args.push(String(header.flags + more + FLAGS.entry * entries.length));
    for (const arg of header.args) args.push(arg);
    for (const entry of entries) {
      keys.push((batch[entry.index] as NamedRequest).keys[0] as string);
      if (counted) args.push(String(entry.times));
    }
  }
  return { script: bucket, keys, args, read: (reply) => readBuckets(groups, batch.length, reply) };
}

/** Reads the reply to groups of `size` requests; undefined if it is not one entry for each of theirs. */
function readBuckets(
  groups: readonly BatchGroup<BucketHeader>[],
  size: number,
  reply: readonly ScriptReply[],
): (TakeReply | StoreError)[] | undefined {
  const replies = new Array<TakeReply | StoreError>(size);
  const nowUs = Number(reply[0]);
  let cursor = 1;
  for (const { header, entries, counted } of groups) {
    const { denominator } = header.rate;
    let inUse = 0;
    for (const entry of entries) {
      const answer = reply[cursor++];
      if (typeof answer !== "number") {
        if (!Array.isArray(answer)) fail(replies, entry, answer);
        else if (!(Number(answer[1]) >= 0 && Number(answer[1]) <= entry.times)) return undefined;
        else if (answer.length > 4) replay(replies, entry, header, nowUs, answer.map(Number));
        else answerEntry(replies, entry, header, longAnswer(nowUs, answer));
        continue;
      }
      const level = counted ? Number(reply[cursor++]) : answer < 0 ? -1 - answer : answer;
      if (!counted && answer > header.costUs) inUse++;
      const us = denominator === 1 ? level : Math.floor(level / denominator);
      const taken = counted ? answer : answer < 0 ? 0 : 1;
      if (taken < 0 || taken > entry.times) return undefined;
      answerEntry(replies, entry, header, { nowUs, blockedUs: 0, taken, us, rem: level - us * denominator });
    }
    if (!counted) header.inUse = inUse * 2 > entries.length;
  }
  return cursor === reply.length ? replies : undefined;
}

function longAnswer(nowUs: number, numbers: readonly ScriptReply[]): BucketOutcome {
  const [blockedUs, taken, us, rem] = numbers.map(Number) as [number, number, number, number];
  return { nowUs, blockedUs, taken, us, rem };
}

function fail(replies: (TakeReply | StoreError)[], { index, more }: BatchEntry, answer: ScriptReply | undefined): void {
  for (const i of [index, ...more ?? []]) {
    replies[i] = refusedByScript(String(answer));
  }
}

/**
 * Answers every request of an entry whose marks need more than levels: with the kernel itself, from where the bucket
 * stood before.
 */
function replay(
  replies: (TakeReply | StoreError)[],
  { index, more = [], times, hasTimes }: BatchEntry,
  header: BucketHeader,
  nowUs: number,
  numbers: readonly number[],
): void {
  const [blockedUs, taken, us, rem, tatUs, tatRem, backUs, backRem, promisedUs] = numbers as Nine;
  const { rate, cost, mode } = header;
  const back = backUs === 0 && backRem === 0 ? undefined : { us: backUs, rem: backRem, untilUs: 0, shares: [] };
  let state: TokenBucketState = { tatUs, tatRem, back, promisedUs: promisedUs || undefined };
  const units = hasTimes ? cost * taken : cost;
  const places = [index, ...more];
  for (const place of hasTimes ? places : places.slice(0, taken)) {
    const earliestUs = tokenBucket.earliest(state, nowUs, units, rate);
    const atUs = mode === "wait" ? Math.max(earliestUs, nowUs + blockedUs) : nowUs;
    const after = tokenBucket.take(state, nowUs, atUs, units, rate);
    const [levelUs, levelRem] = tokenBucket.measure(after, nowUs, rate);
    const trace = tokenBucket.trace?.(state, after, nowUs, atUs);
    replies[place] = new BucketReply(
      "allowed",
      nowUs,
      atUs - nowUs,
      levelUs,
      levelRem,
      hasTimes ? taken : undefined,
      trace,
    );
    state = after;
  }
  if (hasTimes || taken === times) return;
  const denial = denied(header, { nowUs, blockedUs, taken, us, rem });
  for (const place of places.slice(taken)) replies[place] = denial;
}

type Nine = [number, number, number, number, number, number, number, number, number];
