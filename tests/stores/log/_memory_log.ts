import assert from "node:assert/strict";

import { StoreError } from "../../../src/base/errors.ts";
import type { LogMessage, LogReader, LogSnapshot, LogState, LogStream } from "../../../src/stores/log/stream.ts";

/** A server in this process: it keeps messages in order, and can do what servers do to their clients. */
export class MemoryLog {
  /** Where time stamps come from. */
  nowUs: () => number;
  /** Whether ids are compared, as JetStream does. Without it, messages that are sent again come twice. */
  comparesIds = true;
  /** How many messages a shard may hold. */
  mostMessages: number = Infinity;
  /** Whether the server tells clients how many. */
  tellsMost = true;
  readonly #shards = new Map<string, MemoryShard>();
  #lives = 0;

  constructor(nowUs: () => number) {
    this.nowUs = nowUs;
  }

  shard(name: string): MemoryShard {
    let shard = this.#shards.get(name);
    if (shard === undefined) this.#shards.set(name, shard = new MemoryShard(`life ${++this.#lives}`));
    return shard;
  }

  /** Deletes all shards with their messages; snapshots stay, as they are kept elsewhere. */
  deleteAll(): void {
    for (const [name, shard] of this.#shards) {
      const after = new MemoryShard(`life ${++this.#lives}`);
      after.snapshot = shard.snapshot;
      this.#shards.set(name, after);
      for (const reader of shard.readers) reader.end(new StoreError("STORE_UNAVAILABLE", "the stream was deleted"));
    }
  }
}

export class MemoryShard {
  first = 1;
  readonly messages: LogMessage[] = [];
  readonly ids: Map<string, number> = new Map();
  readonly readers: Set<MemoryReader> = new Set();
  snapshot: { readonly sequence: number; readonly chunks: readonly Uint8Array[] } | undefined;
  /** How many snapshots were stored. */
  stored = 0;
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }

  get last(): number {
    return this.messages.length;
  }

  /** Loses its last messages, as a server does that has lost its power before they were on the disk. */
  lose(count: number): void {
    this.messages.length -= count;
    for (const [id, sequence] of this.ids) if (sequence > this.messages.length) this.ids.delete(id);
    for (const reader of [...this.readers]) reader.end(new StoreError("STORE_UNAVAILABLE", "the server restarts"));
  }

  append(id: string, data: Uint8Array, { nowUs, comparesIds }: MemoryLog): number {
    const known = comparesIds ? this.ids.get(id) : undefined;
    if (known !== undefined) return known;
    const sequence = this.messages.push({ sequence: this.messages.length + 1, stampUs: nowUs(), data });
    this.ids.set(id, sequence);
    for (const reader of this.readers) reader.wake();
    return sequence;
  }
}

class MemoryReader implements LogReader {
  #next: number;
  #isAwake = false;
  #isClosed = false;
  readonly #shard: MemoryShard;
  readonly #later: (work: () => void) => void;
  readonly #onMessage: (message: LogMessage) => void;
  readonly #onEnd: (error: Error) => void;
  /** Messages are there and do not come. */
  isFrozen = false;

  constructor(
    shard: MemoryShard,
    from: number,
    later: (work: () => void) => void,
    onMessage: (message: LogMessage) => void,
    onEnd: (error: Error) => void,
  ) {
    this.#shard = shard;
    this.#next = from;
    this.#later = later;
    this.#onMessage = onMessage;
    this.#onEnd = onEnd;
    shard.readers.add(this);
    this.wake();
  }

  wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    this.#later(() => {
      this.#isAwake = false;
      this.#next = Math.max(this.#next, this.#shard.first);
      while (!this.#isClosed && !this.isFrozen && this.#next <= this.#shard.last) {
        this.#onMessage(this.#shard.messages[this.#next++ - 1] as LogMessage);
      }
    });
  }

  end(error: Error): void {
    if (this.#isClosed) return;
    this.close();
    this.#onEnd(error);
  }

  close(): void {
    this.#isClosed = true;
    this.#shard.readers.delete(this);
  }
}

