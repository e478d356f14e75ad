/**
 * Messages over connections that can subscribe: on the channel of each instance, and in the replies to its own calls.
 *
 * @module
 */

import type { WakeupListener } from "../store.ts";
import type { RedisConnection } from "./connections/connection.ts";
import { decodeCorrection, decodeWakeup } from "./decode.ts";
import type { Messages } from "./messages.ts";

const NONE: readonly string[] = [];

/** The messages of one store. */
export class PushedMessages implements Messages {
  readonly areFetched = false;
  readonly waiting: readonly string[] = NONE;
  readonly #connection: Pick<RedisConnection, "subscribe">;
  readonly #channel: string;
  readonly #listeners: WakeupListener[] = [];
  /** Instances whose messages may have been lost with the reply to a call that failed. */
  readonly #missing = new Set<string>();

  /**
   * Subscribes to nothing yet.
   *
   * @param connection Subscribes.
   * @param channel What the name of each channel begins with.
   */
  constructor(connection: Pick<RedisConnection, "subscribe">, channel: string) {
    this.#connection = connection;
    this.#channel = channel;
  }

  /** Subscribes to the channels of the instance and of corrections. */
  async listen(listener: WakeupListener): Promise<void> {
    if (!this.#listeners.includes(listener)) this.#listeners.push(listener);
    const receiveCorrection = (message: string) => {
      const correction = decodeCorrection(message, listener.instance);
      if (correction !== undefined) listener.corrected?.(correction);
    };
    const missed = () => listener.missed();
    const isAwaited = () => listener.isAwaited ?? true;
    await Promise.all([
      this.#connection.subscribe(
        this.#channel + listener.instance,
        (message) => wake(listener, message),
        missed,
        isAwaited,
      ),
      this.#connection.subscribe(`${this.#channel}~`, receiveCorrection, () => {}, isAwaited),
    ]);
  }

  /** All instances whose calls wait. */
  callersOf(): readonly string[] {
    if (this.#listeners.length === 0) return NONE;
    return this.#listeners.filter(({ isAwaited = true }) => isAwaited).map(({ instance }) => instance);
  }

  /** Hands each message to the instance that it is for. */
  receive(messages: readonly string[]): void {
    for (const message of messages) {
      const [instance] = message.slice(message.lastIndexOf(" ") + 1).split(".");
      const listener = this.#listeners.find((each) => each.instance === instance);
      if (listener !== undefined) wake(listener, message);
    }
    if (this.#missing.size === 0) return;
    const missing = [...this.#missing];
    this.#missing.clear();
    for (const listener of this.#listeners) if (missing.includes(listener.instance)) listener.missed();
  }

  /** Their calls ask again once a reply comes. */
  lost(callers: readonly string[]): void {
    for (const instance of callers) this.#missing.add(instance);
  }

  /** All calls that wait ask again now. */
  missed(): void {
    for (const listener of this.#listeners) listener.missed();
  }

  /** Subscriptions end with the connection. */
  close(): void {}
}

function wake(listener: WakeupListener, message: string): void {
  const wakeup = decodeWakeup(message, (id) => listener.targetOf(id));
  if (wakeup !== undefined) listener.wakeup(wakeup);
}
