/**
 * What a Redis client reports, as the errors of this package. No message and no cause holds a password.
 *
 * @module
 */

import { StoreError } from "../../../base/errors.ts";
import type { StoreErrorReason } from "../../../base/store_error_reasons.ts";
import { refusalReason, withAdvice } from "../refusal.ts";
import type { Endpoint } from "./settings/url.ts";

/** The client's own errors, told apart from answers of the server. */
export interface Failure {
  /** What was thrown. */
  readonly cause: unknown;
  /** Whether the server answered with it. */
  readonly isReply: boolean;
}

/** A connection could not be opened. No call was sent. */
export function openError(endpoint: Endpoint, { cause, isReply }: Failure): StoreError {
  const received = reasonOf(cause);
  const text = withoutSecret(received, endpoint);
  const shown = withoutSecretCause(cause, endpoint);
  // What it means is read before the secret is hidden, which may be a part of any word.
  if (!isReply) {
    const reason = socketReason(received);
    return new StoreError("STORE_UNAVAILABLE", reach(endpoint, withAdvice(text, reason)), { cause: shown, reason });
  }
  const reason = refusalReason(received) ?? "disconnected";
  return new StoreError(
    "STORE_REFUSED",
    `Cannot use ${endpoint.isSentinel ? "the Sentinel" : "Redis"} at ${endpoint.label}: ${
      explain(endpoint, text, reason)
    }${encodingHint(endpoint, reason)}`,
    { cause: shown, reason },
  );
}

/** A password that was pasted into a URL as it is may hold what reads as percent-encoding. */
function encodingHint({ isEncoded }: Endpoint, reason: StoreErrorReason | undefined): string {
  if (isEncoded !== true || reason !== "authentication") return "";
  return "; % codes in the password of the url are decoded: the option `password` takes one as it is";
}

/** The TLS handshake failed, for a reason that is known. */
export function handshakeError(endpoint: Endpoint, reason: string, cause: unknown): StoreError {
  return new StoreError("STORE_UNAVAILABLE", reach(endpoint, reason), { cause, reason: "tls" });
}

/** A server answered, but not in the protocol of Redis. */
export function protocolError(endpoint: Endpoint, cause: unknown): StoreError {
  return new StoreError(
    "STORE_UNAVAILABLE",
    reach(endpoint, withAdvice(`the server does not speak the Redis protocol (${reasonOf(cause)})`, "not_redis")),
    { cause, reason: "not_redis" },
  );
}

/**
 * No connection came about in time. `STORE_UNAVAILABLE`, not `STORE_TIMEOUT`: no command was sent, so none can have
 * run.
 */
export function openTimeoutError(endpoint: Endpoint, accepted: boolean, ms: number): StoreError {
  const what = accepted
    ? `the server accepted the connection but did not answer within ${ms} ms: it hangs, or does ` +
      "not speak the Redis protocol"
    : `no connection within ${ms} ms${endpoint.tls ? "; it may not speak TLS" : ""}`;
  const reason = "connect_timeout";
  return new StoreError("STORE_UNAVAILABLE", reach(endpoint, withAdvice(what, reason)), { reason });
}

/**
 * The server closed a connection before it answered anything.
 *
 * @param isKnown Whether a Redis has answered there before. Then it stops or starts, or what stands in front of it does.
 */
export function openClosedError(endpoint: Endpoint, cause: unknown, isKnown = false): StoreError {
  if (isKnown) {
    const text = "the server closed the connection before it answered: it may be stopping or starting";
    return new StoreError("STORE_UNAVAILABLE", reach(endpoint, text), { cause, reason: "disconnected" });
  }
  const hint = endpoint.tls ? "want a client certificate (tlsCert, tlsKey), or another one" : "expect TLS (rediss://)";
  return new StoreError(
    "STORE_UNAVAILABLE",
    reach(
      endpoint,
      withAdvice(`the server closed the connection before it answered: it may not be Redis, or ${hint}`, "not_redis"),
    ),
    { cause, reason: "not_redis" },
  );
}

/** There is no connection any more. What comes next fails at once, and is not sent. */
export function lostError(endpoint: Endpoint, cause: unknown): StoreError {
  return new StoreError(
    "STORE_UNAVAILABLE",
    reach(endpoint, `the connection was lost (${reasonOf(cause)}) and is being set up again`),
    { cause, reason: "disconnected" },
  );
}

/** A refusal with what to do about it; for a node of a cluster, the option to write. */
function explain({ label, isSentinel }: Endpoint, received: string, reason: StoreErrorReason | undefined): string {
  const text = received.replace(ARGUMENTS, "").replace(SCRIPT_LINE, "")
    .replace(NO_PASSWORD, "NOAUTH: the server requires a password");
  if (PROTECTED_MODE.test(text)) {
    return "DENIED: the server is in protected mode, in which it accepts only its own machine; this will not heal by " +
      "itself: set a password at the server and here, or let the server have protected-mode no";
  }
  if (isSentinel && reason === "authentication") {
    return withAdvice(text, reason).replace(/username and password$/, SENTINEL_OPTIONS);
  }
  if (reason !== "cluster_node") return withAdvice(text, reason);
  const explained = withAdvice(`it is a node of a Redis Cluster (${text})`, reason);
  return label.includes("://") ? explained.replace("redis://host:port", label.replace(/\/\d+$/, "")) : explained;
}

