/**
 * A clock that moves when a test moves it, for tests that do not sleep.
 *
 * @module
 */

import timers from "node:timers";

import { brand } from "../base/brand.ts";
import { show } from "../base/text.ts";
import type { Clock, Timer } from "../base/clock.ts";
/** The real timer, also while fake timers of a test runner are installed. */
const immediate = timers.setImmediate;

interface Alarm {
  readonly atUs: number;
  readonly callback: () => void;
}

/** How a fake clock behaves. */
export interface FakeClockOptions {
  /**
   * Waits, in real time, until the work that a timer has started is done, before the clock moves on. Set it in a test with
   * real input and output. The clock waits for modules that an instance is loading in any case. @default a turn of the event loop, which is enough for the memory store
   */
  readonly settle?: () => Promise<void>;
}

/** Where a fake clock starts by default: 2026-01-01T00:00:00Z, in microseconds. */
const START_US = 1_767_225_600_000_000;

/**
 * A clock that stands still until a test moves it. Moves fire timers in order, each at its own time. Background timers are
 * timers like all others.
 *
 * @example Waiting without sleeping
 * ```ts
 * import { createRateSync } from "@ratesync/core";
 * import { FakeClock } from "@ratesync/core/testing";
 *
 * const clock = new FakeClock();
 * const rs = createRateSync({ clock, limiters: { api: { ratePerSecond: 1 } } });
 * await rs.acquire("api");
 * const second = rs.acquire("api");
 * await clock.advance(1_000);
 * await second;
 * const third = await clock.runUntil(rs.acquire("api"));
 * console.log(third.waitedMs); // 1000
 * ```
 */
export class FakeClock implements Clock {
  static {
    brand(this, "FakeClock");
  }

  readonly #settle: () => Promise<void>;
  readonly #alarms = new Set<Alarm>();
  /** What must be done before time goes on. */
  readonly #work = new Set<Promise<unknown>>();
  #nowUs: number;
  #moves: Promise<unknown> = Promise.resolve();

  /**
   * A clock that stands still until it is advanced.
   *
   * @param startUs The first reading, in microseconds since the Unix epoch. @default 2026-01-01T00:00:00Z
   * @param options How it behaves.
   * @throws {RangeError} If `startUs` is no finite number.
   */
  constructor(startUs: number = START_US, options: FakeClockOptions = {}) {
    this.#nowUs = checkUs(startUs);
    const { settle = nextTurn } = options;
    this.#settle = async () => {
      do {
        await Promise.allSettled(this.#work);
        await settle();
      } while (this.#work.size > 0);
    };
  }

  /** The present reading, in microseconds since the Unix epoch. */
  nowUs(): number {
    return this.#nowUs;
  }

  /** How many timers have not fired yet. */
  get pending(): number {
    return this.#alarms.size;
  }

  /** Calls back when the clock reaches an instant, or passes it; at the next move if it is there already. */
  schedule(atUs: number, callback: () => void): Timer {
    const alarm: Alarm = { atUs, callback };
    this.#alarms.add(alarm);
    return { cancel: () => void this.#alarms.delete(alarm) };
  }

  /** Does not move the clock before `work` has settled. For example, an instance loads its store at its first call. */
  waitFor(work: Promise<unknown>): void {
    const done = () => void this.#work.delete(work);
    this.#work.add(work);
    work.then(done, done);
  }

  /**
   * Moves the clock, and fires each timer at its own time. The work that a timer has started settles before the next timer
   * fires. A move that starts while another one runs begins where that one ends.
   *
   * @param ms How far, in milliseconds, 0 or more; fractions are microseconds.
   * @throws {RangeError} If that is not a finite number from 0.
   */
  async advance(ms: number): Promise<void> {
    checkMs("advance", ms);
    await this.#move(async () => {
      const untilUs = this.#nowUs + Math.round(ms * 1_000);
      while (await this.#fireNext(untilUs));
      this.#nowUs = Math.max(this.#nowUs, untilUs);
      await this.#settle();
    });
  }

  /**
   * Moves from timer to timer until a promise settles, and no further.
   *
   * @param promise The promise to wait for.
   * @param maxMs How far the clock may move for it, in milliseconds. @default {3_600_000}
   * @returns What the promise resolves to. Rejects as it does.
   * @throws {Error} If it is still pending when no timer is left before that.
   */
  async runUntil<Result>(promise: Promise<Result>, maxMs: number = 3_600_000): Promise<Result> {
    checkMs("run", maxMs);
    let settled = false;
    const done = () => void (settled = true);
    promise.then(done, done);
    await this.#move(async () => {
      const untilUs = this.#nowUs + Math.round(maxMs * 1_000);
      while (!settled) {
        if (await this.#fireNext(untilUs) || settled) continue;
        throw new Error(`Cannot run until the promise settles: it is pending, and no timer is due within ${maxMs} ms`);
      }
    });
    return await promise;
  }

  /**
   * Sets the time without firing timers, as if the clock was corrected, forwards or back.
   *
   * @throws {RangeError} If it is no finite number.
   */
  set(nowUs: number): void {
    this.#nowUs = checkUs(nowUs);
  }

  /** One move after the other, whatever becomes of them; each begins with everything settled. */
  #move(move: () => Promise<void>): Promise<void> {
    const moved = this.#moves.then(this.#settle).then(move);
    this.#moves = moved.catch(() => {});
    return moved;
  }

  /** Fires the earliest timer that is due by an instant. Returns whether there was one. */
  async #fireNext(untilUs: number): Promise<boolean> {
    let next: Alarm | undefined;
    for (const alarm of this.#alarms) {
      if (alarm.atUs <= untilUs && (next === undefined || alarm.atUs < next.atUs)) next = alarm;
    }
    if (next === undefined) return false;
    this.#alarms.delete(next);
    this.#nowUs = Math.max(this.#nowUs, next.atUs);
    next.callback();
    await this.#settle();
    return true;
  }
}

function checkMs(verb: string, ms: number): void {
  if (typeof ms === "number" && ms >= 0 && ms < Infinity) return;
  throw new RangeError(`Cannot ${verb}: expected milliseconds from 0, received ${show(ms)}`);
}

function checkUs(us: number): number {
  if (Number.isFinite(us)) return us;
  throw new RangeError(`Cannot set the clock: expected microseconds since 1970, received ${show(us)}`);
}

/** Lets promises that are ready run to their end: a message channel would not, on every runtime. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void immediate(resolve));
}
