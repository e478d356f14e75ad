/**
 * The takes of a batch from single token buckets, in rounds: those from one key that are alike are one entry, and a key
 * stands once in a round. Rounds are decided one after the other, so takes from one key keep their order.
 *
 * @module
 */

import { isAlike } from "../../alike_takes.ts";
import type { TakesOfKey } from "../../bucket_replies.ts";
import type { TakeRequest, Target } from "../../store.ts";
import { sortByName } from "../row_order.ts";
import { type BucketHeader, bucketHeaderOf } from "./header.ts";

/** A take from one token bucket. */
export interface BucketTake {
  /** The request: `isBucketTake` holds for it. */
  readonly request: TakeRequest;
  /** The key of its row. */
  readonly key: string;
  /** The number of the rules of its target. */
  readonly rules: number;
}

/** Alike takes from one key. */
export interface BucketEntry extends TakesOfKey {
  /** What they have in common. */
  readonly header: BucketHeader;
  /** The key of the row. */
  readonly key: string;
  /** The number of the rules. */
  readonly rules: number;
  more: number[] | undefined;
  times: number;
}

/** The rounds of a batch. Each is sorted by key, in the order of the index. */
export function roundsOf(batch: readonly BucketTake[]): BucketEntry[][] {
  const rounds: BucketEntry[][] = [];
  const lasts = new Map<string, { entry: BucketEntry; round: number }>();
  let header: BucketHeader | undefined;
  for (let index = 0; index < batch.length; index++) {
    const { request, key, rules } = batch[index] as BucketTake;
    const target = request.targets[0] as Target;
    if (header === undefined || !isAlike(header, request, target)) header = bucketHeaderOf(request, target);
    const hasTimes = request.times !== undefined;
    const last = lasts.get(key);
    if (last !== undefined) {
      const { entry } = last;
      if (entry.header === header && !hasTimes && !entry.hasTimes && entry.times < header.maxTimes) {
        if (entry.more === undefined) entry.more = [index];
        else entry.more.push(index);
        entry.times++;
        continue;
      }
    }
    const entry: BucketEntry = { header, key, rules, index, more: undefined, times: request.times ?? 1, hasTimes };
    const round = last === undefined ? 0 : last.round + 1;
    (rounds[round] ??= []).push(entry);
    lasts.set(key, { entry, round });
  }
  for (const round of rounds) sortByName(round, ({ key }) => key);
  return rounds;
}
