/**
 * The options of a limited fetch, and their checks.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { show } from "../../base/text.ts";
import { rejectUnknownOptions } from "../../base/unknown_options.ts";
import type { Logger } from "../../observe/events.ts";
import { Log } from "../../observe/log.ts";
import { isLimiter } from "../../limiter/is_limiter.ts";
import type { Limiter } from "../../limiter/limiter.ts";
import { ready } from "../../registry/default_state.ts";
import type { RateSync } from "../../registry/rate_sync.ts";
import type { HeaderFamily } from "./families.ts";
import { OUTBOUND_WORDS } from "./foreign_words.ts";
import { type LimitHeaders, readFamilies } from "./limit_headers.ts";
import type { LimitReading } from "./limit_reading.ts";
import type { LimitResponse } from "./limit_response.ts";
import { IDEMPOTENT, type OutboundRequest } from "./outbound_call.ts";

/**
 * Where the length of a pause comes from.
 *
 * - `retry-after`: The header of a refusal.
 * - `reset`: The end of the window that a refusal announces.
 * - `remaining`: An answer that says that nothing is left.
 * - `body`: The body of a refusal, or `readLimit`.
 * - `backoff`: The server did not say how long; the pause grows with each refusal.
 */
export type ThrottleSource = "retry-after" | "reset" | "remaining" | "body" | "backoff";

/** A pause that a server asked for. */
export interface Throttled {
  /** The status of the answer; 0 where there was none, for a failed connection. */
  readonly status: number;
  /** How long the key pauses from now on, in milliseconds. */
  readonly waitMs: number;
  /** Where `waitMs` comes from. */
  readonly source: ThrottleSource;
  /** Which attempt of its call it was, from 1. */
  readonly attempt: number;
  /** The limiter's key; undefined for the limiter as a whole. */
  readonly key: string | undefined;
  /** Whether all processes pause: `false` where the pause is this call's own, or the store could not be reached. */
  readonly shared: boolean;
}

/** How a fetch is limited. */
export interface LimitedFetchOptions {
  /** The limiter: its id, or itself. Its numbers are those that the server allows. */
  readonly limiter: string | Limiter;
  /** The instance that has the limiter. @default the default instance */
  readonly rateSync?: RateSync;
  /** The key: the account that calls, the receiver that is called, or both. @default all share one limit */
  readonly key?: string | ((request: OutboundRequest) => string | undefined);
  /** Units that a request takes. @default {1} */
  readonly cost?: number | ((request: OutboundRequest) => number);
  /**
   * How long waits and pauses of one call may take in all, in milliseconds, 0 or more, from its start on. An attempt that is under
   * way is not cut short: that is what `signal` is for. 0 never waits; Infinity never gives up.
   * @default the limiter's `timeoutMs`, or 30_000
   */
  readonly timeoutMs?: number;
  /** How often a refused request is sent again, from 0. @default {2} */
  readonly maxRetries?: number;
  /** How many retries there may be for each request in the long run, from 0 to 1. @default {0.2} */
  readonly retryBudget?: number;
  /**
   * Methods that may be sent again; those with an `Idempotency-Key` may be in any case.
   * @default GET, HEAD, OPTIONS, PUT, DELETE, TRACE
   */
  readonly retryMethods?: readonly string[];
  /** Whether GET and HEAD are sent again when the connection failed. @default {false} */
  readonly retryNetworkErrors?: boolean;
  /** Statuses of refusals, from 400 to 599. @default 429, 503 */
  readonly refusals?: readonly number[];
  /** Whether to pause when an answer says that nothing is left, before a request is refused. @default {true} */
  readonly heedRemaining?: boolean;
  /**
   * Units of what the server announces that are never used, from 0: at that many left it counts as none. @default {0}
   */
  readonly reserve?: number;
  /** The longest pause that a server can ask for, in milliseconds, from 1. @default {3_600_000} */
  readonly maxPauseMs?: number;
  /** The first pause after a refusal that does not say how long, in milliseconds, from 1. @default {1_000} */
  readonly backoffMs?: number;
  /**
   * The longest such pause, in milliseconds, at least `backoffMs`. Each is up to twice the one before.
   * @default {60_000}
   */
  readonly maxBackoffMs?: number;
  /**
   * Headers of services that the table does not have: one row for each quota. They come before the table.
   * @default none
   */
  readonly limitHeaders?: readonly LimitHeaders[];
  /**
   * Reads limits that a service writes in its own way, from each answer. Where it returns nothing, the headers count.
   * Reading the body holds the answer back until the body has come. An answer that it cannot read (it throws, rejects,
   * or returns what is no `LimitReading`) counts as if there were no `readLimit`; the first one is logged.
   */
  readLimit?(response: LimitResponse): LimitReading | undefined | null | Promise<LimitReading | undefined | null>;
  /** Called with every pause. What it throws or rejects with is logged. */
  readonly onThrottled?: (throttled: Throttled) => void;
  /** Where warnings and errors go; `false` for nowhere. @default {console} */
  readonly logger?: Logger | false;
}

/** Options with their defaults. */
export type Settings = Required<Omit<LimitedFetchOptions, Undecided>> & {
  /** Finds the limiter. */
  readonly limiter: () => Limiter | Promise<Limiter>;
  /** The key of a call. */
  readonly key: (request: OutboundRequest) => string | undefined;
  /** Units that a request takes. */
  readonly cost: (request: OutboundRequest) => number;
  /** How long a call may take, where that is said here. */
  readonly timeoutMs: number | undefined;
  /** The families of headers to look for, those of the user first. */
  readonly families: readonly HeaderFamily[];
  /** Reads limits that a service writes in its own way. */
  readonly readLimit: LimitedFetchOptions["readLimit"];
  /** Where messages go. */
  readonly log: Log;
};

