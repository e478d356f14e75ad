/**
 * The primary that Sentinels tell of: asked for at every attempt to connect, and followed when they name another.
 *
 * @module
 */

import { systemClock } from "../../../../base/clock.ts";
import { withTimeout } from "../../../../base/deadline.ts";
import { StoreError } from "../../../../base/errors.ts";
import { type OpenClient, openClient, type OpenClientOptions } from "../single/client.ts";
import { lostError, openTimeoutError } from "../errors.ts";
import { race } from "../race.ts";
import type { DownServers } from "../../../inspection.ts";
import { askSentinel, askSentinels, type Claim } from "./claims.ts";
import type { ConnectionSettings } from "../settings/settings.ts";
import { Subscriber } from "../single/subscriber.ts";
import type { Endpoint } from "../settings/url.ts";

/** What is used of the settings of a store behind Sentinels. */
export interface SentinelSettings extends ConnectionSettings {
  /** Who knows the primary. */
  readonly topology: Extract<ConnectionSettings["topology"], { kind: "sentinel" }>;
}

/** The channel on which a Sentinel tells of a new primary: name, old host and port, new host and port. */
const SWITCH = "+switch-master";
/**
 * The channel on which the Sentinel that leads a failover names the new primary first. What the old one takes is lost from
 * then on, and this Sentinel tells of the switch only when the other replicas have followed, seconds later. A replica's
 * kind, name, host and port, "@", and the name, host and port of its primary.
 */
const PROMOTED = "+promoted-slave";
/** The cause of an error that says that an address is not the primary's. */
const CONTRADICTION = new Error("ROLE says that it is a replica");
/** How long a Sentinel may take that is asked whether it is there, in milliseconds. */
const SILENT_MS = 1_000;
/** How long word of a new primary is taken for true without asking. */
const ANNOUNCED_US = 2_000_000;

/** Finds the primary, for all connections of a store. */
export class Sentinels {
  readonly #settings: SentinelSettings;
  readonly #onSwitch: (error: StoreError) => void;
  /** The one that was right last comes first. */
  #order: readonly Endpoint[];
  /** The epoch in which the primary was named. */
  #epoch = -1;
  #primary: string | undefined;
  /** Where the primary is by the last word of it: for a moment, Sentinels are busy then. */
  #announced: { readonly host: string; readonly port: number; readonly untilUs: number } | undefined;
  /** Ends the attempts that are made at the primary which is none any more. */
  #switched = new AbortController();
  #watch: Subscriber | undefined;
  #isClosed = false;

  /**
   * @param settings Which Sentinels, and who the primary is to them.
   * @param onSwitch Called when they have named another primary: connections should be opened anew.
   */
  constructor(settings: SentinelSettings, onSwitch: (error: StoreError) => void) {
    this.#settings = settings;
    this.#onSwitch = onSwitch;
    this.#order = settings.topology.sentinels;
  }

  /** Opens a client to the primary. Fits where a connection opens its clients. */
  readonly open = async (endpoint: Endpoint, options: OpenClientOptions): Promise<OpenClient> => {
    const startUs = systemClock.nowUs();
    for (;;) {
      const timeoutMs = options.timeoutMs - (systemClock.nowUs() - startUs) / 1_000;
      if (timeoutMs <= 0) throw openTimeoutError(endpoint, true, options.timeoutMs);
      const switched = this.#switched.signal;
      const attempt = new AbortController();
      const stop = () => attempt.abort(options.signal.aborted ? options.signal.reason : switched.reason);
      options.signal.addEventListener("abort", stop, { once: true });
      switched.addEventListener("abort", stop, { once: true });
      try {
        return await this.#openPrimary(endpoint, { ...options, timeoutMs, signal: attempt.signal });
      } catch (error) {
        if (!switched.aborted || options.signal.aborted) throw error;
      } finally {
        options.signal.removeEventListener("abort", stop);
        switched.removeEventListener("abort", stop);
      }
    }
  };

  /** Those that do not answer, or do not know the primary. Asks each, through a connection of its own. */
  async silent(): Promise<DownServers | undefined> {
    const { tls, socketConnectTimeoutMs, topology: { sentinels, masterName } } = this.#settings;
    const options = {
      tls,
      timeoutMs: Math.min(socketConnectTimeoutMs, SILENT_MS),
      signal: new AbortController().signal,
      onLost() {},
    };
    const asked = await Promise.allSettled(sentinels.map((sentinel) => askSentinel(sentinel, masterName, options)));
    const silent = sentinels.filter((_, i) => asked[i]?.status === "rejected").map(({ label }) => label);
    return silent.length === 0 ? undefined : { kind: "sentinel", places: silent, of: sentinels.length };
  }

