/**
 * What handlers of Elysia give in place of a `Response` to be sent piece by piece: streams and generators.
 *
 * @module
 */

import type { Outcome } from "../settle.ts";

/**
 * The same stream or generator, watched: calls back when it has been read to its end, has failed, or is read no more.
 * `undefined` for any other value.
 *
 * It is changed in place, because Elysia marks what it sends as events.
 */
export function watchStream(value: unknown, done: (outcome: Outcome) => void): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (value instanceof ReadableStream) {
    const iterate = value[Symbol.asyncIterator].bind(value);
    const watched = () => watchIterator(iterate() as AnyIterator, done);
    Object.defineProperty(value, Symbol.asyncIterator, { value: watched, configurable: true });
    return value;
  }
  const isGenerator = "next" in value && (Symbol.asyncIterator in value || Symbol.iterator in value);
  return isGenerator ? watchIterator(value as unknown as AnyIterator, done) : undefined;
}

/** An iterator of either kind. */
interface AnyIterator {
  next(...args: never[]): IteratorResult<unknown> | Promise<IteratorResult<unknown>>;
  return?: ((...args: never[]) => unknown) | undefined;
}

function watchIterator<Watched extends AnyIterator>(iterator: Watched, done: (outcome: Outcome) => void): Watched {
  const next = iterator.next.bind(iterator);
  const end = iterator.return?.bind(iterator);
  Object.defineProperty(iterator, "next", {
    configurable: true,
    value: async (...args: never[]): Promise<IteratorResult<unknown>> => {
      try {
        const result = await next(...args);
        if (result.done) done({ status: 200 });
        return result;
      } catch (error) {
        done({ error });
        throw error;
      }
    },
  });
  Object.defineProperty(iterator, "return", {
    configurable: true,
    value: (...args: never[]): unknown => {
      done({ aborted: true });
      return end?.(...args);
    },
  });
  return iterator;
}
