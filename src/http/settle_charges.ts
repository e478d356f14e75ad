/**
 * Corrects charges when the real cost of a request is known.
 *
 * @module
 */

import { show } from "../base/text.ts";
import type { Limiter } from "../limiter/limiter.ts";
import type { ErrorReporter } from "./error_reporter.ts";
import type { LimitCheck } from "./limit_checks.ts";
import type { GuardedRequest } from "./request.ts";
import type { Outcome } from "./settle.ts";
import type { Charge, LimiterSource } from "./source.ts";

/** What belongs to a request whose charges are corrected. */
export interface SettleContext<Raw> {
  /** The request. */
  readonly request: GuardedRequest<Raw>;
  /** The limiters. */
  readonly source: LimiterSource;
  /** Where failures are reported. */
  readonly errors: ErrorReporter;
}

/** Corrects each charge whose rule has a function `settle`. Never rejects. */
export async function settleCharges<Raw>(
  checks: readonly LimitCheck<Raw>[],
  outcome: Outcome,
  { request, source, errors }: SettleContext<Raw>,
): Promise<void> {
  for (const check of checks) {
    const { limiter, cost, settle } = check;
    if (settle === undefined) continue;
    try {
      const units = await settle({ ...outcome, cost }, request) ?? cost;
      await correctCharge(await source.limiter(limiter), check, units);
    } catch (error) {
      errors.report("settle", "a cost could not be settled, what was charged stays charged", error);
    }
  }
}

/**
 * Corrects what a limiter has charged for a request.
 *
 * @param limiter The limiter.
 * @param charge What was charged under which key.
 * @param actual What the request has really cost: a number of units from 0, rounded up.
 * @throws {RangeError} If it is no such number.
 */
async function correctCharge(
  limiter: Limiter,
  { key, cost }: Charge,
  actual: number,
): Promise<void> {
  if (!(typeof actual === "number" && actual >= 0 && actual <= Number.MAX_SAFE_INTEGER)) {
    throw new RangeError(`Cannot settle: expected a number of units from 0, received ${show(actual)}`);
  }
  if (limiter.policy.rates.length === 0) return; // permits are given back by themselves
  const units = Math.ceil(actual);
  const options = key === undefined ? {} : { key };
  if (units < cost) await limiter.refund(cost - units, options);
  else if (units > cost) await limiter.penalize(units - cost, options);
}
