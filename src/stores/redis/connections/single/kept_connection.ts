/**
 * One connection to Redis that is kept up: opened once, set up again when it is lost, multiplexed.
 *
 * @module
 */

import { systemClock, type Timer } from "../../../../base/clock.ts";
import { startTimer, withTimeout } from "../../../../base/deadline.ts";
import { ClosedError, RateSyncError, StoreError } from "../../../../base/errors.ts";
import { type CommandClient, type OpenClient, openClient } from "./client.ts";
import { callTimeoutError, cutError, lostError, openError, sameError } from "../errors.ts";
import { type CallInFlight, InFlight } from "./in_flight.ts";
import type { ConnectionSettings } from "../settings/settings.ts";

/** What a connection tells its owner. None of these may throw. */
export interface KeptConnectionHooks {
  /** Opens a client. @default {openClient} */
  readonly open?: typeof openClient;
  /** Whether a Redis has answered there before, on any connection. */
  isKnown?(): boolean;
  /** Called before a new connection counts as up, within the time of a command. */
  prepare?(redis: CommandClient): Promise<unknown>;
  /** Called whenever a connection has come up. */
  onUp?(): void;
  /** Called when a call sent at `sinceUs` is unanswered, and nothing else was heard since; again while that lasts. */
  onQuiet?(sinceUs: number): void;
  /** Called when the connection was given up because nothing came back on it for the time of a command. */
  onSilent?(error: StoreError): void;
  /** Called with what goes wrong in the background, where no caller would hear of it. */
  onError?(error: StoreError): void;
}

/** How long calls in flight may hold up the end of a connection. */
const CLOSE_MS = 300;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;
/** How long a failed first attempt speaks for those who ask next. */
const COOL_DOWN_MS = 100;

/** One kept connection. */
export class KeptConnection {
  readonly #settings: ConnectionSettings;
  readonly #hooks: KeptConnectionHooks;
  /** What is in flight, and when anything was heard. */
  readonly calls: InFlight;
  /** Whether commands can be sent. A field, as each call reads it. */
  isUp = false;
  /** Whether a Redis has answered on it, if only with a refusal. */
  hasAnswered = false;
  readonly #end = new AbortController();
  #client: OpenClient | undefined;
  #opening: Promise<void> | undefined;
  #failure: StoreError | undefined;
  #timer: Timer | undefined;
  #isKept = false;
  #failures = 0;
  #closing: Promise<void> | undefined;

