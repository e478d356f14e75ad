/**
 * The one connection for subscriptions, opened at the first of them.
 *
 * @module
 */

import { systemClock, type Timer } from "../../../../base/clock.ts";
import { startTimer } from "../../../../base/deadline.ts";
import { StoreError } from "../../../../base/errors.ts";
import { silentError } from "../errors.ts";
import { QUIET_MS } from "./in_flight.ts";
import { KeptConnection, type KeptConnectionHooks } from "./kept_connection.ts";
import type { Pool } from "./pool.ts";
import { isGone, probe } from "./search.ts";
import type { ConnectionSettings } from "../settings/settings.ts";

interface Subscription {
  readonly channel: string;
  readonly deliver: (message: string) => void;
  readonly onReconnect: () => void;
  readonly isAwaited: () => boolean;
}

/** How often the connection is asked whether it is there, in milliseconds, while a call waits for a message. */
const AWAITED_BEAT_MS = 500;

/** All subscriptions of a store. */
export class Subscriber {
  readonly #settings: ConnectionSettings;
  readonly #onError: (error: StoreError) => void;
  readonly #connection: KeptConnection;
  readonly #subscriptions = new Set<Subscription>();
  #heartbeat: Timer | undefined;
  /** The connections to the same server for calls. */
  #pool: Pool | undefined;
  #isComparing = false;

  /**
   * @param settings Where to, and how long things may take.
   * @param onError Called with what goes wrong in the background.
   * @param open Opens a client; absent for one of node-redis.
   */
  constructor(settings: ConnectionSettings, onError: (error: StoreError) => void, open?: KeptConnectionHooks["open"]) {
    this.#settings = settings;
    this.#onError = onError;
    this.#connection = new KeptConnection(settings, {
      ...(open === undefined ? {} : { open }),
      isKnown: () => true, // nothing listens before a decision was made
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
      onQuiet: () => void this.#compare(),
      onError,
    });
  }

  /** When nothing comes back, finds out by the connections for calls whether the server is silent, or only the way to it. */
  compareWith(pool: Pool): void {
    this.#pool = pool;
  }

  /**
   * Listens on a channel; resolves when the server has confirmed it.
   *
   * @param channel The channel.
   * @param listener Called with every message.
   * @param onReconnect Called after a lost subscription was set up again.
   * @param isAwaited Whether a call waits for a message; a connection that is silent then is replaced within a second.
   * @throws {StoreError} If it could not be confirmed; `listener` is then not called.
   */
  async subscribe(
    channel: string,
    listener: (message: string) => void,
    onReconnect: () => void,
    isAwaited: () => boolean = () => false,
  ): Promise<void> {
    await this.#connection.open();
    const subscription: Subscription = {
      channel,
      onReconnect,
      isAwaited,
      deliver: (message) => {
        // A subscription that was given up may still be confirmed later.
        if (this.#subscriptions.has(subscription)) this.#tell(channel, () => listener(message));
      },
    };
    this.#subscriptions.add(subscription);
    try {
      await this.#connection.call((redis) => redis.subscribe(channel, subscription.deliver));
    } catch (error) {
      this.#subscriptions.delete(subscription);
      throw error;
    }
  }

  /** Gives up the connection, and opens another one now. */
  reopen(error: StoreError): void {
    this.#connection.reopen(error);
  }

  /** Ends all subscriptions and disconnects. */
  close(): Promise<void> {
    this.#heartbeat?.cancel();
    this.#subscriptions.clear();
    return this.#connection.close();
  }

  /** Nothing else is ever sent here, so a peer that went away without a word would not be missed for minutes. */
  #beatLater(): void {
    const { socketTimeoutMs } = this.#settings;
    let waitedMs = 0;
    const beat = () => {
      if (!this.#connection.isUp) return;
      waitedMs += everyMs;
      if (waitedMs >= socketTimeoutMs || [...this.#subscriptions].some(({ isAwaited }) => isAwaited())) {
        waitedMs = 0;
        this.#connection.call((redis) => redis.sendCommand(["PING"])).catch(() => {}); // the connection drops itself
      }
      this.#heartbeat = startTimer(everyMs, beat);
    };
    const everyMs = Math.min(AWAITED_BEAT_MS, socketTimeoutMs);
    this.#heartbeat?.cancel();
    this.#heartbeat = startTimer(everyMs, beat);
  }

  async #compare(): Promise<void> {
    if (this.#pool === undefined || this.#isComparing) return;
    this.#isComparing = true;
    const sinceUs = systemClock.nowUs();
    try {
      await this.#pool.call(probe);
      if (!(await isGone(this.#connection, sinceUs, this.#pool))) return;
      this.#connection.renew(silentError(this.#settings.endpoint, QUIET_MS));
    } catch {
      // The server is silent, or not there.
    } finally {
      this.#isComparing = false;
    }
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
