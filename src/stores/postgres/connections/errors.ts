/**
 * What PostgreSQL clients report, as the errors of this package. No message and no cause holds a password.
 *
 * @module
 */

import { ClosedError, RateSyncError, StoreError } from "../../../base/errors.ts";
import type { StoreErrorReason } from "../../../base/store_error_reasons.ts";
import { refusalReason, withAdvice } from "../refusal.ts";

/** The five characters with which PostgreSQL names an error; undefined where it is none of the server's. */
export function sqlStateOf(cause: unknown): string | undefined {
  const { code, errno } = Object(cause) as { readonly code?: unknown; readonly errno?: unknown };
  // Bun's client gives them as `errno`. Names of errors of the system begin with E, and no SQLSTATE does.
  return [code, errno].find((text): text is string => typeof text === "string" && /^(?!E)[0-9A-Z]{5}$/.test(text));
}

/** No session could be opened. Nothing was sent. */
export function openError(label: string, cause: unknown): StoreError {
  if (RateSyncError.is(cause) && !(cause instanceof ClosedError)) return cause as StoreError;
  const sqlState = sqlStateOf(cause);
  const text = reasonOf(cause);
  if (sqlState === undefined) return unreachable(label, text, socketReason(text), cause);
  const reason = refusalReason(sqlState) ?? "disconnected";
  const message = `Cannot use PostgreSQL at ${label}: ${withAdvice(startupText(sqlState, text), reason)}`;
  return new StoreError("STORE_REFUSED", message, { cause, reason });
}

/** The server was not reached, or what answers cannot be used. Nothing was sent. */
export function unreachable(label: string, text: string, reason: StoreErrorReason, cause?: unknown): StoreError {
  const message = `Cannot reach PostgreSQL at ${label}: ${withAdvice(text, reason)}`;
  return new StoreError("STORE_UNAVAILABLE", message, cause === undefined ? { reason } : { reason, cause });
}

/** What the server's own words leave open when a session begins. */
function startupText(sqlState: string, text: string): string {
  if (sqlState === "28000" && /no encryption|SSL off/.test(text)) {
    return `${text}: it may want TLS, so add sslmode=require to the url`;
  }
  return text;
}

/** Where a statement stood when it failed. */
export interface Fate {
  /** Where the database is. */
  readonly label: string;
  /** Whether it may have taken effect, if the server has not said that it failed. */
  readonly mayHaveRun: boolean;
}

/** A statement or a transaction failed after it was handed to a session. */
export function callError({ label, mayHaveRun }: Fate, cause: unknown): StoreError {
  if (RateSyncError.is(cause) && !(cause instanceof ClosedError)) return cause as StoreError;
  const sqlState = sqlStateOf(cause);
  const text = reasonOf(cause);
  const reason = sqlState === undefined ? undefined : refusalReason(sqlState);
  if (sqlState === undefined || reason === "disconnected") {
    const fate = mayHaveRun ? "it may have run, so it is not sent again" : "nothing of it has run";
    const message = `Cannot get an answer from PostgreSQL at ${label}: the connection broke (${text}); ${fate}`;
    return new StoreError("STORE_UNAVAILABLE", message, { cause, reason: "connection_broke" });
  }
  const message = `PostgreSQL at ${label} refused a statement: ${withAdvice(`${text} (${sqlState})`, reason)}`;
  return new StoreError("STORE_REFUSED", message, { cause, reason });
}

/** No answer came in time. */
export function silentError({ label, mayHaveRun }: Fate, ms: number): StoreError {
  const fate = mayHaveRun ? "the statement may have run, so it is not sent again" : "nothing of it has run";
  const message = `Cannot get an answer from PostgreSQL at ${label} within ${ms} ms: ${fate}`;
  return new StoreError("STORE_TIMEOUT", message, { reason: "no_answer" });
}

/** Too many statements wait for a session, or none could be opened in time. */
export function waitedError(label: string, ms: number, isUp: boolean): StoreError {
  if (!isUp) return unreachable(label, `no session could be opened within ${ms} ms`, "connect_timeout");
  const message = `Cannot ask PostgreSQL at ${label}: all connections were in use for ${ms} ms; nothing was sent`;
  return new StoreError("STORE_TIMEOUT", message, { reason: "no_answer" });
}

/** Why no connection came about, as far as the runtimes' words tell. */
function socketReason(text: string): StoreErrorReason {
  if (/ECONNREFUSED|ConnectionRefused|ENOENT/i.test(text)) return "connection_refused";
  if (/ENOTFOUND|EAI_AGAIN|getaddrinfo|failed to lookup/i.test(text)) return "host_unknown";
  return "disconnected";
}

/** Runtimes report "every address of the host failed" as an error without a message of its own. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) {
    return [...new Set(cause.errors.map(reasonOf))].join("; ");
  }
  if (!(cause instanceof Error)) return String(cause);
  const code = (cause as { code?: unknown }).code;
  return cause.message || (typeof code === "string" ? code : cause.name);
}
