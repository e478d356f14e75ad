/**
 * The one connection for subscriptions, opened at the first of them.
 *
 * @module
 */

import type { Timer } from "../../../base/clock.ts";
import { startTimer } from "../../../base/deadline.ts";
import { StoreError } from "../../../base/errors.ts";
import { Link, type LinkHooks } from "./link.ts";
import type { ConnectionSettings } from "./settings.ts";

interface Subscription {
  readonly channel: string;
  readonly deliver: (message: string) => void;
  readonly onReconnect: () => void;
}

/** All subscriptions of a store. */
export class Subscriber {
  readonly #settings: ConnectionSettings;
  readonly #onError: (error: StoreError) => void;
  readonly #link: Link;
  readonly #subscriptions = new Set<Subscription>();
  #heartbeat: Timer | undefined;

  /**
   * Makes one.
   *
   * @param settings Where to, and how long things may take.
   * @param onError Called with what goes wrong in the background.
   * @param open Opens a client; absent for one of node-redis.
   */
  constructor(settings: ConnectionSettings, onError: (error: StoreError) => void, open?: LinkHooks["open"]) {
    this.#settings = settings;
    this.#onError = onError;
    this.#link = new Link(settings, {
      ...(open === undefined ? {} : { open }),
      prepare: (redis) =>
        Promise.all(
          [...this.#subscriptions].map(({ channel, deliver }) => redis.subscribe(channel, deliver)),
        ),
      onUp: () => {
        for (const { channel, onReconnect } of this.#subscriptions) {
          this.#tell(channel, onReconnect);
        }
        this.#beatLater();
      },
      onError,
    });
  }

  /**
   * Listens on a channel; resolves when the server has confirmed it.
   *
   * @param channel The channel.
   * @param listener Called with every message.
   * @param onReconnect Called after a lost subscription was set up again.
   * @throws {StoreError} If it could not be confirmed; `listener` is then not called.
   */
  async subscribe(
    channel: string,
    listener: (message: string) => void,
    onReconnect: () => void,
  ): Promise<void> {
    await this.#link.open();
    const subscription: Subscription = {
      channel,
      onReconnect,
      deliver: (message) => {
        // A subscription that was given up may still be confirmed later.
        if (this.#subscriptions.has(subscription)) this.#tell(channel, () => listener(message));
      },
    };
    this.#subscriptions.add(subscription);
    try {
      await this.#link.call((redis) => redis.subscribe(channel, subscription.deliver));
    } catch (error) {
      this.#subscriptions.delete(subscription);
      throw error;
    }
  }

  /** Gives up the connection, and opens another one now. */
  reopen(error: StoreError): void {
    this.#link.reopen(error);
  }

  /** Ends all subscriptions and disconnects. */
  close(): Promise<void> {
    this.#heartbeat?.cancel();
    this.#subscriptions.clear();
    return this.#link.close();
  }

  /** Nothing else is ever sent here, so a peer that went away without a word would not be missed for minutes. */
  #beatLater(): void {
    this.#heartbeat?.cancel();
    this.#heartbeat = startTimer(this.#settings.socketTimeoutMs, () => {
      if (!this.#link.isUp) return;
      this.#link.call((redis) => redis.sendCommand(["PING"])).catch(() => {}); // the link drops itself
      this.#beatLater();
    });
  }

  /** An exception inside a listener would end inside node-redis' parser, and take the connection with it. */
  #tell(channel: string, listener: () => void): void {
    try {
      listener();
    } catch (cause) {
      const message = `Cannot handle a message on channel ${JSON.stringify(channel)}`;
      this.#onError(new StoreError("STORE_UNAVAILABLE", message, { cause }));
    }
  }
}
