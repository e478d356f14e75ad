/**
 * The calls of one connection: they are sent, each has its time, and what is heard tells whether the other side is there.
 *
 * @module
 */

import { systemClock, type Timer } from "../../../../base/clock.ts";
import { Deadlined, DeadlineLine, whenDue } from "../../../../base/deadline.ts";
import type { StoreError } from "../../../../base/errors.ts";
import type { CommandClient, OpenClient } from "./client.ts";
import { callError } from "../errors.ts";
import type { ConnectionSettings } from "../settings/settings.ts";

/** A connection with a call in flight that says nothing for so long may be gone, in milliseconds. */
export const QUIET_MS = 250;
const QUIET_US = QUIET_MS * 1_000;

/** A connection with calls in flight gets further ones if it has answered one of so short a time ago, in milliseconds. */
const BUSY_MS = 1_000;

/** Of fewer answers, the fastest may have been slow: the process warms up, or the machine is busy. */
const MIN_ANSWERS = 20;

/** Redis 6 puts it inside the message of a script's error, later ones in front. */
const READONLY = /\bREADONLY You can't write/;

/** One call. */
export class CallInFlight extends Deadlined {
  /** Ends it without an answer. */
  readonly reject: (error: Error) => void;
  /** When it was sent, in microseconds. */
  readonly sentUs: number;
  /** How many answers had been heard when it was sent. */
  readonly answersBefore: number;

  /**
   * A call that is being sent.
   *
   * @param reject Ends it without an answer.
   * @param sentUs When it was sent, in microseconds.
   * @param answersBefore How many answers had been heard then.
   */
  constructor(reject: (error: Error) => void, sentUs: number, answersBefore: number) {
    super();
    this.reject = reject;
    this.sentUs = sentUs;
    this.answersBefore = answersBefore;
  }
}

/** What the calls tell their connection. None of these may throw. */
export interface InFlightHooks {
  /** Called when the time of a call is over, and whether nothing was heard in all of it. */
  onExpired(call: CallInFlight, isSilent: boolean): void;
  /** Called when nothing was heard for `QUIET_MS` though a call sent at `sinceUs` has no answer; again while that lasts. */
  onQuiet(sinceUs: number): void;
  /** Called when a call was refused because the primary has become a replica. */
  onReadOnly(client: OpenClient, error: StoreError): void;
  /** Why there is no connection. */
  whyDown(): Error;
}

/** The calls of one connection. */
export class InFlight {
  readonly #settings: ConnectionSettings;
  readonly #hooks: InFlightHooks;
  /** Called when the last call has left. */
  onDrained: (() => void) | undefined = undefined;
  /** What they are sent through; undefined while none may be sent. */
  #client: OpenClient | undefined;
  readonly #calls: DeadlineLine<CallInFlight>;
  /** Looks whether the connection is quiet; set while calls are in flight. */
  #quietTimer: Timer | undefined;
  /** How many there are. A field, as each call reads it. */
  size = 0;
  /** Whether a call was answered, and not refused, since the connection was opened. */
  hasReply = false;
  #heardUs = systemClock.nowUs();
  /** When the other side was there for certain: an answer may have lain unread for as long as the process was frozen. */
  #knownUs = this.#heardUs;
  #answers = 0;
  #isQuiet = false;
  #provenUs = -Infinity;
  #fastestUs = Infinity;

  /**
   * @param settings Where to, and how long a call may take.
   * @param hooks What to tell the connection.
   */
  constructor(settings: ConnectionSettings, hooks: InFlightHooks) {
    this.#settings = settings;
    this.#hooks = hooks;
    this.#calls = new DeadlineLine(Math.ceil(settings.socketTimeoutMs * 1_000), (call) => this.#expire(call));
  }

  /** Whether a call has waited for `QUIET_MS` while nothing was heard. */
  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  /**
   * Whether it is known that the other side is there: it was a moment ago, or within a second where it has calls and is
   * not quiet. Calls that were in flight while the process was frozen tell nothing.
   */
  isFresh(restMs: number): boolean {
    return !this.#isQuiet && this.idleMs < (this.size > 0 ? BUSY_MS : restMs);
  }

