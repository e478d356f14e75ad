/**
 * Time, injected. Nothing outside this folder reads a clock or sets a timer by itself.
 *
 * @module
 */

import { onAbort } from "./abort.ts";
import { readSleptMs, readTimeUs } from "./time_source.ts";

/** A timer that has not fired yet. */
export interface Timer {
  /** Cancels the timer; does nothing once it has fired. */
  cancel(): void;
}

/** The clock of an instance. */
export interface Clock {
  /**
   * Now, in whole microseconds, counted from an instant near the Unix epoch. Never steps back within a process, so it is
   * no wall clock where that steps.
   */
  nowUs(): number;
  /**
   * Calls back once, not before `atUs` by this clock.
   *
   * @param atUs The instant, in microseconds since the Unix epoch.
   * @param callback What to call.
   * @param options `background` timers do not keep the process alive.
   */
  schedule(atUs: number, callback: () => void, options?: ScheduleOptions): Timer;
  /**
   * Told of work that time must not overtake: modules that are loading when a store is first used. Only for clocks that
   * are moved by a test; real time does not wait.
   *
   * @param work Settles when time may go on.
   */
  waitFor?(work: Promise<unknown>): void;
}

/** How a timer behaves. */
export interface ScheduleOptions {
  /** `true` for a timer that must not keep the process alive. @default {false} */
  readonly background?: boolean;
}

/** The longest delay that timers of every runtime take, in milliseconds. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** How often a timer that fires early is set again, and by how many microseconds runtimes fire early at most. */
const MOST_EARLY = 3;
const EARLY_US = 2_000;

/**
 * The clock of the machine: near to wall time at the start of the process, and monotonic from then on. A sleep of the
 * machine is time that has passed, and so is a step of the wall clock forwards, which looks the same; one that steps
 * back changes nothing. Fake timers of test runners drive it. Wall-clock times that are shown, or come in, are those of
 * `wallMs`.
 */
export const systemClock: Clock = Object.freeze({
  nowUs: readTimeUs,
  schedule(atUs: number, callback: () => void, options: ScheduleOptions = {}): Timer {
    let early = 0;
    let cancel = () => {};
    const arm = () => {
      const leftMs = Math.max(Math.ceil((atUs - systemClock.nowUs()) / 1_000), 0);
      const delayMs = Math.min(leftMs, MAX_DELAY_MS);
      // Those of this moment: of fake timers both, or none.
      const { setTimeout, clearTimeout } = globalThis;
      const handle = setTimeout(() => {
        const leftUs = atUs - systemClock.nowUs();
        // Timers of the runtimes may fire early by up to a millisecond, and overflow beyond 24 days. Fake ones may fire
        // while this clock stands still.
        const isEarly = delayMs < leftMs || (leftUs < EARLY_US && early++ < MOST_EARLY);
        if (leftUs > 0 && isEarly) arm();
        else callback();
      }, delayMs);
      if (options.background) (handle as { unref?: () => void }).unref?.();
      cancel = () => clearTimeout(handle);
    };
    arm();
    return { cancel: () => cancel() };
  },
});

/**
 * The present as people and other machines tell it, in milliseconds since the Unix epoch: for headers, bodies, listings,
 * and instants that come in. It may step.
 *
 * @param clock Where the time comes from. One other than the machine's is its own wall clock.
 */
export function wallMs(clock: Clock): number {
  return clock === systemClock ? Date.now() : clock.nowUs() / 1_000;
}

/**
 * An instant of a clock as people and other machines tell it, in milliseconds since the Unix epoch.
 *
 * @param clock Where the instant comes from.
 * @param atUs The instant by that clock, in microseconds.
 */
export function toWallMs(clock: Clock, atUs: number): number {
  return clock === systemClock ? Date.now() + (atUs - clock.nowUs()) / 1_000 : atUs / 1_000;
}

/**
 * A reading for durations, in microseconds: what lies between two readings is how long this process has run. What the
 * machine slept, and what its wall clock was set forward, is not in it.
 *
 * @param clock Where the time comes from.
 */
export function steadyUs(clock: Clock): number {
  return clock === systemClock ? clock.nowUs() - Math.floor(readSleptMs() * 1_000) : clock.nowUs();
}

/** A wait that ends at an instant, or rejects with the signal's reason. */
export function sleepUntil(clock: Clock, atUs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = clock.schedule(atUs, () => {
      stay();
      resolve();
    });
    const stay = onAbort(signal, () => {
      timer.cancel();
      reject(signal?.reason);
    });
  });
}
