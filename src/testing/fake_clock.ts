/**
 * A clock that moves when it is told to: for tests that do not sleep.
 *
 * @module
 */

import type { Clock, Timer } from "../base/clock.ts";

interface Alarm {
  readonly atUs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Where a fake clock starts when nothing else is said: 2026-01-01T00:00:00Z, in microseconds. */
const START_US = 1_767_225_600_000_000;

/**
 * A clock that stands still until `advance` moves it, and fires timers on the way, in order.
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
 * ```
 */
export class FakeClock implements Clock {
  #nowUs: number;
  #order = 0;
  #alarms: Alarm[] = [];

  /**
   * Makes one.
   *
   * @param startUs The first reading, in microseconds since the Unix epoch. @default 2026-01-01T00:00:00Z
   */
  constructor(startUs: number = START_US) {
    this.#nowUs = startUs;
  }

  /** The present reading, in microseconds since the Unix epoch. */
  nowUs(): number {
    return this.#nowUs;
  }

  /** How many timers have not fired yet. */
  get pending(): number {
    return this.#alarms.length;
  }

  /** Calls back when the clock reaches an instant; at the next advance if it has. */
  schedule(atUs: number, callback: () => void): Timer {
    const alarm: Alarm = { atUs, order: this.#order++, callback };
    this.#alarms.push(alarm);
    return { cancel: () => void (this.#alarms = this.#alarms.filter((other) => other !== alarm)) };
  }

  /**
   * Moves on by milliseconds (fractions are microseconds), firing every timer at its own instant, and lets what they
   * started settle before the next one fires.
   */
  async advance(ms: number): Promise<void> {
    await settle();
    const untilUs = this.#nowUs + Math.round(ms * 1_000);
    for (let next = this.#first(untilUs); next !== undefined; next = this.#first(untilUs)) {
      this.#alarms = this.#alarms.filter((other) => other !== next);
      this.#nowUs = Math.max(this.#nowUs, next.atUs);
      next.callback();
      await settle();
    }
    this.#nowUs = untilUs;
    await settle();
  }

  /** Sets the reading without firing anything: a clock that was corrected, forwards or back. */
  set(nowUs: number): void {
    this.#nowUs = nowUs;
  }

  #first(untilUs: number): Alarm | undefined {
    return this.#alarms
      .filter((alarm) => alarm.atUs <= untilUs)
      .sort((a, b) => a.atUs - b.atUs || a.order - b.order)[0];
  }
}

/** Lets promises that are ready run: a macrotask, on every runtime. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}
