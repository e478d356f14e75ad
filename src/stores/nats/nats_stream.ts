/**
 * NATS as the ordered stream of a store: a JetStream stream for each shard, and another one for its snapshots.
 *
 * @module
 */

import type { StoreError } from "../../base/errors.ts";
import type { StoreFindings } from "../check.ts";
import { type ServerFacts, serverFacts } from "../inspection.ts";
import type { LogLimits, LogMessage, LogReader, LogSnapshot, LogState, LogStream } from "../log/stream.ts";
import { checkNats } from "./check.ts";
import type { NatsPublishOptions } from "./connection/client.ts";
import { loadNatsDriver } from "./connection/driver.ts";
import { apiError, noRespondersError, versionError } from "./connection/errors.ts";
import { NatsLink, type NatsSource } from "./connection/link.ts";
import { JetStream, type StreamInfo } from "./jetstream.ts";
import { namesOf } from "./names.ts";
import { Reading } from "./reading.ts";
import type { NatsSettings } from "./settings/settings.ts";
import { Snapshots } from "./snapshots.ts";
import { isMissing, Streams } from "./streams.ts";

/** How long JetStream may take to answer, in milliseconds, before it is asked again. */
const ANSWER_MS = 800;
/** The longest message, in bytes, where the server allows as much. */
const MAX_BYTES = 1_000_000;
/** What the headers of a message may take of what the server allows, in bytes. */
const HEADER_BYTES = 512;

/** The streams of all shards of one store. */
export class NatsStream implements LogStream {
  readonly engine = "nats";
  readonly url: string;
  readonly #settings: NatsSettings;
  readonly #link: NatsLink;
  readonly #jetstream: JetStream;
  readonly #streams: Streams;
  readonly #lives = new Map<string, string>();
  #headers: ((id: string) => NatsPublishOptions["headers"]) | undefined;

  /**
   * A stream that opens its connection when it is needed.
   *
   * @param source How to get a connection.
   * @param settings How to use it.
   * @param onError Called with what goes wrong in the background.
   */
  constructor(source: NatsSource, settings: NatsSettings, onError: (error: StoreError) => void) {
    this.url = source.label;
    this.#settings = settings;
    this.#link = new NatsLink(source, { inboxPrefix: settings.inboxPrefix, answerMs: ANSWER_MS, onError });
    this.#jetstream = new JetStream(this.#link);
    this.#streams = new Streams(this.#link, this.#jetstream, settings);
  }

  get maxBytes(): number {
    return Math.min((this.#link.client?.info?.max_payload ?? Infinity) - HEADER_BYTES, MAX_BYTES);
  }

  isUp(): boolean {
    return this.#link.isUp;
  }

  async connect(): Promise<void> {
    if (this.#headers === undefined) {
      const { headers } = await loadNatsDriver();
      this.#headers = (id) => {
        const made = headers();
        made.set("Nats-Msg-Id", id);
        return made;
      };
    }
    await this.#link.connect();
    const { version = "" } = this.#link.client?.info ?? {};
    const [major = 0, minor = 0] = version.split(".").map(Number);
    if (major < 2 || (major === 2 && minor < 9)) {
      throw versionError(this.#link.where, version || "of an unknown version");
    }
  }

  async state(shard: string): Promise<LogState> {
    const { log, logSubject, snapshots, snapshotSubject } = namesOf(this.#settings.streamPrefix, shard);
    // Without a stream for snapshots, the log would grow without end: that is said now, and not after days.
    const [info] = await Promise.all([
      this.#streams.open(log, logSubject),
      this.#streams.open(snapshots, `${snapshotSubject}.>`),
    ]);
    const id = lifeOf(info);
    this.#lives.set(shard, id);
    const { messages, first_seq, last_seq } = info.state;
    return { id, first: messages === 0 ? last_seq + 1 : first_seq, last: last_seq, most: limitsOf(info) };
  }

  async publish(shard: string, id: string, data: Uint8Array): Promise<number> {
    const { log, logSubject } = namesOf(this.#settings.streamPrefix, shard);
    const { data: answer } = await this.#link.ask(logSubject, data, this.#headers?.(id));
    const { error, stream, seq } = this.#jetstream.parse(answer);
    if (error !== undefined) throw apiError(this.#link.where, `add to the stream ${log}`, error);
    // A stream of someone else that takes this subject confirms too.
    if (stream !== log) throw noRespondersError(this.#link.where, logSubject);
    return Number(seq);
  }

  async read(
    shard: string,
    from: number,
    onMessage: (message: LogMessage) => void,
    onEnd: (error: Error) => void,
  ): Promise<LogReader> {
    const { log } = namesOf(this.#settings.streamPrefix, shard);
    return await Reading.begin(this.#link, this.#jetstream, { stream: log, from, onMessage, onEnd });
  }

  async loadSnapshot(shard: string): Promise<LogSnapshot | undefined> {
    return await this.#snapshotsOf(shard).load(await this.#lifeOf(shard));
  }

  async saveSnapshot(shard: string, sequence: number, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const { snapshots, snapshotSubject } = namesOf(this.#settings.streamPrefix, shard);
    await this.#streams.open(snapshots, `${snapshotSubject}.>`);
    await this.#snapshotsOf(shard).save(await this.#lifeOf(shard), sequence, chunks);
  }

  async cut(shard: string, sequence: number): Promise<void> {
    const { log } = namesOf(this.#settings.streamPrefix, shard);
    await this.#jetstream.purge(log, { seq: sequence }).catch((error) => {
      if (!isMissing(error)) throw error;
    });
  }

  async check(): Promise<Partial<StoreFindings>> {
    return await checkNats(this.#link, this.#jetstream, this.#settings, [...this.#lives.keys()]);
  }

  async inspect(): Promise<ServerFacts[]> {
    const { cluster } = await this.#jetstream.info(namesOf(this.#settings.streamPrefix, "0").log);
    const replicas = cluster?.replicas?.filter(({ current, offline }) => current && !offline).length ?? 0;
    return [serverFacts({ url: this.url, replicas })];
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  #snapshotsOf(shard: string): Snapshots {
    return new Snapshots(this.#link, this.#jetstream, namesOf(this.#settings.streamPrefix, shard));
  }

  async #lifeOf(shard: string): Promise<string> {
    return this.#lives.get(shard) ?? (await this.state(shard)).id;
  }
}

/** JetStream has -1 for no limit. */
function limitsOf({ config: { max_bytes: bytes = -1, max_msgs: messages = -1 } }: StreamInfo): LogLimits {
  return { ...bytes > 0 ? { bytes } : {}, ...messages > 0 ? { messages } : {} };
}

/** A stream that is deleted and made again counts from 1 again. */
function lifeOf({ created }: StreamInfo): string {
  return created.replace(/\W/g, "");
}
