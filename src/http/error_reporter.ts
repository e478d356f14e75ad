/**
 * Reports what goes wrong while a guard handles requests, without a message for each request.
 *
 * @module
 */

import { systemClock } from "../base/clock.ts";
import { heed } from "../base/heed.ts";
import type { Logger } from "../observe/events.ts";

/**
 * What went wrong in a guard.
 *
 * - `key`: The function `key` threw, or gave nothing.
 * - `cost`: The function `cost` threw or gave no cost, or the cost is above what the limit can ever hold.
 * - `skip`: The function `skip` threw.
 * - `settle`: The function `settle` threw, or gave no cost.
 * - `onDenied`: The function `onDenied` threw, or gave no answer.
 * - `onDecision`: The function `onDecision` threw.
 * - `store`: The store could not decide.
 * - `repeated`: The guard ran twice on one request.
 */
export type GuardErrorKind = "key" | "cost" | "skip" | "settle" | "onDenied" | "onDecision" | "store" | "repeated";

/** Called with each error. The guard ignores what it throws or rejects with. */
export type GuardErrorListener = (error: unknown, kind: GuardErrorKind) => void;

/** Each kind is logged once in this time. */
const QUIET_US = 60_000_000;

/** Calls the listener for each error, and logs each kind of error of each rule at most once a minute. */
export class ErrorReporter {
  readonly #logger: Pick<Logger, "warn"> | false;
  readonly #listener: GuardErrorListener | undefined;
  readonly #logged = new Map<string, { atUs: number; since: number }>();

  /**
   * Reports to a logger, and to a listener if there is one.
   *
   * @param logger Where messages go; `false` for nowhere.
   * @param listener Called with each error.
   */
  constructor(logger: Pick<Logger, "warn"> | false, listener: GuardErrorListener | undefined) {
    this.#logger = logger;
    this.#listener = listener;
  }

  /**
   * Reports an error. Never throws.
   *
   * @param kind What it is about.
   * @param message What went wrong, and what the guard does instead.
   * @param error What was thrown.
   * @param rule The rule, where each rule is logged by itself.
   */
  report(kind: GuardErrorKind, message: string, error?: unknown, rule = ""): void {
    try {
      heed(this.#listener?.(error ?? new Error(message), kind), () => {});
    } catch {
      // A listener that fails must not decide about requests.
    }
    // The instance logs when its store begins to fail and when it decides again.
    if (kind === "store" || this.#logger === false) return;
    const nowUs = systemClock.nowUs();
    const about = `${kind} ${rule}`;
    const last = this.#logged.get(about);
    if (last !== undefined && nowUs - last.atUs < QUIET_US) return void last.since++;
    this.#logged.set(about, { atUs: nowUs, since: 0 });
    const more = last === undefined || last.since === 0 ? "" : ` (and ${last.since} more like the last one)`;
    const text = `rate-sync: ${message}${more}`;
    try {
      heed(this.#logger.warn(text, ...(error === undefined ? [] : [error])), () => {});
    } catch {
      // A logger that fails must not decide about requests.
    }
  }
}