type Undecided = "limiter" | "rateSync" | "key" | "timeoutMs" | "limitHeaders" | "readLimit" | "logger";

const KNOWN: readonly (keyof LimitedFetchOptions)[] = [
  "limiter",
  "rateSync",
  "key",
  "cost",
  "timeoutMs",
  "maxRetries",
  "retryBudget",
  "retryMethods",
  "retryNetworkErrors",
  "refusals",
  "heedRemaining",
  "reserve",
  "maxPauseMs",
  "backoffMs",
  "maxBackoffMs",
  "limitHeaders",
  "readLimit",
  "onThrottled",
  "logger",
];

/**
 * Checks the options.
 *
 * @throws {ConfigError} If one is unknown, of the wrong kind or out of range.
 * @throws {NotFoundError} If the given instance has no such limiter.
 */
export function readSettings(options: LimitedFetchOptions): Settings {
  if (typeof options !== "object" || options === null) {
    throw wrong("limitedFetch", "an object with a limiter", options);
  }
  rejectUnknownOptions(options, KNOWN, "", OUTBOUND_WORDS);
  const { key, cost = 1, timeoutMs, readLimit } = options;
  if (key !== undefined && typeof key !== "function" && (typeof key !== "string" || key === "")) {
    throw wrong("key", "a string that is not empty, or a function", key);
  }
  if (typeof cost !== "function" && !(Number.isSafeInteger(cost) && cost >= 1)) {
    throw wrong("cost", "a whole number from 1, or a function", cost);
  }
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs >= 0)) {
    throw wrong("timeoutMs", "milliseconds from 0 to Infinity", timeoutMs);
  }
  if (readLimit !== undefined && typeof readLimit !== "function") throw wrong("readLimit", "a function", readLimit);
  const backoffMs = number(options, "backoffMs", 1_000, 1, 864e5);
  return {
    limiter: findLimiter(options),
    key: typeof key === "function" ? key : () => key,
    cost: typeof cost === "function" ? cost : () => cost,
    timeoutMs,
    maxRetries: whole(options, "maxRetries", 2, 100),
    retryBudget: number(options, "retryBudget", 0.2, 0, 1),
    retryMethods: methods(options.retryMethods),
    retryNetworkErrors: flag(options, "retryNetworkErrors", false),
    refusals: statuses(options.refusals),
    heedRemaining: flag(options, "heedRemaining", true),
    reserve: whole(options, "reserve", 0, 1e12),
    maxPauseMs: number(options, "maxPauseMs", 3_600_000, 1, 1e12),
    backoffMs,
    maxBackoffMs: number(options, "maxBackoffMs", Math.max(60_000, backoffMs), backoffMs, 864e5),
    families: readFamilies(options.limitHeaders),
    readLimit: readLimit?.bind(options),
    onThrottled: callback(options.onThrottled),
    log: new Log(options.logger),
  };
}

function findLimiter({ limiter, rateSync }: LimitedFetchOptions): () => Limiter | Promise<Limiter> {
  if (isLimiter(limiter)) return () => limiter;
  if (typeof limiter !== "string" || limiter === "") throw wrong("limiter", "a limiter, or its id", limiter);
  if (rateSync === undefined) return async () => (await ready(limiter)).limiter(limiter);
  if (typeof rateSync?.limiter !== "function") throw wrong("rateSync", "an instance of createRateSync", rateSync);
  rateSync.limiter(limiter); // throws now if it does not exist
  return () => rateSync.limiter(limiter);
}

function number(options: LimitedFetchOptions, name: keyof LimitedFetchOptions, or: number, min: number, max: number) {
  const { [name]: value = or } = options;
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw wrong(name, `a number from ${min} to ${max}`, value);
}

function whole(options: LimitedFetchOptions, name: keyof LimitedFetchOptions, or: number, max: number): number {
  const { [name]: value = or } = options;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= max) return value;
  throw wrong(name, `a whole number from 0 to ${max}`, value);
}

function flag(options: LimitedFetchOptions, name: keyof LimitedFetchOptions, or: boolean): boolean {
  const { [name]: value = or } = options;
  if (typeof value === "boolean") return value;
  throw wrong(name, "true or false", value);
}

function methods(value: readonly string[] = IDEMPOTENT): readonly string[] {
  if (Array.isArray(value) && value.every((method) => typeof method === "string" && method !== "")) {
    return value.map((method: string) => method.toUpperCase());
  }
  throw wrong("retryMethods", "an array of methods", value);
}

function statuses(value: readonly number[] = [429, 503]): readonly number[] {
  const isStatus = (status: unknown) => Number.isInteger(status) && Number(status) >= 400 && Number(status) <= 599;
  if (Array.isArray(value) && value.every(isStatus)) return [...value];
  throw wrong("refusals", "an array of statuses from 400 to 599", value);
}

function callback(value: LimitedFetchOptions["onThrottled"] = () => {}): Settings["onThrottled"] {
  if (typeof value === "function") return value;
  throw wrong("onThrottled", "a function", value);
}

function wrong(path: string, expected: string, received: unknown): ConfigError {
  return new ConfigError({ path, expected, received: show(received) });
}
