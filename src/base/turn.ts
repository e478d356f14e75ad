/**
 * Turns of the event loop. Fake timers of test runners do not reach these: what decides a call must go on while time
 * stands still.
 *
 * @module
 */

/** Every server's runtime has it; edge workers do not. Not of `node:timers`, which those do not have either. */
const { setImmediate } = globalThis as { readonly setImmediate?: (callback: () => void) => { unref?(): void } };

/** A fake that was there before this module waits for its own clock. */
const isFake = setImmediate !== undefined && (setImmediate.name !== "setImmediate" || "clock" in setImmediate);

const settled = Promise.resolve();

/** Calls back in this turn, after what runs now. Jest replaces `queueMicrotask`. */
export const inMicrotask: (callback: () => void) => unknown = settled.then.bind(settled);

/** Calls back in the next turn, when what was written in this one has left the process. */
export const inNextTurn: (callback: () => void) => unknown = isFake
  ? inMicrotask
  : setImmediate?.bind(globalThis) ?? ((callback) => setTimeout(callback, 0));

/**
 * Calls back in the next turn, if there is one: it does not keep the process alive. Never on edge workers, which may do
 * nothing before a request, and under fake timers.
 */
export function ifLifeGoesOn(callback: () => void): void {
  if (setImmediate !== undefined && !isFake) setImmediate(callback).unref?.();
}

/**
 * Calls back after some turns of the event loop, when the process knows of every connection that was closed before now.
 * On Deno other threads read the sockets, so there this proves nothing.
 *
 * @param turns How many turns; Node needs two to report that the other side closed a connection.
 * @param callback What to call.
 */
export function afterTurns(turns: number, callback: () => void): void {
  if (turns === 0) callback();
  else inNextTurn(() => afterTurns(turns - 1, callback));
}

/** Whether a few turns of the event loop are enough to learn of connections that were closed before. */
export const TURNS_TELL_OF_CLOSED_SOCKETS: boolean = !("Deno" in globalThis);