  /** When the newest call was sent that was answered, in microseconds. */
  get provenUs(): number {
    return this.#provenUs;
  }

  /** When something was heard last, in microseconds. */
  get heardUs(): number {
    return this.#heardUs;
  }

  /** How long ago the other side was there for certain, in milliseconds; the time for which the machine slept counts. */
  get idleMs(): number {
    return (systemClock.nowUs() - this.#knownUs) / 1_000;
  }

  /** How long the fastest answer took, in milliseconds; 0 until enough have come to tell. */
  get fastestMs(): number {
    return this.#answers < MIN_ANSWERS ? 0 : this.#fastestUs / 1_000;
  }

  /**
   * A new connection was opened: that is the last that was heard. With nothing in flight, it lets the process end.
   *
   * @param client What calls are sent through.
   * @param sinceUs When the attempt began, in microseconds.
   */
  begin(client: OpenClient, sinceUs: number): void {
    this.#client = client;
    this.#isQuiet = this.hasReply = false;
    this.#heardUs = systemClock.nowUs();
    this.#knownUs = sinceUs;
    client.life?.unref();
  }

  /** No more calls are sent. */
  end(): void {
    this.#client = undefined;
  }

  /** Sends a call: see `KeptConnection.call`. */
  call<T>(send: (redis: CommandClient) => Promise<T>): Promise<T> {
    const client = this.#client;
    if (client === undefined) return Promise.reject(this.#hooks.whyDown());
    return new Promise<T>((resolve, reject) => {
      const sentUs = systemClock.nowUs();
      const call = new CallInFlight(reject, sentUs, this.#answers);
      if (++this.size === 1) client.life?.ref();
      this.#calls.add(call, sentUs);
      if (this.#quietTimer === undefined) this.#lookAt(sentUs + QUIET_US);
      send(client.redis).then((reply) => {
        this.hasReply = true;
        this.#ended(call, true);
        resolve(reply);
      }, (cause) => {
        const failure = client.failure(cause);
        const error = callError(this.#settings.endpoint, failure);
        this.#ended(call, failure.isReply);
        reject(error);
        // A primary that became a replica: its name may lead to the new primary by now.
        if (failure.isReply && READONLY.test(error.message)) this.#hooks.onReadOnly(client, error);
      });
    });
  }

  #ended(call: CallInFlight, isAnswered: boolean): void {
    if (isAnswered) {
      this.#answers++;
      this.#isQuiet = false;
      this.#heardUs = systemClock.nowUs();
      this.#provenUs = Math.max(this.#provenUs, call.sentUs);
      this.#knownUs = Math.max(this.#knownUs, call.sentUs);
      this.#fastestUs = Math.min(this.#fastestUs, this.#heardUs - call.sentUs);
    }
    if (this.#calls.delete(call) && --this.size === 0) this.#drained();
  }

  #drained(): void {
    this.#client?.life?.unref();
    this.onDrained?.();
  }

  /** None of them gets an answer any more. */
  dismiss(makeError: () => Error): void {
    const calls = this.#calls.takeAll();
    this.size = 0;
    for (const call of calls) call.reject(makeError());
    if (calls.length > 0) this.#drained();
  }

  #expire(call: CallInFlight): void {
    if (--this.size === 0) this.#drained();
    this.#hooks.onExpired(call, this.#answers === call.answersBefore);
  }

  #lookAt(atUs: number): void {
    this.#quietTimer = whenDue(systemClock, atUs, () => this.#look());
  }

  #look(): void {
    this.#quietTimer = undefined;
    const { oldestUs } = this.#calls;
    if (oldestUs === undefined) return;
    const nowUs = systemClock.nowUs();
    const quietUs = Math.max(oldestUs, this.#heardUs) + QUIET_US;
    if (nowUs < quietUs) return this.#lookAt(quietUs);
    this.#isQuiet = true;
    this.#lookAt(nowUs + QUIET_US);
    this.#hooks.onQuiet(oldestUs);
  }
}
