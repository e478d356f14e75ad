/**
 * What alike takes from a token bucket have in common, worked out once and kept.
 *
 * @module
 */

import type { TokenBucketLimit } from "../../algorithms/limit.ts";
import type { Policy } from "../../policy/policy.ts";
import type { TakeRequest, Target } from "../store.ts";
import { isAlike } from "./gather.ts";

/** What the takes of a run have in common. */
export interface BucketHeader {
  /** The rules. */
  readonly policy: Policy;
  /** Its only limit. */
  readonly rate: TokenBucketLimit;
  /** When to decide. */
  readonly mode: TakeRequest["mode"];
  /** The longest acceptable wait, in microseconds. */
  readonly maxWaitUs: number;
  /** Units of one take. */
  readonly cost: number;
  /** Whole microseconds by which one take moves the instant at which the bucket is full. */
  readonly wholeUs: number;
  /** What it moves it beyond those, in units of 1 / `denominator` µs; below it. */
  readonly owed: number;
  /** How many takes add up exactly in a double. */
  readonly maxTimes: number;
  /** What the script is told: the bits of {@linkcode KIND} that always hold. */
  readonly kind: number;
  /** What the script is told after the number of entries. */
  readonly args: readonly string[];
  /** Whether most buckets of the last run were in use and had room, as those of the next will: the script takes first. */
  inUse: boolean;
}

/** The bits that tell the script what a run is. */
export const KIND = { peek: 1, wait: 2, fraction: 4, counts: 8, inUse: 16 } as const;

/** Products stay exact in a double. */
const MAX_PRODUCT = 2 ** 52;

/** The largest number that a script is told: waits beyond it never end anyway. */
const MAX_NUMBER = 1e15;

/** How many headers are kept for a policy: costs and waits usually vary in few ways. */
const MAX_HEADERS = 16;

const kept = new WeakMap<Policy, BucketHeader[]>();

/** The header of a take from one token bucket. */
export function headerOf(request: TakeRequest, target: Target): BucketHeader {
  const { policy } = target;
  let headers = kept.get(policy);
  if (headers === undefined) kept.set(policy, headers = []);
  for (const header of headers) {
    if (isAlike(header, request, target)) return header;
  }
  if (headers.length >= MAX_HEADERS) headers.length = 0;
  const header = makeHeader(request, target);
  headers.push(header);
  return header;
}

/** A number as a script is told it. */
export function whole(value: number): string {
  return String(Math.min(Math.ceil(value), MAX_NUMBER));
}

/**
 * The mark of the step by which keys of a bucket live: 50, and more by the power of four of its milliseconds. It is a
 * quarter of a full refill at most, and 262 s.
 */
function markOf(burstUs: number): string {
  let power = 0;
  for (let stepUs = 1_000; stepUs * 16 <= burstUs && power < 9; stepUs *= 4) power++;
  return String(50 + power);
}

function makeHeader({ mode, maxWaitUs }: TakeRequest, { policy, cost }: Target): BucketHeader {
  const rate = policy.rates[0] as TokenBucketLimit;
  const { intervalUs, intervalRem, denominator, burstUs, burstRem } = rate;
  const carry = Math.floor(cost * intervalRem / denominator);
  const wholeUs = cost * intervalUs + carry;
  const owed = cost * intervalRem - carry * denominator;
  const args = [String(burstUs), String(wholeUs), markOf(burstUs)];
  if (mode === "wait") args.push(whole(maxWaitUs));
  if (denominator > 1) args.push(...[owed, denominator, burstRem, String(denominator - 1).length].map(String));
  return {
    policy,
    rate,
    mode,
    maxWaitUs,
    cost,
    wholeUs,
    owed,
    maxTimes: Math.floor(MAX_PRODUCT / denominator),
    kind: (mode === "peek" ? KIND.peek : mode === "wait" ? KIND.wait : 0) + (denominator > 1 ? KIND.fraction : 0),
    args,
    inUse: false,
  };
}
