/**
 * Reads a shard into a replica: from a snapshot or from the beginning, and anew where the reading ends, falls silent or has
 * missed something.
 *
 * @module
 */

import { systemClock } from "../../base/clock.ts";
import { startTimer } from "../../base/deadline.ts";
import { StoreError } from "../../base/errors.ts";
import type { Notice } from "./message.ts";
import { Replica, type ReplicaHost } from "./replica.ts";
import { RulesBook } from "./rules_book.ts";
import { readSnapshot } from "./snapshot_reader.ts";
import { SnapshotDuty } from "./snapshot_duty.ts";
import type { LogMessage, LogReader, LogState, LogStream } from "./stream.ts";

/** What a reading needs. */
export interface ReadingOptions {
  /** The stream. */
  readonly stream: LogStream;
  /** Which of its shards. */
  readonly shard: string;
  /** How much is applied between two snapshots, in requests. */
  readonly snapshotEvery: number;
  /** How long nothing may come while something should, in microseconds. */
  readonly quietUs: number;
  /** How long it waits for a snapshot by another process where messages are missing, in milliseconds. */
  readonly wantedMs: number;
  /** Who hears of what is read. */
  readonly host: ReplicaHost;
  /** Publishes a notice by itself. */
  publish(notice: Notice): Promise<number | undefined>;
  /** The state was read anew: calls that wait may have lost their places. Why, where counted units are lost. */
  anew(reason: string | undefined): void;
  /** Something went wrong in the background; it is tried again. */
  failed(error: StoreError): void;
}

/** How long it waits between two attempts, in milliseconds: at first, and at most. */
const RETRY_MS = 50;
const MOST_RETRY_MS = 1_000;

/** How often a process looks for a snapshot by another one where messages are missing, in milliseconds. */
const WANTED_LOOK_MS = 250;

/** The reading of one shard. */
export class Reading {
  /** The state; undefined while it is not known. */
  replica: Replica | undefined;
  readonly #options: ReadingOptions;
  readonly #duty: SnapshotDuty;
  readonly #book = new RulesBook();
  /** The id of the shard that it reads: see `LogState.id`. */
  #id: string | undefined;
  #reader: LogReader | undefined;
  /** Counts readings, to ignore what an earlier one still delivers. */
  #turn = 0;
  /** Snapshots up to here are of a state that is not trusted. */
  #notBefore = -1;
  /** The newest snapshot cannot be used: another one is needed before a process begins with it. */
  #isStale = false;
  #isBusy = false;
  #isClosed = false;
  /** When the last message came. */
  #heardUs = 0;
  /** Ends the beginning that is under way. */
  #interrupt: (reason: Error) => void = () => {};
  #caughtUp: { readonly sequence: number; done(): void }[] = [];

  /**
   * @param options What it needs.
   */
  constructor(options: ReadingOptions) {
    this.#options = options;
    const { stream, shard, snapshotEvery, host, publish, failed } = options;
    this.#duty = new SnapshotDuty({ stream, shard, snapshotEvery, session: host.session, publish, failed });
  }

  /** Begins. Resolves when all is applied that is there now. */
  async start(): Promise<void> {
    this.#isBusy = true;
    try {
      await this.#begin();
    } finally {
      this.#isBusy = false;
    }
  }

  /** Reads on by a new reader, if nothing has come for a while. */
  renew(): void {
    if (systemClock.nowUs() - this.#heardUs >= this.#options.quietUs) {
      this.#restart(lost("nothing has come for a while"));
    }
  }

