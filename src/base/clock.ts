/**
 * Time, injected. Nothing outside this folder reads a clock or sets a timer by itself.
 *
 * @module
 */

import { onAbort } from "./abort.ts";

/** A timer that has not fired yet. */
export interface Timer {
  /** Takes the timer back; does nothing once it has fired. */
  cancel(): void;
}

/** Where the package takes its time from. */
export interface Clock {
  /** Now, in whole microseconds since the Unix epoch. Never steps back within a process. */
  nowUs(): number;
  /**
   * Calls back once, not before `atUs` by this clock.
   *
   * @param atUs The instant, in microseconds since the Unix epoch.
   * @param callback What to call.
   * @param options `background` timers do not keep the process alive.
   */
  schedule(atUs: number, callback: () => void, options?: ScheduleOptions): Timer;
}

/** How a timer behaves. */
export interface ScheduleOptions {
  /** `true` for a timer that must not keep the process alive. @default {false} */
  readonly background?: boolean;
}

/** The longest delay that timers of every runtime take, in milliseconds. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Read once: asking for it, and for when this process started, takes as long as asking for the time. */
const { performance } = globalThis;
const ORIGIN_MS = performance.timeOrigin;

/** The clock of the machine: monotonic, and near to wall time at the start of the process. */
export const systemClock: Clock = Object.freeze({
  nowUs(): number {
    return Math.floor((ORIGIN_MS + performance.now()) * 1_000);
  },
  schedule(atUs: number, callback: () => void, options: ScheduleOptions = {}): Timer {
    let handle: ReturnType<typeof setTimeout> | undefined;
    // Timers of the runtimes may fire early by up to a millisecond, and overflow beyond 24 days.
    const arm = () => {
      const delayMs = Math.min(Math.ceil((atUs - systemClock.nowUs()) / 1_000), MAX_DELAY_MS);
      handle = setTimeout(() => systemClock.nowUs() < atUs ? arm() : callback(), Math.max(delayMs, 0));
      if (options.background) (handle as { unref?: () => void }).unref?.();
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
});

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
