/**
 * What goes wrong while requests are guarded: told, but not for each of them.
 *
 * @module
 */

import { systemClock } from "../base/clock.ts";
import type { Logger } from "../limiter/events.ts";

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
export type TroubleKind = "key" | "cost" | "skip" | "settle" | "onDenied" | "onDecision" | "store" | "repeated";

/** Called with everything that goes wrong. What it throws is ignored. */
export type TroubleListener = (error: unknown, kind: TroubleKind) => void;

/** Each kind is logged once in this time. */
const QUIET_US = 60_000_000;

/** Logs each kind of trouble, of each rule, at most once a minute. */
export class Troubles {
  readonly #logger: Pick<Logger, "warn">;
  readonly #listener: TroubleListener | undefined;
  readonly #told = new Map<string, { atUs: number; since: number }>();

  /**
   * Makes one.
   *
   * @param logger Where messages go.
   * @param listener Told of each.
   */
  constructor(logger: Pick<Logger, "warn">, listener: TroubleListener | undefined) {
    this.#logger = logger;
    this.#listener = listener;
  }

  /**
   * Something went wrong. Never throws.
   *
   * @param kind What it was about.
   * @param message What went wrong, and what was done about it.
   * @param error What was thrown.
   * @param rule The rule, where each is logged by itself.
   */
  tell(kind: TroubleKind, message: string, error?: unknown, rule = ""): void {
    try {
      this.#listener?.(error ?? new Error(message), kind);
    } catch {
      // It has been told: that is all it can ask for.
    }
    // The instance reports once when its store begins to fail, and once when that ends.
    if (kind === "store") return;
    const nowUs = systemClock.nowUs();
    const about = `${kind} ${rule}`;
    const told = this.#told.get(about);
    if (told !== undefined && nowUs - told.atUs < QUIET_US) return void told.since++;
    this.#told.set(about, { atUs: nowUs, since: 0 });
    const more = told === undefined || told.since === 0 ? "" : ` (and ${told.since} more like the last one)`;
    const text = `rate-sync: ${message}${more}`;
    try {
      if (error === undefined) this.#logger.warn(text);
      else this.#logger.warn(text, error);
    } catch {
      // A logger that fails must not decide about requests.
    }
  }
}
