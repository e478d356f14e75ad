/**
 * The connection of a store: opened when it is needed, opened again when it is lost, and asked over one subject for all
 * answers.
 *
 * @module
 */

import { systemClock, type Timer } from "../../../base/clock.ts";
import { DeadlineLine, startTimer } from "../../../base/deadline.ts";
import { ClosedError, type StoreError } from "../../../base/errors.ts";
import type { NatsClient, NatsMessage, NatsPublishOptions } from "./client.ts";
import {
  brokeError,
  type Labelled,
  noConnectionError,
  noRespondersError,
  permissionError,
  timeoutError,
} from "./errors.ts";
import { Pending } from "./pending.ts";
import { endSession, type Session } from "./session.ts";

/** How a link gets its client. */
export interface NatsSource extends Labelled {
  /** Opens one, or gives the one that the application has made. */
  open(others: readonly string[]): Promise<NatsClient>;
  /** Whether the client is closed with the link, and replaced when it is lost. */
  readonly isOwn: boolean;
  /** Lets the process end while the client is open, or not. */
  hold(client: NatsClient, isHeld: boolean): void;
}

/** What a link is made with. */
export interface NatsLinkOptions {
  /** What the subjects of answers begin with. */
  readonly inboxPrefix: string;
  /** How long an answer may take, in milliseconds. */
  readonly answerMs: number;
  /** Called with why a connection was lost, or could not be opened again. */
  readonly onError: (error: StoreError) => void;
}

/** How soon a lost connection is opened again, in milliseconds: at first, and at most. */
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;
/** A connection over which nothing came for this long is given up when an answer is late, in milliseconds. */
const SILENCE_MS = 1_500;
/** How long the process is kept alive after the last answer, in milliseconds. */
const LINGER_MS = 100;

let inboxes = 0;

/** The connection of one store, and the requests that wait for answers over it. */
export class NatsLink {
  readonly #source: NatsSource;
  readonly #options: NatsLinkOptions;
  readonly #pending = new Map<string, Pending>();
  readonly #deadlines: DeadlineLine<Pending>;
  readonly #lossListeners = new Set<(error: StoreError) => void>();
  #session: Session | undefined;
  #opening: Promise<Session> | undefined;
  #failure: StoreError | undefined;
  #retry: Timer | undefined;
  #linger: Timer | undefined;
  #others: readonly string[] = [];
  #next = 0;
  #heardUs = 0;
  #isClosed = false;
  #refuse: (error: ClosedError) => void = () => {};
  readonly #whenClosed = new Promise<never>((_, reject) => this.#refuse = reject);

