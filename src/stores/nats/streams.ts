/**
 * The streams of a shard: made when they are missing, and checked, because others may have made them.
 *
 * @module
 */

import { StoreError } from "../../base/errors.ts";
import { wrongStreamError } from "./connection/errors.ts";
import type { NatsLink } from "./connection/link.ts";
import type { JetStream, StreamConfig, StreamInfo } from "./jetstream.ts";
import type { NatsSettings } from "./settings/settings.ts";

/** For how long ids of messages are remembered: longer than any request may be sent again. */
const DUPLICATE_WINDOW_NS = 120e9;
/** The least that will do. */
const MIN_DUPLICATE_WINDOW_NS = 30e9;
/** The longest message that is sent where the server allows as much, with its headers, in bytes. */
const MAX_MESSAGE_BYTES = 1_000_512;

/** Makes and checks streams. */
export class Streams {
  readonly #link: NatsLink;
  readonly #jetstream: JetStream;
  readonly #settings: NatsSettings;

  constructor(link: NatsLink, jetstream: JetStream, settings: NatsSettings) {
    this.#link = link;
    this.#jetstream = jetstream;
    this.#settings = settings;
  }

  /**
   * What a stream holds. It is made if it is missing and may be made.
   *
   * @throws {StoreError} If it cannot be made, or is kept in a way that would lose requests.
   */
  async open(name: string, subject: string): Promise<StreamInfo> {
    const info = await this.#jetstream.info(name).catch(async (error) => {
      if (!isMissing(error) || !this.#settings.autoCreate) throw error;
      return await this.#jetstream.create(this.#configOf(name, subject));
    });
    const problem = streamProblem(info.config, subject);
    if (problem !== undefined) throw wrongStreamError(this.#link.where, name, problem);
    return info;
  }

  #configOf(name: string, subject: string): StreamConfig {
    const { storage, replicas } = this.#settings;
    return {
      name,
      subjects: [subject],
      retention: "limits",
      // A stream that dropped its oldest messages would drop requests.
      discard: "new",
      storage,
      num_replicas: replicas,
      duplicate_window: DUPLICATE_WINDOW_NS,
    };
  }
}

/** Whether an error says that a stream is missing. */
export function isMissing(error: unknown): boolean {
  return error instanceof StoreError && error.reason === "stream_missing";
}

/** Why a stream cannot hold limits; undefined if it can. */
export function streamProblem(config: StreamConfig, subject: string): string | undefined {
  const {
    retention,
    discard,
    max_age = 0,
    max_msgs_per_subject = -1,
    max_bytes = -1,
    max_msgs = -1,
    max_msg_size = -1,
    subjects,
  } = config;
  if (config.mirror !== undefined || config.sources !== undefined) return "it copies other streams";
  if (retention !== "limits") {
    return `its retention is ${retention}, and has to be limits, so that no reader takes a message away`;
  }
  if (discard !== "new" && (max_bytes > 0 || max_msgs > 0)) {
    return "it drops its oldest messages when it is full (discard: old), and has to refuse new ones (discard: new)";
  }
  if (max_msg_size > 0 && max_msg_size < MAX_MESSAGE_BYTES) {
    return `it takes messages of ${max_msg_size} bytes at most (max_msg_size), and has to take any that the server takes`;
  }
  if (max_age > 0) return `its messages end after ${max_age / 1e9} s (max_age), and have to stay until they are purged`;
  if (max_msgs_per_subject > 0) return `it keeps ${max_msgs_per_subject} messages of a subject, and has to keep all`;
  if (config.no_ack) return "it confirms nothing (no_ack)";
  if (config.sealed) return "it is sealed";
  if (config.deny_purge) return "it cannot be purged (deny_purge), so it would grow without end";
  if ((config.duplicate_window ?? 0) < MIN_DUPLICATE_WINDOW_NS) {
    return "it remembers ids of messages for less than 30 s (duplicate_window)";
  }
  if (subjects?.length !== 1 || subjects[0] !== subject) {
    return `it takes ${subjects?.join(", ") || "no subject"}, and has to take ${subject} alone`;
  }
  return undefined;
}
