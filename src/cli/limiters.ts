/**
 * Limiters that commands are about, and how their keys are shown.
 *
 * @module
 */

import { NotFoundError } from "../base/errors.ts";
import type { Limiter } from "../limiter/limiter.ts";
import type { Decision } from "../decision/decision.ts";
import type { DenialReason } from "../decision/outcome.ts";
import type { LimitStatus } from "../policy/status.ts";
import type { RateSync } from "../registry/rate_sync.ts";
import type { Context } from "./command.ts";
import { UsageError } from "./failure.ts";
import type { Paint } from "./output/paint.ts";
import { durationWords, exactDuration } from "../base/duration_words.ts";

/** A limiter whose state other processes share. */
export interface SharedLimiter {
  /** The instance. */
  readonly rs: RateSync;
  /** The limiter. */
  readonly limiter: Limiter;
  /** Where its store is, in words: `store "main", redis://localhost:6379`. */
  readonly place: string;
}

/**
 * The limiter that a command line names.
 *
 * @throws {NotFoundError} If there is no such limiter, on the store of `--store` where that is given.
 * @throws {UsageError} If its state is in the memory of each process, where this program cannot see it.
 */
export async function sharedLimiter(context: Context, id: string): Promise<SharedLimiter> {
  const rs = await context.open();
  const { [id]: listing, ...others } = rs.listLimiters();
  if (listing === undefined) throw new NotFoundError("limiter", id, Object.keys(others));
  return { rs, limiter: rs.limiter(id), place: sharedPlace(rs, listing.store, `limiter ${JSON.stringify(id)}`) };
}

/**
 * Where a store is, in words.
 *
 * @throws {UsageError} If it is in the memory of each process.
 */
export function sharedPlace(rs: RateSync, storeId: string, what: string): string {
  const { engine, url } = rs.listStores()[storeId] ?? {};
  if (engine === "memory") {
    throw new UsageError(
      `Cannot reach ${what}: its store ${JSON.stringify(storeId)} is in the memory of each process, ` +
        "where this program cannot see it",
      "limits that are kept in Redis, PostgreSQL or NATS can be seen and changed",
    );
  }
  return `store ${JSON.stringify(storeId)}${url === undefined ? "" : `, ${url}`}`;
}

/** How a command line names a key: an empty word is the limiter as a whole. */
export function keyOptions(key: string): { readonly key?: string } {
  return key === "" ? {} : { key };
}

/** What a command line says of a key, in messages: `key "user:42" of limiter "api"`. */
export function keyWords(limiter: string, key: string): string {
  const whole = `limiter ${JSON.stringify(limiter)}`;
  return key === "" ? `${whole} as a whole, for calls without a key` : `key ${JSON.stringify(key)} of ${whole}`;
}

/** The argument that names a key. */
export const KEY_ARGUMENT: { readonly kind: "text"; readonly about: string } = {
  kind: "text",
  about: "The key; an empty one ('') is the limiter as a whole, for calls without a key",
};

/** The argument that names a limiter. */
export const LIMITER_ARGUMENT: { readonly kind: "text"; readonly completes: "limiter"; readonly about: string } = {
  kind: "text",
  completes: "limiter",
  about: "The limiter, by its id in the configuration",
};

/** Where a key stands, as data. */
export interface Standing {
  /** Whether a call that costs one unit would be allowed now. */
  readonly allowed: boolean;
  /** Why not; absent if it is allowed. */
  readonly reason?: DenialReason;
  /** How long until it would be allowed, in milliseconds; 0 if it is now. */
  readonly retryAfterMs: number;
  /** Each limit, with what is left of it. */
  readonly limits: readonly Omit<LimitStatus, "limiter">[];
}

/** Where the key of a decision stands. */
export function standingOf({ allowed, reason, retryAfterMs, limits }: Decision): Standing {
  return {
    allowed,
    ...(reason === undefined ? {} : { reason }),
    retryAfterMs,
    limits: limits.map(({ limiter: _, ...status }) => status),
  };
}

/** Why a call is denied, in words. */
const REASONS: Readonly<Record<DenialReason, string>> = {
  rate: "denied",
  blocked: "blocked",
  concurrency: "all permits held",
  queue_full: "queue full",
  store: "the store cannot decide",
};

/** The state of a key in a few words: `allowed`, `blocked for 59 min 58 s`. */
export function stateText({ allowed, reason, retryAfterMs }: Standing, paint: Paint): string {
  if (allowed || reason === undefined) return paint("green", "allowed");
  return paint(reason === "blocked" ? "red" : "yellow", `${REASONS[reason]} for ${durationWords(retryAfterMs)}`);
}

/** What is left of each limit: `3 of 5 per 5 min`. */
export function levelText({ limits }: Standing): string {
  return limits.map(({ remaining, limit, windowMs }) => {
    return `${remaining} of ${limit} ${
      windowMs === undefined ? "permits" : `per ${exactDuration(Math.round(windowMs * 1_000))}`
    }`;
  }).join(", ");
}

/** Where a key stands now, for the end of a command that has changed it: `Now: blocked for 1h, 3 of 5 per 5 min left`. */
export function standingText(standing: Standing, paint: Paint): string {
  return `Now: ${stateText(standing, paint)}, ${levelText(standing)} left`;
}