  constructor(source: NatsSource, options: NatsLinkOptions) {
    this.#whenClosed.catch(() => {}); // nothing may wait for it
    this.#source = source;
    this.#options = options;
    this.#deadlines = new DeadlineLine(Math.ceil(options.answerMs * 1_000), (pending) => {
      this.#pending.delete(pending.token);
      const error = timeoutError(source, options.answerMs);
      pending.reject(error);
      const silentMs = (systemClock.nowUs() - this.#heardUs) / 1_000;
      if (source.isOwn && silentMs > SILENCE_MS) this.#drop(error);
    });
  }

  /** Whether there is a connection. */
  get isUp(): boolean {
    return this.#session !== undefined;
  }

  /** The URL, without credentials, and how it is encrypted. */
  get where(): Labelled {
    return this.#source;
  }

  /** The client of the present connection, if there is one. */
  get client(): NatsClient | undefined {
    return this.#session?.client;
  }

  /**
   * Opens the connection if there is none. Calls at the same time share the attempt.
   *
   * @throws {StoreError} If it cannot be opened.
   */
  async connect(): Promise<void> {
    if (this.#isClosed) throw new ClosedError("the nats store");
    if (this.#session === undefined) await this.#open();
  }

  /** Calls `listener` whenever the connection is lost. Returns how to stop that. */
  onLoss(listener: (error: StoreError) => void): () => void {
    this.#lossListeners.add(listener);
    return () => void this.#lossListeners.delete(listener);
  }

  /**
   * Sends a message that is answered.
   *
   * @param subject Where to.
   * @param payload What it says.
   * @param headers Its headers, made by the package of the client.
   * @returns The answer.
   * @throws {StoreError} If it was not sent, or no answer came in time.
   */
  ask(subject: string, payload: Uint8Array | string, headers?: NatsPublishOptions["headers"]): Promise<NatsMessage> {
    const session = this.#session;
    if (session === undefined) return Promise.reject(noConnectionError(this.#source, this.#failure));
    const token = (this.#next++).toString(36);
    return new Promise<NatsMessage>((resolve, reject) => {
      const pending = new Pending(token, subject, resolve, reject);
      try {
        session.client.publish(subject, payload, {
          reply: `${session.inbox}.${token}`,
          ...headers === undefined ? {} : { headers },
        });
      } catch (cause) {
        return reject(noConnectionError(this.#source, cause));
      }
      this.#pending.set(token, pending);
      this.#deadlines.add(pending);
      if (this.#pending.size === 1) this.#hold();
    });
  }

  /** A subject for messages to this process alone. */
  newInbox(): string {
    return `${this.#options.inboxPrefix}.ratesync-${crypto.randomUUID()}`;
  }

  /** Something has come over the connection. */
  heard(): void {
    this.#heardUs = systemClock.nowUs();
  }

  /** The server at the other end says nothing: another one of the cluster may. */
  #drop(error: StoreError): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#lose(session, error);
    session.client.close().catch(() => {});
  }

  /** Closes the connection if it is this link's own. What waits for answers fails. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#refuse(new ClosedError("NATS store"));
    this.#retry?.cancel();
    const session = this.#session;
    this.#session = undefined;
    this.#failAll(brokeError(this.#source, undefined));
    if (session !== undefined) await endSession(session, this.#source.isOwn);
  }

  #open(): Promise<Session> {
    this.#retry?.cancel();
    this.#retry = undefined;
    // A server that hangs does not hold up `close()`.
    return this.#opening ??= Promise.race([this.#start(), this.#whenClosed]).finally(() => this.#opening = undefined);
  }

  async #start(): Promise<Session> {
    let client: NatsClient;
    try {
      client = await this.#source.open(this.#others);
    } catch (error) {
      this.#failure = error as StoreError;
      throw error;
    }
    const session = this.#sessionOf(client);
    if (this.#isClosed) {
      void endSession(session, this.#source.isOwn);
      throw new ClosedError("NATS store");
    }
    this.#session = session;
    this.#failure = undefined;
    this.heard();
    this.#others = [...client.info?.connect_urls ?? []];
    return session;
  }

  #sessionOf(client: NatsClient): Session {
    const inbox = `${this.#options.inboxPrefix}.ratesync-${crypto.randomUUID()}-${inboxes++}`;
    const answers = client.subscribe(`${inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#answered(message, inbox.length + 1);
      },
    });
    const session: Session = { client, inbox, answers };
    void this.#watch(session);
    client.closed().then((error) => this.#lose(session, error ?? undefined), (error) => this.#lose(session, error));
    return session;
  }

  /** Hears what happens to the connection until it is closed. */
  async #watch(session: Session): Promise<void> {
    try {
      for await (const { type, error } of session.client.status()) {
        if (type === "error" && error !== undefined) this.#refused(error);
        else if (type === "disconnect" && !this.#source.isOwn) this.#lose(session, undefined);
        else if (type === "reconnect" && !this.#source.isOwn) this.#open().catch(() => {});
      }
    } catch {
      // the client ends it when it is closed
    }
  }

  #answered(message: NatsMessage, from: number): void {
    this.heard();
    const token = message.subject.slice(from);
    const pending = this.#pending.get(token);
    if (pending === undefined) return; // its time was over
    this.#pending.delete(token);
    this.#deadlines.delete(pending);
    if (message.headers?.code === 503) pending.reject(noRespondersError(this.#source, pending.subject));
    else pending.resolve(message);
  }

  /** The server says which subject was refused, and not for which message. */
  #refused(error: Error): void {
    const { operation, subject } = error as { readonly operation?: unknown; readonly subject?: unknown };
    if (typeof subject !== "string") return;
    const refusal = permissionError(
      this.#source,
      operation === "subscription" ? "subscribe to" : "publish to",
      subject,
    );
    this.#failAll(refusal, (pending) => operation === "subscription" || pending.subject === subject);
    this.#options.onError(refusal);
  }

  #lose(session: Session, cause: unknown): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    session.answers.unsubscribe();
    this.#failure = noConnectionError(this.#source, cause);
    this.#failAll(brokeError(this.#source, cause));
    this.#options.onError(this.#failure);
    for (const listener of [...this.#lossListeners]) listener(this.#failure);
    if (!this.#isClosed && this.#source.isOwn) this.#reopen(FIRST_RETRY_MS);
  }

  #reopen(delayMs: number): void {
    this.#retry = startTimer(delayMs, () => {
      this.#open().catch(() => {
        if (!this.#isClosed && this.#session === undefined) this.#reopen(Math.min(delayMs * 2, MAX_RETRY_MS));
      });
    });
  }

  #failAll(error: StoreError, isMeant: (pending: Pending) => boolean = () => true): void {
    for (const pending of [...this.#pending.values()].filter(isMeant)) {
      this.#pending.delete(pending.token);
      this.#deadlines.delete(pending);
      pending.reject(error);
    }
  }

  /** The process stays alive while an answer is waited for, and until what the stream then delivers has come. */
  #hold(): void {
    const session = this.#session;
    if (session === undefined || this.#linger !== undefined) return;
    this.#source.hold(session.client, true);
    const check = () => {
      if (this.#session === session && this.#pending.size > 0) return this.#linger = startTimer(LINGER_MS, check);
      this.#source.hold(session.client, false);
      return this.#linger = undefined;
    };
    this.#linger = startTimer(LINGER_MS, check);
  }
}