  /** Reads on by a new reader, because the stream is another one than it was. */
  moved(): void {
    if (!this.#isBusy) this.#restart(lost("it is another one than before"));
  }

  /** Drops the state, and loads one that others have stored from now on. */
  reload(): void {
    const { replica } = this;
    if (replica === undefined || this.#isBusy) return;
    this.#notBefore = replica.sequence;
    this.replica = undefined;
    this.#restart(lost("the state that was read is not that of the others"));
  }

  /** A process has told something about snapshots, or the state begins anew. */
  noticed(notice: Notice, session: string): void {
    const { replica } = this;
    if (replica === undefined) return;
    if (notice.op !== "begin") return this.#duty.noticed(notice, session, replica, this.#id as string);
    this.replica = new Replica(this.#options.host, replica.sequence, this.#book);
    this.#options.anew("The state of the stream was lost: limits begin anew");
  }

  /** A message of this process was applied. */
  applied(): void {
    if (this.replica !== undefined) this.#duty.applied(this.replica);
  }

  /** The stream takes no more messages. */
  full(): void {
    if (this.replica !== undefined && this.#id !== undefined) this.#duty.full(this.replica, this.#id);
  }

  /** Reads no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#turn++;
    this.#interrupt(lost("it was closed"));
    await this.#reader?.close();
    this.#reader = undefined;
  }

  /** Begins again until that succeeds. A beginning that is under way counts as failed. */
  #restart(reason: StoreError): void {
    if (this.#isBusy) return this.#interrupt(reason);
    this.#options.failed(reason);
    void this.#begins();
  }

  async #begins(): Promise<void> {
    this.#isBusy = true;
    for (let delayMs = RETRY_MS; !this.#isClosed; delayMs = Math.min(2 * delayMs, MOST_RETRY_MS)) {
      try {
        await this.#begin();
        break;
      } catch (error) {
        this.#options.failed(error instanceof StoreError ? error : lost("it could not be begun", error));
        await sleep(delayMs);
      }
    }
    this.#isBusy = false;
  }

  async #begin(): Promise<void> {
    const { stream, shard } = this.#options;
    const turn = ++this.#turn;
    this.#caughtUp = [];
    await this.#reader?.close();
    this.#reader = undefined;
    const state = await stream.state(shard);
    this.#duty.opened(state.most);
    const replica = this.#continues(state) ? this.replica as Replica : await this.#load(state);
    if (this.#isClosed || turn !== this.#turn) return;
    const isAnew = this.replica !== replica;
    const isAnother = this.#id !== undefined && this.#id !== state.id;
    this.replica = replica;
    this.#id = state.id;
    this.#heardUs = systemClock.nowUs();
    const interrupted = new Promise<never>((_, reject) => this.#interrupt = reject);
    interrupted.catch(() => {}); // also where nothing waits for it
    const reader = await stream.read(
      shard,
      replica.sequence + 1,
      (message) => {
        if (turn === this.#turn) this.#apply(message);
      },
      (error) => {
        if (turn === this.#turn) this.#restart(error instanceof StoreError ? error : lost("the reading ended", error));
      },
    );
    if (this.#isClosed || turn !== this.#turn) return void await reader.close();
    this.#reader = reader;
    // In this order: a reading that has ended has not begun, also where nothing was left to read.
    await Promise.race([interrupted, this.#reached(state.last)]);
    if (this.#isStale) this.#options.publish({ op: "wanted" }).catch(() => {}); // the next to begin says it again
    this.#isStale = false;
    if (isAnew) {
      this.#options.anew(
        isAnother ? "The stream was deleted, or its server has lost it: limits begin anew" : undefined,
      );
    }
  }

  /** Whether the state at hand is one of this shard, and the next message is there or still to come. */
  #continues({ id, first, last }: LogState): boolean {
    const { replica } = this;
    return replica !== undefined && id === this.#id && first <= replica.sequence + 1 && replica.sequence <= last;
  }

  async #load(state: LogState): Promise<Replica> {
    const { host } = this.#options;
    const isWanted = this.#notBefore >= 0;
    if (!isWanted) {
      const replica = await this.#snapshot(state);
      if (replica !== undefined) return replica;
      if (state.first <= 1) return new Replica(host, 0, this.#book);
    }
    // Messages are missing, or the state was not right: others have a whole one, if there are any.
    await this.#options.publish({ op: "wanted" });
    for (let waitedMs = 0; waitedMs < this.#options.wantedMs; waitedMs += WANTED_LOOK_MS) {
      await sleep(WANTED_LOOK_MS);
      if (this.#isClosed) break;
      const replica = await this.#snapshot(await this.#options.stream.state(this.#options.shard));
      if (replica !== undefined) {
        this.#notBefore = -1;
        return replica;
      }
    }
    this.#notBefore = -1;
    if (isWanted) return await this.#snapshot(state) ?? new Replica(host, state.first - 1, this.#book);
    const { last } = await this.#options.stream.state(this.#options.shard);
    await this.#options.publish({ op: "begin" });
    this.#isStale = true;
    return new Replica(host, last, this.#book);
  }

  /** The state of the newest snapshot, if it is of messages that the stream has, and all behind it are there. */
  async #snapshot({ id, first, last }: LogState): Promise<Replica | undefined> {
    const { stream, shard, host } = this.#options;
    const snapshot = await stream.loadSnapshot(shard);
    if (snapshot === undefined || snapshot.sequence <= this.#notBefore) return undefined;
    // After a loss of power, a server may have lost messages that a snapshot knows.
    if (snapshot.sequence > last) this.#isStale = true;
    if (snapshot.sequence > last || snapshot.sequence + 1 < first) return undefined;
    const replica = new Replica(host, snapshot.sequence, this.#book);
    return await readSnapshot(replica, snapshot.chunks, id) ? replica : undefined;
  }

  #apply(message: LogMessage): void {
    const { replica } = this;
    this.#heardUs = systemClock.nowUs();
    if (replica === undefined || message.sequence <= replica.sequence) return;
    if (message.sequence > replica.sequence + 1) {
      this.replica = undefined;
      const [from, to] = [replica.sequence + 1, message.sequence - 1];
      return this.#restart(lost(`its messages from ${from} to ${to} are missing`));
    }
    this.#duty.read(message.data.length);
    try {
      replica.apply(message);
    } catch (cause) {
      // A message that cannot be applied has the same effect, or none, in every process.
      const text = `Cannot apply message ${message.sequence} of the stream: it is none that this package writes`;
      this.#options.failed(new StoreError("STORE_REFUSED", text, { reason: "foreign_state", cause }));
    }
    if (this.#caughtUp.length > 0) this.#tellReached();
  }

  /** Resolves when a message was applied. */
  #reached(sequence: number): Promise<void> {
    if ((this.replica?.sequence ?? 0) >= sequence) return Promise.resolve();
    return new Promise((done) => this.#caughtUp.push({ sequence, done }));
  }

  #tellReached(): void {
    const sequence = this.replica?.sequence ?? Infinity;
    for (const each of this.#caughtUp) if (each.sequence <= sequence) each.done();
    this.#caughtUp = this.#caughtUp.filter((each) => each.sequence > sequence);
  }
}

function lost(why: string, cause?: unknown): StoreError {
  return new StoreError("STORE_UNAVAILABLE", `Cannot go on reading the stream: ${why}`, {
    reason: "disconnected",
    cause,
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((done) => startTimer(ms, done));
}
