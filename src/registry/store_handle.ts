/**
 * A configured store: opened at first use, closed when it is replaced.
 *
 * @module
 */

import { type Clock, systemClock, toWallMs } from "../base/clock.ts";
import { ClosedError, ConfigError, type StoreError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { rejectUnknownOptions, unknownWord } from "../base/unknown_options.ts";
import type { StoreEvent, Subscriptions } from "../limiter/events.ts";
import type { Log } from "../limiter/log.ts";
import type { StoreClient } from "../limiter/store_client.ts";
import type { StoreGuard as Guard } from "../limiter/store_guard.ts";
import type { StoreReport } from "../limiter/store_report.ts";
import { checkFailureOptions, FAILURE_KEYS, splitFailureOptions } from "../policy/failure_options.ts";
import type { FailureOptions } from "../policy/options.ts";
import type { Policy } from "../policy/policy.ts";
import type { MemoryStoreOptions } from "../stores/memory/mod.ts";
import { placeOf } from "../stores/redis/connections/place.ts";
import { REDIS_OPTIONS } from "../stores/redis/connections/settings/settings.ts";
import type { StoreCheck } from "../stores/check.ts";
import type { RulesReport, Store, StoreLoad } from "../stores/store.ts";
import type { MemoryStoreConfig, StoreConfig } from "./options.ts";
import { sameConfig } from "./same_config.ts";

/** How a store looks in a listing. */
export interface StoreListing {
  /** What kind of store it is. */
  readonly engine: string;
  /** Where it is, without credentials; undefined where that means nothing. */
  readonly url: string | undefined;
  /** Whether it has been opened. */
  readonly open: boolean;
  /** What is on its way to it at this moment; undefined where it is not open, or inside this process. */
  readonly load: StoreLoad | undefined;
  /**
   * `up`: it decides. `impaired`: it has failed for some calls within the last ten seconds, and decides the others.
   * `down`: limiters do not ask it, their failure policies decide.
   */
  readonly state: "up" | "impaired" | "down";
  /** Since when it is down, in milliseconds since the Unix epoch; undefined while it is up. */
  readonly downSinceMs: number | undefined;
  /** How often it went down. */
  readonly outages: number;
  /** Why it is down or impaired; undefined while it is up. */
  readonly error: StoreError | undefined;
  /** The limiters for which other processes use other rules; absent where there are none. */
  readonly mixedRules?: readonly RulesReport[];
}

/** What the stores and limiters of one instance share. */
export interface InstanceContext {
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where messages go. */
  readonly log: Log;
  /** Where events of stores go. */
  readonly events: Subscriptions<StoreEvent>;
  /** The rules of the limiters on the store. */
  policies(): readonly Policy[];
}

/** One configured store of an instance: opens it at first use, reports on it, closes it. */
export class StoreHandle {
  /** The store's id. */
  readonly id: string;
  /** What the store says of failures, for limiters that do not say it themselves. */
  failure: FailureOptions;
  /** What is said of the store itself. */
  readonly #config: StoreConfig | Store;
  readonly #context: InstanceContext;
  #client: Promise<StoreClient> | undefined;
  #current: StoreClient | undefined;
  #closed = false;
  #report: StoreReport | undefined;

  /**
   * Makes one.
   *
   * @param id The store's id.
   * @param config What it is, or the store itself.
   * @param context Where time comes from, and where messages go.
   * @throws {ConfigError} If the configuration cannot be used.
   */
  constructor(id: string, config: StoreConfig | Store, context: InstanceContext) {
    checkStore(config);
    this.id = id;
    this.#config = config;
    this.failure = isStore(config) || config.engine !== "redis" ? {} : splitFailureOptions(config)[0];
    this.#context = context;
  }

  /** What kind of store it is. */
  get engine(): string {
    return this.#config.engine;
  }

  /** Whether another handle is for the same store, used in the same way. */
  isFor(other: StoreHandle): boolean {
    const config = other.#config;
    if (this.id !== other.id || this.#closed) return false;
    return isStore(config) || isStore(this.#config)
      ? config === this.#config
      : sameConfig(withoutFailure(config), withoutFailure(this.#config));
  }

  /** The store's client; opened at the first call. */
  client(): Promise<StoreClient> {
    if (this.#closed) return Promise.reject(new ClosedError(`store ${show(this.id)}`));
    return this.#client ?? this.#start();
  }

  #start(): Promise<StoreClient> {
    const client = this.#client = this.#open();
    // The first to hear of it: those who wait go on right behind, before anybody finds the store open and asks at once.
    client.then((opened) => this.#current = opened, () => {});
    this.#context.clock.waitFor?.(client);
    return client;
  }

  /** The store's client, if it is open. */
  get current(): StoreClient | undefined {
    return this.#closed ? undefined : this.#current;
  }

  /** The rules of a limiter have changed. Calls may be waiting for the store to be opened. */
  adopt(limiter: string, policy: Policy): void {
    if (this.current !== undefined) this.current.adopt(limiter, policy);
    else this.#client?.then((client) => client.adopt(limiter, policy), () => {});
  }

  async #open(): Promise<StoreClient> {
    const { clock, log, events, policies } = this.#context;
    const [store, { StoreClient }] = await Promise.all([
      openStore(this.#config, this.#context),
      import("../limiter/store_client.ts"),
    ]);
    if (store.isLocal) return new StoreClient(this.id, store, clock);
    // The embedded store decides while this one cannot: it is loaded before anything has gone wrong.
    const [{ Foresight, StoreGuard, StoreReport }] = await Promise.all([
      import("../limiter/remote.ts"),
      import("../stores/memory/mod.ts"),
    ]);
    const report = this.#report = new StoreReport({
      id: this.id,
      store,
      place: this.#place(),
      log,
      events,
      policies,
      answers: () => guard.breaker.answeredAt,
    });
    const guard: Guard = new StoreGuard(this.id, store, {
      onFirstAnswer: () => report.announce(),
      onFailure: (error) => report.failed(error),
      onDown: (error) => report.down(error),
      onStillDown: (error) => report.stillDown(error),
      onUp: (downUs) => {
        report.up(downUs);
        client.recovered();
      },
      onLate: (request, reply) => client.undo(request, reply),
      onClockStep: (text) => report.warn(text),
      alsoNeeded: () => client.listenAgain(),
      policies,
    });
    const foresight = new Foresight(store, clock, (request) => guard.take(client, request));
    const client: StoreClient = new StoreClient(this.id, store, clock, { foresight, guard });
    return client;
  }

  #place(): string | undefined {
    const config = this.#config;
    return !isStore(config) && config.engine === "redis" ? placeOf(splitFailureOptions(config)[1]) : undefined;
  }

  /** How it looks from outside. */
  listing(): StoreListing {
    const open = this.#client !== undefined && !this.#closed;
    const breaker = this.current?.guard?.breaker;
    const downSinceUs = breaker?.downSinceUs;
    const mixedRules = this.#report?.mixedRules;
    return {
      engine: this.#config.engine,
      url: this.#place(),
      open,
      load: this.current?.store.load,
      state: this.#report?.state ?? "up",
      downSinceMs: downSinceUs === undefined ? undefined : toWallMs(systemClock, downSinceUs),
      outages: breaker?.outages ?? 0,
      error: this.#report?.error,
      ...(mixedRules && { mixedRules }),
    };
  }

  /** Looks at the store, with what its limiters need: see `RateSync.check`. */
  async check(): Promise<StoreCheck> {
    const [{ lookAt }, client] = await Promise.all([import("./check_store.ts"), this.client()]);
    return await lookAt(client, this.#context.policies());
  }

  /**
   * Connects, and makes sure that the store can decide.
   *
   * @throws {StoreError} If it cannot be reached, refuses, or cannot do what its limiters need.
   */
  async connect(): Promise<void> {
    const [{ connectTo }, client] = await Promise.all([import("./check_store.ts"), this.client()]);
    await connectTo(client, this.#context.policies());
  }

  /** The store's client, if it was ever asked for. */
  get opened(): Promise<StoreClient> | undefined {
    return this.#client;
  }

  /** Takes no new calls. Those that are here go on. */
  retire(): void {
    this.#closed = true;
  }

  /** Closes the store if it was opened. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#report?.close();
    const client = await this.#client;
    await client?.close();
  }
}

function withoutFailure(config: StoreConfig): object {
  return config.engine === "redis" ? splitFailureOptions(config)[1] : config;
}

/**
 * Checks how a store is described.
 *
 * @throws {ConfigError} If it cannot be used; the path is relative to it.
 */
export function checkStore(config: StoreConfig | Store): void {
  if (typeof config !== "object" || config === null) {
    throw new ConfigError({ path: "", expected: "an object with an engine", received: show(config) });
  }
  if (isStore(config)) return;
  switch (config.engine) {
    case "memory":
      rejectUnknownOptions(config, ["engine", "maxKeys", "checkStates"]);
      return checkMemory(config);
    case "redis": {
      rejectUnknownOptions(config, [...REDIS_OPTIONS, "client", ...FAILURE_KEYS]);
      const [failure, rest] = splitFailureOptions(config);
      checkFailureOptions(failure);
      return void placeOf(rest);
    }
    default: {
      const { engine } = config as { engine: unknown };
      throw unknownWord("engine", ["memory", "redis"], engine);
    }
  }
}

function checkMemory({ maxKeys, checkStates }: MemoryStoreConfig): void {
  if (checkStates !== undefined && typeof checkStates !== "boolean") {
    throw new ConfigError({ path: "checkStates", expected: "true or false", received: show(checkStates) });
  }
  if (maxKeys === undefined) return;
  if (typeof maxKeys === "number" && Number.isSafeInteger(maxKeys) && maxKeys >= 1) return;
  throw new ConfigError({ path: "maxKeys", expected: "a whole number from 1", received: show(maxKeys) });
}

function isStore(config: StoreConfig | Store): config is Store {
  return typeof (config as Partial<Store>).execute === "function";
}

/** Makes an embedded store. */
export async function openMemory(options: MemoryStoreOptions): Promise<Store> {
  const { MemoryStore } = await import("../stores/memory/mod.ts");
  return new MemoryStore(options);
}

async function openStore(config: StoreConfig | Store, { clock, log }: InstanceContext): Promise<Store> {
  if (isStore(config)) return config;
  if (config.engine === "memory") {
    const options = { clock, ...pick("maxKeys", config.maxKeys) };
    if (!config.checkStates) return await openMemory(options);
    const { CheckedMemoryStore } = await import("../stores/memory/checked_memory_store.ts");
    return new CheckedMemoryStore(options);
  }
  const [{ createRedisStore }, { loadDriver }] = await Promise.all([
    import("../stores/redis/mod.ts"),
    import("../stores/redis/connections/single/client.ts"),
  ]);
  const [, options] = splitFailureOptions(config);
  // Loaded before time is counted. Who connects is told if that fails.
  if (!("client" in options) && !/^https?:/.test(options.url ?? "")) await loadDriver().catch(() => {});
  return createRedisStore(options, {
    // What matters of it reaches a call, and is reported then.
    onError: (error) => log.debug(error.message),
  });
}

function pick<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : { [key]: value } as { [K in Key]: Value };
}
