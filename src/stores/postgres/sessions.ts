/**
 * How this process hears of what is done for its waiting calls: over a channel, or from a mailbox where it cannot listen.
 *
 * @module
 */

import { systemClock, type Timer } from "../../base/clock.ts";
import type { WakeupListener } from "../store.ts";
import type { PostgresConnection } from "./connections/connection.ts";
import { SESSION_US } from "./functions.ts";
import { receive } from "./messages.ts";
import type { PostgresNames } from "./names.ts";
import type { NamedRequest } from "./named_request.ts";
import type { OwnListeners } from "./outbox.ts";
import { arrayLiteral } from "./sql_text.ts";

/** How often a process with waiting calls says that it is alive, in microseconds. */
const AGAIN_US = SESSION_US / 4;

/** How often a mailbox is emptied while calls wait, in microseconds. */
const MAILBOX_US = 50_000;

/** The listeners of one store. Its sessions live in real time, whatever clock decides. */
export class Sessions implements OwnListeners {
  /** The channel of this process. */
  readonly channel: string;
  readonly #connection: PostgresConnection;
  readonly #names: PostgresNames;
  readonly #listeners: WakeupListener[] = [];
  #listening: Promise<void> | undefined;
  #toldUs = -Infinity;
  #timer: Timer | undefined;
  #hasLost = false;
  #isClosed = false;

  /**
   * Listens to nothing yet.
   *
   * @param connection The way to the database.
   * @param names The names of the tables.
   * @param process This process, by a random id of letters and digits.
   */
  constructor(connection: PostgresConnection, names: PostgresNames, process: string) {
    this.#connection = connection;
    this.#names = names;
    this.channel = `ratesync_${process}`;
  }

  /** All listeners of this process. */
  get all(): readonly WakeupListener[] {
    return this.#listeners;
  }

  /** From now on, messages for an instance go to its listener. */
  async listen(listener: WakeupListener): Promise<void> {
    if (!this.#listeners.includes(listener)) this.#listeners.push(listener);
    this.#listening ??= this.#openChannel().catch((error) => {
      this.#listening = undefined;
      throw error;
    });
    await this.#listening;
    await this.#tell();
  }

  /** What to wait for until calls of a batch may wait; undefined where others know of this process. */
  ready(batch: readonly NamedRequest[]): Promise<void> | undefined {
    if (this.#listeners.length === 0) return undefined;
    const mayWait = batch.some(({ request }) =>
      request.op === "poll" || (request.op === "take" && request.mode === "wait")
    );
    if (!mayWait) return undefined;
    this.#goOn();
    return systemClock.nowUs() - this.#toldUs < 2 * AGAIN_US ? undefined : this.#tell();
  }

  /** A transaction has failed, and its messages may be lost. */
  transactionFailed(): void {
    this.#hasLost = true;
  }

  /** A transaction was committed: if one had failed before, calls that wait ask again. */
  transactionCommitted(): void {
    if (!this.#hasLost) return;
    this.#hasLost = false;
    this.missed();
  }

  /** All calls that wait ask again now. */
  missed(): void {
    for (const listener of this.#listeners) listener.missed();
  }

  /** Says that this process does not listen any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    if (this.#listeners.length === 0) return;
    const text = `DELETE FROM ${this.#names.of("sessions")} WHERE channel = $1::text`;
    await this.#connection.query({ text, values: [this.channel] });
  }

  async #openChannel(): Promise<void> {
    await this.#connection.listen?.(this.channel, {
      message: (text) => receive(text, this.#listeners),
      missed: () => this.missed(),
      isAwaited: () => this.#isAwaited,
    });
  }

  get #isAwaited(): boolean {
    return this.#listeners.some(({ isAwaited = true }) => isAwaited);
  }

  get #canListen(): boolean {
    return this.#connection.listen !== undefined;
  }

  async #tell(): Promise<void> {
    const text = `SELECT ${this.#names.of("hear_1")}($1::text, $2::text::boolean, $3::text::text[])::text`;
    const instances = [...new Set(this.#listeners.map(({ instance }) => instance))].sort();
    await this.#connection.query({
      name: "hear_1",
      text,
      values: [this.channel, String(this.#canListen), arrayLiteral(instances)],
    });
    this.#toldUs = systemClock.nowUs();
    this.#goOn();
  }

  /** Goes on while calls wait. */
  #goOn(): void {
    if (this.#isClosed || this.#timer !== undefined) return;
    const delayUs = this.#canListen ? AGAIN_US : MAILBOX_US;
    this.#timer = systemClock.schedule(systemClock.nowUs() + delayUs, () => void this.#look(), { background: true });
  }

  /** Tells again where it is time, and empties the mailbox. Errors show at the calls themselves. */
  async #look(): Promise<void> {
    try {
      if (this.#isAwaited) {
        if (systemClock.nowUs() - this.#toldUs >= AGAIN_US) await this.#tell();
        if (!this.#canListen) await this.#fetch();
      }
    } catch {
      this.#hasLost = true;
    } finally {
      this.#timer = undefined;
      if (this.#isAwaited) this.#goOn();
    }
  }

  async #fetch(): Promise<void> {
    const text = `DELETE FROM ${this.#names.of("mailbox")} WHERE channel = $1::text RETURNING id::text, message`;
    const rows = await this.#connection.query({ name: "fetch_1", text, values: [this.channel] });
    const sorted = [...rows].sort((a, b) => Number(a["id"]) - Number(b["id"]));
    for (const { message } of sorted) receive(message ?? "", this.#listeners);
  }
}
