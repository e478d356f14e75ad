/**
 * Deadlines: for one promise, and for many waits of one length under a single timer.
 *
 * @module
 */

import { type Clock, systemClock, type Timer } from "./clock.ts";

/** A timer that fires this late says that the process was busy, not that the other side was slow. */
const LATE_US = 20_000;
/** How long answers that wait unread in the sockets of a busy process then get to be read. */
const CATCH_UP_US = 50_000;

/**
 * Settles as `promise` does, or rejects once `ms` have passed. The promise itself goes on: what it holds has to be
 * given up by the caller. The timer does not keep the process alive.
 *
 * @param promise What is waited for.
 * @param ms How long, in milliseconds.
 * @param makeError Makes what it rejects with when the time is over.
 */
export function withTimeout<T>(
  promise: Promise<T>,
  ms: number,
  makeError: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = startTimer(ms, () => reject(makeError()));
    promise.then((value) => {
      timer.cancel();
      resolve(value);
    }, (reason) => {
      timer.cancel();
      reject(reason);
    });
  });
}

/**
 * Calls back once, after `ms`, without keeping the process alive until then.
 *
 * @param ms How long from now, in milliseconds.
 * @param callback What to call.
 */
export function startTimer(ms: number, callback: () => void): Timer {
  return systemClock.schedule(systemClock.nowUs() + Math.ceil(ms * 1_000), callback, {
    background: true,
  });
}

/** Keeps the process alive until it is cancelled. */
export function keepAlive(): Timer {
  return systemClock.schedule(Number.MAX_SAFE_INTEGER, () => {});
}

/** Something that waits in a line of deadlines. Who waits extends it, so that no other object is needed. */
export class Deadlined {
  /** When its time is over; the line sets it. 0 while it is in none. */
  dueUs = 0;
  /** Its neighbours in the line. */
  before: Deadlined | undefined = undefined;
  /** The one behind it. */
  after: Deadlined | undefined = undefined;
}

/**
 * Waits of one length under one timer: what was added first is due first, so the timer only ever aims at the oldest. An entry
 * enters and leaves in constant time, and nothing but those who wait is kept alive.
 *
 * When the timer fires late, this process was busy, and the answers may lie unread in its sockets. Then it looks again a
 * little later, before it calls anything overdue.
 */
export class DeadlineLine<One extends Deadlined> {
  readonly #waitUs: number;
  readonly #onDue: (one: One) => void;
  readonly #clock: Clock;
  #first: Deadlined | undefined;
  #last: Deadlined | undefined;
  #timer: Timer | undefined;
  #isSweeping = false;

  /**
   * @param waitUs How long everything in the line may take, in microseconds.
   * @param onDue Called with each entry whose time is over, after it left the line; may add it again. Must not throw.
   * @param clock Where the time comes from.
   */
  constructor(waitUs: number, onDue: (one: One) => void, clock: Clock = systemClock) {
    this.#waitUs = waitUs;
    this.#onDue = onDue;
    this.#clock = clock;
  }

  /** When the oldest entry was added, in microseconds; undefined while the line is empty. */
  get oldestUs(): number | undefined {
    return this.#first && this.#first.dueUs - this.#waitUs;
  }

  /** Starts the time of an entry; `nowUs` is the present. The entry must not be in a line already. */
  add(one: One, nowUs: number = this.#clock.nowUs()): void {
    const last = this.#last;
    one.dueUs = nowUs + this.#waitUs;
    one.before = last;
    if (last === undefined) this.#first = one;
    else last.after = one;
    this.#last = one;
    if (this.#timer === undefined && !this.#isSweeping) this.#aim(one.dueUs);
  }

  /** Takes an entry out. Returns whether it was still in. */
  delete(one: Deadlined): boolean {
    if (one.dueUs === 0) return false;
    const { before, after } = one;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    // One that has grown old must not keep those alive that came after it.
    one.before = one.after = undefined;
    one.dueUs = 0;
    return true;
  }

  /** Takes every entry out, oldest first. */
  takeAll(): One[] {
    const all: One[] = [];
    for (let first = this.#first; first !== undefined; first = this.#first) {
      this.delete(first);
      all.push(first as One);
    }
    return all;
  }

  #aim(atUs: number): void {
    this.#timer = whenDue(this.#clock, atUs, (untilUs) => this.#sweep(untilUs));
  }

  #sweep(untilUs: number): void {
    this.#timer = undefined;
    this.#isSweeping = true;
    let first = this.#first;
    for (; first !== undefined && first.dueUs <= untilUs; first = this.#first) {
      this.delete(first);
      this.#onDue(first as One);
    }
    this.#isSweeping = false;
    if (first !== undefined) this.#aim(first.dueUs);
  }
}

/**
 * Calls back at an instant; where that turns out to be late, a little later still: this process was busy or stood still, and
 * what has come meanwhile is read first. It does not keep the process alive.
 *
 * @param clock Where the time comes from.
 * @param atUs The instant by that clock, in microseconds.
 * @param callback What to call, with the instant up to which all that came was read: what is due only later has to wait
 *   on, because the process may have been busy once more.
 */
export function whenDue(clock: Clock, atUs: number, callback: (untilUs: number) => void): Timer {
  const options = { background: true };
  let timer = clock.schedule(atUs, () => {
    const nowUs = clock.nowUs();
    if (nowUs - atUs <= LATE_US) return callback(nowUs);
    timer = clock.schedule(nowUs + CATCH_UP_US, () => callback(nowUs), options);
  }, options);
  return { cancel: () => timer.cancel() };
}
