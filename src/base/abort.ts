/**
 * Giving up on what is under way.
 *
 * @module
 */

/** What to call when a signal is aborted, in the order in which it was added. Most signals have one callback. */
const waiting = new WeakMap<AbortSignal, (() => void) | Set<() => void>>();

/**
 * Calls back when a signal is aborted. All waits on one signal share one listener: Node warns of a leak at the eleventh,
 * and one signal that stops a whole program has many waits at a time.
 *
 * @param signal The signal; not aborted yet. Without one, nothing is done.
 * @param callback Called once, unless it is removed before. Must not throw.
 * @returns How to remove the callback. The last one that is removed takes the listener away.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => {};
  // Each call has an entry of its own, also where two pass the same function.
  const entry = () => callback();
  const known = waiting.get(signal);
  if (known instanceof Set) known.add(entry);
  else waiting.set(signal, known === undefined ? entry : new Set([known, entry]));
  if (known === undefined) signal.addEventListener("abort", callAll, { once: true });
  return () => {
    const now = waiting.get(signal);
    if (now instanceof Set ? !now.delete(entry) || now.size > 0 : now !== entry) return;
    waiting.delete(signal);
    signal.removeEventListener("abort", callAll);
  };
}

function callAll(this: AbortSignal): void {
  const callbacks = waiting.get(this);
  // A set stays known until its end: a callback may remove one that comes after it.
  if (callbacks instanceof Set) { for (const callback of callbacks) callback(); }
  waiting.delete(this);
  if (typeof callbacks === "function") callbacks();
}

/**
 * Settles as `promise` does, or rejects with the signal's reason as soon as it is aborted. The promise itself goes on.
 *
 * @param promise What is waited for.
 * @param signal Gives up.
 * @param unused Takes a value that came too late.
 */
export function orAbort<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  unused: (value: T) => void = () => {},
): Promise<T> {
  // As many steps as below: callers with and without a signal go on in the order of their promises.
  if (signal === undefined) return promise.then((value) => value);
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason);
      promise.then(unused, () => {});
    };
    if (signal.aborted) return abort();
    promise.then(resolve, reject).finally(onAbort(signal, abort));
  });
}