/** A connection says nothing while others are answered: what is in flight on it gets no answer any more. */
export function silentError({ label }: Endpoint, ms: number): StoreError {
  return new StoreError(
    "STORE_UNAVAILABLE",
    `Cannot get an answer from Redis at ${label}: one connection was silent for ${
      Math.round(ms)
    } ms while another one ` +
      "was answered, so it is replaced; its commands may have run, and are not sent again",
    { reason: "connection_broke" },
  );
}

/** The store was closed while a command was in flight. */
export function cutError({ label }: Endpoint): StoreError {
  return new StoreError(
    "STORE_UNAVAILABLE",
    `Cannot get an answer from Redis at ${label}: the store was closed before it came; the command may have run`,
    { reason: "connection_broke" },
  );
}

/** A command failed after it was handed to the connection. */
export function callError(endpoint: Endpoint, { cause, isReply }: Failure): StoreError {
  const text = reasonOf(cause);
  if (!isReply) {
    const why = text === "Disconnects client" ? "" : ` (${text})`; // what node-redis says if nothing is known
    return new StoreError(
      "STORE_UNAVAILABLE",
      `Cannot get an answer from Redis at ${endpoint.label}: the connection broke${why}; the command may have run`,
      { cause, reason: "connection_broke" },
    );
  }
  const reason = refusalReason(text);
  return new StoreError(
    "STORE_REFUSED",
    `Redis at ${endpoint.label} refused a command: ${explain(endpoint, text, reason)}`,
    { cause, reason },
  );
}

/** The nodes of a cluster sent a call from one to another until its time was over. Other failures stay as they are. */
export function unsettled(error: unknown): unknown {
  if (!(error instanceof StoreError) || error.reason !== "cluster_node") return error;
  const reason = "cluster_down";
  const message = `The nodes of the cluster send a call from one to another (${reasonOf(error.cause)})`;
  return new StoreError(error.code, withAdvice(message, reason), { cause: error.cause, reason });
}

/** A command was not answered in time. */
export function callTimeoutError(endpoint: Endpoint, ms: number): StoreError {
  return new StoreError(
    "STORE_TIMEOUT",
    `Cannot get an answer from Redis at ${endpoint.label} within ${ms} ms: the command may have ` +
      "run, so it is not sent again",
    { reason: "no_answer" },
  );
}

/** Why the first of several attempts failed that says why. */
export function reasonOfFirst(errors: readonly unknown[]): StoreErrorReason | undefined {
  for (const error of errors) {
    if (error instanceof StoreError && error.reason !== undefined) return error.reason;
  }
  return undefined;
}

/** The same failure for another caller, with a stack trace of its own. */
export function sameError(error: StoreError): StoreError {
  const { cause, reason, retryAfterMs, isOfKey } = error;
  return new StoreError(error.code, error.message, { cause, reason, retryAfterMs, isOfKey });
}

function reach({ label, isSentinel }: Endpoint, reason: string): string {
  const why = label.startsWith("unix:") ? reason.replace("host and port", "the path of its socket") : reason;
  return `Cannot reach ${isSentinel ? "the Sentinel" : "Redis"} at ${label}: ${why}`;
}

/** Why no connection came about, as far as the runtimes' words tell. */
function socketReason(text: string): StoreErrorReason {
  if (/ECONNREFUSED|ConnectionRefused|ENOENT|No such file/i.test(text)) return "connection_refused"; // or no such socket
  if (/ENOTFOUND|EAI_AGAIN|getaddrinfo|failed to lookup/i.test(text)) return "host_unknown";
  return "disconnected";
}

/** What logs in to Sentinels, whose users are not those of Redis. */
const SENTINEL_OPTIONS = "sentinelUsername and sentinelPassword (sentinel_username, sentinel_password)";

/** A server that does not know a command quotes the first arguments: a whole script, or a password. */
const ARGUMENTS = /,? with args beginning with: .*$/s;

/** Redis names the script and its line, which no operator can look up. */
const SCRIPT_LINE = /\.? script: [0-9a-f]{40}, on @user_script:\d+\.?/;

/** What Redis answers to HELLO without a password is advice to the author of a client. */
const NO_PASSWORD = /^NOAUTH HELLO must be called .*$/s;

/** What Redis answers to other machines while it has no password: a page of advice, for its first user. */
const PROTECTED_MODE = /^DENIED .*protected mode/is;

/** Runtimes report "every address of the host failed" as an error without a message of its own. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) {
    return [...new Set(cause.errors.map(reasonOf))].join("; ");
  }
  if (!(cause instanceof Error)) return String(cause);
  const code = (cause as { code?: unknown }).code;
  return cause.message || (typeof code === "string" ? code : cause.name);
}

/** Servers that do not know HELLO quote its arguments, and the password is one of them. */
function withoutSecret(text: string, { password }: Endpoint): string {
  return typeof password === "string" ? text.replaceAll(password, "***") : text;
}

function withoutSecretCause(cause: unknown, endpoint: Endpoint): unknown {
  const reason = reasonOf(cause);
  const shown = withoutSecret(reason, endpoint);
  return shown === reason ? cause : new Error(shown);
}
