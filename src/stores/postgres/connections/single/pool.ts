/**
 * The sessions of a store. Each is lent to one statement or transaction at a time.
 *
 * @module
 */

import type { Timer } from "../../../../base/clock.ts";
import { Deadlined, DeadlineLine, keepAlive } from "../../../../base/deadline.ts";
import { ClosedError } from "../../../../base/errors.ts";
import { waitedError } from "../errors.ts";
import type { ConnectionSettings } from "../settings/settings.ts";
import { openSession, type Session } from "./session.ts";

/** How long the server goes on with a statement that was given up here, in milliseconds. */
const LATE_MS = 500;

/** A call that waits for a session. */
class Waiter extends Deadlined {
  /** Whether the process may end meanwhile. */
  readonly isBackground: boolean;
  readonly lent: (session: Session) => void;
  readonly failed: (error: unknown) => void;

  constructor(isBackground: boolean, lent: (session: Session) => void, failed: (error: unknown) => void) {
    super();
    this.isBackground = isBackground;
    this.lent = lent;
    this.failed = failed;
  }
}

/** A pool of sessions of one database. */
export class Pool {
  readonly #settings: ConnectionSettings;
  readonly #idle: Session[] = [];
  readonly #all = new Set<Session>();
  readonly #waiters: Waiter[] = [];
  readonly #deadlines: DeadlineLine<Waiter>;
  #opening = 0;
  /** Keeps the process alive while calls wait: the connection that is being opened for them may not. */
  #kept: Timer | undefined;
  #closed: Error | undefined;
  /** Gives up the sessions that are being opened. */
  readonly #closing = new AbortController();
  #onEmpty: () => void = () => {};

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
    const { socketTimeoutMs, endpoint } = settings;
    this.#deadlines = new DeadlineLine(Math.ceil(socketTimeoutMs * 1_000), (waiter) => {
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      this.#keep();
      waiter.failed(waitedError(endpoint.label, socketTimeoutMs, this.isUp));
    });
  }

  /** Whether there is a session. */
  get isUp(): boolean {
    return this.#all.size > 0;
  }

  /**
   * Lends a session, the one that was used last. It keeps the process alive until it is given back.
   *
   * @param isBackground Whether the process may end meanwhile.
   * @throws {StoreError} If none can be opened, or all are in use for too long.
   */
  take(isBackground = false): Session | Promise<Session> {
    if (this.#closed !== undefined) throw this.#closed;
    const session = this.#idle.pop();
    if (session !== undefined) {
      session.hold(!isBackground);
      return session;
    }
    return new Promise((lent, failed) => {
      const waiter = new Waiter(isBackground, lent, failed);
      this.#waiters.push(waiter);
      this.#deadlines.add(waiter);
      this.#keep();
      if (this.#opening < this.#waiters.length) void this.#open(isBackground);
    });
  }

  /** Takes a session back. */
  giveBack(session: Session): void {
    if (!session.isOpen) return;
    if (this.#closed !== undefined) return this.#end(session);
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      session.hold(false);
      this.#idle.push(session);
      return;
    }
    this.#deadlines.delete(waiter);
    this.#keep();
    session.hold(!waiter.isBackground);
    waiter.lent(session);
  }

  /** Begins to open a session if there is none; the process may end meanwhile. */
  prepare(): void {
    if (this.#all.size + this.#opening === 0) void this.#open(true);
  }

  /** Ends all sessions, those in use when they are given back, and resolves then. */
  close(): Promise<void> {
    this.#closed = new ClosedError("the PostgreSQL store");
    this.#failAll(this.#closed);
    this.#closing.abort(this.#closed);
    for (const session of this.#idle.splice(0)) this.#end(session);
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      if (this.#all.size === 0) resolve();
    });
  }

  /** Breaks off those that are still in use. */
  destroy(): void {
    for (const session of this.#all) session.destroy();
  }

  #end(session: Session): void {
    this.#all.delete(session);
    session.close();
    if (this.#all.size === 0) this.#onEmpty();
  }

  async #open(isBackground: boolean): Promise<void> {
    if (this.#all.size + this.#opening >= this.#settings.poolMaxSize) return;
    this.#opening++;
    const { endpoint, socketTimeoutMs } = this.#settings;
    try {
      const session: Session = await openSession(endpoint, {
        ...this.#settings,
        statementTimeoutMs: socketTimeoutMs + LATE_MS,
        isBackground,
        signal: this.#closing.signal,
        onEnd: () => this.#ended(session),
      });
      this.#opening--;
      this.#all.add(session);
      this.giveBack(session);
    } catch (error) {
      this.#opening--;
      // Others may still become free.
      if (this.#all.size + this.#opening > 0 && this.#waiters.length > 0) return;
      this.#failAll(error);
    }
  }

  #ended(session: Session): void {
    this.#all.delete(session);
    if (this.#closed !== undefined) return this.#all.size === 0 ? this.#onEmpty() : undefined;
    const place = this.#idle.indexOf(session);
    if (place >= 0) this.#idle.splice(place, 1);
    if (this.#waiters.length > this.#opening) void this.#open(this.#mayEnd);
  }

  #failAll(error: unknown): void {
    this.#deadlines.takeAll();
    for (const waiter of this.#waiters.splice(0)) waiter.failed(error);
    this.#keep();
  }

  /** Whether the process may end, for all that waits. */
  get #mayEnd(): boolean {
    return this.#waiters.every(({ isBackground }) => isBackground);
  }

  #keep(): void {
    if (!this.#mayEnd) this.#kept ??= keepAlive();
    else {
      this.#kept?.cancel();
      this.#kept = undefined;
    }
  }
}
