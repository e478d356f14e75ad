/**
 * Answers that an application drops: a layer around the guard sends another one in their place, or none. The guard
 * is not notified, because a body that is not read has no end.
 *
 * @module
 */

import { systemClock } from "../base/clock.ts";

/** How long a body may stay unread before it counts as dropped, in microseconds; it is found within twice that. */
const UNREAD_US = 1_000_000;

/** The body of an answer, as far as it is known whether it is read. */
export interface WatchedBody {
  /** It is not read, or not read on: its request is over. Further calls do nothing. */
  dropped(): void;
}

/** Bodies that are not read yet: those of this round, and of the one before. */
let recent = new Set<WatchedBody>();
let older = new Set<WatchedBody>();
let isRunning = false;

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
  recent.add(body);
  if (!isRunning) schedule();
}

/** A body is being read. */
export function begunToRead(body: WatchedBody): void {
  if (!recent.delete(body)) older.delete(body);
}

function schedule(): void {
  isRunning = true;
  systemClock.schedule(systemClock.nowUs() + UNREAD_US, () => {
    const dropped = older;
    older = recent;
    recent = new Set();
    isRunning = false;
    if (older.size > 0) schedule();
    for (const body of dropped) body.dropped();
  }, { background: true });
}
