/**
 * One reading of a stream: a consumer pushes all messages from a sequence on, in order. What the consumer or the
 * connection miss ends the reading: the reader begins anew.
 *
 * @module
 */

import { systemClock, type Timer } from "../../base/clock.ts";
import { whenDue } from "../../base/deadline.ts";
import { StoreError } from "../../base/errors.ts";
import type { LogMessage } from "../log/stream.ts";
import type { NatsMessage, NatsSubscription } from "./connection/client.ts";
import type { NatsLink } from "./connection/link.ts";
import type { JetStream } from "./jetstream.ts";
import { noConnectionError, permissionError } from "./connection/errors.ts";

/** A message of a stream, with its subject. */
export interface StreamMessage extends LogMessage {
  /** Where it was published. */
  readonly subject: string;
}

/** What to read. */
export interface ReadOptions {
  /** The stream. */
  readonly stream: string;
  /** The sequence of the first message. @default the first of the stream */
  readonly from?: number;
  /** Only messages of this subject. @default all */
  readonly filter?: string;
  /** Takes a message. Must not throw. */
  readonly onMessage: (message: StreamMessage) => void;
  /** Why the reading has ended. */
  readonly onEnd: (error: StoreError) => void;
}

/** How often the server says that it is there, in milliseconds. */
const HEARTBEAT_MS = 500;
/** After how long without a message or a heartbeat the consumer counts as lost, in milliseconds. */
const SILENCE_MS = 1_500;

/** A consumer of a stream, until it is closed or has missed something. */
export class Reading {
  readonly #link: NatsLink;
  readonly #jetstream: JetStream;
  readonly #options: ReadOptions;
  #subscription: NatsSubscription | undefined;
  #consumer: string | undefined;
  #stopWatching = () => {};
  #timer: Timer | undefined;
  #heardUs = 0;
  #delivered = 0;
  #isEnded = false;

  private constructor(link: NatsLink, jetstream: JetStream, options: ReadOptions) {
    this.#link = link;
    this.#jetstream = jetstream;
    this.#options = options;
  }

  /**
   * Begins to read.
   *
   * @throws {StoreError} If the consumer cannot be made.
   */
  static async begin(link: NatsLink, jetstream: JetStream, options: ReadOptions): Promise<Reading> {
    const reading = new Reading(link, jetstream, options);
    try {
      await reading.#begin();
    } catch (error) {
      reading.close();
      throw error;
    }
    return reading;
  }

  /** Ends it. No callback is called any more. */
  close(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#stopWatching();
    this.#timer?.cancel();
    this.#subscription?.unsubscribe();
    if (this.#consumer !== undefined && this.#link.isUp) {
      this.#jetstream.deleteConsumer(this.#options.stream, this.#consumer).catch(() => {}); // it ends by itself, later
    }
  }

  async #begin(): Promise<void> {
    const { stream, from = 1, filter } = this.#options;
    const client = this.#link.client;
    if (client === undefined) throw noConnectionError(this.#link.where, undefined);
    const inbox = this.#link.newInbox();
    this.#stopWatching = this.#link.onLoss((error) => this.#end(error));
    this.#subscription = client.subscribe(inbox, {
      callback: (error, message) => {
        if (error === null) this.#receive(message);
        else this.#end(permissionError(this.#link.where, "subscribe to", inbox));
      },
    });
    this.#heardUs = systemClock.nowUs();
    this.#consumer = await this.#jetstream.push(stream, {
      deliver_subject: inbox,
      ...from > 1 ? { deliver_policy: "by_start_sequence", opt_start_seq: from } : { deliver_policy: "all" },
      ...filter === undefined ? {} : { filter_subject: filter },
      flow_control: true,
      idle_heartbeat: HEARTBEAT_MS * 1e6,
    });
    this.#watch();
  }

  #receive(message: NatsMessage): void {
    if (this.#isEnded) return;
    this.#heardUs = systemClock.nowUs();
    this.#link.heard();
    const place = placeOf(message.reply);
    // Headers are only read where they are needed: the client takes them apart at the first look.
    if (place === undefined) return this.#control(message);
    // A consumer counts what it delivers, so a message that was lost on the way is noticed.
    if (place.delivered !== this.#delivered + 1) return this.#gap();
    this.#delivered = place.delivered;
    const { sequence, stampUs } = place;
    this.#options.onMessage({ sequence, stampUs, subject: message.subject, data: plain(message.data) });
  }

  /** Heartbeats, and questions whether all of it has arrived so far. */
  #control({ headers, reply }: NatsMessage): void {
    if (headers?.code !== 100) {
      return this.#end(lost(this.#link, `the server has ended the consumer: ${headers?.description}`));
    }
    const flow = reply || headers.get("Nats-Consumer-Stalled");
    if (flow) this.#link.client?.publish(flow);
    const last = headers.get("Nats-Last-Consumer");
    if (last !== "" && Number(last) > this.#delivered) this.#gap();
  }

  #gap(): void {
    this.#end(lost(this.#link, "messages were lost on the way"));
  }

  /** Ends the reading when heartbeats stay away: a server that has lost the consumer does not tell. */
  #watch(): void {
    if (this.#isEnded) return;
    // What has come while this process stood still is read before it is judged.
    this.#timer = whenDue(systemClock, systemClock.nowUs() + HEARTBEAT_MS * 1_000, () => {
      const silentMs = (systemClock.nowUs() - this.#heardUs) / 1_000;
      if (silentMs > SILENCE_MS) this.#end(lost(this.#link, `nothing was heard for ${Math.round(silentMs)} ms`));
      else this.#watch();
    });
  }

  #end(error: StoreError): void {
    if (this.#isEnded) return;
    this.close();
    this.#options.onEnd(error);
  }
}

/** The same bytes as an array of its own kind: on Node, the client may give a Buffer, whose `slice` copies nothing. */
function plain({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

function lost(link: NatsLink, why: string): StoreError {
  const message = `Cannot read from NATS at ${link.where.label}: ${why}; the reading begins anew`;
  return new StoreError("STORE_UNAVAILABLE", message, { reason: "disconnected" });
}

/** What the reply subject of a delivered message tells; undefined if it is none. */
function placeOf(reply: string | undefined): { sequence: number; delivered: number; stampUs: number } | undefined {
  if (reply === undefined || !reply.startsWith("$JS.ACK.")) return undefined;
  const tokens = reply.split(".");
  // $JS.ACK.<stream>.<consumer>.<times>.<sequence>.<delivered>.<nanoseconds>.<pending>, or with domain and account
  // behind ACK and more at the end.
  const at = tokens.length === 9 ? 5 : 7;
  return {
    sequence: Number(tokens[at]),
    delivered: Number(tokens[at + 1]),
    stampUs: Number((tokens[at + 2] ?? "").slice(0, -3)),
  };
}
