/**
 * Answers that an application drops: a layer around the guard sends another one in their place, or none. The guard
 * is not notified, because a body that is not read has no end.
 *
 * @module
 */

import { Rounds } from "./rounds.ts";

/** The body of an answer, as far as it is known whether it is read. */
export interface WatchedBody {
  /** It is not read, or not read on: its request is over. Further calls do nothing. */
  dropped(): void;
}

/** Bodies that are not read yet. */
const unread = new Rounds<WatchedBody>((body) => body.dropped());

/** Bodies that were begun and are read no more are found when their memory is reclaimed, and only then. */
const collected = new FinalizationRegistry<WatchedBody>((body) => body.dropped());

/**
 * Watches a body that has been handed out: `dropped` is called if it is not read within one to two seconds, or
 * once it is garbage.
 *
 * @param body What is called. It must not refer to `stream`.
 * @param stream The stream or iterator that is handed out.
 * @param endIsTold Whether the runtime reports the end of every request: then an unread body does not count as dropped.
 */
export function watchUnread(body: WatchedBody, stream: object, endIsTold: boolean): void {
  collected.register(stream, body);
  if (endIsTold) return;
  unread.add(body);
}

/** A body is being read. */
export function begunToRead(body: WatchedBody): void {
  unread.delete(body);
}