  /**
   * @param settings Where to, and how long things may take.
   * @param hooks What to tell the owner.
   */
  constructor(settings: ConnectionSettings, hooks: KeptConnectionHooks = {}) {
    this.#settings = settings;
    this.#hooks = hooks;
    this.calls = new InFlight(settings, {
      onExpired: (call, isSilent) => this.#expire(call, isSilent),
      onQuiet: (sinceUs) => {
        if (this.#client !== undefined) this.#hooks.onQuiet?.(sinceUs);
      },
      onReadOnly: (client, error) => this.#drop(client, error),
      whyDown: () => this.#whyDown(),
    });
  }

  /** Whether the connection was given up because of what the server said; another one is tried after a pause. */
  get isRefused(): boolean {
    return this.#client === undefined && this.#failure?.code === "STORE_REFUSED";
  }

  /**
   * Connects, unless it is connected. At most one attempt is made at a time; while the connection sets itself up again,
   * and for a moment after a failed first attempt, it rejects at once with the last failure.
   *
   * @param isBackground Whether the process may end meanwhile.
   * @throws {StoreError} If there is no connection.
   */
  open(isBackground = false): Promise<void> {
    if (this.#end.signal.aborted) return Promise.reject(this.#whyDown());
    if (this.#client !== undefined) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(sameError(this.#failure));
    return this.#attempt(isBackground);
  }

  /** Goes on trying in the background after a failed first attempt. */
  keepTrying(): void {
    if (this.#isKept) return;
    this.#isKept = true;
    if (this.#failure !== undefined) this.#hooks.onError?.(this.#failure);
    this.#retryLater();
  }

  /**
   * Sends through the connection, and fails at once where there is none.
   *
   * @param send Sends one command, or several that are one call; their time is counted together.
   * @throws {StoreError} If it could not be sent, was refused, or was not answered in time.
   */
  call<T>(send: (redis: CommandClient) => Promise<T>): Promise<T> {
    return this.calls.call(send);
  }

  /** Gives up the connection, if it is up, with the calls in flight, and sets up another. */
  renew(error: StoreError): void {
    const client = this.#client;
    if (client === undefined) return;
    this.calls.dismiss(() => sameError(error));
    this.#drop(client, error);
  }

  /** Gives up the connection, if it is up, and opens another one now, unless one is being opened. */
  reopen(error: StoreError): void {
    if (this.#client !== undefined) this.#drop(this.#client, sameError(error));
    if (!this.#isKept || this.#client !== undefined || this.#end.signal.aborted) return;
    this.#timer?.cancel();
    this.#attempt(true).catch(() => {}); // told to onError
  }

  /** Lets calls in flight finish for at most 300 ms, then disconnects. What is in flight then rejects: it may have run. */
  close(): Promise<void> {
    return this.#closing ??= this.#shutDown();
  }

  async #shutDown(): Promise<void> {
    this.#timer?.cancel();
    this.#end.abort(closedError());
    this.calls.end();
    if (this.calls.size > 0) {
      const drained = new Promise<void>((resolve) => {
        this.calls.onDrained = resolve;
      });
      await withTimeout(drained, CLOSE_MS, closedError).catch(() => {});
    }
    this.calls.dismiss(() => cutError(this.#settings.endpoint));
    this.#client?.close();
    this.#client = undefined;
    this.isUp = false;
  }

  #attempt(background = false): Promise<void> {
    return this.#opening ??= this.#connect(background);
  }

  async #connect(background: boolean): Promise<void> {
    const sinceUs = systemClock.nowUs();
    try {
      const client = await this.#openClient(background);
      if (client.isEnded) throw lostError(this.#settings.endpoint, new Error("at once"));
      this.#client = client;
      this.#failure = undefined;
      this.#isKept = this.hasAnswered = this.isUp = true;
      this.calls.begin(client, sinceUs);
      this.#hooks.onUp?.();
    } catch (error) {
      if (!this.#end.signal.aborted) this.#fail(toStoreError(error));
      throw error;
    } finally {
      this.#opening = undefined;
    }
  }

  async #openClient(background: boolean): Promise<OpenClient> {
    const { endpoint, tls, socketTimeoutMs, socketConnectTimeoutMs } = this.#settings;
    const open = this.#hooks.open ?? openClient;
    const client = await open(endpoint, {
      tls,
      timeoutMs: socketConnectTimeoutMs,
      signal: this.#end.signal,
      background,
      isKnown: this.#hooks.isKnown?.(),
      onLost: (lost, cause) => this.#drop(lost, lostError(endpoint, cause)),
    });
    try {
      const prepared = this.#hooks.prepare?.(client.redis);
      if (prepared !== undefined) {
        await withTimeout(
          prepared,
          socketTimeoutMs,
          () => callTimeoutError(endpoint, socketTimeoutMs),
        );
      }
      this.#end.signal.throwIfAborted();
    } catch (cause) {
      client.close();
      throw RateSyncError.is(cause) ? cause : openError(endpoint, client.failure(cause));
    }
    return client;
  }

  #fail(error: StoreError): void {
    const isNews = this.#failure?.message !== error.message;
    if (error.code === "STORE_REFUSED") this.hasAnswered = true;
    this.#failure = error;
    if (this.#isKept) {
      if (isNews) this.#hooks.onError?.(error);
      return this.#retryLater();
    }
    this.#timer = startTimer(COOL_DOWN_MS, () => {
      this.#failure = undefined;
    });
  }

  #retryLater(): void {
    if (this.#end.signal.aborted) return;
    const ms = Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, MAX_RETRY_MS);
    this.#timer?.cancel();
    this.#timer = startTimer(ms * (0.75 + Math.random() / 2), () => {
      if (this.#client === undefined) this.#attempt(true).catch(() => {}); // told to onError
    });
  }

  #drop(client: OpenClient, error: StoreError): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.isUp = false;
    this.calls.end();
    if (this.calls.hasReply) this.#failures = 0;
    this.#failure = error;
    client.close();
    this.#hooks.onError?.(error);
    this.#retryLater();
  }

  #expire(call: CallInFlight, isSilent: boolean): void {
    const { endpoint, socketTimeoutMs } = this.#settings;
    call.reject(callTimeoutError(endpoint, socketTimeoutMs));
    if (this.#client === undefined || !isSilent) return;
    // Not one answer in all that time: the peer may be gone without a word, and TCP would notice in minutes.
    const error = lostError(endpoint, new Error(`no answer for ${socketTimeoutMs} ms`));
    this.#drop(this.#client, error);
    this.#hooks.onSilent?.(error);
  }

  #whyDown(): Error {
    if (this.#end.signal.aborted) return closedError();
    return this.#failure === undefined
      ? lostError(this.#settings.endpoint, new Error("it is not open"))
      : sameError(this.#failure);
  }
}

function closedError(): ClosedError {
  return new ClosedError("redis connection");
}

function toStoreError(error: unknown): StoreError {
  return error instanceof StoreError ? error : new StoreError("STORE_UNAVAILABLE", String(error));
}
