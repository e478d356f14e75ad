/**
 * One shard of a stream: reads it into a replica, and sends messages whose replies come from there.
 *
 * @module
 */

import { keepAlive, startTimer } from "../../base/deadline.ts";
import { ClosedError, StoreError } from "../../base/errors.ts";
import type { WakeupListener } from "../store.ts";
import { Agreement } from "./agreement.ts";
import { type LogItem, type Notice, writeMessage } from "./message.ts";
import { Outbox } from "./outbox.ts";
import { Reading } from "./reading.ts";
import type { LogReply, Marked, Replica, ReplicaHost } from "./replica.ts";
import type { RulesWatch } from "./rules_watch.ts";
import { RulesBook } from "./rules_book.ts";
import type { LogStream } from "./stream.ts";

/** What a shard needs of its store. */
export interface ShardOptions {
  /** The stream. */
  readonly stream: LogStream;
  /** Which of its shards. */
  readonly name: string;
  /** For how long a message is sent again and again, in milliseconds; then it fails. */
  readonly answerTimeoutMs: number;
  /** After how long a message that has not come back is sent again, in milliseconds. */
  readonly resendMs: number;
  /** After how long without a message of this process its waiting calls are skipped, in milliseconds. */
  readonly aliveMs: number;
  /** How much is applied between two snapshots, in requests. */
  readonly snapshotEvery: number;
  /** The listeners of this process, by instance. */
  readonly listeners: ReadonlyMap<string, WakeupListener>;
  /** Sees the rules of all messages. */
  readonly rules: RulesWatch;
  /** Takes what goes wrong in the background; with `true` if limits are weaker because of it, although no call fails. */
  onError(error: StoreError, isWeaker?: boolean): void;
  /** A process has told something that is not about the state. */
  noticed(notice: Notice): void;
}

/** How many times in `aliveMs` a process with waiting calls says that it is alive. */
const BEATS = 3;

/** How long it may take to tell the others that this process leaves, in milliseconds. */
const LEAVE_MS = 300;

/** The longest message where the stream names none, in bytes. */
const MAX_BYTES = 1_000_000;

/** Notices that are about the state itself. */
const READING_NOTICES: ReadonlySet<Notice["op"]> = new Set(["storing", "stored", "wanted", "begin"]);

/** A shard as this process sees it. */
export class Shard implements ReplicaHost {
  /** The session of this process: readers recognise by it what is sent again. */
  readonly session: string = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
  readonly #options: ShardOptions;
  readonly #outbox: Outbox;
  readonly #reading: Reading;
  readonly #agreement: Agreement;
  #number = 0;
  #opening: Promise<void> | undefined;
  #stopped: StoreError | undefined;
  #isClosed = false;
  #beat: { cancel(): void } | undefined;

