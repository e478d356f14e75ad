/**
 * Errors as clients get them: `application/problem+json` (RFC 9457) with a literal `code`.
 *
 * @module
 */

import { ConfigError, CostExceedsLimitError, NotFoundError, RateSyncError, StoreError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { show } from "../base/text.ts";

/** Every code of a problem, with the status of its answer and its title. */
export const PROBLEMS = {
  BODY_INVALID: [400, "The body cannot be read"],
  FIELD_INVALID: [400, "A field cannot be used"],
  HOST_REFUSED: [403, "Requests of this host or page are refused"],
  TOKEN_MISSING: [401, "A bearer token is needed"],
  TOKEN_WRONG: [401, "The bearer token is wrong"],
  PATH_NOT_FOUND: [404, "There is no such path"],
  LIMITER_NOT_FOUND: [404, "There is no such limiter"],
  NOT_HELD: [404, "Nothing is held under this id"],
  METHOD_NOT_ALLOWED: [405, "The path has other methods"],
  BODY_TIMEOUT: [408, "The body did not come in time"],
  BODY_TOO_LARGE: [413, "The body is too large"],
  BATCH_TOO_LARGE: [413, "The batch has too many items"],
  BODY_TYPE_UNKNOWN: [415, "The body must be JSON"],
  COST_EXCEEDS_LIMIT: [422, "The cost is above what the limit can hold"],
  REQUEST_IMPOSSIBLE: [422, "The limiter cannot do this"],
  INTERNAL: [500, "The server failed"],
  METRICS_MISSING: [501, "No metrics are collected"],
  STORE_UNAVAILABLE: [503, "The store was not reached"],
  STORE_REFUSED: [503, "The store answered with an error"],
  STORE_TIMEOUT: [503, "The store did not answer in time"],
  STORE_OVERLOADED: [503, "The store has too many requests"],
  CLOSED: [503, "The server is closing"],
  TOO_MANY_CONNECTIONS: [503, "The server has too many connections"],
  TOO_MANY_PENDING: [503, "Too many decisions are under way"],
  TOO_MANY_HELD: [503, "Too many permits are held"],
} as const;

/** The code of a problem. */
export type ProblemCode = keyof typeof PROBLEMS;

/** A problem as JSON. */
export interface ProblemJSON {
  /** A URI for the kind of problem. */
  readonly type: string;
  /** The kind in words. */
  readonly title: string;
  /** The status of the answer. */
  readonly status: number;
  /** The kind as a literal. */
  readonly code: ProblemCode;
  /** What holds here, and what was received. */
  readonly detail: string;
  /** What else is known: `field`, `known`, `capacity`, `retryAfterMs`. */
  readonly [more: string]: unknown;
}

/** Why a request cannot be answered. */
export class Problem extends Error {
  /** The kind. */
  readonly code: ProblemCode;
  /** What programs may read beside the code. */
  readonly more: Readonly<Record<string, unknown>>;
  /** Headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ProblemCode,
    detail: string,
    more: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
    this.code = code;
    this.more = more;
    this.headers = headers;
  }

  /** The status of the answer. */
  get status(): number {
    return PROBLEMS[this.code][0];
  }

  /** The body of the answer. */
  toJSON(): ProblemJSON {
    const { code, status, message: detail, more } = this;
    const type = `urn:ratesync:problem:${code.toLowerCase().replaceAll("_", "-")}`;
    return { type, title: PROBLEMS[code][1], status, code, detail, ...more };
  }
}

/** The problem of any error; `undefined` of one that is no fault of the client or the store. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (!RateSyncError.is(error)) return undefined;
  const { message } = error;
  if (error instanceof NotFoundError) return unknownLimiter(error);
  if (error instanceof CostExceedsLimitError) {
    return new Problem("COST_EXCEEDS_LIMIT", message, { limiter: error.limiter, capacity: error.capacity });
  }
  if (error instanceof ConfigError) return new Problem("REQUEST_IMPOSSIBLE", message);
  if (error instanceof StoreError) {
    const { code, retryAfterMs, reason } = error;
    const headers = retryAfterMs === undefined ? {} : { "Retry-After": String(Math.ceil(retryAfterMs / 1_000)) };
    return new Problem(code, message, { reason, retryAfterMs }, headers);
  }
  return error.code === "CLOSED" ? new Problem("CLOSED", message) : undefined;
}

function unknownLimiter({ id, known, message }: NotFoundError): Problem {
  const meant = nearest(id, known);
  const hint = meant === undefined ? "" : `; did you mean ${show(meant)}?`;
  return new Problem("LIMITER_NOT_FOUND", message + hint, {
    known,
    ...(meant === undefined ? {} : { nearest: meant }),
  });
}
