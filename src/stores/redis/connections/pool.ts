/**
 * A few connections, of which one carries all calls: a batch of decisions is one call, so a second connection would
 * only make batches smaller. The others are spares: one of them takes over as soon as the first is lost.
 *
 * @module
 */

import { ClosedError, type StoreError } from "../../../base/errors.ts";
import type { CommandClient } from "./client.ts";
import { Link, type LinkHooks } from "./link.ts";
import type { ConnectionSettings } from "./settings.ts";

/** The connections for commands. */
export class Pool {
  readonly #settings: ConnectionSettings;
  readonly #onError: (error: StoreError) => void;
  readonly #opener: Pick<LinkHooks, "open">;
  readonly #links: Link[] = [];
  /** The one that carries calls, until it is lost. */
  #current: Link | undefined;
  #opening: Promise<void> | undefined;
  #closing: Promise<unknown> | undefined;

  /**
   * Makes one.
   *
   * @param settings How many connections, and where to.
   * @param onError Called with what goes wrong in the background.
   * @param open Opens a client; absent for one of node-redis.
   */
  constructor(settings: ConnectionSettings, onError: (error: StoreError) => void, open?: LinkHooks["open"]) {
    this.#settings = settings;
    this.#onError = onError;
    this.#opener = open === undefined ? {} : { open };
  }

  /**
   * Opens the connections. One of them is enough to go on: the others are then tried again in the background.
   *
   * @throws {StoreError} If none could be opened.
   */
  connect(): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(new ClosedError("redis connection"));
    if (this.#opening !== undefined) return this.#opening;
    if (this.#links.some((link) => link.isUp)) return Promise.resolve();
    const opening = this.#openAll();
    const forget = () => {
      this.#opening = undefined;
    };
    opening.then(forget, forget);
    return this.#opening = opening;
  }

  /**
   * Sends. Calls arrive in the order in which they were made.
   *
   * @param send Sends one command, or several that are one call.
   * @throws {StoreError} If it could not be sent, was refused, or was not answered in time.
   */
  call<T>(send: (redis: CommandClient) => Promise<T>): Promise<T> {
    return this.#opening === undefined && this.#current !== undefined ? this.#send(send) : this.#openAndSend(send);
  }

  /** Whether there is a connection. */
  get isUp(): boolean {
    return this.#links.some((link) => link.isUp);
  }

  /** Gives up every connection, and opens others now. */
  reopen(error: StoreError): void {
    for (const link of this.#links) link.reopen(error);
  }

  /** Lets calls in flight finish, then disconnects. */
  async close(): Promise<void> {
    await (this.#closing ??= Promise.all(this.#links.map((link) => link.close())));
  }

  async #openAndSend<T>(send: (redis: CommandClient) => Promise<T>): Promise<T> {
    await this.connect();
    return this.#send(send);
  }

  #send<T>(send: (redis: CommandClient) => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(new ClosedError("redis connection"));
    let link = this.#current as Link;
    if (!link.isUp) this.#current = link = this.#links.find((spare) => spare.isUp) ?? link;
    return link.call(send);
  }

  async #openAll(): Promise<void> {
    // Where the server is silent on one connection, a spare need not be tried to know better.
    const onSilent = (error: StoreError) => this.#links.forEach((link) => link.renew(error));
    while (this.#links.length < this.#settings.poolMinSize) {
      this.#links.push(new Link(this.#settings, { ...this.#opener, onError: this.#onError, onSilent }));
    }
    const results = await Promise.allSettled(this.#links.map((link) => link.open()));
    const up = this.#links.find((link) => link.isUp);
    const failed = results.find((result) => result.status === "rejected");
    if (up === undefined && failed !== undefined) throw failed.reason;
    this.#current = up;
    for (const link of this.#links) link.keepTrying();
  }
}
