/**
 * A few connections, of which one carries all calls: a batch of decisions is one call, so a second connection would
 * only make batches smaller. The others are spares: one of them takes over as soon as the first is lost, or silent.
 *
 * @module
 */

import { systemClock } from "../../../../base/clock.ts";
import { ClosedError, type StoreError } from "../../../../base/errors.ts";
import { afterTurns, TURNS_TELL_OF_CLOSED_SOCKETS } from "../../../../base/turn.ts";
import type { RedisConnection } from "../connection.ts";
import { runScript, type SentScripts } from "../run_script.ts";
import type { CommandClient } from "./client.ts";
import { sameError, silentError } from "../errors.ts";
import { QUIET_MS } from "./in_flight.ts";
import { KeptConnection, type KeptConnectionHooks } from "./kept_connection.ts";
import { Opening } from "./opening.ts";
import { findAnswering, isGone } from "./search.ts";
import type { ConnectionSettings } from "../settings/settings.ts";

/** A connection that was idle for longer may have been closed; a few turns of the event loop tell. */
const REST_MS = 50;
/** How many turns that takes: Node needs two, and the handshake of TLS to end one more. */
const TURNS = 4;
/**
 * A connection that was idle for longer may have been forgotten by something on the way, or this process was frozen: it
 * is asked before a call is sent. On Deno no number of turns tells of closed connections, so there it is asked sooner.
 */
const MIN_IDLE_MS = TURNS_TELL_OF_CLOSED_SOCKETS ? 1_000 : 250;
const MAX_IDLE_MS = 10_000;
/** Asking first costs a round trip: at most this part of the time for which nothing was asked. */
const IDLE_PER_ROUND_TRIP = 20;
/** How long calls fail at once after a search that found nothing, while the next one goes on, in milliseconds. */
const DOWN_MS = 1_000;
/** How long after such a search the next one begins at the earliest, in milliseconds. */
const PAUSE_MS = 50;

/** The connections for commands. */
export class Pool {
  readonly #settings: ConnectionSettings;
  readonly #onError: (error: StoreError) => void;
  readonly #opener: Pick<KeptConnectionHooks, "open">;
  readonly #connections: KeptConnection[] = [];
  readonly #end = new AbortController();
  readonly #sent: SentScripts = new WeakMap();
  /** The one that carries calls, until it is lost. */
  #current: KeptConnection | undefined;
  #opening: Opening | undefined;
  /** The search for one that answers; calls wait for it in their order. */
  #searching: Promise<KeptConnection> | undefined;
  /** Why the last search found nothing, and when. */
  #failure: StoreError | undefined;
  #failedUs = -Infinity;
  #closing: Promise<unknown> | undefined;

  /**
   * @param settings How many connections, and where to.
   * @param onError Called with what goes wrong in the background.
   * @param open Opens a client; absent for one of node-redis.
   */
  constructor(settings: ConnectionSettings, onError: (error: StoreError) => void, open?: KeptConnectionHooks["open"]) {
    this.#settings = settings;
    this.#onError = onError;
    this.#opener = open === undefined ? {} : { open };
  }

