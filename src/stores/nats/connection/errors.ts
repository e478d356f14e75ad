/**
 * What a NATS client and JetStream report, as the errors of this package. No message holds a secret.
 *
 * @module
 */

import { StoreError } from "../../../base/errors.ts";
import type { StoreErrorReason } from "../../../base/store_error_reasons.ts";
import { isPermanent } from "../../../base/permanent.ts";
import type { TlsSettings } from "../../tls_options.ts";
import { tlsReason } from "../../tls_reason.ts";
import { GreetingError } from "./greeting.ts";

/** Who is asked, for messages. */
export interface Labelled {
  /** The URL, without credentials. */
  readonly label: string;
  /** How connections are encrypted, where that is ours to say. */
  readonly tls?: TlsSettings;
}

/** The error in an answer of JetStream. */
export interface ApiError {
  /** As of HTTP. */
  readonly code?: number;
  /** Which error it is. */
  readonly err_code?: number;
  /** What the server says. */
  readonly description?: string;
}

/** What to do about each failure. */
const ADVICE: Partial<Record<StoreErrorReason, string>> = {
  connection_refused: "start the server, or correct host and port",
  host_unknown: "correct the host name, or the name server of this machine",
  connect_timeout: "check host and port, and the firewalls between here and there",
  not_nats: "correct host and port: NATS listens for clients at port 4222",
  authentication: "check username and password, token, creds or nkeySeed",
  permission: "grant this user what docs/nats.md lists",
  version_unsupported: "update the server",
  no_jetstream: "start the server with JetStream (nats-server -js), and enable it for the account",
  stream_missing:
    "the store makes it when it connects; with autoCreate false, make it as docs/nats.md says; in a cluster, it may have " +
    "no leader",
  wrong_stream: "correct or delete the stream, or give the store a streamPrefix of its own",
  stream_full: "raise the limits of the stream, of the account or of the server, or free its disk",
};

/** Errors of JetStream that mean something to every caller, by their numbers. */
const API_REASONS: Readonly<Record<number, StoreErrorReason>> = {
  10039: "no_jetstream",
  10076: "no_jetstream",
  10059: "stream_missing",
  10058: "wrong_stream",
  10065: "wrong_stream",
  10052: "wrong_stream",
  10074: "wrong_stream",
  10005: "wrong_stream",
  10109: "wrong_stream",
  10002: "stream_full",
  10023: "stream_full",
  10027: "stream_full",
  10028: "stream_full",
  10047: "stream_full",
  10077: "stream_full",
  10122: "stream_full",
};

/** What to do about some of these, where it is another thing than for their reason. */
const API_ADVICE: Readonly<Record<number, string>> = {
  10074: "lower replicas, or start a cluster of as many servers",
  10005: "lower replicas, or start more servers of the cluster",
};

const NO_TLS = "the server does not offer TLS: use nats://, or turn on TLS at the server";

/** Errors of JetStream that pass: no leader, no quorum, a server that shuts down. */
const PASSING: ReadonlySet<number> = new Set([10008, 10009, 10041, 10042]);

/** A connection could not be opened. Nothing was sent. */
export function openError(where: Labelled, timeoutMs: number, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  const error = rootOf(cause);
  const text = String((error as { message?: unknown } | null)?.message ?? error);
  const tls = where.tls === undefined ? undefined : tlsReason(error, where.tls);
  const reason = tls === undefined ? openReason(error, text) : "tls";
  const detail = error instanceof GreetingError ? text : "";
  const what = reason === "connect_timeout"
    ? `nothing that speaks NATS has answered within ${timeoutMs} ms${detail}`
    : tls ?? (/support 'tls'/.test(text) ? NO_TLS : text);
  const code = reason === "authentication" ? "STORE_REFUSED" : "STORE_UNAVAILABLE";
  return new StoreError(code, `Cannot connect to NATS at ${where.label}: ${advise(what, reason)}`, {
    cause: error,
    reason,
  });
}

function openReason(error: unknown, text: string): StoreErrorReason {
  if (error instanceof GreetingError) return error.reason;
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  if (name === "AuthorizationError" || name === "UserAuthenticationExpiredError") return "authentication";
  if (/authori[sz]ation violation|authentication/i.test(text)) return "authentication";
  if (code === "ECONNREFUSED" || /connection refused/i.test(text)) return "connection_refused";
  if (/ENOTFOUND|EAI_AGAIN|failed to lookup|getaddrinfo/i.test(`${code} ${text}`)) return "host_unknown";
  if (/support 'tls'|tls|certificate|ssl/i.test(text)) return "tls";
  if (/unexpected response|JSON|parse/i.test(text)) return "not_nats";
  if (name === "TimeoutError" || /timeout/i.test(text)) return "connect_timeout";
  return "disconnected";
}

