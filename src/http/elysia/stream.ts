/**
 * What handlers of Elysia give in place of a `Response` to be sent piece by piece: streams and generators.
 *
 * @module
 */

import type { Outcome } from "../settle.ts";
import { begunToRead, type WatchedBody, watchUnread } from "../unread.ts";

/**
 * The same stream or generator, watched: calls back when it has been read to its end, has failed, is read no more, or turns
 * out to have been dropped. `undefined` for any other value.
 *
 * It is changed in place, because Elysia marks what it sends as events.
 */
export function watchStream(value: unknown, done: (outcome: Outcome) => void): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (value instanceof ReadableStream) {
    const iterate = value[Symbol.asyncIterator].bind(value);
    const watch = new StreamWatch(done);
    const watched = () => watchIterator(iterate() as AnyIterator, watch);
    Object.defineProperty(value, Symbol.asyncIterator, { value: watched, configurable: true });
    watchUnread(watch, value, false);
    return value;
  }
  const isGenerator = "next" in value && (Symbol.asyncIterator in value || Symbol.iterator in value);
  if (!isGenerator) return undefined;
  const watch = new StreamWatch(done);
  watchUnread(watch, value, false);
  // It has `next` and an iterator, which a type of Elysia does not say.
  return watchIterator(value as unknown as AnyIterator, watch);
}

/** Where a stream stands. It does not refer to the stream, so that one that is dropped can be reclaimed. */
class StreamWatch implements WatchedBody {
  readonly done: (outcome: Outcome) => void;

  constructor(done: (outcome: Outcome) => void) {
    this.done = done;
  }

  begin(): void {
    begunToRead(this);
  }

  dropped(): void {
    this.done({});
  }
}

/** An iterator of either kind. */
interface AnyIterator {
  next(...args: never[]): IteratorResult<unknown> | Promise<IteratorResult<unknown>>;
  return?: ((...args: never[]) => unknown) | undefined;
}

function watchIterator<Watched extends AnyIterator>(iterator: Watched, watch: StreamWatch): Watched {
  const next = iterator.next.bind(iterator);
  const end = iterator.return?.bind(iterator);
  Object.defineProperty(iterator, "next", {
    configurable: true,
    value: async (...args: never[]): Promise<IteratorResult<unknown>> => {
      watch.begin();
      try {
        const result = await next(...args);
        if (result.done) watch.done({});
        return result;
      } catch (error) {
        watch.done({ error });
        throw error;
      }
    },
  });
  Object.defineProperty(iterator, "return", {
    configurable: true,
    value: (...args: never[]): unknown => {
      watch.begin();
      watch.done({ aborted: true });
      return end?.(...args);
    },
  });
  return iterator;
}
