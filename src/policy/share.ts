/**
 * A policy for a part of a fleet: the same rules, with a share of every limit.
 *
 * @module
 */

import type { RateLimit } from "../algorithms/limit.ts";
import { algorithmOf } from "../algorithms/mod.ts";
import { partOf, simplestFraction } from "../algorithms/rational.ts";
import type { Policy } from "./policy.ts";

/** Shares that are no simpler fraction count in thousandths, rounded down. */
const FINEST = 1_000;

const shared = new WeakMap<Policy, Policy>();

/**
 * The part of a policy that a process applies alone, by its `localShare`. Made once for each policy.
 *
 * @throws {ConfigError} If a limit cannot be that small.
 */
export function localPolicy(policy: Policy): Policy {
  if (policy.localShare === 1) return policy;
  const known = shared.get(policy);
  if (known !== undefined) return known;
  const share = shareOf(policy);
  shared.set(policy, share);
  return share;
}

function shareOf(policy: Policy): Policy {
  const exact = simplestFraction(policy.localShare);
  const fraction = exact.denominator <= FINEST
    ? exact
    : { numerator: Math.max(Math.floor(policy.localShare * FINEST), 1), denominator: FINEST };
  const part = (units: number) => partOf(units, fraction);
  const rates: readonly RateLimit[] = policy.rates.map((rate) => {
    return algorithmOf(rate.algorithm).share(rate, fraction);
  });
  const maxConcurrent = policy.maxConcurrent === 0 ? 0 : part(policy.maxConcurrent);
  const capacity = rates.length === 0 ? maxConcurrent : Math.min(...rates.map((rate) => rate.capacity));
  return Object.freeze({ ...policy, rates: Object.freeze(rates), maxConcurrent, capacity, localShare: 1 });
}
