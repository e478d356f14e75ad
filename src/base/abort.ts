/**
 * Giving up on what is under way.
 *
 * @module
 */

/**
 * Settles as `promise` does, or rejects with the signal's reason as soon as it is aborted. The promise itself goes on.
 *
 * @param promise What is waited for.
 * @param signal Gives up.
 */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
