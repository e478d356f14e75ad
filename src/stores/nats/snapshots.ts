/**
 * Snapshots in a stream: pieces under a name of their own, and a message at the end that says that all of them are there.
 * So a snapshot counts as a whole or not at all, and two processes may store one at the same time.
 *
 * @module
 */

import { withTimeout } from "../../base/deadline.ts";
import type { StoreError } from "../../base/errors.ts";
import type { LogSnapshot } from "../log/stream.ts";
import { apiError, invalidAnswerError } from "./connection/errors.ts";
import type { NatsLink } from "./connection/link.ts";
import type { JetStream } from "./jetstream.ts";
import type { ShardNames } from "./names.ts";
import { Reading, type StreamMessage } from "./reading.ts";
import { isMissing } from "./streams.ts";

/** How many pieces are on their way at the same time. */
const IN_FLIGHT = 4;
/** How long the next piece of a snapshot that is read may take, in milliseconds. */
const PIECE_MS = 2_000;

/** The snapshots of one shard. */
export class Snapshots {
  readonly #link: NatsLink;
  readonly #jetstream: JetStream;
  readonly #names: ShardNames;

  constructor(link: NatsLink, jetstream: JetStream, names: ShardNames) {
    this.#link = link;
    this.#jetstream = jetstream;
    this.#names = names;
  }

  /**
   * The newest one that is complete.
   *
   * @param life Which life of the log it must be of.
   */
  async load(life: string): Promise<LogSnapshot | undefined> {
    const newest = (await this.#stored(`${life}.*.end`)).at(-1);
    if (newest === undefined) return undefined;
    return { sequence: newest.sequence, chunks: this.#read(`${this.#names.snapshotSubject}.${newest.name}`) };
  }

  /**
   * Stores one, and then deletes those that are older, and those of an earlier life of the log.
   *
   * @param life Which life of the log it is of.
   * @param sequence It holds the effect of all messages up to this one.
   * @param chunks Its bytes, in pieces that fit into messages.
   */
  async save(life: string, sequence: number, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const name = `${life}.${sequence}-${crypto.randomUUID()}`;
    const subject = `${this.#names.snapshotSubject}.${name}`;
    const sent: Promise<void>[] = [];
    let count = 0;
    try {
      for await (const chunk of chunks) {
        if (sent.length >= IN_FLIGHT) await sent.shift();
        const sending = this.#publish(`${subject}.${count++}`, chunk);
        sending.catch(() => {}); // it is awaited later
        sent.push(sending);
      }
      await Promise.all(sent);
      await this.#publish(`${subject}.end`, String(count));
    } catch (error) {
      this.#delete(name).catch(() => {});
      throw error;
    }
    const others = await this.#stored(">");
    const older = others.filter((one) => one.life !== life || one.sequence < sequence);
    for (const { name: old } of older) await this.#delete(old);
  }

  /** The snapshots that have messages with such subjects, by their sequence. */
  async #stored(filter: string): Promise<{ name: string; life: string; sequence: number }[]> {
    const { snapshots, snapshotSubject } = this.#names;
    const info = await this.#jetstream.info(snapshots, `${snapshotSubject}.${filter}`).catch((error) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    const subjects = Object.keys(info?.state.subjects ?? {});
    const names = new Set(subjects.map((one) => one.slice(snapshotSubject.length + 1).replace(/\.[^.]*$/, "")));
    return Array.from(names, (name) => {
      const [life = "", place = ""] = name.split(".");
      return { name, life, sequence: Number.parseInt(place, 10) };
    }).toSorted((a, b) => a.sequence - b.sequence);
  }

  async #delete(name: string): Promise<void> {
    await this.#jetstream.purge(this.#names.snapshots, { filter: `${this.#names.snapshotSubject}.${name}.>` });
  }

  async #publish(subject: string, data: Uint8Array | string): Promise<void> {
    const answer = this.#jetstream.parse((await this.#link.ask(subject, data)).data);
    if (answer.error !== undefined) throw apiError(this.#link.where, "store a piece of a snapshot", answer.error);
  }

  async *#read(subject: string): AsyncGenerator<Uint8Array> {
    const queue: StreamMessage[] = [];
    let failure: Error | undefined;
    let wake = () => {};
    const fail = (error: Error) => {
      failure = error;
      wake();
    };
    const reading = await Reading.begin(this.#link, this.#jetstream, {
      stream: this.#names.snapshots,
      filter: `${subject}.>`,
      onMessage: (message) => {
        queue.push(message);
        wake();
      },
      onEnd: fail,
    });
    try {
      for (let count = 0;; count++) {
        while (queue.length === 0 && failure === undefined) {
          const more = new Promise<void>((resolve) => wake = resolve);
          // A newer snapshot may have replaced it meanwhile.
          await withTimeout(more, PIECE_MS, () => this.#incomplete()).catch(fail);
        }
        const message = queue.shift();
        if (message === undefined) throw failure;
        if (!message.subject.endsWith(".end")) yield message.data;
        else if (new TextDecoder().decode(message.data) === String(count)) return;
        else throw this.#incomplete();
      }
    } finally {
      reading.close();
    }
  }

  #incomplete(): StoreError {
    return invalidAnswerError(this.#link.where, "a piece of a snapshot is missing");
  }
}