/** What goes wrong for one client. Each is asked for each message. */
export interface Faults {
  /** Whether a message is lost on its way, and its sender hears nothing. */
  losesMessage?(): boolean;
  /** Whether the message arrives, and the confirmation is lost. */
  losesReply?(): boolean;
  /** Calls back after a delay. */
  later?(work: () => void): void;
}

/** A client. */
export class MemoryLogStream implements LogStream {
  readonly engine = "memory-log";
  readonly maxBytes: number;
  readonly log: MemoryLog;
  /** While set, the server cannot be reached. */
  failure: StoreError | undefined;
  /** While set, everything that would come back is kept until the process goes on. */
  isPaused = false;
  readonly #faults: Faults;
  readonly #kept: (() => void)[] = [];
  readonly readers: MemoryReader[] = [];

  constructor(log: MemoryLog, faults: Faults = {}, maxBytes = 1_000_000) {
    this.log = log;
    this.#faults = faults;
    this.maxBytes = maxBytes;
  }

  isUp(): boolean {
    return this.failure === undefined;
  }

  /** Lets what was kept arrive. */
  resume(): void {
    this.isPaused = false;
    for (const work of this.#kept.splice(0)) work();
  }

  #later = (work: () => void): void => {
    const run = () => void (this.isPaused ? this.#kept.push(work) : work());
    if (this.#faults.later === undefined) queueMicrotask(run);
    else this.#faults.later(run);
  };

  #check(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  // deno-lint-ignore require-await -- what throws, rejects
  async connect(): Promise<void> {
    this.#check();
  }

  // deno-lint-ignore require-await -- what throws, rejects
  async state(name: string): Promise<LogState> {
    this.#check();
    const { id, first, last } = this.log.shard(name);
    const { mostMessages: messages, tellsMost } = this.log;
    return { id, first, last, ...tellsMost ? { most: { messages } } : {} };
  }

  publish(name: string, id: string, data: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) return reject(this.failure);
      const { losesMessage, losesReply } = this.#faults;
      const lost = () => reject(new StoreError("STORE_TIMEOUT", "no confirmation", { reason: "no_answer" }));
      this.#later(() => {
        if (losesMessage?.()) return this.#later(lost);
        const shard = this.log.shard(name);
        if (shard.last + 1 - shard.first >= this.log.mostMessages) {
          return this.#later(() => reject(new StoreError("STORE_REFUSED", "it is full", { reason: "stream_full" })));
        }
        const sequence = shard.append(id, data, this.log);
        this.#later(() => losesReply?.() ? lost() : resolve(sequence));
      });
    });
  }

  // deno-lint-ignore require-await -- what throws, rejects
  async read(
    name: string,
    from: number,
    onMessage: (message: LogMessage) => void,
    onEnd: (error: Error) => void,
  ): Promise<LogReader> {
    this.#check();
    const reader = new MemoryReader(this.log.shard(name), from, this.#later, onMessage, onEnd);
    this.readers.push(reader);
    return reader;
  }

  // deno-lint-ignore require-await -- what throws, rejects
  async loadSnapshot(name: string): Promise<LogSnapshot | undefined> {
    this.#check();
    const { snapshot } = this.log.shard(name);
    return snapshot && { sequence: snapshot.sequence, chunks: each(snapshot.chunks) };
  }

  async saveSnapshot(name: string, sequence: number, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const kept: Uint8Array[] = [];
    for await (const chunk of chunks) kept.push(chunk.slice());
    this.#check();
    const shard = this.log.shard(name);
    shard.snapshot = { sequence, chunks: kept };
    shard.stored++;
  }

  // deno-lint-ignore require-await -- what throws, rejects
  async cut(name: string, sequence: number): Promise<void> {
    const shard = this.log.shard(name);
    assert.ok(sequence <= shard.last + 1, "a server would leave out messages that are not there yet");
    shard.first = Math.max(shard.first, sequence);
  }

  /** Ends all readings. */
  killReaders(): void {
    for (const reader of this.readers) reader.end(new StoreError("STORE_UNAVAILABLE", "the reading ended"));
  }

  // deno-lint-ignore require-await -- what throws, rejects
  async close(): Promise<void> {
    for (const reader of this.readers) reader.close();
  }
}

async function* each<Item>(items: readonly Item[]): AsyncGenerator<Item, void, void> {
  for (const item of items) yield await Promise.resolve(item);
}
