/**
 * Requests to JetStream: JSON to a subject of its API, JSON back.
 *
 * @module
 */

import type { NatsLink } from "./connection/link.ts";
import { type ApiError, apiError, invalidAnswerError } from "./connection/errors.ts";

/** The part of a stream's configuration that is written or checked. */
export interface StreamConfig {
  /** Its name. */
  readonly name: string;
  /** What it takes. */
  readonly subjects?: readonly string[];
  /** `limits` keeps messages until they are deleted. */
  readonly retention?: string;
  /** Whether the oldest messages or the new ones go when it is full. */
  readonly discard?: string;
  /** `file` or `memory`. */
  readonly storage?: string;
  /** On how many servers it is kept. */
  readonly num_replicas?: number;
  /** After how many nanoseconds messages go; 0 for never. */
  readonly max_age?: number;
  /** How many messages of one subject are kept; -1 for all. */
  readonly max_msgs_per_subject?: number;
  /** The longest message that it takes, in bytes; -1 for any. */
  readonly max_msg_size?: number;
  /** How many bytes it takes; -1 for any number. */
  readonly max_bytes?: number;
  /** How many messages it takes; -1 for any number. */
  readonly max_msgs?: number;
  /** For how many nanoseconds ids of messages are remembered. */
  readonly duplicate_window?: number;
  /** Whether publishing is not confirmed. */
  readonly no_ack?: boolean;
  /** Whether nothing may be added or deleted. */
  readonly sealed?: boolean;
  /** Whether messages may not be purged. */
  readonly deny_purge?: boolean;
  /** The stream that it copies. */
  readonly mirror?: unknown;
  /** The streams that it collects. */
  readonly sources?: unknown;
}

/** What is known of a stream. */
export interface StreamInfo {
  /** How it is kept. */
  readonly config: StreamConfig;
  /** When it was made. */
  readonly created: string;
  /** What it holds. */
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly first_seq: number;
    readonly last_seq: number;
    /** The number of messages of each subject, where they were asked for. */
    readonly subjects?: Readonly<Record<string, number>>;
  };
  /** Where it is kept, in a cluster. */
  readonly cluster?: {
    readonly leader?: string;
    readonly replicas?: readonly { readonly name: string; readonly current: boolean; readonly offline?: boolean }[];
  };
}

/** What the account may use, and does. */
export interface AccountInfo {
  /** Bytes of memory in use. */
  readonly memory: number;
  /** Bytes of files in use. */
  readonly storage: number;
  /** What is allowed; -1 for any number. */
  readonly limits: { readonly max_memory: number; readonly max_storage: number; readonly max_streams: number };
}

const DECODER = new TextDecoder();

/** The API, over the connection of a store. */
export class JetStream {
  readonly #link: NatsLink;

  constructor(link: NatsLink) {
    this.#link = link;
  }

  /** What the account may use. */
  async account(): Promise<AccountInfo> {
    return await this.#ask("INFO", "look at JetStream", {}) as AccountInfo;
  }

  /** What is known of a stream; with a filter, with the subjects that it fits too. */
  async info(stream: string, subjects?: string): Promise<StreamInfo> {
    const body = subjects === undefined ? {} : { subjects_filter: subjects };
    return await this.#ask(`STREAM.INFO.${stream}`, `look at the stream ${stream}`, body) as StreamInfo;
  }

  /** Makes a stream. With the same configuration, one that exists stays as it is. */
  async create(config: StreamConfig): Promise<StreamInfo> {
    const { name } = config;
    return await this.#ask(`STREAM.CREATE.${name}`, `make the stream ${name}`, config) as StreamInfo;
  }

  /** Deletes messages of a stream: those before a sequence, or those of a subject. */
  async purge(stream: string, which: { readonly seq: number } | { readonly filter: string }): Promise<void> {
    await this.#ask(`STREAM.PURGE.${stream}`, `purge the stream ${stream}`, which);
  }

  /** Makes a consumer that pushes to a subject and ends by itself when no process listens there. Returns its name. */
  async push(stream: string, config: Readonly<Record<string, unknown>>): Promise<string> {
    const body = {
      stream_name: stream,
      config: {
        ack_policy: "none",
        replay_policy: "instant",
        max_deliver: 1,
        mem_storage: true,
        num_replicas: 1,
        ...config,
      },
    };
    const { name } = await this.#ask(`CONSUMER.CREATE.${stream}`, `read the stream ${stream}`, body) as {
      name: string;
    };
    return name;
  }

  /** Deletes a consumer. */
  async deleteConsumer(stream: string, name: string): Promise<void> {
    await this.#ask(`CONSUMER.DELETE.${stream}.${name}`, `end a reading of the stream ${stream}`, {});
  }

  async #ask(subject: string, what: string, body: unknown): Promise<unknown> {
    const { data } = await this.#link.ask(`$JS.API.${subject}`, JSON.stringify(body));
    const answer = this.parse(data);
    if (answer.error !== undefined) throw apiError(this.#link.where, what, answer.error);
    return answer;
  }

  /**
   * Reads an answer.
   *
   * @throws {StoreError} If it is no JSON object.
   */
  parse(data: Uint8Array): Readonly<Record<string, unknown>> & { readonly error?: ApiError } {
    try {
      const answer: unknown = JSON.parse(DECODER.decode(data));
      if (typeof answer === "object" && answer !== null) return answer as ReturnType<JetStream["parse"]>;
    } catch (cause) {
      throw invalidAnswerError(this.#link.where, "it is no JSON", cause);
    }
    throw invalidAnswerError(this.#link.where, "it is no object");
  }
}