  /**
   * Opens the connections. One of them is enough to go on: the others are then tried again in the background.
   *
   * @throws {StoreError} If none could be opened.
   */
  connect(): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(new ClosedError("redis connection"));
    if (this.#opening !== undefined) return this.#opening.awaited();
    if (this.#connections.some((connection) => connection.isUp)) return Promise.resolve();
    return this.#open(false).awaited();
  }

  /** Opens the connections before a call waits for them: until one does, the process may end. */
  prepare(): Promise<void> {
    if (this.#opening !== undefined) return this.#opening.done;
    return this.#closing !== undefined || this.isUp ? this.connect() : this.#open(true).done;
  }

  #open(isBackground: boolean): Opening {
    const opening = this.#opening = new Opening(this.#openAll(isBackground), isBackground);
    const forget = () => {
      this.#opening = undefined;
    };
    opening.done.then(forget, forget);
    return opening;
  }

  /**
   * Sends. Calls arrive in the order in which they were made. A call that finds no connection, or one that may be gone,
   * waits until one was found that answers: nothing of it was sent before.
   *
   * @param send Sends one command, or several that are one call.
   * @throws {StoreError} If it could not be sent, was refused, or was not answered in time.
   */
  call<T>(send: (redis: CommandClient) => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(new ClosedError("redis connection"));
    const current = this.#current;
    if (this.#opening !== undefined || current === undefined) return this.connect().then(() => this.call(send));
    if (this.#searching === undefined && current.isUp && current.calls.isFresh(REST_MS)) {
      return current.calls.call(send);
    }
    // It was refused: asked more often, the server would refuse no less.
    if (current.isRefused && !this.isUp) return current.call(send);
    return this.#search(current).then((connection) => connection.call(send));
  }

  /** Runs a script, as `call`. A field, so that connections can hand it out as theirs. */
  readonly run: RedisConnection["run"] = (script, keys, args) => {
    return this.call((redis) => runScript(redis, this.#sent, script, keys, args));
  };

  /** Whether there is a connection. */
  get isUp(): boolean {
    return this.#connections.some((connection) => connection.isUp);
  }

  /** Gives up every connection, and opens others now. */
  reopen(error: StoreError): void {
    for (const connection of this.#connections) connection.reopen(error);
  }

  /** Lets calls in flight finish for a moment, then disconnects. */
  async close(): Promise<void> {
    this.#end.abort(new ClosedError("redis connection"));
    await (this.#closing ??= Promise.all(this.#connections.map((connection) => connection.close())));
  }

  async #openAll(isBackground: boolean): Promise<void> {
    while (this.#connections.length < this.#settings.poolMinSize) this.#connections.push(this.#newConnection());
    const results = await Promise.allSettled(this.#connections.map((connection) => connection.open(isBackground)));
    const up = this.#connections.find((connection) => connection.isUp);
    const failed = results.find((result) => result.status === "rejected");
    if (up === undefined && failed !== undefined) throw failed.reason;
    this.#current = up;
    for (const connection of this.#connections) connection.keepTrying();
  }

  #newConnection(): KeptConnection {
    const connection: KeptConnection = new KeptConnection(this.#settings, {
      ...this.#opener,
      isKnown: () => this.#connections.some((other) => other.hasAnswered),
      onError: this.#onError,
      onQuiet: (sinceUs) => this.#judge(connection, sinceUs),
      onSilent: (error) => {
        this.#miss(error);
        // Nothing has answered meanwhile: a spare need not be tried to know better.
        for (const other of this.#connections) other.renew(error);
      },
    });
    return connection;
  }

  /** What to send through. Calls fail at once where it is known that there is nothing, and a search goes on behind them. */
  #search(current: KeptConnection): Promise<KeptConnection> {
    const sinceMs = (systemClock.nowUs() - this.#failedUs) / 1_000;
    const isDown = this.#failure !== undefined && sinceMs < DOWN_MS;
    if (!isDown) return this.#searching ?? this.#start(current);
    if (this.#searching === undefined && sinceMs >= PAUSE_MS) this.#start(current).catch(() => {});
    return Promise.reject(sameError(this.#failure as StoreError));
  }

  #start(current: KeptConnection): Promise<KeptConnection> {
    const searching = this.#find(current);
    // First of all that follows: who waits for it sends at once.
    searching.then((connection) => {
      this.#searching = undefined;
      this.#failure = undefined;
      this.#current = connection;
    }, (error) => {
      this.#searching = undefined;
      this.#miss(error);
    });
    return this.#searching = searching;
  }

  #miss(error: StoreError): void {
    this.#failure = error;
    this.#failedUs = systemClock.nowUs();
  }

  async #find(current: KeptConnection): Promise<KeptConnection> {
    if (current.isUp && !current.calls.isQuiet && current.calls.idleMs < idleLimitMs(current)) {
      await new Promise<void>((resolve) => afterTurns(TURNS, resolve));
      if (current.isUp) return current;
    }
    const spares = this.#connections.filter((connection) => connection !== current && connection.isUp);
    const ready = current.isUp ? undefined : spares.find(({ calls }) => calls.isFresh(REST_MS));
    if (ready !== undefined) return ready;
    const mine = current.isUp ? [current] : [];
    const startUs = systemClock.nowUs();
    const found = await findAnswering({
      groups: current.calls.isQuiet ? [[...mine, ...spares]] : [mine, spares],
      newConnection: () => this.#newConnection(),
      settings: this.#settings,
      signal: this.#end.signal,
    });
    return await this.#settle(current, found, startUs);
  }

  /** Another connection has answered: the first one is given up, unless it answers as well. */
  async #settle(current: KeptConnection, found: KeptConnection, startUs: number): Promise<KeptConnection> {
    if (found === current) return found;
    const isNew = !this.#connections.includes(found);
    const gone = await isGone(current, startUs, found);
    if (current.isUp && !gone) {
      if (isNew) void found.close();
      return current;
    }
    current.renew(silentError(this.#settings.endpoint, QUIET_MS));
    if (!isNew) return found;
    // It takes the place of one that is down, so that there are never more than before.
    const place = this.#connections.findIndex((connection) => !connection.isUp);
    if (place < 0) {
      void found.close();
      return this.#connections[0] as KeptConnection;
    }
    void this.#connections[place]?.close();
    this.#connections[place] = found;
    return found;
  }

  /** A connection is quiet: it is gone if another one has answered what was sent later. */
  #judge(quiet: KeptConnection, sinceUs: number): void {
    if (this.#closing !== undefined || !this.#connections.includes(quiet)) return;
    if (quiet === this.#current) {
      this.#search(quiet).catch(() => {}); // told to calls
    } else {
      const proven = this.#connections.find(({ isUp, calls }) => isUp && calls.provenUs > sinceUs);
      if (proven === undefined) return;
      void isGone(quiet, systemClock.nowUs(), proven).then((gone) => {
        if (gone) quiet.renew(silentError(this.#settings.endpoint, (systemClock.nowUs() - sinceUs) / 1_000));
      });
    }
  }
}

/** How long a connection may be idle, in milliseconds, before it is asked first. */
function idleLimitMs({ calls: { fastestMs } }: KeptConnection): number {
  return Math.min(Math.max(fastestMs * IDLE_PER_ROUND_TRIP, MIN_IDLE_MS), MAX_IDLE_MS);
}