  /**
   * @param options What it needs.
   */
  constructor(options: ShardOptions) {
    this.#options = options;
    const { stream, name, answerTimeoutMs, resendMs } = options;
    this.#outbox = new Outbox({
      publish: (id, data) => this.#append(id, data),
      stuck: () => this.#reading.renew(),
      misplaced: () => this.#reading.moved(),
      sequence: () => this.#reading.replica?.sequence ?? 0,
      timeoutUs: answerTimeoutMs * 1_000,
      againUs: resendMs * 1_000,
    });
    this.#reading = new Reading({
      stream,
      shard: name,
      snapshotEvery: options.snapshotEvery,
      quietUs: resendMs * 1_000,
      wantedMs: answerTimeoutMs,
      host: this,
      publish: (notice) => this.#publish(notice),
      anew: (reason) => this.#anew(reason),
      failed: (error) => options.onError(error),
    });
    this.#agreement = new Agreement({
      session: this.session,
      differs: (isOutvoted) => this.#differs(isOutvoted),
    });
  }

  /** The state as far as it was read; undefined while it is not known. */
  get replica(): Replica | undefined {
    return this.#reading.replica;
  }

  /** Why this process does not decide any more until it is replaced; undefined while it does. */
  get stopped(): StoreError | undefined {
    return this.#stopped;
  }

  /** Whether it is read, or begins to be. */
  get isOpen(): boolean {
    return this.#opening !== undefined;
  }

  get rules(): RulesWatch {
    return this.#options.rules;
  }

  get listeners(): ReadonlyMap<string, WakeupListener> {
    return this.#options.listeners;
  }

  /** Reads what is there, so that a reply takes one way to the stream and back. Once for all callers. */
  open(): Promise<void> {
    return this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined;
      throw this.#stopped ?? error;
    });
  }

  async #open(): Promise<void> {
    const held = keepAlive();
    try {
      await this.#options.stream.connect();
      await this.#reading.start();
    } finally {
      held.cancel();
    }
    if (this.listeners.size === 0) return;
    await this.#ask([this.#listening()]);
    this.#beat ??= this.#beats();
  }

  /** Sends items as one message, or as several if they are too long for one. */
  async send(items: readonly LogItem[]): Promise<readonly LogReply[]> {
    if (this.#stopped !== undefined) throw this.#stopped;
    await this.open();
    const own = this.#agreement.take();
    const replies = await this.#ask(own === undefined ? items : [...items, own]);
    return own === undefined ? replies : replies.slice(0, items.length);
  }

  async #ask(items: readonly LogItem[]): Promise<readonly LogReply[]> {
    if (this.#isClosed) throw new ClosedError(`the ${this.#options.stream.engine} store`);
    const { replica } = this.#reading;
    if (this.#stopped !== undefined) throw this.#stopped;
    if (replica === undefined) throw unknown();
    const data = writeMessage(replica.book, this.session, this.#number + 1, items);
    const { maxBytes = MAX_BYTES } = this.#options.stream;
    if (data.length > maxBytes) return await this.#halve(items, data.length, maxBytes);
    const number = ++this.#number;
    return await this.#outbox.send(number, `${this.session}.${number}`, data);
  }

  /** Publishes a notice without waiting until it was applied. */
  #publish(notice: Notice): Promise<number | undefined> {
    const number = ++this.#number;
    const data = writeMessage(new RulesBook(), this.session, number, [notice]);
    return this.#append(`${this.session}.${number}`, data);
  }

  #append(id: string, data: Uint8Array): Promise<number | undefined> {
    const { stream, name } = this.#options;
    return stream.publish(name, id, data).catch((error: unknown) => {
      if (error instanceof StoreError && error.reason === "stream_full") this.#reading.full();
      throw error;
    });
  }

  async #halve(items: readonly LogItem[], bytes: number, maxBytes: number): Promise<readonly LogReply[]> {
    if (items.length === 1) {
      const message = `Cannot send a request: it takes ${bytes} bytes, and a message of the stream ${maxBytes} at most`;
      return [new StoreError("STORE_REFUSED", message)];
    }
    const middle = items.length >> 1;
    return (await Promise.all([this.#ask(items.slice(0, middle)), this.#ask(items.slice(middle))])).flat();
  }

  /** Says which instances take wakeups. */
  async listen(): Promise<void> {
    await this.send([this.#listening()]);
    this.#beat ??= this.#beats();
  }

  /** Tells the others again and again, while calls wait, that this process is alive. */
  #beats(): { cancel(): void } {
    return startTimer(this.#options.aliveMs / BEATS, () => {
      const isAwaited = [...this.listeners.values()].some((listener) => listener.isAwaited ?? true);
      if (this.#isClosed) return;
      if (isAwaited && this.#stopped === undefined) this.#tellListening();
      this.#beat = this.#beats();
    });
  }

  #listening(): Notice {
    return { op: "listen", instances: [...this.listeners.keys()], aliveUs: this.#options.aliveMs * 1_000 };
  }

  #tellListening(): void {
    if (this.listeners.size > 0) this.#ask([this.#listening()]).catch(() => {});
  }

  replied(number: number, replies: readonly LogReply[]): void {
    this.#outbox.replied(number, replies);
    this.#reading.applied();
  }

  noticed(notice: Notice, session: string): void {
    if (READING_NOTICES.has(notice.op)) this.#reading.noticed(notice, session);
    else if (notice.op === "digest") this.#agreement.heard(session, notice);
    else if (notice.op === "clear") { for (const listener of this.listeners.values()) listener.missed(); }
    else this.#options.noticed(notice);
  }

  marked(mark: Marked): void {
    this.#agreement.marked(mark);
  }

  outdated(version: number): void {
    const message =
      `Cannot decide with other processes: one of them is of a newer version of the package (its messages ` +
      `have version ${version}). Update this process. To go back to the old version, delete the stream`;
    this.#stop(new StoreError("STORE_REFUSED", message, { reason: "foreign_state" }));
  }

  /** This process has computed something else than the others. */
  #differs(isOutvoted: boolean): void {
    const message = "Cannot trust this state: processes have computed different decisions from the same requests" +
      (isOutvoted ? "; this one loads the state of the others" : "");
    this.#options.onError(new StoreError("STORE_REFUSED", message, { reason: "foreign_state" }), true);
    if (isOutvoted) this.#reading.reload();
  }

  /** The state was read anew, and calls that wait have to ask again. */
  #anew(reason: string | undefined): void {
    this.#agreement.reset();
    if (reason !== undefined) {
      this.#options.onError(new StoreError("STORE_UNAVAILABLE", reason, { reason: "disconnected" }), true);
    }
    if (this.#beat !== undefined) this.lapsed();
  }

  lapsed(): void {
    this.#tellListening();
    for (const listener of this.listeners.values()) listener.missed();
  }

  #stop(error: StoreError): void {
    this.#stopped ??= error;
    void this.#reading.close();
    this.#outbox.fail(error);
    this.#options.onError(error);
  }

  /** Tells the others that this process leaves, waits a moment for the answer, and stops reading. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    const leaves = this.#opening !== undefined && this.#stopped === undefined
      ? this.#ask([{ op: "leave" }]).catch(() => {})
      : undefined;
    this.#isClosed = true;
    this.#beat?.cancel();
    if (leaves !== undefined) await Promise.race([leaves, new Promise<void>((done) => startTimer(LEAVE_MS, done))]);
    await this.#reading.close();
    this.#outbox.fail(new ClosedError(`the ${this.#options.stream.engine} store`));
  }
}

function unknown(): StoreError {
  const message = "Cannot decide: the state of the stream is being read";
  return new StoreError("STORE_UNAVAILABLE", message, { reason: "loading" });
}
