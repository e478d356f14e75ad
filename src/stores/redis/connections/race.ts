/**
 * Several servers that all know the same: the first that answers is enough.
 *
 * @module
 */

import { startTimer } from "../../../base/deadline.ts";

/** How long one server may be silent before the next is asked as well. */
const STAGGER_MS = 250;

/** None of several servers could tell. */
export class NoneAnswered extends Error {
  /** What was wrong with each. */
  readonly errors: readonly unknown[];

  constructor(errors: readonly unknown[]) {
    super("none answered");
    this.errors = errors;
  }
}

/**
 * Asks one after the other, the next as soon as one has failed or is silent for a moment. Resolves to the first answer;
 * the signal of those that are still asked is aborted then.
 *
 * @param tasks How to ask each.
 * @param signal Gives up; it then rejects with the signal's reason.
 * @param staggerMs How long one may be silent before the next is asked as well, in milliseconds.
 * @throws {NoneAnswered} If all have failed.
 */
export function race<T>(
  tasks: readonly ((signal: AbortSignal) => Promise<T>)[],
  signal: AbortSignal,
  staggerMs: number = STAGGER_MS,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    if (tasks.length === 0) return reject(new NoneAnswered([]));
    const over = new AbortController();
    const errors: unknown[] = [];
    let started = 0;
    let stagger = startTimer(0, () => {});
    const end = () => {
      stagger.cancel();
      signal.removeEventListener("abort", abort);
      over.abort(new Error("another answered"));
    };
    const abort = () => {
      reject(signal.reason);
      end();
    };
    const next = () => {
      stagger.cancel();
      const task = tasks[started++];
      if (task === undefined || over.signal.aborted) return;
      stagger = startTimer(staggerMs, next);
      task(over.signal).then((answer) => {
        resolve(answer);
        end();
      }, (error) => {
        errors.push(error);
        if (errors.length < tasks.length) return next();
        reject(new NoneAnswered(errors));
        end();
      });
    };
    signal.addEventListener("abort", abort, { once: true });
    next();
  });
}
