/**
 * Messages over a connection that cannot subscribe: the script that serves a waiting call writes to the inbox of its process.
 * The process fetches its inbox with each of its calls, and now and then without one.
 *
 * @module
 */

import type { Timer } from "../../base/clock.ts";
import { startTimer } from "../../base/deadline.ts";
import type { DoneReply, StoreRequest, TakeReply, WakeupListener } from "../store.ts";
import { decodeWakeup } from "./decode.ts";
import type { Messages } from "./messages.ts";
import type { NamedRequest } from "./named_request.ts";

/** How long after a message the next look is, and how much later each one that found nothing is followed by the next. */
const FIRST_LOOK_MS = 25;
const LATER = 1.5;
/** An inbox is gone after ten times that. */
const LAST_LOOK_MS = 500;

/** Asks for what lies in the inboxes of some instances. */
export type FetchMessages = () => Promise<unknown>;

/** The inboxes of one store in this process. */
export class Inbox implements Messages {
  readonly areFetched = true;
  readonly #fetch: FetchMessages;
  readonly #connect: () => Promise<void>;
  readonly #listeners = new Map<string, WakeupListener>();
  /** The ids of the calls that wait. */
  readonly #waiting = new Set<string>();
  #lookMs = FIRST_LOOK_MS;
  #timer: Timer | undefined;
  #isFetching = false;
  /** Messages may have been lost on their way. */
  #isMissing = false;
  #isClosed = false;

  /**
   * Fetches nothing yet.
   *
   * @param fetch Asks for messages, which come to {@linkcode receive}.
   * @param connect Connects the store.
   */
  constructor(fetch: FetchMessages, connect: () => Promise<void>) {
    this.#fetch = fetch;
    this.#connect = connect;
  }

  /** From now on, messages for an instance go to its listener. */
  listen(listener: WakeupListener): Promise<void> {
    this.#listeners.set(listener.instance, listener);
    return this.#connect();
  }

  /** The instances whose inboxes a call with these requests should keep: none, unless calls wait or may have to. */
  callersOf(batch: readonly NamedRequest[]): readonly string[] {
    const isWanted = this.#waiting.size > 0 || batch.some(({ request }) => mayWait(request));
    return isWanted ? [...this.#listeners.keys()] : [];
  }

  /** Takes note of which calls wait, and which do not any more. */
  replied(batch: readonly NamedRequest[], replies: readonly (TakeReply | DoneReply | Error)[]): void {
    for (const [i, { request }] of batch.entries()) this.#replied(request, replies[i] as TakeReply | DoneReply | Error);
  }

  #replied(request: StoreRequest, reply: TakeReply | DoneReply | Error): void {
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
    if (missed) this.missed();
    this.#lookLater();
  }

  /** All calls that wait ask again now. */
  missed(): void {
    for (const listener of this.#listeners.values()) listener.missed();
  }

  /** A call that may have carried messages has failed. */
  lost(): void {
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
