/**
 * Turns of the event loop.
 *
 * @module
 */

/** Every server's runtime has it; edge workers do not. Not of `node:timers`, which those do not have either. */
const { setImmediate } = globalThis as { readonly setImmediate?: (callback: () => void) => unknown };

/** Calls back in the next turn, when what was written in this one has left the process. */
export function inNextTurn(callback: () => void): void {
  if (setImmediate === undefined) setTimeout(callback, 0);
  else setImmediate(callback);
}
