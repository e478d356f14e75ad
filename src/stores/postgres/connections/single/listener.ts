/**
 * The session that listens to channels, opened at the first of them and kept.
 *
 * @module
 */

import type { Timer } from "../../../../base/clock.ts";
import { startTimer, withTimeout } from "../../../../base/deadline.ts";
import { ClosedError, StoreError } from "../../../../base/errors.ts";
import type { ChannelListener } from "../connection.ts";
import { callError, reasonOf, silentError } from "../errors.ts";
import type { ConnectionSettings, Endpoint } from "../settings/settings.ts";
import { openSession, type Session } from "./session.ts";

/** How soon a lost session is opened again, in milliseconds: at first, and at most. */
const [FIRST_DELAY_MS, MOST_DELAY_MS] = [100, 2_000];
/** How often the session is asked whether it is there, in milliseconds: while a call waits for a message, and otherwise. */
const [AWAITED_BEAT_MS, BEAT_MS] = [1_000, 10_000];

/** Listens to channels. */
export class Listener {
  readonly #endpoint: Endpoint;
  readonly #settings: ConnectionSettings;
  readonly #onError: (error: StoreError) => void;
  readonly #channels = new Map<string, ChannelListener>();
  #session: Session | undefined;
  #opening: Promise<Session> | undefined;
  #timer: Timer | undefined;
  #delayMs = FIRST_DELAY_MS;
  #isClosed = false;

  constructor(endpoint: Endpoint, settings: ConnectionSettings, onError: (error: StoreError) => void) {
    this.#endpoint = endpoint;
    this.#settings = settings;
    this.#onError = onError;
  }

  /** Listens to a channel, and resolves when the server has confirmed it. */
  async listen(channel: string, listener: ChannelListener): Promise<void> {
    const session = await this.#open();
    this.#channels.set(channel, listener);
    session.hold(true);
    try {
      await this.#run(session, `listen "${channel}"`);
    } catch (error) {
      this.#channels.delete(channel);
      throw error;
    } finally {
      session.hold(false);
    }
  }

  /** Ends the session. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#channels.clear();
    this.#session?.close();
  }

  #open(): Promise<Session> {
    if (this.#isClosed) return Promise.reject(new ClosedError("the PostgreSQL store"));
    if (this.#session?.isOpen) return Promise.resolve(this.#session);
    return this.#opening ??= this.#openAnew().finally(() => this.#opening = undefined);
  }

  async #openAnew(): Promise<Session> {
    const session: Session = await openSession(this.#endpoint, {
      ...this.#settings,
      isBackground: this.#channels.size > 0,
      onMessage: (channel, payload) => this.#channels.get(channel)?.message(payload),
      onEnd: () => this.#lost(),
    });
    if (this.#isClosed) session.close();
    for (const channel of this.#channels.keys()) await this.#run(session, `listen "${channel}"`);
    session.hold(false);
    this.#session = session;
    this.#delayMs = FIRST_DELAY_MS;
    this.#beatLater(session);
    return session;
  }

  async #run(session: Session, text: string): Promise<void> {
    const { socketTimeoutMs: ms } = this.#settings;
    const fate = { label: this.#endpoint.label, mayHaveRun: false };
    try {
      await withTimeout(session.run({ text, values: [] }), ms, () => silentError(fate, ms));
    } catch (cause) {
      session.destroy();
      throw callError(fate, cause);
    }
  }

  #lost(): void {
    if (this.#isClosed || this.#channels.size === 0) return;
    this.#timer?.cancel();
    this.#timer = startTimer(this.#delayMs, () => void this.#reopen());
    this.#delayMs = Math.min(2 * this.#delayMs, MOST_DELAY_MS);
  }

  async #reopen(): Promise<void> {
    try {
      await this.#open();
      for (const listener of this.#channels.values()) listener.missed();
    } catch (cause) {
      if (this.#isClosed) return;
      const what = cause instanceof StoreError ? cause.message : reasonOf(cause);
      const message = `Cannot listen for messages to waiting calls, which ask for them meanwhile: ${what}`;
      this.#onError(new StoreError("STORE_UNAVAILABLE", message, { cause, reason: "disconnected" }));
      this.#lost();
    }
  }

  /** Nothing else is ever sent here, so a server that went away without a word would not be missed for minutes. */
  #beatLater(session: Session): void {
    const isAwaited = [...this.#channels.values()].some((listener) => listener.isAwaited());
    this.#timer = startTimer(isAwaited ? AWAITED_BEAT_MS : BEAT_MS, () => {
      if (!session.isOpen) return;
      this.#run(session, "select 1").then(() => this.#beatLater(session), () => {});
    });
  }
}
