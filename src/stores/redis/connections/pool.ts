/**
 * A few multiplexed connections. More calls than connections queue inside them; they never fail for that, and never
 * get past the store.
 *
 * @module
 */

import { startTimer } from "../../../base/deadline.ts";
import { ClosedError, type StoreError } from "../../../base/errors.ts";
import type { NodeRedisClient } from "./client.ts";
import { Link } from "./link.ts";
import type { ConnectionSettings } from "./settings.ts";

/** A share of all keys. Calls in one lane go through one connection, and arrive in the order they were made. */
interface Lane {
  link: Link | undefined;
  /** Calls that have not been answered. While there are any, the lane keeps its connection. */
  pending: number;
  readonly onAnswered: () => void;
}

const LANES = 1_024;
/** A connection with more calls in flight than this is busy. */
const BUSY_LOAD = 512;
/** How long the pool leaves it at that after it could not grow, in milliseconds. */
const GROWTH_PAUSE_MS = 1_000;

/** The connections for commands. */
export class Pool {
  readonly #settings: ConnectionSettings;
  readonly #onError: (error: StoreError) => void;
  readonly #links: Link[] = [];
  readonly #lanes: Lane[] = [];
  #ready: readonly Link[] = [];
  #opening: Promise<void> | undefined;
  #growing: Link | undefined;
  #mayGrow = true;
  #closing: Promise<unknown> | undefined;

  /**
   * Makes one.
   *
   * @param settings How many connections, and where to.
   * @param onError Called with what goes wrong in the background.
   */
  constructor(settings: ConnectionSettings, onError: (error: StoreError) => void) {
    this.#settings = settings;
    this.#onError = onError;
  }

  /**
   * Opens the first connections. One of them is enough to go on: the others are then tried again in the background.
   *
   * @throws {StoreError} If none could be opened.
   */
  connect(): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(new ClosedError("redis connection"));
    if (this.#opening !== undefined) return this.#opening;
    if (this.#ready.length > 0) return Promise.resolve();
    const opening = this.#openAll();
    const forget = () => {
      this.#opening = undefined;
    };
    opening.then(forget, forget);
    return this.#opening = opening;
  }

  /**
   * Sends through the connection that `key` belongs to.
   *
   * @param key Calls with the same key arrive in the order they were made.
   * @param send Sends one command, or several that are one call.
   * @throws {StoreError} If it could not be sent, was refused, or was not answered in time.
   */
  call<T>(key: string, send: (redis: NodeRedisClient) => Promise<T>): Promise<T> {
    return this.#opening === undefined && this.#ready.length > 0 ? this.#send(key, send) : this.#openAndSend(key, send);
  }

  /** Lets calls in flight finish, then disconnects. */
  async close(): Promise<void> {
    const links = this.#growing === undefined ? this.#links : [...this.#links, this.#growing];
    await (this.#closing ??= Promise.all(links.map((link) => link.close())));
  }

  async #openAndSend<T>(key: string, send: (redis: NodeRedisClient) => Promise<T>): Promise<T> {
    await this.connect();
    return this.#send(key, send);
  }

  #send<T>(key: string, send: (redis: NodeRedisClient) => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(new ClosedError("redis connection"));
    const index = hash(key) % LANES;
    const lane = this.#lanes[index] ??= newLane();
    if (lane.link === undefined || lane.pending === 0 || !lane.link.isUp) {
      lane.link = this.#ready[index % this.#ready.length] ?? this.#links[0] as Link;
    }
    if (lane.link.load > BUSY_LOAD && this.#mayGrow) this.#grow();
    lane.pending++;
    return lane.link.call(send, lane.onAnswered);
  }

  async #openAll(): Promise<void> {
    while (this.#links.length < this.#settings.poolMinSize) this.#links.push(this.#newLink());
    const results = await Promise.allSettled(this.#links.map((link) => link.open()));
    const failed = results.find((result) => result.status === "rejected");
    if (this.#ready.length === 0 && failed !== undefined) throw failed.reason;
    for (const link of this.#links) link.keepTrying();
  }

  #newLink(): Link {
    const refresh = () => {
      this.#ready = this.#links.filter((link) => link.isUp);
    };
    return new Link(this.#settings, { onUp: refresh, onDown: refresh, onError: this.#onError });
  }

  #grow(): void {
    if (this.#links.length >= this.#settings.poolMaxSize) return;
    if (this.#ready.some((link) => link.load <= BUSY_LOAD)) return;
    const link = this.#growing = this.#newLink();
    this.#mayGrow = false;
    link.open().then(() => {
      this.#links.push(link);
      this.#ready = this.#links.filter((link) => link.isUp);
      this.#mayGrow = true;
    }, (error) => {
      startTimer(GROWTH_PAUSE_MS, () => {
        this.#mayGrow = true;
      });
      if (this.#closing === undefined) this.#onError(error);
      return link.close();
    }).finally(() => {
      this.#growing = undefined;
    });
  }
}

function newLane(): Lane {
  const lane: Lane = {
    link: undefined,
    pending: 0,
    onAnswered: () => {
      lane.pending--;
    },
  };
  return lane;
}

/** FNV-1a over UTF-16 code units, 32 bits. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  return sum >>> 0;
}
