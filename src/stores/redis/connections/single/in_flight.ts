/**
 * The calls in flight on one connection: how long each may take, and when anything was heard last.
 *
 * @module
 */

import { systemClock } from "../../../../base/clock.ts";
import { DeadlineQueue } from "../../../../base/deadline.ts";

/** A connection with a call in flight that says nothing for so long may be gone, in milliseconds. */
export const QUIET_MS = 250;

/** Of fewer answers, the fastest may have been slow: the process warms up, or the machine is busy. */
const MIN_ANSWERS = 20;

/** One call. */
export interface CallInFlight {
  /** Ends it without an answer. */
  readonly reject: (error: Error) => void;
  /** When it was sent, in microseconds. */
  readonly sentUs: number;
  /** How many answers had been heard when it was sent. */
  readonly answersBefore: number;
  /** How many had been heard when it was looked at last. */
  answersSeen: number;
}

/** What the calls tell their connection. None of these may throw. */
export interface InFlightHooks {
  /** Called when the time of a call is over, and whether nothing was heard in all of it. */
  onExpired(call: CallInFlight, isSilent: boolean): void;
  /** Called when nothing was heard for `QUIET_MS` though an answer is due; again and again while that lasts. */
  onQuiet(call: CallInFlight): void;
  /** Called when the first call comes in, and when the last one has left. */
  onBusy(isBusy: boolean): void;
}

/** The calls of one connection. */
export class InFlight {
  readonly #hooks: InFlightHooks;
  readonly #calls: DeadlineQueue<CallInFlight>;
  /** The same calls; each comes up again and again while it is not answered. */
  readonly #unheard: DeadlineQueue<CallInFlight>;
  /** How many there are. A field, as each call reads it. */
  size = 0;
  #heardUs = systemClock.nowUs();
  #answers = 0;
  #isQuiet = false;
  #provenUs = -Infinity;
  #fastestUs = Infinity;

  /**
   * @param timeoutMs How long a call may take.
   * @param hooks What to tell the connection.
   */
  constructor(timeoutMs: number, hooks: InFlightHooks) {
    this.#hooks = hooks;
    this.#calls = new DeadlineQueue(timeoutMs, (call) => this.#expire(call));
    this.#unheard = new DeadlineQueue(QUIET_MS, (call) => this.#look(call));
  }

  /** Whether a call has waited for `QUIET_MS` while nothing was heard. */
  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  /** Whether it is known that the other side is there: it was heard a moment ago, or has calls and is not quiet. */
  isFresh(restMs: number): boolean {
    return !this.#isQuiet && (this.size > 0 || systemClock.nowUs() - this.#heardUs < restMs * 1_000);
  }

  /** When the newest call was sent that was answered, in microseconds. */
  get provenUs(): number {
    return this.#provenUs;
  }

  /** How long ago something was heard, in milliseconds; the time for which the machine slept counts. */
  get idleMs(): number {
    return (systemClock.nowUs() - this.#heardUs) / 1_000;
  }

  /** How long the fastest answer took, in milliseconds; 0 until enough have come to tell. */
  get fastestMs(): number {
    return this.#answers < MIN_ANSWERS ? 0 : this.#fastestUs / 1_000;
  }

  /** A new connection was opened: that is the last that was heard. */
  renewed(): void {
    this.#isQuiet = false;
    this.#heardUs = systemClock.nowUs();
  }

  /** A call is sent now. */
  enter(reject: CallInFlight["reject"]): CallInFlight {
    const answers = this.#answers;
    const sentUs = systemClock.nowUs();
    const call: CallInFlight = { reject, sentUs, answersBefore: answers, answersSeen: answers };
    if (++this.size === 1) this.#hooks.onBusy(true);
    this.#calls.add(call, sentUs);
    this.#unheard.add(call, sentUs);
    return call;
  }

  /** A call was answered. */
  answered(call: CallInFlight): void {
    this.#answers++;
    this.#isQuiet = false;
    this.#heardUs = systemClock.nowUs();
    this.#provenUs = Math.max(this.#provenUs, call.sentUs);
    this.#fastestUs = Math.min(this.#fastestUs, this.#heardUs - call.sentUs);
    this.leave(call);
  }

  /** A call gets no answer any more. */
  leave(call: CallInFlight): void {
    this.#unheard.delete(call);
    if (this.#calls.delete(call) && --this.size === 0) this.#hooks.onBusy(false);
  }

  /** None of them gets an answer any more. */
  dismiss(makeError: () => Error): void {
    const calls = this.#calls.takeAll();
    this.#unheard.takeAll();
    this.size = 0;
    for (const call of calls) call.reject(makeError());
    if (calls.length > 0) this.#hooks.onBusy(false);
  }

  #expire(call: CallInFlight): void {
    this.#unheard.delete(call);
    if (--this.size === 0) this.#hooks.onBusy(false);
    this.#hooks.onExpired(call, this.#answers === call.answersBefore);
  }

  #look(call: CallInFlight): void {
    const isQuiet = this.#answers === call.answersSeen;
    call.answersSeen = this.#answers;
    this.#unheard.add(call);
    if (!isQuiet) return;
    this.#isQuiet = true;
    this.#hooks.onQuiet(call);
  }
}
