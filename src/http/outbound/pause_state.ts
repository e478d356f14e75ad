/**
 * What one process knows of the pauses of one key, and how it shares them through the store.
 *
 * @module
 */

import type { Permit } from "../../decision/decision.ts";
import type { KeyOptions } from "../../limiter/call_options.ts";
import type { Limiter } from "../../limiter/limiter.ts";
import { AnnouncedWindow } from "./announced_window.ts";
import type { Quota } from "./quota.ts";
import { Backoff } from "./backoff.ts";
import type { Warnings } from "./warnings.ts";

/** A permit that was waited for longer than this may have been granted before another process began a pause. */
const STALE_MS = 20;

const NOT_SHARED = "a pause could not be shared; it holds for this process alone";

/** The most quotas that are followed of one server. */
const MAX_QUOTAS = 16;

interface Pause {
  readonly untilMs: number;
  /** Permits that were asked for after this are granted after the pause: the store knows of it. */
  readonly sinceMs: number;
}

/** When a request was sent and answered. */
export interface Answered {
  /** When the request was sent, in milliseconds by this machine's clock. */
  readonly sentMs: number;
  /** When its answer came. */
  readonly receivedMs: number;
}

/** The pauses of one key. */
export class PauseState {
  /** Pauses whose length the server does not announce. */
  readonly backoff: Backoff = new Backoff();
  readonly #limiter: Limiter;
  readonly #warnings: Warnings;
  readonly #windows = new Map<string, AnnouncedWindow>();
  #pause: Pause = { untilMs: -Infinity, sinceMs: -Infinity };
  #askedMs = -Infinity;
  #asking: Promise<void> | undefined;

  /**
   * @param limiter The limiter.
   * @param warnings Where failures of the store go.
   */
  constructor(limiter: Limiter, warnings: Warnings) {
    this.#limiter = limiter;
    this.#warnings = warnings;
  }

  /** Pauses the key in all processes. Resolves to whether the store could share it; this process pauses in any case. */
  async pause(ms: number, key: string | undefined): Promise<boolean> {
    const nowMs = this.#nowMs();
    const { untilMs, sinceMs } = this.#pause;
    if (nowMs + ms <= untilMs) return sinceMs < Infinity;
    // Calls that reach the store from now on come after the block.
    const pause = this.#pause = { untilMs: nowMs + ms, sinceMs: nowMs };
    try {
      await this.#limiter.block(ms, { ...optionsOf(key), keepLonger: true });
      this.#warnings.over(NOT_SHARED);
      return true;
    } catch (error) {
      if (this.#pause === pause) this.#pause = { ...pause, sinceMs: Infinity };
      this.#warnings.warn(NOT_SHARED, error);
      return false;
    }
  }

  /**
   * How long the holder of a permit still has to wait, in milliseconds: because of a pause that began after the permit was
   * granted, or that the store does not know of.
   *
   * @param permit The permit.
   * @param askedMs When it was asked for.
   * @param key The key, which is not kept here: it may be long.
   */
  async leftMs(permit: Permit, askedMs: number, key: string | undefined): Promise<{ ms: number; shared: boolean }> {
    if (permit.waitedMs > STALE_MS && !permit.decision.degraded) await this.#look(key);
    const { untilMs, sinceMs } = this.#pause;
    const known = askedMs > sinceMs && !permit.decision.degraded;
    // Instants in milliseconds are exact to a microsecond, and not beyond it.
    const leftUs = Math.round((untilMs - this.#nowMs()) * 1_000);
    const ms = known ? 0 : Math.max(leftUs, 0) / 1_000;
    return { ms, shared: sinceMs < Infinity && !permit.decision.degraded };
  }

  /** When a quota is full again, in milliseconds after its last answer. Undefined where that is not known well. */
  resetMs({ name, resetMs, exact }: Quota, { sentMs, receivedMs }: Answered): number | undefined {
    if (resetMs === undefined) return undefined;
    let window = this.#windows.get(name);
    if (window === undefined) {
      if (this.#windows.size >= MAX_QUOTAS) this.#windows.clear();
      this.#windows.set(name, window = new AnnouncedWindow());
    }
    window.see({ sentMs, receivedMs, resetMs, exact });
    return window.endMs === undefined ? undefined : Math.max(window.endMs - receivedMs, 0);
  }

  #nowMs(): number {
    return this.#limiter.access.clock.nowUs() / 1_000;
  }

  /** Asks the store whether another process has paused the key. Simultaneous calls share one request. */
  async #look(key: string | undefined): Promise<void> {
    const nowMs = this.#nowMs();
    if (nowMs - this.#askedMs > STALE_MS) {
      this.#askedMs = nowMs;
      this.#asking = this.#limiter.isBlocked(optionsOf(key)).then((blocked) => {
        // The next permit shows how long the pause lasts. Until then it lasts a little longer than the answer is trusted.
        const untilMs = this.#nowMs() + STALE_MS + 1;
        if (blocked && untilMs > this.#pause.untilMs) this.#pause = { untilMs, sinceMs: nowMs };
      }, () => {}); // if the store fails, no call waits longer
    }
    await this.#asking;
  }
}

function optionsOf(key: string | undefined): KeyOptions {
  return key === undefined ? {} : { key };
}
