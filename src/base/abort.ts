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
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
