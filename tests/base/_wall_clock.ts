/**
 * A wall clock that is set, over the real one: what a sleep of the machine or NTP does to `Date.now()`, while
 * `performance.now()` goes on as before.
 *
 * @module
 */

const real = Date.now;

/** A wall clock that can be set. */
export interface WallClock extends Disposable {
  /** Moves it, in milliseconds: a sleep, or a step forwards; negative for a step back. */
  step(ms: number): void;
}

/** Puts one in place of the real one, which shows the time less `behindMs`. */
export function installWallClock(behindMs: number = 0): WallClock {
  let shiftMs = -behindMs;
  // Bound, so that it looks like what the runtime has, not like a test's fake.
  Date.now = (() => real() + shiftMs).bind(Date);
  return {
    step(ms) {
      // The package looks at the wall clock once in a millisecond.
      const startMs = performance.now();
      while (performance.now() < startMs + 3);
      shiftMs += ms;
    },
    [Symbol.dispose]() {
      Date.now = real;
    },
  };
}
