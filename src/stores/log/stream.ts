/**
 * What a store over an ordered stream needs of the stream. Nothing here knows a product.
 *
 * @module
 */

import type { StoreFindings } from "../check.ts";
import type { ServerFacts } from "../inspection.ts";

/** One message as the stream keeps it. */
export interface LogMessage {
  /** Its place: the first message of a shard has 1, and each one after it one more, without gaps. */
  readonly sequence: number;
  /** When the server stored it, by the server's clock, in microseconds since 1970. Every reader sees the same number. */
  readonly stampUs: number;
  /** What was published. */
  readonly data: Uint8Array;
}

/** A reading that is under way. */
export interface LogReader {
  /** Ends it. After this call, neither `onMessage` nor `onEnd` is called. Must not reject. */
  close(): Promise<void> | void;
}

/** What a shard of a stream holds. */
export interface LogState {
  /** Names this life of the shard: another one once it was deleted and made again. The time at which it was made will do. */
  readonly id: string;
  /** The sequence of the first message that is kept; `last + 1` if none is. */
  readonly first: number;
  /** The sequence of the last message; 0 if there was none. */
  readonly last: number;
  /** What it may hold at most; absent where only the disk limits it. */
  readonly most?: LogLimits;
}

/** What a shard may hold at most. */
export interface LogLimits {
  /** Messages. @default {Infinity} */
  readonly messages?: number;
  /** Bytes. @default {Infinity} */
  readonly bytes?: number;
}

/** A snapshot as it is kept. */
export interface LogSnapshot {
  /** It holds the effect of all messages up to this one. */
  readonly sequence: number;
  /** Its bytes, in pieces of any length. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * An ordered stream that several processes append to, and all of them read in one order. It has shards, which are
 * independent of each other: a name of letters, digits, `-` and `_` each, made when first used.
 *
 * All that fails, fails with a `StoreError`. The codes tell what is known of a message that could not be published:
 * `STORE_UNAVAILABLE` with the reason `connection_broke`, and `STORE_TIMEOUT`, say that it may have been appended; it is
 * sent again under the same id. All others say that it was not.
 */
export interface LogStream {
  /** What the stream is, as a store says it of itself: `nats`. */
  readonly engine: string;
  /** Where it is, without credentials; undefined where that means nothing. */
  readonly url?: string | undefined;
  /** Whether there is a connection at this moment; absent where that is not known. */
  isUp?(): boolean;
  /** Opens what must be opened, and rejects with what is wrong if it cannot be. May be called again and again. */
  connect(): Promise<void>;
  /** Makes the shard if it does not exist, checks that it is kept as it must be, and tells what it holds. */
  state(shard: string): Promise<LogState>;
  /**
   * Appends a message. Calls are made in an order, and messages are appended in it unless one fails.
   *
   * @param shard The shard.
   * @param id Names the message. Publishing the same id again within two minutes appends nothing where the stream can
   *   do that; readers leave out what comes twice in any case.
   * @param data What it says, up to `maxBytes`. The array belongs to the stream from now on.
   * @returns Resolves when the stream has it, to its sequence; that of the first where it was published before. A stream that
   *   does not confirm resolves to undefined when it was sent. A message that fails rejects within a second.
   */
  publish(shard: string, id: string, data: Uint8Array): Promise<number | undefined>;
  /** The longest message, in bytes. @default {1_000_000} */
  readonly maxBytes?: number | undefined;
  /**
   * Reads, in order, without gaps, until closed.
   *
   * @param shard The shard.
   * @param from The sequence of the first message. Where it is not kept any more, reading begins with the first that is; the
   *   caller sees that by its sequence.
   * @param onMessage Takes a message. Must not throw. Messages that are there already may come many in a turn.
   * @param onEnd The reading has ended, and why: it is begun anew by the caller, behind the last message that it has got.
   * @returns Resolves when the reading has begun.
   */
  read(
    shard: string,
    from: number,
    onMessage: (message: LogMessage) => void,
    onEnd: (error: Error) => void,
  ): Promise<LogReader>;
  /** The newest snapshot that was stored whole; undefined if there is none. */
  loadSnapshot(shard: string): Promise<LogSnapshot | undefined>;
  /**
   * Stores a snapshot. It replaces the one before when all of it is stored: a snapshot is never loaded in part, also where
   * two processes store one at the same time. `chunks` are of up to 256 KiB, and may throw: then nothing is stored.
   */
  saveSnapshot(shard: string, sequence: number, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Messages before `sequence` are not needed any more. They may be kept. */
  cut(shard: string, sequence: number): Promise<void>;
  /** Looks at the server, and tells what is wrong. Never rejects, and resolves within a second and a half. */
  check?(): Promise<Partial<StoreFindings>>;
  /** Tells of the servers what people who operate them want to know. */
  inspect?(): Promise<readonly ServerFacts[]>;
  /** Closes what this stream has opened. Readings end without being told. */
  close(): Promise<void>;
}
