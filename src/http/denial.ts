/**
 * The body of the answer to a denied request.
 *
 * @module
 */

import type { Decision } from "../decision/decision.ts";
import { seconds } from "../policy/headers.ts";
import { explanationBody } from "./explanation_body.ts";
import { violatedPolicies } from "./headers.ts";

/**
 * Why a request is denied.
 *
 * - `rate`: A rate limit has too few units left.
 * - `concurrency`: All permits are held.
 * - `queue_full`: `maxWaiters` requests wait already.
 * - `blocked`: `block()` denies the key.
 * - `blockList`: The client is in the guard's own `block` list.
 * - `cost`: The cost is above what the limit can ever hold.
 * - `store`: The store could not decide, and the failure policy denies.
 * - `aborted`: The client left while the request waited.
 */
export type RefusalReason =
  | "rate"
  | "concurrency"
  | "queue_full"
  | "blocked"
  | "blockList"
  | "cost"
  | "store"
  | "aborted";

/**
 * The style of the body of a denial.
 *
 * - `problem`: `application/problem+json` (RFC 9457), with the types of the rate limit draft
 * - `detail`: `{ detail: [{ type, msg, context }] }`, as rate-sync for Python answers
 * - `error`: `{ error, message, limit, resetAt }`
 */
export type BodyStyle = "problem" | "detail" | "error";

/** Every style. */
export const BODY_STYLES: readonly BodyStyle[] = ["problem", "detail", "error"];

/** A denial, before it is an answer. */
export interface Refusal {
  /** Why. */
  readonly reason: RefusalReason;
  /** The status of the answer. */
  readonly status: number;
  /** How long to wait, in milliseconds; `undefined` where waiting does not help. */
  readonly retryAfterMs: number | undefined;
  /** The decision, where a limiter made one. */
  readonly decision: Decision | undefined;
}

/** A body and its type. */
export interface Body {
  /** The value of `Content-Type`. */
  readonly contentType: string;
  /** The text. */
  readonly text: string;
}

const PROBLEMS = "https://iana.org/assignments/http-problem-types#";

const KINDS: Readonly<Record<RefusalReason, { readonly type?: string; readonly title: string }>> = {
  rate: { type: "quota-exceeded", title: "Quota exceeded" },
  concurrency: { type: "quota-exceeded", title: "Too many requests at once" },
  queue_full: { type: "quota-exceeded", title: "Too many requests are waiting" },
  cost: { type: "quota-exceeded", title: "Larger than the whole quota" },
  blocked: { type: "abnormal-usage-detected", title: "Blocked for a while" },
  blockList: { title: "Forbidden" },
  store: { type: "temporary-reduced-capacity", title: "Limits cannot be checked now" },
  aborted: { title: "Client closed the request" },
};

/** The body of a denial. */
export function bodyOf(refusal: Refusal, style: BodyStyle, nowMs: number, explains: boolean): Body {
  if (style === "problem") {
    return { contentType: "application/problem+json", text: JSON.stringify(problem(refusal, explains)) };
  }
  const content = style === "detail" ? detail(refusal) : error(refusal, nowMs);
  return { contentType: "application/json", text: JSON.stringify(content) };
}

function problem(refusal: Refusal, explains: boolean): Record<string, unknown> {
  const { reason, status, decision } = refusal;
  const { type, title } = KINDS[reason];
  const violated = decision === undefined ? [] : violatedPolicies(decision);
  return {
    type: type === undefined ? "about:blank" : `${PROBLEMS}${type}`,
    title,
    status,
    detail: advice(refusal),
    ...(violated.length === 0 ? {} : { "violated-policies": violated }),
    ...(explains && decision !== undefined ? { explanation: explanationBody(decision) } : {}),
  };
}

function detail(refusal: Refusal): unknown {
  const { decision, retryAfterMs } = refusal;
  const context = {
    retry_after_seconds: retryAfterMs === undefined ? null : seconds(retryAfterMs),
    limit: decision?.limit ?? null,
    limiter: decision?.limiter ?? null,
  };
  const isQuota = PROBLEM_OF_QUOTA.has(refusal.reason);
  const msg = `${isQuota ? "Rate limit exceeded" : KINDS[refusal.reason].title}. ${advice(refusal) ?? ""}`.trim();
  return { detail: [{ type: isQuota ? "rate_limit_exceeded" : refusal.reason, msg, context }] };
}

const PROBLEM_OF_QUOTA: ReadonlySet<RefusalReason> = new Set(["rate", "concurrency", "queue_full", "blocked"]);

function error(refusal: Refusal, nowMs: number): unknown {
  const { decision, retryAfterMs, reason } = refusal;
  const isQuota = PROBLEM_OF_QUOTA.has(reason);
  const title = KINDS[reason].title;
  return {
    error: isQuota ? "Too Many Requests" : title,
    message: `${isQuota ? "Rate limit exceeded" : title}. ${advice(refusal) ?? ""}`.trim(),
    ...(decision === undefined ? {} : { limit: decision.limit }),
    ...(retryAfterMs === undefined ? {} : { resetAt: new Date(Math.ceil(nowMs + retryAfterMs)).toISOString() }),
  };
}

function advice({ reason, retryAfterMs }: Refusal): string | undefined {
  if (reason === "cost") return "This request asks for more than the limit can ever hold.";
  if (retryAfterMs === undefined) return undefined;
  const count = seconds(retryAfterMs);
  return `Try again in ${count} second${count === 1 ? "" : "s"}.`;
}
