/**
 * What the limiters, or the lists of a guard, have decided about a request.
 *
 * @module
 */

import { RateSyncError } from "../base/errors.ts";
import type { Decision, Permit } from "../decision/decision.ts";
import type { RateLimitedError } from "../decision/rate_limited_error.ts";
import { isClosed, isStoreError } from "../resilience/failure.ts";
import type { Refusal } from "./denial.ts";
import type { ErrorReporter } from "./error_reporter.ts";

/** `Retry-After` where the store cannot decide. When it can again is not known. */
const STORE_RETRY_MS = 5_000;

/** The status, for logs, of a request whose client has left: no answer reaches it. */
const CLIENT_LEFT = 499;

/** The result of all checks of a request. */
export interface CheckResult {
  /** Why the request is denied; `undefined` where it is allowed. */
  readonly refusal: Refusal | undefined;
  /** The decision, where a limiter made one. */
  readonly decision: Decision | undefined;
  /** The permit, where the request holds one until it ends. */
  readonly permit: Permit | undefined;
}

/** Allowed, without a decision of a limiter: the client is in the list `allow`. */
export const ALLOWED: CheckResult = { refusal: undefined, decision: undefined, permit: undefined };

/** Denied: the client is in the list `block`. */
export const BLOCKED: CheckResult = refused({ reason: "blockList", status: 403 });

/**
 * The result of a decision.
 *
 * @param decision The decision.
 * @param status The status of a denial.
 * @param permit The permit that a caller has waited for. @default that of the decision
 */
export function resultOf(decision: Decision, status: number, permit?: Permit): CheckResult {
  if (decision.allowed) return { refusal: undefined, decision, permit: held(permit, decision) };
  const { reason = "rate", retryAfterMs } = decision;
  const refusal: Refusal = reason === "store"
    ? { reason, status: 503, retryAfterMs: STORE_RETRY_MS, decision }
    : { reason, status, retryAfterMs, decision };
  return { refusal, decision, permit: undefined };
}

/** The permit, if it holds something that must be released. One of a rate alone is not even made. */
function held(permit: Permit | undefined, decision: Decision): Permit | undefined {
  if (decision.outcome === undefined || !decision.limits.some(isConcurrency)) return undefined;
  const given = permit ?? decision.permit;
  return given?.fencingToken === undefined ? undefined : given;
}

function isConcurrency({ algorithm }: Decision["limits"][number]): boolean {
  return algorithm === "concurrency";
}

/** How a guard answers where its limiters fail. */
export interface FailureOptions {
  /** The client's signal. */
  readonly signal: AbortSignal | undefined;
  /** The status of a denial. */
  readonly statusCode: number;
  /** Whether errors of stores are thrown. */
  readonly throwStoreErrors: boolean | undefined;
  /** Where errors are reported. */
  readonly errors: ErrorReporter;
}

/**
 * The result where the limiters gave an error in place of a decision.
 *
 * @throws The error itself, if the guard has no answer for it.
 */
export function resultOfError(
  error: unknown,
  { signal, statusCode, throwStoreErrors, errors }: FailureOptions,
): CheckResult {
  if (RateSyncError.is(error) && error.code === "RATE_LIMITED") {
    return resultOf((error as RateLimitedError).decision, statusCode);
  }
  if (signal?.aborted) return refused({ reason: "aborted", status: CLIENT_LEFT });
  if (RateSyncError.is(error) && error.code === "COST_EXCEEDS_LIMIT") {
    errors.report("cost", "a request costs more than its limit ever holds, it is refused", error);
    return refused({ reason: "cost", status: statusCode });
  }
  if (!(isStoreError(error) || isClosed(error)) || throwStoreErrors) throw error;
  errors.report("store", "a store failed, requests are answered 503", error);
  return refused({ reason: "store", status: 503, retryAfterMs: STORE_RETRY_MS });
}

function refused({ reason, status, retryAfterMs }: Pick<Refusal, "reason" | "status"> & Partial<Refusal>): CheckResult {
  const refusal = { reason, status, retryAfterMs, decision: undefined };
  return { refusal, decision: undefined, permit: undefined };
}
