/**
 * The errors that callers catch. All carry a literal `code`. `instanceof` and `RateSyncError.is(error)` recognise the
 * errors of every copy of the package.
 *
 * @module
 */

import { brand } from "./brand.ts";
import { nearest } from "./foreign_words.ts"; // which is loaded late
import { show } from "./text.ts";
import type { StoreErrorCode, StoreErrorReason } from "./store_error_reasons.ts";

/** How many ids a message lists. */
const MOST_LISTED = 20;
/** How many it compares with the one that was asked for. */
const MOST_COMPARED = 1_000;

/**
 * Gives a class of errors its brand, and its instances their `name`. The name is a literal, because minifiers rename
 * classes.
 */
export function nameError(type: { readonly prototype: Error }, name: string): void {
  brand(type, name);
  Object.defineProperty(type.prototype, "name", { value: name, writable: true, configurable: true });
}

/**
 * The `code` of an error: which kind it is, as a literal that programs can compare.
 *
 * - `RATE_LIMITED`: `RateLimitedError`. A waiting call cannot be served before its deadline. Its `decision` says why.
 * - `COST_EXCEEDS_LIMIT`: `CostExceedsLimitError`. The cost is above what the limit can ever hold.
 * - `CONFIG_INVALID`: `ConfigError`. An option or a configuration file cannot be used. Nothing of it was applied.
 * - `LIMITER_NOT_FOUND`: `NotFoundError`. No limiter has this id.
 * - `STORE_NOT_FOUND`: `NotFoundError`. No store has this id.
 * - `STORE_UNAVAILABLE`: `StoreError`. The store was not reached, or the connection broke.
 * - `STORE_REFUSED`: `StoreError`. The store answered with an error.
 * - `STORE_TIMEOUT`: `StoreError`. The store did not answer in time.
 * - `STORE_OVERLOADED`: `StoreError`. Too many requests wait to be sent already.
 * - `LEASE_LOST`: `LeaseLostError`, the reason of `permit.lost`. The lease ended before its permit was released.
 * - `CLOSED`: `ClosedError`. The instance is closed, or is being drained.
 */
export type RateSyncErrorCode =
  | "RATE_LIMITED"
  | "COST_EXCEEDS_LIMIT"
  | "CONFIG_INVALID"
  | "LIMITER_NOT_FOUND"
  | "STORE_NOT_FOUND"
  | "STORE_UNAVAILABLE"
  | "STORE_REFUSED"
  | "STORE_TIMEOUT"
  | "STORE_OVERLOADED"
  | "LEASE_LOST"
  | "CLOSED";

/** The base of every error that this package throws for callers to catch. */
export class RateSyncError extends Error {
  static {
    nameError(this, "RateSyncError");
  }

  /** What went wrong, as a literal that programs can compare. */
  readonly code: RateSyncErrorCode;

  /**
   * For errors of stores of your own. The package makes its own errors.
   *
   * @param code What went wrong.
   * @param message A sentence for people: `Cannot <verb> <object>: <what holds>, received <value>`.
   * @param options The standard error options; `cause` holds the error underneath, if there is one.
   */
  constructor(code: RateSyncErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Tells whether a value is an error of this package, of any copy of it. */
  static is(value: unknown): value is RateSyncError {
    return value instanceof RateSyncError;
  }
}

/** Where in a configuration something is wrong, and what would be right. */
export interface ConfigErrorDetails {
  /** The file it was read from; absent for configuration in code. */
  readonly file?: string;
  /** The dotted path inside the configuration: `limiters.api.rate_per_second`. */
  readonly path: string;
  /** What would have been accepted, in words. */
  readonly expected: string;
  /** What was there, printed short, and hidden where it may be a secret. */
  readonly received: string;
}

/** A configuration that cannot be used. Nothing of it has been applied. */
export class ConfigError extends RateSyncError {
  static {
    nameError(this, "ConfigError");
  }

  /** The file it was read from; absent for configuration in code. */
  readonly file: string | undefined;
  /** The dotted path inside the configuration. */
  readonly path: string;
  /** What would have been accepted. */
  readonly expected: string;
  /** What was there. */
  readonly received: string;

  /**
   * Builds the message from the details.
   *
   * @param details Where it is, what was received, and what is allowed.
   * @param options The standard error options.
   */
  constructor(details: ConfigErrorDetails, options?: ErrorOptions) {
    const where = details.file === undefined ? details.path : `${details.path} (in ${details.file})`;
    super(
      "CONFIG_INVALID",
      `Cannot use ${where}: expected ${details.expected}, received ${details.received}`,
      options,
    );
    this.file = details.file;
    this.path = details.path;
    this.expected = details.expected;
    this.received = details.received;
  }
}

/** A limiter or store id that is not configured. The message lists those that are. */
export class NotFoundError extends RateSyncError {
  static {
    nameError(this, "NotFoundError");
  }

