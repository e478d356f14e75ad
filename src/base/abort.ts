/**
 * Giving up on what is under way.
 *
 * @module
 */

/** What to call when a signal is aborted, in the order in which it was added. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

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
  const known = waiting.get(signal);
  const callbacks = known ?? new Set();
  // Each call has an entry of its own, also where two pass the same function.
  const entry = () => callback();
  callbacks.add(entry);
  if (known === undefined) {
    waiting.set(signal, callbacks);
    signal.addEventListener("abort", callAll, { once: true });
  }
  return () => {
    if (!callbacks.delete(entry) || callbacks.size > 0 || waiting.get(signal) !== callbacks) return;
    waiting.delete(signal);
    signal.removeEventListener("abort", callAll);
  };
}

function callAll(this: AbortSignal): void {
  const callbacks = waiting.get(this);
  waiting.delete(this);
  for (const callback of callbacks ?? []) callback();
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
