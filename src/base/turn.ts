/**
 * Turns of the event loop. Fake timers of test runners do not reach these: what decides a call must go on while time
 * stands still.
 *
 * @module
 */

/** Every server's runtime has it; edge workers do not. Not of `node:timers`, which those do not have either. */
const { setImmediate } = globalThis as { readonly setImmediate?: (callback: () => void) => unknown };

/** A fake that was there before this module waits for its own clock. */
const isFake = setImmediate !== undefined && (setImmediate.name !== "setImmediate" || "clock" in setImmediate);

/** Calls back in the next turn, when what was written in this one has left the process. */
export function inNextTurn(callback: () => void): void {
  if (isFake) inMicrotask(callback);
  else if (setImmediate === undefined) setTimeout(callback, 0);
  else setImmediate(callback);
}

/** Calls back in this turn, after what runs now. Jest replaces `queueMicrotask`. */
export function inMicrotask(callback: () => void): void {
  void Promise.resolve().then(callback);
}