  /** The id that was asked for. */
  readonly id: string;
  /** The ids that are configured. */
  readonly known: readonly string[];

  /**
   * Builds the message from the ids.
   *
   * @param kind What was looked for.
   * @param id The id that was asked for.
   * @param known The ids that are configured.
   * @param why Where they could have come from, if there is none.
   */
  constructor(kind: "limiter" | "store", id: string, known: readonly string[], why?: string) {
    const none = why === undefined ? "none is configured" : `none is configured, and ${why}`;
    const shown = known.slice(0, MOST_LISTED).map((each) => JSON.stringify(each)).join(", ");
    const more = known.length > MOST_LISTED ? ` and ${known.length - MOST_LISTED} more` : "";
    const meant = more === "" || typeof id !== "string" ? undefined : nearest(id, known.slice(0, MOST_COMPARED));
    const hint = meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
    const list = known.length === 0 ? none : `known: ${shown}${more}${hint}`;
    super(
      kind === "limiter" ? "LIMITER_NOT_FOUND" : "STORE_NOT_FOUND",
      `Cannot find ${kind} ${typeof id === "string" ? JSON.stringify(id) : show(id)}: ${list}`,
    );
    this.id = id;
    this.known = known;
  }
}

/** A cost above what a limit can ever hold. No wait could grant it, so the call fails at once. */
export class CostExceedsLimitError extends RateSyncError {
  static {
    nameError(this, "CostExceedsLimitError");
  }

  /** The limiter that was asked. */
  readonly limiter: string;
  /** The cost that was asked for. */
  readonly cost: number;
  /** The most that one call can ever be granted. */
  readonly capacity: number;

  /**
   * Builds the message from the numbers.
   *
   * @param limiter The limiter that was asked.
   * @param cost The cost that was asked for.
   * @param capacity The most that one call can ever be granted.
   */
  constructor(limiter: string, cost: number, capacity: number) {
    super(
      "COST_EXCEEDS_LIMIT",
      `Cannot take ${cost} from limiter ${JSON.stringify(limiter)}: it never holds more than ${capacity}`,
    );
    this.limiter = limiter;
    this.cost = cost;
    this.capacity = capacity;
  }
}

/** What a store error is made with. */
export interface StoreErrorOptions extends ErrorOptions {
  /** What stood in the way, if it is known. */
  readonly reason?: StoreErrorReason | undefined;
  /** How long the store does not want to be asked, in milliseconds, if it has said that. */
  readonly retryAfterMs?: number | undefined;
  /** Whether it is about one key alone. @default {false} */
  readonly isOfKey?: boolean;
}

/** The store could not decide. `code` says which kind of failure it was, `reason` what caused it. */
export class StoreError extends RateSyncError {
  static {
    nameError(this, "StoreError");
  }

  /** Which kind of failure it was. */
  declare readonly code: StoreErrorCode;
  /** What stood in the way; undefined where that is not known. */
  readonly reason: StoreErrorReason | undefined;
  /** How long the store does not want to be asked, in milliseconds; undefined where it has not said that. */
  readonly retryAfterMs: number | undefined;
  /** Whether it is about one key alone: the store decides for others, so the breaker stays closed. */
  readonly isOfKey: boolean;

  /**
   * For stores of your own: a failure that the breaker and the failure policy understand.
   *
   * @param code Which kind of failure it was.
   * @param message What happened, without secrets.
   * @param options The reason, and the standard error options.
   */
  constructor(code: StoreErrorCode, message: string, options?: StoreErrorOptions) {
    super(code, message, options);
    this.reason = options?.reason;
    this.retryAfterMs = options?.retryAfterMs;
    this.isOfKey = options?.isOfKey ?? false;
  }
}

/** A call on something that has been closed. */
export class ClosedError extends RateSyncError {
  static {
    nameError(this, "ClosedError");
  }

  /**
   * Builds the message.
   *
   * @param what The thing that was closed, in words: `rate-sync instance`.
   */
  constructor(what: string) {
    super("CLOSED", `Cannot use ${what}: it is closed`);
  }
}

/** The reason of `permit.lost`: the lease ended before the release. It was reset, or not renewed in time. */
export class LeaseLostError extends RateSyncError {
  static {
    nameError(this, "LeaseLostError");
  }

  /**
   * Builds the message.
   *
   * @param limiter The limiter whose permit was lost.
   */
  constructor(limiter: string) {
    super(
      "LEASE_LOST",
      `The permit held on limiter ${JSON.stringify(limiter)} was lost: its lease ended before release`,
    );
  }
}
