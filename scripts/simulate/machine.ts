/**
 * What a simulated fleet takes for its machine: the package measures deadlines of decisions, and looks at a store that is
 * away, by the machine's clock and timers, whatever the clock of decisions.
 *
 * @module
 */

import type { FakeClock } from "../../src/testing/fake_clock.ts";
import type { Random } from "./random.ts";

/** Timers fire so much later, in microseconds: none may find that its time has not come, because of a rounding. */
const LATE_US = 2;

type Timer = ReturnType<typeof setTimeout>;

/**
 * Lets clocks, timers and random numbers of this program be those of a world, until the result is disposed of: so that the
 * same seed always does the same things.
 */
export function machineOf(world: FakeClock, random: Random): Disposable {
  const { setTimeout, clearTimeout } = globalThis;
  const dateNow = Date.now;
  const performanceNow = performance.now;
  const mathRandom = Math.random;
  Date.now = () => world.nowUs() / 1_000;
  performance.now = () => world.nowUs() / 1_000;
  Math.random = () => random.next();
  // Of the many forms of these functions, the package uses one.
  globalThis.setTimeout = ((callback: () => void, ms: number = 0) => {
    const timer = world.schedule(world.nowUs() + Math.ceil(ms * 1_000) + LATE_US, callback);
    return { timer, unref: () => {}, ref: () => {} };
  }) as unknown as typeof setTimeout;
  globalThis.clearTimeout = ((handle: Timer | undefined) => {
    (handle as unknown as { timer: { cancel(): void } } | undefined)?.timer.cancel();
  }) as typeof clearTimeout;
  return {
    [Symbol.dispose]() {
      Object.assign(globalThis, { setTimeout, clearTimeout });
      Date.now = dateNow;
      performance.now = performanceNow;
      Math.random = mathRandom;
    },
  };
}
