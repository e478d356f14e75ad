/**
 * A configured store: opened at first use or soon before that, closed when it is replaced.
 *
 * @module
 */

import { type Clock, systemClock, toWallMs } from "../base/clock.ts";
import { ClosedError, ConfigError, type StoreError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { ifLifeGoesOn } from "../base/turn.ts";
import type { StoreEvent, Subscriptions } from "../observe/events.ts";
import type { Limiter } from "../limiter/limiter.ts";
import type { Log } from "../observe/log.ts";
import type { Observers } from "../observe/observers.ts";
import type { OpenStore } from "../limiter/open_store.ts";
import type { OpenPlace } from "../limiter/store_access.ts";
import type { StoreHealth } from "../resilience/store_health.ts";
import type { StoreReport } from "../observe/store_report.ts";
import { splitFailureOptions } from "../policy/failure_options.ts";
import type { FailureOptions } from "../policy/options.ts";
import type { Policy } from "../policy/policy.ts";
import type { Board } from "../stores/board.ts";
import type { StoreCheck } from "../stores/check.ts";
import type { Store } from "../stores/store.ts";
import { checkStore, isStore } from "./described_store.ts";
import { engineNamed, ENGINES, loadEmbedded, type StoreConfig } from "./engines.ts";
import type { StoreListing } from "./listing.ts";
import type { Publisher } from "./reports/publisher.ts";
import { sameConfig } from "./same_config.ts";

/** What the stores and limiters of one instance share. */
export interface InstanceContext {
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where messages go. */
  readonly log: Log;
  /** Where events of stores go. */
  readonly events: Subscriptions<StoreEvent>;
  /** Those who observe the instance. */
  readonly observers: Observers;
  /** The limiters on the store. */
  limiters(): readonly Limiter[];
}

/** One configured store of an instance: opens it, reports on it, closes it. */
export class StoreHandle {
  /** The store's id. */
  readonly id: string;
  /** What the store says of failures, for limiters that do not say it themselves. */
  failure: FailureOptions;
  /** The store itself, or how to open it, without what is said of failures. */
  readonly #config: StoreConfig | Store;
  /** Where it is, without credentials; undefined where that means nothing. */
  readonly #place: string | undefined;
  readonly #context: InstanceContext;
  #client: Promise<OpenStore> | undefined;
  /** The store's client, while it is open. */
  readonly open: OpenPlace<OpenStore> = { store: undefined };
  #closed = false;
  #report: StoreReport | undefined;
  #publisher: Publisher | undefined;
  /** Ends what tells of watchers. */
  #unnotice: (() => void) | undefined;

  /**
   * @param id The store's id.
   * @param config What it is, or the store itself.
   * @param context Where time comes from, and where messages go.
   * @throws {ConfigError} If the configuration cannot be used.
   */
  constructor(id: string, config: StoreConfig | Store, context: InstanceContext) {
    this.id = id;
    this.#place = checkStore(config);
    [this.failure, this.#config] = isStore(config) ? [{}, config] : splitFailureOptions(config);
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
    return isStore(config) || isStore(this.#config) ? config === this.#config : sameConfig(config, this.#config);
  }

  /** The store's client; opened at the first call. */
  client(): Promise<OpenStore> {
    if (this.#closed) return Promise.reject(new ClosedError(`store ${show(this.id)}`));
    return this.#client ?? this.#start();
  }

  /**
   * Opens a store outside this process before its first use, once what runs now is done: the first call need not wait for
   * the driver and a connection. A process that ends with that, and one that only describes stores, is not held up.
   */
  prepare(): void {
    const { clock } = this.#context;
    if (isStore(this.#config) || engineNamed(this.engine)?.remote === undefined || clock !== systemClock) return;
    ifLifeGoesOn(() => {
      if (this.#closed || this.#client !== undefined) return;
      this.client().then(({ store }) => store.prepare?.(), () => {});
    });
  }

  #start(): Promise<OpenStore> {
    const client = this.#client = this.#open();
    // The first to hear of it: waiting calls go on right behind, before a new call finds the store open.
    client.then((opened) => {
      if (!this.#closed) this.open.store = opened;
    }, () => {});
    this.#context.clock.waitFor?.(client);
    return client;
  }

  /** The rules of a limiter have changed. Calls may be waiting for the store to be opened. */
  adopt(limiter: string, policy: Policy): void {
    if (this.open.store !== undefined) this.open.store.adopt(limiter, policy);
    else this.#client?.then((client) => client.adopt(limiter, policy), () => {});
  }

  async #open(): Promise<OpenStore> {
    const { clock, log, events, observers } = this.#context;
    const policies = () => this.#policies;
    const [store, { OpenStore }] = await Promise.all([
      this.#openStore(),
      import("../limiter/open_store.ts"),
    ]);
    this.#unnotice = store.board?.notice(() => this.#watched(store.board as Board));
    if (store.isLocal) return new OpenStore(this.id, store, clock);
    // The embedded store decides while this one cannot: it is loaded before anything has gone wrong.
    const [{ Shortcuts, StoreHealth, StoreReport }] = await Promise.all([
      import("../limiter/remote.ts"),
      loadEmbedded(),
    ]);
    store.watchCalls?.((requests, durationUs, isFailed) =>
      observers.methods.storeCalled?.(this.id, requests, durationUs / 1_000, isFailed)
    );
    const report = this.#report = new StoreReport({
      id: this.id,
      store,
      place: this.#place,
      title: engineNamed(store.engine)?.remote?.title,
      log,
      events,
      policies,
      answers: () => health.answeredAt,
    });
    const health: StoreHealth = new StoreHealth(this.id, store, {
      onFirstAnswer: () => report.announce(),
      onFailure: (error, limiters) => report.failed(error, limiters),
      onDown: (error) => report.down(error),
      onStillDown: (error) => report.stillDown(error),
      onUp: (downUs) => {
        report.up(downUs);
        client.recovered();
      },
      onLate: (request, reply) => client.undoQuietly(request, reply),
      onClockStep: (text) => report.warn(text),
      alsoNeeded: () => client.listener.listenAgain(),
      policies,
    });
    const shortcuts = new Shortcuts(store, clock, (request) => health.take(request));
    const client: OpenStore = new OpenStore(this.id, store, clock, { shortcuts, health });
    return client;
  }

  async #openStore(): Promise<Store> {
    const { clock, log } = this.#context;
    // What matters of an error in the background reaches a call, and is reported then; but not that units were lost.
    const onError = ({ message }: StoreError, isWeaker = false) =>
      isWeaker ? this.#report?.warn(message) : log.debug(message);
    return isStore(this.#config)
      ? this.#config
      : await ENGINES[this.#config.engine].open(this.#config, { clock, onError });
  }

  /** There is a watcher of the processes that use the store. */
  #watched(board: Board): void {
    const { clock, observers, limiters, log } = this.#context;
    import("./reports/publisher.ts").then(({ Publisher }) => {
      if (this.#closed) return;
      this.#publisher ??= new Publisher({
        store: this.id,
        board,
        clock,
        limiters,
        listing: () => this.listing(),
        observe: (observer) => observers.add(observer),
      });
      this.#publisher.start();
    }).catch((error: unknown) => log.debug(`cannot report to watchers: ${error}`)); // must not end the process
  }

  /** How it looks from outside. */
  listing(): StoreListing {
    const open = this.#client !== undefined && !this.#closed;
    const health = this.open.store?.health;
    health?.refresh(this.#report?.isUnsure === true);
    const breaker = health?.breaker;
    const downSinceUs = breaker?.downSinceUs;
    const mixedRules = this.#report?.mixedRules;
    return {
      engine: this.#config.engine,
      url: this.#place,
      open,
      connected: this.#isConnected(),
      load: this.open.store?.store.load,
      state: this.#report?.state ?? "up",
      downSinceMs: downSinceUs === undefined ? undefined : toWallMs(systemClock, downSinceUs),
      outages: breaker?.outages ?? 0,
      error: this.#report?.error,
      ...(mixedRules && { mixedRules }),
    };
  }

  #isConnected(): boolean | undefined {
    const store = this.open.store?.store;
    return store === undefined || !("unreached" in store) ? undefined : store.unreached === undefined;
  }

  /** Looks at the store, with what its limiters need: see `RateSync.check`. */
  async check(): Promise<StoreCheck> {
    const [{ lookAt }, client] = await Promise.all([import("./check_store.ts"), this.client()]);
    return await lookAt(client, this.#policies);
  }

  /**
   * Connects, and makes sure that the store can decide.
   *
   * @throws {StoreError} If it cannot be reached, refuses, or cannot do what its limiters need.
   */
  async connect(): Promise<void> {
    const [{ connectTo }, client] = await Promise.all([import("./check_store.ts"), this.client()]);
    await connectTo(client, this.#policies);
  }

  /** The rules of the limiters on the store. */
  get #policies(): readonly Policy[] {
    return this.#context.limiters().map(({ policy }) => policy);
  }

  /** The store's client, if it was ever asked for. */
  get opened(): Promise<OpenStore> | undefined {
    return this.#client;
  }

  /** Takes no new calls. Those that are here go on. */
  retire(): void {
    this.#closed = true;
    this.open.store = undefined;
  }

  /** Why calls of a limiter can never be decided without a promise; undefined where they can. */
  refusalAtOnce(limiter: string, { tokenLeaseUs }: Policy): Error | undefined {
    if (this.#closed) return new ClosedError(`store ${show(this.id)}`);
    const config = this.#config;
    const answersAtOnce = this.open.store?.answersAtOnce ??
      (isStore(config)
        ? config.isLocal === true && config.answersAtOnce === true
        : !engineNamed(config.engine)?.remote);
    if (answersAtOnce || tokenLeaseUs > 0) return undefined;
    return new ConfigError({
      path: `limiters.${limiter}`,
      expected: "a store in this process, or tokenLeaseMs, for tryAcquireSync(); tryAcquire() decides on every store",
      received: `store ${show(this.id)} of engine ${show(this.engine)}, without tokenLeaseMs`,
    });
  }

  /** Closes the store if it was opened. */
  async close(): Promise<void> {
    this.retire();
    this.#report?.close();
    this.#unnotice?.();
    this.#publisher?.close();
    const client = await this.#client;
    await client?.close();
  }
}
