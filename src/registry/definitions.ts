/**
 * What is configured: stores and limiters by id. Checked as a whole before any of it is applied.
 *
 * @module
 */

import { ClosedError, ConfigError, NotFoundError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { Limiter } from "../limiter/limiter.ts";
import type { OpenStore } from "../limiter/open_store.ts";
import type { StoreAccess } from "../limiter/store_access.ts";
import type { LimiterOptions } from "../policy/options.ts";
import type { Policy } from "../policy/policy.ts";
import { compilePolicy } from "../policy/compile_policy.ts";
import { localPolicy } from "../policy/share.ts";
import type { Store } from "../stores/store.ts";
import { checkForEngine } from "./engine_limits.ts";
import { EMBEDDED, openEmbedded, type StoreConfig } from "./engines.ts";
import type { LimiterListing, StoreListing } from "./listing.ts";
import { sameConfig } from "./same_config.ts";
import { type InstanceContext, StoreHandle } from "./store_handle.ts";

/** Stores and limiters to add or replace. */
export interface Definition {
  /** Stores by id. */
  readonly stores: Readonly<Record<string, StoreConfig | Store>>;
  /** Limiters by id. */
  readonly limiters: Readonly<Record<string, LimiterOptions>>;
}

/** A limiter as it is registered. */
export interface LimiterEntry {
  /** The limiter. */
  readonly limiter: Limiter;
  /** The id of its store. */
  readonly storeId: string;
  /** What it was made from. */
  readonly options: LimiterOptions;
}

/** The stores and limiters of one instance. */
export class Definitions {
  readonly #context: Omit<InstanceContext, "limiters">;
  readonly #stores = new Map<string, StoreHandle>();
  readonly #limiters = new Map<string, LimiterEntry>();
  /** How many functions of `run` are under way. */
  readonly runs: StoreAccess["runs"] = { count: 0, onNone: undefined };
  #fallback: Promise<OpenStore> | undefined;
  #currentFallback: OpenStore | undefined;
  #closed = false;
  #version = 0;

  /**
   * @param context Where time comes from, and where messages go.
   */
  constructor(context: Omit<InstanceContext, "limiters">) {
    this.#context = context;
  }

  /** Rises with each change of stores or of the rules of limiters. */
  get version(): number {
    return this.#version;
  }

  /** The ids of limiters. */
  get limiterIds(): string[] {
    return [...this.#limiters.keys()];
  }

  /** The stores by id. */
  get stores(): ReadonlyMap<string, StoreHandle> {
    return this.#stores;
  }

  /**
   * A store.
   *
   * @throws {NotFoundError | ConfigError} If there is none of that id, or several and no id.
   * @throws {ClosedError} If everything was closed.
   */
  store(id?: string): StoreHandle {
    if (this.#closed) throw new ClosedError("this rate-sync instance");
    const known = pickStore(id, [...this.#stores.keys()]);
    const handle = this.#stores.get(known);
    if (handle === undefined) throw new NotFoundError("store", known, []);
    return handle;
  }

  /**
   * A limiter.
   *
   * @throws {NotFoundError} If there is none of that id; it lists the known ones.
   * @throws {ClosedError} If everything was closed.
   */
  limiter(id: string): Limiter {
    return this.entry(id).limiter;
  }

  /** A limiter with the id of its store. */
  entry(id: string): LimiterEntry {
    if (this.#closed) throw new ClosedError("this rate-sync instance");
    const entry = this.#limiters.get(id);
    if (entry === undefined) throw new NotFoundError("limiter", id, this.limiterIds);
    return entry;
  }

  /** The limiters on a store. */
  limitersOn(storeId: string): Limiter[] {
    return [...this.#limiters.values()].filter((entry) => entry.storeId === storeId).map(({ limiter }) => limiter);
  }

  /**
   * Adds or replaces stores and limiters: all of them, or none if anything is wrong. A store that is described as
   * before is kept, with its connections and its permits. Resolves when replaced stores have been closed.
   *
   * @throws {ConfigError | NotFoundError} If anything is wrong.
   */
  apply({ stores, limiters }: Definition): Promise<void> {
    if (this.#closed) throw new ClosedError("this rate-sync instance");
    const given = Object.entries(stores).map(([id, config]) => this.#newHandle(id, config));
    const all = new Map([...this.#stores, ...given.map((handle) => [handle.id, handle] as const)]);
    const added = Object.entries(limiters).map(([id, options]) => this.#compile(id, options, all));
    // What a store says of failures holds for limiters that are there already.
    const affected = given.length === 0 ? [] : [...this.#limiters].filter(([id, { storeId }]) => {
      return !Object.hasOwn(limiters, id) && given.some((handle) => handle.id === storeId);
    });
    const changed = affected.map(([id, { options, storeId }]) => {
      return this.#compile(id, { ...options, store: storeId }, all);
    });
    let isChanged = false;
    const replaced = given.flatMap((handle) => {
      const before = this.#stores.get(handle.id);
      if (before?.isFor(handle)) before.failure = handle.failure;
      else {
        this.#stores.set(handle.id, handle);
        isChanged = true;
      }
      return before === undefined || before === this.#stores.get(handle.id) ? [] : [before];
    });
    const defined = [...added, ...changed];
    for (const compiled of defined) isChanged = this.#define(compiled) || isChanged;
    if (isChanged) this.#version++;
    for (const { storeId } of defined) this.#stores.get(storeId)?.prepare();
    return Promise.all(replaced.map((handle) => handle.close())).then(() => {});
  }

  /** How each store looks. */
  listStores(): Record<string, StoreListing> {
    return Object.fromEntries([...this.#stores].map(([id, handle]) => [id, handle.listing()]));
  }

  /**
   * How each limiter looks.
   *
   * @throws {ClosedError} If everything was closed.
   */
  listLimiters(): Record<string, LimiterListing> {
    return Object.fromEntries(this.limiterIds.map((id) => {
      const { limiter, storeId: store } = this.entry(id);
      return [id, { store, policy: limiter.policy, metrics: limiter.metrics() }];
    }));
  }

  /** Takes no new calls. Those that are here go on, until `close`. */
  retire(): void {
    this.#closed = true;
    for (const handle of this.#stores.values()) handle.retire();
  }

  /** The clients of stores that were used. */
  async openClients(): Promise<OpenStore[]> {
    const opened = [...[...this.#stores.values()].map((handle) => handle.opened), this.#fallback];
    const clients = await Promise.allSettled(opened);
    return clients.flatMap((client) => client.status === "fulfilled" ? client.value ?? [] : []);
  }

  /** Closes every store. */
  async close(): Promise<void> {
    this.#closed = true;
    this.runs.onNone?.(); // a drain ends
    await Promise.all([...this.#stores.values()].map((handle) => handle.close()));
    await (await this.#fallback)?.close();
  }

  #newHandle(id: string, config: StoreConfig | Store): StoreHandle {
    checkId("stores", id);
    try {
      return new StoreHandle(id, config, { ...this.#context, limiters: () => this.limitersOn(id) });
    } catch (error) {
      throw within(`stores.${id}`, error);
    }
  }

  #compile(id: string, options: LimiterOptions, stores: ReadonlyMap<string, StoreHandle>): Compiled {
    checkId("limiters", id);
    try {
      const { rates } = compilePolicy(options); // what is wrong with it counts first
      const storeId = pickStore(options.store, [...stores.keys()]);
      checkForEngine(options, rates, stores.get(storeId)?.engine);
      return { id, policy: compilePolicy(options, stores.get(storeId)?.failure), storeId, options };
    } catch (error) {
      throw within(`limiters.${id}`, error);
    }
  }

  /** Registers a limiter. Returns whether it is new, or has other rules or another store than before. */
  #define({ id, policy, storeId, options }: Compiled): boolean {
    const { log, observers } = this.#context;
    if (!this.#stores.has(storeId)) this.#stores.set(storeId, this.#newHandle(storeId, EMBEDDED));
    const entry = this.#limiters.get(id);
    const before = entry?.limiter;
    const isSame = before !== undefined && sameConfig(before.policy, policy);
    const access = this.#access(storeId);
    if (isSame) {
      // The very same rules: what this process remembers of denials and leases goes by them.
      before.adopt(before.policy, access);
    } else if (before !== undefined) {
      before.adopt(policy, access);
      // Calls that wait, and permits that are held, go by the new rules too.
      this.#stores.get(storeId)?.adopt(id, policy);
      this.#currentFallback?.adopt(id, localPolicy(policy));
    }
    this.#limiters.set(id, { limiter: before ?? new Limiter(id, policy, access, log, observers), storeId, options });
    return !isSame || entry?.storeId !== storeId;
  }

  #startFallback(): Promise<OpenStore> {
    const fallback = this.#fallback = this.#openFallback();
    this.#context.clock.waitFor?.(fallback);
    return fallback;
  }

  async #openFallback(): Promise<OpenStore> {
    const { clock } = this.#context;
    const [store, { OpenStore }] = await Promise.all([
      openEmbedded({ clock, onError: () => {} }),
      import("../limiter/open_store.ts"),
    ]);
    return this.#currentFallback = new OpenStore("fallback", store, clock);
  }

  #access(storeId: string): StoreAccess<OpenStore> {
    const { clock } = this.#context;
    const handle = () => this.#stores.get(storeId) as StoreHandle;
    // A handle that was replaced is closed, and has no client: the one of its id is asked for then.
    const now = handle();
    return {
      runs: this.runs,
      open: now.open,
      refusalAtOnce: (limiter, policy) => handle().refusalAtOnce(limiter, policy),
      client: () => handle().client(),
      fallback: () => this.#fallback ?? this.#startFallback(),
      currentFallback: () => this.#currentFallback,
      clock,
    };
  }
}

/** A limiter that was checked. */
interface Compiled {
  readonly id: string;
  readonly policy: Policy;
  readonly storeId: string;
  readonly options: LimiterOptions;
}

function pickStore(wanted: string | undefined, known: readonly string[]): string {
  if (wanted !== undefined) {
    if (known.includes(wanted)) return wanted;
    throw new NotFoundError("store", wanted, known);
  }
  if (known.length <= 1) return known[0] ?? EMBEDDED.engine;
  throw new ConfigError({
    path: "store",
    expected: `one of ${known.map((id) => JSON.stringify(id)).join(", ")}`,
    received: "nothing, where several stores are configured",
  });
}

/** @throws {ConfigError} If it cannot be the id of a store or a limiter. */
export function checkId(kind: "stores" | "limiters", id: string): void {
  if (typeof id === "string" && id !== "" && id.length <= 1_024) return;
  throw new ConfigError({ path: kind, expected: "ids of 1 to 1 024 characters", received: show(id) });
}

function within(path: string, error: unknown): unknown {
  if (!(error instanceof ConfigError)) return error;
  const { expected, received } = error;
  return new ConfigError({ path: error.path === "" ? path : `${path}.${error.path}`, expected, received });
}