  /** Stops following. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#watch?.close();
  }

  async #openPrimary(endpoint: Endpoint, options: OpenClientOptions): Promise<OpenClient> {
    const announced = this.#announced;
    const isFresh = announced !== undefined && systemClock.nowUs() < announced.untilUs;
    try {
      if (isFresh) return await this.#openAt(announced.host, announced.port, endpoint, options);
      return await this.#openClaimed(await this.#ask(options), endpoint, options);
    } catch (error) {
      if (this.#announced === announced) this.#announced = undefined; // asked for next time
      throw error;
    }
  }

  /** Opens the most credible address; the next one only where that says itself that it is no primary. */
  async #openClaimed(
    claims: readonly Claim[],
    endpoint: Endpoint,
    options: OpenClientOptions,
  ): Promise<OpenClient> {
    let contradiction: unknown;
    for (const { host, port, epoch, sentinel } of claims) {
      try {
        const client = await this.#openAt(host, port, endpoint, options);
        this.#epoch = epoch;
        this.#order = [sentinel, ...this.#order.filter((other) => other !== sentinel)];
        return client;
      } catch (error) {
        if (!isContradiction(error)) throw error;
        contradiction ??= error;
      }
    }
    throw contradiction;
  }

  async #openAt(host: string, port: number, endpoint: Endpoint, options: OpenClientOptions): Promise<OpenClient> {
    const label = `${endpoint.tls ? "rediss" : "redis"}://${place(host, port)}/${endpoint.db}`;
    const client = await openClient({ ...endpoint, host, port, label }, options);
    try {
      const role = await withTimeout(
        roleOf(client),
        options.timeoutMs,
        () => openTimeoutError({ ...endpoint, label }, true, options.timeoutMs),
      );
      if (role !== "master" && role !== undefined) {
        throw new StoreError(
          "STORE_UNAVAILABLE",
          `Cannot use Redis at ${label}: the Sentinels say that it is the primary, and it is a replica still`,
          { cause: CONTRADICTION, reason: "read_only" },
        );
      }
    } catch (error) {
      client.close();
      throw error;
    }
    if (this.#primary === undefined) this.#primary = place(host, port);
    else this.#switch(host, port);
    this.#follow();
    return client;
  }

  #ask(options: OpenClientOptions): Promise<readonly Claim[]> {
    const { endpoint, topology } = this.#settings;
    return askSentinels(this.#order, topology.masterName, endpoint, options);
  }

  /** Listens at one of the Sentinels, as soon as there is a primary to follow. */
  #follow(): void {
    if (this.#watch !== undefined || this.#isClosed) return;
    const { masterName } = this.#settings.topology;
    // The search for the primary reports that no Sentinel answers: here it is no news.
    const watch = this.#watch = new Subscriber(this.#settings, () => {}, (_endpoint, options) => {
      return race(
        this.#order.map((sentinel) => (signal) => openForGood(sentinel, options, signal)),
        options.signal,
      );
    });
    const receive = (message: string) => {
      const [name, , , host = "", port = ""] = message.split(" ");
      if (name === masterName) this.#switch(host, Number(port));
    };
    const receivePromoted = (message: string) => {
      const [, , host = "", port = "", , name] = message.split(" ");
      if (name === masterName) this.#switch(host, Number(port));
    };
    const catchUp = () => {
      const { tls, socketConnectTimeoutMs } = this.#settings;
      const options = { tls, timeoutMs: socketConnectTimeoutMs, signal: new AbortController().signal, onLost() {} };
      // One that was cut off from the others may be the only one to answer: what it knows must be newer.
      this.#ask(options).then(([claim]) => {
        if (claim === undefined || (claim.epoch >= 0 && claim.epoch <= this.#epoch)) return;
        this.#switch(claim.host, claim.port);
      }, () => {});
    };
    watch.subscribe(SWITCH, receive, catchUp).then(() => {
      // A user who may not hear of it hears of the switch.
      watch.subscribe(PROMOTED, receivePromoted, () => {}).catch(() => {});
    }, () => {
      if (this.#watch === watch) this.#watch = undefined; // tried again with the next connection
      void watch.close();
    });
  }

  #switch(host: string, port: number): void {
    if (this.#isClosed || this.#primary === place(host, port)) return;
    this.#primary = place(host, port);
    this.#announced = { host, port, untilUs: systemClock.nowUs() + ANNOUNCED_US };
    const error = lostError(this.#settings.endpoint, new Error(`the primary is at ${this.#primary} now`));
    const before = this.#switched;
    this.#switched = new AbortController();
    before.abort(error);
    this.#onSwitch(error);
  }
}

/** The other attempts are given up when one is open: its own signal must not follow them. */
async function openForGood(sentinel: Endpoint, options: OpenClientOptions, signal: AbortSignal): Promise<OpenClient> {
  const client = await openClient(sentinel, { ...options, signal });
  if (!signal.aborted) return client;
  client.close();
  throw signal.reason;
}

function isContradiction(error: unknown): boolean {
  return error instanceof Error && error.cause === CONTRADICTION;
}

async function roleOf(client: OpenClient): Promise<string | undefined> {
  try {
    return (await client.redis.sendCommand<[string]>(["ROLE"]))[0];
  } catch (cause) {
    if (client.failure(cause).isReply) return undefined; // it may not be asked for: a replica shows at the first write
    throw cause;
  }
}

function place(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
