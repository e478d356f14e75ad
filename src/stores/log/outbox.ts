/**
 * Messages of this process that have not come back yet. One whose fate is not known is sent again under the same id: readers
 * leave out what comes twice.
 *
 * @module
 */

import { systemClock, type Timer } from "../../base/clock.ts";
import { StoreError } from "../../base/errors.ts";
import type { LogReply } from "./replica.ts";

/** How many times in `againUs` the outbox looks for messages that have to be sent again. */
const LOOKS = 10;

/** How messages are sent, and who hears of those that do not come back. */
export interface OutboxOptions {
  /** Publishes; resolves to the sequence, if the stream tells it. */
  publish(id: string, data: Uint8Array): Promise<number | undefined>;
  /** The stream has had a message for a while, and it was not read: the reading may have stopped. */
  stuck(): void;
  /** A message has got a sequence that was read before: the stream is another one than it was. */
  misplaced(): void;
  /** The last sequence that was read. */
  sequence(): number;
  /** For how long a message is sent again and again, in microseconds; then it fails. */
  readonly timeoutUs: number;
  /** After how long a message that has not come back is sent again, in microseconds. */
  readonly againUs: number;
}

interface Sent {
  readonly id: string;
  readonly data: Uint8Array;
  /** Until when it may wait. */
  untilUs: number;
  readonly resolve: (replies: readonly LogReply[]) => void;
  readonly reject: (error: Error) => void;
  /** Whether it is being published. */
  isUnderWay: boolean;
  /** Whether it may be in the stream. */
  isUnknown: boolean;
  /** When the stream first confirmed it; `Infinity` before. */
  confirmedUs: number;
  /** When it was published last. */
  sentUs: number;
}

/** What was sent and has not come back. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #sent = new Map<number, Sent>();
  #timer: Timer | undefined;

  /**
   * @param options How to send.
   */
  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** How many messages have not come back. */
  get size(): number {
    return this.#sent.size;
  }

  /** Sends a message. Resolves to the replies when it was applied. */
  send(number: number, id: string, data: Uint8Array): Promise<readonly LogReply[]> {
    return new Promise((resolve, reject) => {
      const nowUs = systemClock.nowUs();
      const untilUs = nowUs + this.#options.timeoutUs;
      const sent: Sent = {
        id,
        data,
        untilUs,
        resolve,
        reject,
        isUnderWay: false,
        isUnknown: false,
        confirmedUs: Infinity,
        sentUs: nowUs,
      };
      this.#sent.set(number, sent);
      this.#publish(number, sent);
      this.#timer ??= this.#schedule();
    });
  }

  /** A message has come back, with its replies. */
  replied(number: number, replies: readonly LogReply[]): void {
    const sent = this.#sent.get(number);
    if (sent === undefined) return;
    this.#sent.delete(number);
    this.#stopIfEmpty();
    sent.resolve(replies);
  }

  /** Gives all of them up. */
  fail(error: Error): void {
    const all = [...this.#sent.values()];
    this.#sent.clear();
    this.#stopIfEmpty();
    for (const { reject } of all) reject(error);
  }

  #publish(number: number, sent: Sent): void {
    sent.isUnderWay = true;
    sent.sentUs = systemClock.nowUs();
    this.#options.publish(sent.id, sent.data).then((sequence) => {
      sent.isUnderWay = false;
      sent.isUnknown = true;
      sent.confirmedUs = Math.min(sent.confirmedUs, systemClock.nowUs());
      if (sequence !== undefined && sequence <= this.#options.sequence() && this.#sent.has(number)) {
        this.#options.misplaced();
      }
    }, (error) => {
      sent.isUnderWay = false;
      const isSent = error instanceof StoreError && isUnknownFate(error);
      sent.isUnknown ||= isSent;
      if (sent.isUnknown || !this.#sent.delete(number)) return;
      this.#stopIfEmpty();
      sent.reject(error);
    });
  }

  /** The process stays alive while something is on its way: the stream may not hold it. */
  #schedule(): Timer {
    const atUs = systemClock.nowUs() + this.#options.againUs / LOOKS;
    return systemClock.schedule(atUs, () => this.#look(systemClock.nowUs() - atUs));
  }

  /** Stops the timer when nothing is on its way. */
  #stopIfEmpty(): void {
    if (this.#sent.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /**
   * Sends again what has not come back, and gives up what may not wait any longer.
   *
   * @param lateUs For how long this process was busy or stood still: the server does not answer for that, and what it has
   *   answered comes only now.
   */
  #look(lateUs: number): void {
    const { againUs } = this.#options;
    const nowUs = systemClock.nowUs();
    let isStuck = false;
    for (const [number, sent] of this.#sent) {
      sent.untilUs += lateUs;
      if (nowUs >= sent.untilUs) {
        this.#sent.delete(number);
        sent.reject(lost(this.#options.timeoutUs));
        continue;
      }
      if (sent.isUnderWay || nowUs - sent.sentUs < againUs) continue;
      isStuck ||= nowUs - sent.confirmedUs >= againUs;
      this.#publish(number, sent);
    }
    if (isStuck) this.#options.stuck();
    this.#timer = this.#sent.size === 0 ? undefined : this.#schedule();
  }
}

/** Whether a message may have been appended although publishing it failed. */
function isUnknownFate({ code, reason }: StoreError): boolean {
  return code === "STORE_TIMEOUT" || reason === "connection_broke" || reason === "no_answer";
}

function lost(timeoutUs: number): StoreError {
  const message = `Cannot tell what the store decided: no answer within ${
    timeoutUs / 1_000
  } ms; the request may have run`;
  return new StoreError("STORE_TIMEOUT", message, { reason: "no_answer" });
}
