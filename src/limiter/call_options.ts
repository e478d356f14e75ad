/**
 * What callers say when they ask a limiter, checked.
 *
 * @module
 */

import { FOREVER_US } from "../algorithms/numbers.ts";
import { CostExceedsLimitError } from "../base/errors.ts";
import { didYouMean } from "../base/foreign_words.ts";
import { listWords, show } from "../base/text.ts";
import type { Policy } from "../policy/policy.ts";

/** The key and the cost of a call. */
export interface AskOptions {
  /**
   * The key, 1 to 65 536 characters. Each key has its own limits. A call without a key uses those of the limiter as a
   * whole.
   */
  readonly key?: string;
  /**
   * Units to take, a whole number from 1. With `maxConcurrent`, a call takes one permit whatever its cost; if the
   * limiter has no rate, the cost is the number of permits. @default {1}
   */
  readonly cost?: number;
  /**
   * What kind of key it is, never the key itself: `user`, `ip`, 1 to 64 characters. Decisions, events and metrics name it.
   * A limiter tells 100 classes apart; calls of any further one count as `other`.
   * @default `key`, or `none` for a call without a key
   */
  readonly keyClass?: string;
}

/** The key and the cost of a call, and how long it may wait. */
export interface AcquireOptions extends AskOptions {
  /**
   * How long to wait at most, in milliseconds, 0 or more. 0 does not wait; Infinity waits without limit.
   * @default the limiter's `timeoutMs`, or 30_000
   */
  readonly timeoutMs?: number;
  /** Ends the wait and leaves the queue. The call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The options of a call, without the key. */
export type Keyless<Options> = Omit<Options, "key">;

/** The key that a correction changes. */
export type KeyOptions = Pick<AskOptions, "key">;

/** The key to block, and whether a longer block stays. */
export interface BlockOptions extends KeyOptions {
  /** Leaves an earlier block that ends later as it is, instead of replacing it. @default {false} */
  readonly keepLonger?: boolean;
}

/** How long `acquire` waits where neither the call nor the limiter says. */
const DEFAULT_TIMEOUT_MS = 30_000;

/** What a call can say. */
const KNOWN: readonly string[] = ["key", "cost", "keyClass", "timeoutMs", "signal", "limiter"];

/** What a correction can say. */
export const CORRECTION: readonly string[] = ["key", "keepLonger"];
/** What a call over several limiters can say beside them. */
export const WAIT: readonly string[] = ["timeoutMs", "signal"];

/** The longest key. Longer ones are a mistake, or an attack. */
const MAX_KEY_LENGTH = 65_536;

/** The longest class of a key: it is a label. */
const MAX_CLASS_LENGTH = 64;

function isKey(key: unknown): boolean {
  return typeof key === "string" && key !== "" && key.length <= MAX_KEY_LENGTH;
}

/**
 * Checks a key.
 *
 * @throws {TypeError} If it is not a string of 1 to 65 536 characters.
 */
export function checkKey(limiter: string, key: unknown): void {
  if (isKey(key)) return;
  const received = typeof key === "string" && key !== "" ? `one of ${key.length} characters` : show(key);
  throw new TypeError(
    `Cannot ask limiter ${
      show(limiter)
    }: key must be a string of 1 to ${MAX_KEY_LENGTH} characters, received ${received}`,
  );
}

/**
 * Checks the options of a call on a limiter.
 *
 * @throws {TypeError} If the key is not a string, empty, or longer than 65 536 characters.
 * @throws {RangeError} If the cost is not a whole number from 1.
 * @throws {CostExceedsLimitError} If no wait could ever grant the cost.
 */
export function checkAsk(
  limiter: string,
  policy: Policy,
  { key, cost = 1 }: { readonly key?: string | undefined; readonly cost?: number },
): void {
  const isKnown = key === undefined || (typeof key === "string" && key !== "" && key.length <= MAX_KEY_LENGTH);
  if (isKnown && Number.isSafeInteger(cost) && cost >= 1 && cost <= policy.capacity) return;
  refuse(limiter, policy, key, cost);
}

/** A function of its own: what every call goes through stays small, so that it is compiled into its callers. */
function refuse(limiter: string, policy: Policy, key: unknown, cost: number): never {
  if (key !== undefined) checkKey(limiter, key);
  checkUnits("cost", limiter, cost);
  throw new CostExceedsLimitError(limiter, cost, policy.capacity);
}

/** Whether a value can be the class of a key: a string of 1 to 64 characters. */
export function isKeyClass(keyClass: unknown): boolean {
  return typeof keyClass === "string" && keyClass !== "" && keyClass.length <= MAX_CLASS_LENGTH;
}

/**
 * Checks the class of a key.
 *
 * @throws {TypeError} If it is not a string of 1 to 64 characters.
 */
export function checkKeyClass(limiter: string, keyClass: unknown): void {
  if (isKeyClass(keyClass)) return;
  throw new TypeError(
    `Cannot ask limiter ${show(limiter)}: keyClass must be a string of 1 to ${MAX_CLASS_LENGTH} characters, received ${
      show(keyClass)
    }`,
  );
}

/**
 * Checks how options are spelt: a misspelt one would silently mean the default, no key or another deadline.
 *
 * @throws {TypeError} If there is no such option, or they are no object.
 */
export function checkNames(limiter: string, options: object, known: readonly string[] = KNOWN): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot ask limiter ${show(limiter)}: options must be an object, received ${show(options)}`);
  }
  for (const name in options) {
    if (!known.includes(name)) refuseName(limiter, name, known);
  }
}

function refuseName(limiter: string, name: string, known: readonly string[]): never {
  const hint = didYouMean(name, known) ?? `options are ${listWords(known, "and")}`;
  throw new TypeError(`Cannot ask limiter ${show(limiter)}: there is no option ${show(name)}; ${hint}`);
}

/**
 * Checks a number of units.
 *
 * @throws {RangeError} If it is not a whole number from `least`.
 */
export function checkUnits(name: string, limiter: string, units: unknown, least: 0 | 1 = 1): void {
  if (typeof units === "number" && Number.isSafeInteger(units) && units >= least) return;
  throw new RangeError(
    `Cannot ask limiter ${show(limiter)}: ${name} must be a whole number from ${least}, received ${show(units)}`,
  );
}

/**
 * How long a call may wait, in microseconds.
 *
 * @throws {RangeError} If it is not a number from 0 to Infinity.
 */
export function maxWaitUs(timeoutMs: number | undefined, policies: readonly Policy[]): number {
  const ms = timeoutMs ?? Math.min(...policies.map((policy) => policy.timeoutMs ?? DEFAULT_TIMEOUT_MS));
  checkTimeout(ms);
  return Math.min(Math.round(ms * 1_000), FOREVER_US);
}

/**
 * Checks how long a call may wait, and what ends the wait.
 *
 * @throws {RangeError} If `timeoutMs` is not a number from 0 to Infinity.
 * @throws {TypeError} If `signal` is no signal; where it is aborted, its reason.
 */
export function checkWait(timeoutMs: unknown, signal: AbortSignal | null | undefined): void {
  if (timeoutMs !== undefined) checkTimeout(timeoutMs);
  if (signal === undefined || signal === null) return; // `fetch` takes null too
  if (typeof signal.throwIfAborted !== "function") {
    throw new TypeError(`Cannot wait: signal must be an AbortSignal, received ${show(signal)}`);
  }
  signal.throwIfAborted();
}

function checkTimeout(timeoutMs: unknown): void {
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return;
  throw new RangeError(`Cannot wait: timeoutMs must be a number from 0 to Infinity, received ${show(timeoutMs)}`);
}
