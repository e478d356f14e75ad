/**
 * The decision that most calls ask for: one key with one token bucket. What `rounds.ts` and `token_bucket.ts` do, in
 * one stretch and on numbers only.
 *
 * @module
 */

import { BucketReply } from "../bucket_reply.ts";
import { latestPromise, reachOf } from "../../algorithms/reach.ts";
import { shortKey } from "../../base/short_key.ts";
import type { TokenBucketLimit } from "../../algorithms/limit.ts";
import type { NamedPolicy } from "../../policy/policy.ts";
import type { TakeReply, TakeRequest } from "../store.ts";
import type { Cells } from "./cells.ts";

/** Decides if that is what is asked for, and the bucket is no more than an instant; else undefined. */
export function takeBucket(
  cells: Cells,
  { limiter, policy }: NamedPolicy,
  asWritten: string | undefined,
  cost: number,
  nowUs: number,
  mode: TakeRequest["mode"],
  maxWaitUs: number = 0,
  asked?: number,
): TakeReply | undefined {
  const shelf = cells.shelfOf(limiter, policy);
  const { bucket: rate, slab } = shelf;
  if (rate === undefined || slab === undefined) return undefined;
  const key = shortKey(asWritten);
  const place = slab.find(key);
  if (place < 0 && shelf.isElsewhere(key)) return undefined;
  let tatUs = place < 0 ? 0 : slab.tatUs[place] as number;
  let tatRem = place < 0 ? 0 : slab.remOf(place);
  const blockedUs = place < 0 ? 0 : slab.blockedUs(key);
  // Whoever waits for the end of a block is promised an instant that the bucket alone does not tell.
  if (slab.hasMore(key) || (blockedUs > nowUs && mode === "wait")) return undefined;
  const reach = place < 0 ? undefined : slab.reachOf(place);
  const promisedUs = tatUs - rate.burstUs + (tatRem > rate.burstRem ? 1 : 0);
  // The clock has stepped back.
  if (promisedUs > nowUs && promisedUs > latestPromise(nowUs, reach, rate.burstUs)) return undefined;
  let times = asked ?? 1;
  if (times > 1) times = blockedUs > nowUs ? 0 : timesOf(rate, tatUs, tatRem, nowUs, cost, times);

  // Where the bucket stands after the units were taken at once, and when that is possible.
  const units = cost * Math.max(times, 1);
  const { denominator } = rate;
  const unitsRem = units * rate.intervalRem;
  const carry = Math.floor(unitsRem / denominator);
  const debtUs = units * rate.intervalUs + carry;
  const debtRem = unitsRem - carry * denominator;
  const idle = tatUs < nowUs - 1 || (tatUs < nowUs && tatRem === 0);
  let nextUs = (idle ? nowUs : tatUs) + debtUs;
  let nextRem = (idle ? 0 : tatRem) + debtRem;
  if (nextRem >= denominator) {
    nextUs++;
    nextRem -= denominator;
  }
  const startUs = nextUs - rate.burstUs + (nextRem > rate.burstRem ? 1 : 0);
  const atUs = Math.max(nowUs, startUs, blockedUs);

  const allowed = atUs <= nowUs || (mode === "wait" && atUs - nowUs <= maxWaitUs);
  if (allowed && mode !== "peek") {
    if (tatUs < atUs - 1 || (tatUs < atUs && tatRem === 0)) {
      nextUs = atUs + debtUs;
      nextRem = debtRem;
    }
    const nextReach = atUs <= nowUs
      ? undefined
      : reachOf(atUs - nowUs, rate.burstUs, promisedUs > nowUs ? reach : undefined);
    if (place >= 0) slab.set(place, nextUs, nextRem, nextReach);
    else {
      cells.makeRoom(shelf, nowUs);
      slab.add(key, nextUs, nextRem, nextReach);
    }
    tatUs = nextUs;
    tatRem = nextRem;
  }
  const status = allowed ? "allowed" : blockedUs > nowUs ? "blocked" : "rate";
  const waitUs = atUs - nowUs;
  const taken = asked === undefined ? undefined : allowed ? times : 0;
  return tatUs < nowUs
    ? new BucketReply(status, nowUs, waitUs, 0, 0, taken)
    : new BucketReply(status, nowUs, waitUs, tatUs - nowUs, tatRem, taken);
}

/**
 * How often a cost can be taken at once, at most `most` times: as often as one by one, because units taken together
 * are admitted exactly if they all would be one after the other.
 */
function timesOf(
  rate: TokenBucketLimit,
  tatUs: number,
  tatRem: number,
  nowUs: number,
  cost: number,
  most: number,
): number {
  const { denominator, intervalUs, intervalRem, burstUs, burstRem } = rate;
  const idle = tatUs < nowUs - 1 || (tatUs < nowUs && tatRem === 0);
  const roomUs = nowUs + burstUs - (idle ? nowUs : tatUs);
  const roomRem = burstRem - (idle ? 0 : tatRem);
  const fits = (times: number) => {
    const unitsRem = cost * times * intervalRem;
    const carry = Math.floor(unitsRem / denominator);
    const leftUs = roomUs - cost * times * intervalUs - carry;
    const leftRem = roomRem - (unitsRem - carry * denominator);
    return leftUs > 1 || (leftUs >= 0 && leftUs * denominator + leftRem >= 0);
  };
  if (fits(most)) return most;
  // The quotient is off by its rounding at most: the exact number is next to it.
  const each = cost * (intervalUs + intervalRem / denominator);
  let times = Math.min(Math.max(Math.floor((roomUs + roomRem / denominator) / each), 0), most);
  while (times > 0 && !fits(times)) times--;
  while (times < most && fits(times + 1)) times++;
  return times;
}
