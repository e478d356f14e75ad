/**
 * Messages for those who wait, over a connection that cannot subscribe: whoever serves them leaves word in the inbox of
 * their process, which comes for it with each of its calls, and now and then without one.
 *
 * @module
 */

import type { Timer } from "../../base/clock.ts";
import { startTimer } from "../../base/deadline.ts";
import type { DoneReply, StoreRequest, TakeReply, WakeupListener } from "../store.ts";
import { decodeWakeup } from "./decode.ts";

/** How long after a message the next look is, and how much later each one that found nothing is followed by the next. */
const FIRST_LOOK_MS = 25;
const LATER = 1.5;
/** An inbox is gone after ten times that. */
const LAST_LOOK_MS = 500;

/** Asks for what lies in the inboxes of some instances. */
export type FetchMessages = () => Promise<unknown>;

/** The inboxes of one store in this process. */
export class Inbox {
  readonly #fetch: FetchMessages;
  readonly #listeners = new Map<string, WakeupListener>();
  /** The ids of those who wait. */
  readonly #waiting = new Set<string>();
  #lookMs = FIRST_LOOK_MS;
  #timer: Timer | undefined;
  #isFetching = false;
  /** Messages may have been lost on their way. */
  #isMissing = false;
  #isClosed = false;

  /**
   * Makes one.
   *
   * @param fetch Asks for messages, which come to {@linkcode receive}.
   */
  constructor(fetch: FetchMessages) {
    this.#fetch = fetch;
  }

  /** From now on, messages for an instance go to its listener. */
  add(listener: WakeupListener): void {
    this.#listeners.set(listener.instance, listener);
  }

  /** Whose inboxes a call with these requests should keep: nobody's, while nobody waits or may have to. */
  instancesFor(requests: readonly StoreRequest[]): readonly string[] {
    const isWanted = this.#waiting.size > 0 || requests.some(mayWait);
    return isWanted ? [...this.#listeners.keys()] : [];
  }

  /** Takes note of who waits and who does not any more. */
  replied(request: StoreRequest, reply: TakeReply | DoneReply | Error): void {
    if (request.op === "release") this.#waiting.delete(request.id);
    if (request.op !== "take" && request.op !== "poll") return;
    const isQueued = !(reply instanceof Error) && "status" in reply && reply.status === "queued";
    if (!isQueued) return void this.#waiting.delete(request.id);
    if (this.#waiting.has(request.id)) return;
    this.#waiting.add(request.id);
    this.#lookMs = FIRST_LOOK_MS;
  }

  /** Hands out the messages that came with a call, and looks for more later. */
  receive(messages: readonly string[], before: readonly string[]): void {
    for (const message of messages) this.#deliver(message, before);
    const missed = this.#isMissing;
    this.#isMissing = false;
    if (missed) { for (const listener of this.#listeners.values()) listener.missed(); }
    this.#lookLater();
  }

  /** A call that may have carried messages has failed. */
  missed(): void {
    if (this.#waiting.size === 0) return;
    this.#isMissing = true;
    this.#lookLater();
  }

  /** The ids of those who wait. */
  get waiting(): readonly string[] {
    return [...this.#waiting];
  }

  /** Looks no more. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #deliver(message: string, before: readonly string[]): void {
    const words = message.split(" ");
    const id = words.at(-1) as string;
    const [instance = ""] = id.split(".");
    const listener = this.#listeners.get(instance);
    if (words[0] === "missed") {
      // The first one of an instance to wait finds no inbox either.
      if (before.some((each) => each.startsWith(`${instance}.`))) listener?.missed();
      return;
    }
    this.#lookMs = FIRST_LOOK_MS;
    if (words[0] === "granted") this.#waiting.delete(id);
    const wakeup = decodeWakeup(message, (each) => listener?.targetOf(each));
    if (wakeup !== undefined) listener?.wakeup(wakeup);
  }

  #lookLater(): void {
    this.#timer?.cancel();
    this.#forgetGone();
    if (this.#isClosed || this.#isFetching || this.#waiting.size === 0) return;
    this.#timer = startTimer(this.#lookMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    this.#forgetGone();
    if (this.#waiting.size === 0) return;
    this.#isFetching = true;
    this.#lookMs = Math.min(this.#lookMs * LATER, LAST_LOOK_MS);
    try {
      await this.#fetch();
    } catch {
      this.#isMissing = true; // told when the store is back
    } finally {
      this.#isFetching = false;
      this.#lookLater();
    }
  }

  #forgetGone(): void {
    for (const id of this.#waiting) {
      const [instance = ""] = id.split(".");
      if (this.#listeners.get(instance)?.targetOf(id) === undefined) this.#waiting.delete(id);
    }
  }
}

function mayWait(request: StoreRequest): boolean {
  return request.op === "poll" || (request.op === "take" && request.mode === "wait" && request.id !== "");
}
