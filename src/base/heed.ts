/**
 * What functions of users return where nothing awaits it.
 *
 * @module
 */

/**
 * Passes on what the promise of a listener rejects with. A listener may be an async function, whose rejection would
 * otherwise be unhandled and end the process.
 *
 * @param answer What the listener has returned.
 * @param failed Called with the error.
 */
export function heed(answer: unknown, failed: (error: unknown) => void): void {
  const { then } = Object(answer) as { readonly then?: unknown };
  if (typeof then === "function") Promise.resolve(answer).catch(failed);
}
