/**
 * What goes wrong over REST, as errors of the store. No message holds the token.
 *
 * @module
 */

import { StoreError } from "../../../../base/errors.ts";
import { refusalReason } from "../../refusal.ts";
import { callError, openError } from "../errors.ts";
import type { Endpoint } from "../settings/url.ts";

/** An error that Redis itself has answered. */
export class RestRefusal extends Error {}

/** Errors of runtimes that say that no request was sent. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "ConnectionRefused",
  "FailedToOpenSocket",
]);

/** How services say that they were asked too often, or that a plan is used up. */
const TOO_MANY = /max (?:\w+ )?(?:requests?|commands?) limit|rate limit|too many requests/i;

/** What answers is no REST endpoint of Redis. */
export function notRestError({ label }: Endpoint, answer: string): StoreError {
  return new StoreError(
    "STORE_UNAVAILABLE",
    `Cannot reach Redis at ${label}: what answers there (${answer}) is no REST endpoint of Redis; check the url`,
    { reason: "not_redis" },
  );
}

/**
 * A successful answer that Redis does not give: a page, or something that was cut or kept on its way.
 *
 * @param isProven Whether the endpoint has given right answers before.
 */
export function invalidAnswerError(endpoint: Endpoint, answer: string, isProven: boolean): StoreError {
  const { label } = endpoint;
  const message = isProven
    ? `Cannot read the answer of Redis at ${label} (${answer}): a proxy or a cache may have changed it; the command may ` +
      "have run, so it is not sent again"
    : notRestError(endpoint, answer).message;
  return new StoreError("STORE_UNAVAILABLE", message, { reason: "invalid_answer" });
}

/** The token was not taken. */
export function tokenError({ label }: Endpoint, reason: string): StoreError {
  return new StoreError(
    "STORE_REFUSED",
    `Cannot use Redis at ${label}: it does not take the token (${reason}); give the REST token of this database, not ` +
      "the read-only one",
    { reason: "authentication" },
  );
}

/** The service limits how often it is asked. */
export function tooManyError({ label }: Endpoint, answer: string, retryAfterMs?: number): StoreError {
  const later = retryAfterMs === undefined ? "" : `; it is asked again in ${Math.ceil(retryAfterMs / 1_000)} s`;
  return new StoreError(
    "STORE_REFUSED",
    `Redis at ${label} refused a command: the service limits how often it is asked (${answer}); raise the limit of its ` +
      `plan${later}`,
    { reason: "too_many_requests", retryAfterMs },
  );
}

/** The service has failed, or what is in front of it. */
export function brokenError(endpoint: Endpoint, reason: string): StoreError {
  return callError(endpoint, { cause: new Error(reason), isReply: false });
}

/** Any text without the token, cut short. */
export function plain({ password }: Endpoint, text: string): string {
  const shown = typeof password === "string" ? text.replaceAll(password, "***") : text;
  return shown.length > 300 ? `${shown.slice(0, 300)}…` : shown;
}

/** What a command failed with that is no error of a store yet. */
export function restError(endpoint: Endpoint, cause: unknown): StoreError {
  if (cause instanceof RestRefusal) {
    const { message } = cause;
    // Redis' own refusals begin with a word of theirs.
    return refusalReason(message) === undefined && TOO_MANY.test(message)
      ? tooManyError(endpoint, message)
      : callError(endpoint, { cause, isReply: true });
  }
  const root = rootOf(cause);
  const isSent = !NEVER_SENT.has(String((root as { code?: unknown }).code)) && !/\(Connect\)/.test(root.message);
  const failure = { cause: isSent ? root : new Error(plain(endpoint, root.message)), isReply: false };
  return isSent ? callError(endpoint, failure) : openError(endpoint, failure);
}

/** `fetch` says no more than that it has failed; why, its cause knows. */
function rootOf(cause: unknown): Error {
  if (!(cause instanceof Error)) return new Error(String(cause));
  return cause.cause instanceof Error ? rootOf(cause.cause) : cause;
}
