/**
 * How much a token bucket may lapse, as the documentation states it, in the slowest and plainest form: the debt of the
 * bucket is a queue in which every take has its share, and time pays off the share in front.
 *
 * Giving back takes away what is unpaid of the take's own share. While an instant is promised to a caller that waits,
 * only the newest take can be given back. Whatever is not given back by this rule has lapsed.
 *
 * @module
 */

import type { TokenBucketLimit } from "../../../src/algorithms/limit.ts";

/** The share of one take, or time before a promised instant in which nothing is owed. */
export interface Share {
  /** The number of the take; 0 for time in which nothing is owed. */
  readonly number: number;
  /** What is unpaid, in ticks of 1 / `denominator` µs. */
  readonly left: number;
  /** Units of the take. */
  readonly units: number;
  /** The latest promised instant before this take. */
  readonly promisedBeforeUs: number;
}

/** What a bucket owes. */
export interface Debt {
  /** The instant up to which time has paid. */
  readonly paidUs: number;
  /** Shares in the order in which they are paid. */
  readonly shares: readonly Share[];
  /** The latest instant that was promised to a caller that waits. */
  readonly promisedUs: number;
}

/** A take. */
export interface DebtTake {
  /** The clock. */
  readonly nowUs: number;
  /** The instant it is for. */
  readonly atUs: number;
  /** Units. */
  readonly units: number;
  /** The number of the take. */
  readonly number: number;
}

/** No debt. */
export function freshDebt(nowUs: number): Debt {
  return { paidUs: nowUs, shares: [], promisedUs: 0 };
}

/** The debt after a take. */
export function debtAfterTake(debt: Debt, limit: TokenBucketLimit, { nowUs, atUs, units, number }: DebtTake): Debt {
  const { shares, promisedUs } = paid(debt, limit, nowUs);
  const idle = (atUs - nowUs) * limit.denominator - total(shares);
  const gap = idle > 0 ? [{ number: 0, left: idle, units: 0, promisedBeforeUs: promisedUs }] : [];
  const share = { number, left: units * unitTicks(limit), units, promisedBeforeUs: promisedUs };
  return {
    paidUs: nowUs,
    shares: [...shares, ...gap, share],
    promisedUs: atUs > nowUs ? Math.max(promisedUs, atUs) : promisedUs,
  };
}

/** The debt after units of a take were given back. */
export function debtAfterGiveBack(
  debt: Debt,
  limit: TokenBucketLimit,
  { nowUs, units, number }: Omit<DebtTake, "atUs">,
): Debt {
  const { shares, promisedUs } = paid(debt, limit, nowUs);
  const place = shares.findIndex((share) => share.number === number);
  if (place < 0) return { paidUs: nowUs, shares, promisedUs };
  const share = shares[place] as Share;
  const isNewest = place === shares.length - 1;
  if (!isNewest && promisedUs > nowUs) return { paidUs: nowUs, shares, promisedUs };
  const left = Math.max(share.left - units * unitTicks(limit), 0);
  if (!isNewest || units < share.units) {
    return { paidUs: nowUs, shares: shares.with(place, { ...share, left }), promisedUs };
  }
  const before = shares[place - 1]?.number === 0 ? place - 1 : place;
  return { paidUs: nowUs, shares: shares.slice(0, before), promisedUs: share.promisedBeforeUs };
}

/** The instant by which a cost must be allowed. */
export function latestByDebt(debt: Debt, limit: TokenBucketLimit, nowUs: number, cost: number): number {
  const owed = total(paid(debt, limit, nowUs).shares) + cost * unitTicks(limit);
  const burst = limit.burstUs * limit.denominator + limit.burstRem;
  return nowUs + Math.max(Math.ceil((owed - burst) / limit.denominator), 0);
}

/** Lets time pay up to an instant. Shares of which nothing is left are gone. */
export function paid(debt: Debt, limit: TokenBucketLimit, nowUs: number): Debt {
  const { paidUs, shares, promisedUs } = debt;
  if (paidUs === nowUs) return debt;
  let ticks = (nowUs - paidUs) * limit.denominator;
  const left: Share[] = [];
  for (const share of shares) {
    const pays = Math.min(ticks, share.left);
    ticks -= pays;
    if (share.left > pays) left.push({ ...share, left: share.left - pays });
  }
  return { paidUs: nowUs, shares: left, promisedUs };
}

function unitTicks({ intervalUs, intervalRem, denominator }: TokenBucketLimit): number {
  return intervalUs * denominator + intervalRem;
}

function total(shares: readonly Share[]): number {
  return shares.reduce((sum, share) => sum + share.left, 0);
}