/** There is no connection. Nothing was sent. */
export function noConnectionError({ label }: Labelled, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  const why = cause instanceof Error && cause.message !== "" ? ` (${cause.message})` : "";
  const message = `Cannot reach NATS at ${label}: the connection was lost${why} and is being set up again`;
  return new StoreError("STORE_UNAVAILABLE", message, { cause, reason: "disconnected" });
}

/** The connection ended while a request was in flight. It may have been done. */
export function brokeError({ label }: Labelled, cause: unknown): StoreError {
  const message = `Cannot get an answer from NATS at ${label}: the connection broke; the request may have been done`;
  return new StoreError("STORE_UNAVAILABLE", message, { cause, reason: "connection_broke" });
}

/** No answer came. The request may have been done. */
export function timeoutError({ label }: Labelled, ms: number): StoreError {
  const message = `Cannot get an answer from NATS at ${label} within ${ms} ms: the request may have been done; in a ` +
    "cluster, the stream may have no leader at the moment";
  return new StoreError("STORE_TIMEOUT", message, { reason: "no_answer" });
}

/** The user may not publish or subscribe to a subject. */
export function permissionError({ label }: Labelled, operation: string, subject: string): StoreError {
  const message = `NATS at ${label} refused to ${operation} ${subject}`;
  return new StoreError("STORE_REFUSED", advise(message, "permission"), { reason: "permission" });
}

/** No server listens: to the API, then there is no JetStream; to a stream, then it is missing. */
export function noRespondersError({ label }: Labelled, subject: string): StoreError {
  const isApi = subject.startsWith("$JS.");
  const reason = isApi ? "no_jetstream" : "stream_missing";
  const what = isApi ? "it has no JetStream for this account" : `no stream takes ${subject}`;
  return new StoreError("STORE_REFUSED", `Cannot use NATS at ${label}: ${advise(what, reason)}`, { reason });
}

/** JetStream answered with an error. */
export function apiError({ label }: Labelled, what: string, { code, err_code = 0, description }: ApiError): StoreError {
  const text = `${description ?? "an error"} (${err_code || code})`;
  if (PASSING.has(err_code)) {
    const message = `Cannot ${what} in NATS at ${label}: ${text}`;
    return new StoreError("STORE_UNAVAILABLE", message, { reason: "cluster_down" });
  }
  const reason = API_REASONS[err_code];
  const advised = advise(text, reason, API_ADVICE[err_code]);
  return new StoreError("STORE_REFUSED", `NATS at ${label} refused to ${what}: ${advised}`, { reason });
}

/** The server is too old. */
export function versionError({ label }: Labelled, version: string): StoreError {
  const what = `it is nats-server ${version}, and 2.9 or newer is required`;
  const message = `Cannot use NATS at ${label}: ${advise(what, "version_unsupported")}`;
  return new StoreError("STORE_REFUSED", message, { reason: "version_unsupported" });
}

/** A stream that others made cannot hold the limits. */
export function wrongStreamError({ label }: Labelled, stream: string, why: string): StoreError {
  const message = `Cannot use the stream ${stream} of NATS at ${label}: ${advise(why, "wrong_stream")}`;
  return new StoreError("STORE_REFUSED", message, { reason: "wrong_stream" });
}

/** What the server answered is nothing that JetStream says. */
export function invalidAnswerError({ label }: Labelled, what: string, cause?: unknown): StoreError {
  const message = `Cannot use what NATS at ${label} answered: ${what}`;
  return new StoreError("STORE_REFUSED", message, { cause, reason: "invalid_answer" });
}

function advise(
  what: string,
  reason: StoreErrorReason | undefined,
  advice: string | undefined = reason === undefined ? undefined : ADVICE[reason],
): string {
  if (advice === undefined) return what;
  const note = isPermanent(reason) ? "this will not heal by itself: " : "";
  return `${what.replace(/\.$/, "")}; ${note}${advice}`;
}

/** What lies underneath the client's own wrapping. */
function rootOf(cause: unknown): unknown {
  const inner = (cause as { cause?: unknown } | null)?.cause;
  return inner instanceof Error && "code" in inner ? inner : cause;
}
