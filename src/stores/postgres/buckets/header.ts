/**
 * What alike takes from a token bucket have in common, as the functions read it.
 *
 * @module
 */

import type { TokenBucketLimit } from "../../../algorithms/limit.ts";
import { FOREVER_US } from "../../../algorithms/numbers.ts";
import { isTokenBucket } from "../../../algorithms/token_bucket/limit.ts";
import { type GroupHeader, type HeaderOf, keptHeaders } from "../../alike_takes.ts";
import { type BucketTerms, spanOf } from "../../bucket_replies.ts";
import type { StoreRequest, TakeRequest, Target } from "../../store.ts";

/** What the takes of a group have in common. Its `maxTimes` takes add up in 8 bytes. */
export interface BucketHeader extends GroupHeader, BucketTerms {
  /** Whether the functions can count by it: all that they compute fits into 8 bytes. */
  readonly isSmall: boolean;
  /** Whether the rate has no rest. */
  readonly isWhole: boolean;
  /** What one take adds, in units of 1 / `denominator` µs. */
  readonly unit: bigint;
  /** The most that a bucket may lack after a take, in the same units. */
  readonly most: bigint;
  /** The operands of the functions, in the order of `BucketOperands` from `unit` on. */
  readonly numbers: readonly string[];
  /** What a bucket holds, in the same units. */
  readonly full: bigint;
  /** The operands of one take that has room now. */
  readonly once: Once;
  /** Whether the last lone entry found a row with room at once, as the next one probably will. */
  inUse: boolean;
  /** Whether entries of many takes have lately found room for all of them, or for none. */
  tookAll: boolean;
}

/** The operands of a take that has room now, in the order of `OnceOperands`. */
export interface Once {
  /** Whether a bucket ever has room for it. */
  readonly hasRoom: boolean;
  /** Those from `us` to `roomRem`. */
  readonly numbers: readonly [us: string, rem: string, roomUs: string, roomRem: string];
}

/** Sums of two numbers up to this fit into 8 bytes. */
const MOST = 2n ** 61n;

/** A promised instant is this many full refills ahead at most, where its reach is 1, and 2 (`algorithms/reach.ts`). */
const NEAR = 8n;
const FAR = 1_024n;

/** The header of a take from one token bucket. */
export const bucketHeaderOf: HeaderOf<BucketHeader> = keptHeaders(makeHeader);

/** The operands of some alike takes that have room now, all of them: they are one take of their sum. */
export function onceOf({ unit, full, once, rate }: BucketHeader, times: number): Once {
  return times === 1 ? once : makeOnce(unit * BigInt(times), full, BigInt(rate.denominator));
}

/** Whether a request takes from, or looks at, one token bucket and nothing else, in numbers that the functions hold. */
export function isBucketTake(request: StoreRequest): request is TakeRequest {
  if (request.op !== "take" || request.targets.length !== 1 || request.details !== undefined) return false;
  const target = request.targets[0] as Target;
  const { rates, maxConcurrent } = target.policy;
  return maxConcurrent === 0 && rates.length === 1 && isTokenBucket(rates[0]) &&
    bucketHeaderOf(request, target).isSmall;
}

function makeHeader({ mode, maxWaitUs }: TakeRequest, { policy, cost }: Target): BucketHeader {
  const rate = policy.rates[0] as TokenBucketLimit;
  const { costUs, costRem } = spanOf(cost, rate);
  const denominator = BigInt(rate.denominator);
  const unit = BigInt(costUs) * denominator + BigInt(costRem);
  const full = BigInt(rate.burstUs) * denominator + BigInt(rate.burstRem);
  const waitUs = mode === "wait" ? BigInt(Math.min(Math.ceil(maxWaitUs), FOREVER_US)) : 0n;
  const most = full + waitUs * denominator;
  const ahead = (spans: bigint) => full + spans * BigInt(rate.burstUs) * denominator;
  const atMost = (number: bigint) => String(number < 2n * MOST ? number : 2n * MOST);
  return {
    policy,
    rate,
    mode,
    maxWaitUs,
    cost,
    costUs,
    costRem,
    maxTimes: Number(MOST / unit),
    isSmall: most + denominator <= MOST,
    isWhole: denominator === 1n,
    unit,
    most,
    numbers: [unit, denominator, full, most, ahead(NEAR), ahead(FAR)].map(atMost),
    full,
    once: makeOnce(unit, full, denominator),
    inUse: false,
    tookAll: true,
  };
}

function makeOnce(units: bigint, full: bigint, denominator: bigint): Once {
  const room = full - units;
  const hasRoom = room >= 0n;
  // Where there never is room, not even in a bucket that has been full for long.
  const roomUs = hasRoom ? room / denominator : -1n;
  return {
    hasRoom,
    numbers: [`${units / denominator}`, `${units % denominator}`, `${roomUs}`, `${room % denominator}`],
  };
}
