/**
 * What a case of the conformance suite works with: a store, a clock that it moves, and limiters on both.
 *
 * @module
 */

import { type Clock, sleepUntil } from "../../base/clock.ts";
import { StoreError } from "../../base/errors.ts";
import type { Limiter } from "../../limiter/limiter.ts";
import type { LimiterOptions } from "../../policy/options.ts";
import { createRateSync, type RateSync } from "../../registry/rate_sync.ts";
import type { Store, Target } from "../../stores/store.ts";
import { waiterId } from "../../stores/waiter_id.ts";
import { FakeClock } from "../fake_clock.ts";
import { TrackedStore } from "./tracked_store.ts";
import { Watch } from "./watch.ts";

/** Makes an empty store that takes its time from the clock it is given. */
export type OpenStore = (settings: { readonly clock: Clock }) => Promise<Store> | Store;

/** Changes the options of a limiter of the suite. */
export type AdaptOptions = (options: LimiterOptions) => LimiterOptions;

/** How messages of a store come. */
export interface StoreMessages {
  /** On how many ways wakeups come. @default {1} */
  readonly wakeupPaths?: number | undefined;
  /** Whether other instances hear of a reset or block. @default {true} */
  readonly pushes?: boolean | undefined;
}

/** One topic of the suite. */
export interface Topic {
  /** What it is about: the names of its cases begin with it. */
  readonly topic: string;
  /** Its cases. */
  readonly cases: readonly CaseDefinition[];
}

/** A case before it has a store. */
export interface CaseDefinition {
  /** What holds if it passes. */
  readonly name: string;
  /** The requirements that it shows. */
  readonly covers: readonly string[];
  /** Shows them. */
  run(bench: Bench): Promise<void>;
}

/** Where a case stands. */
export class Bench implements AsyncDisposable {
  /** The only time there is. Moving it lets the store's real replies and wakeups arrive first. */
  readonly clock: FakeClock;
  readonly #openStore: OpenStore;
  readonly #adapt: AdaptOptions;
  /** Whether other instances hear of a reset or block. */
  readonly pushes: boolean;
  readonly #wakeupPaths: number;
  readonly #stores: TrackedStore[] = [];

  private constructor(openStore: OpenStore, adapt: AdaptOptions, { wakeupPaths = 1, pushes = true }: StoreMessages) {
    this.#wakeupPaths = wakeupPaths;
    this.pushes = pushes;
    this.#openStore = openStore;
    this.#adapt = adapt;
    this.clock = new FakeClock(undefined, { settle: () => this.settle() });
  }

  /** A new one, with a store. */
  static async open(openStore: OpenStore, adapt: AdaptOptions, messages: StoreMessages = {}): Promise<Bench> {
    const bench = new Bench(openStore, adapt, messages);
    await bench.openAnotherStore();
    return bench;
  }

  /** The store under test. */
  get store(): TrackedStore {
    return this.#stores[0] as TrackedStore;
  }

  /** A second store of the same kind. */
  async openAnotherStore(): Promise<TrackedStore> {
    const store = new TrackedStore(await this.#openStore({ clock: this.clock }), this.#wakeupPaths);
    this.#stores.push(store);
    return store;
  }

  /** Another process, as far as the store can tell: an instance with limiters and waiters of its own. */
  instance<const Id extends string>(
    limiters: Readonly<Record<Id, LimiterOptions>>,
    store: Store = this.store,
  ): RateSync<Id> {
    const all = Object.entries<LimiterOptions>(limiters).map(([id, options]) => [id, this.#adapt(options)] as const);
    const adapted = Object.fromEntries(all) as Record<Id, LimiterOptions>;
    return createRateSync({ stores: { s: store }, clock: this.clock, limiters: adapted });
  }

  /** A limiter `api` on an instance of its own. Limiters with the same options share their state in the store. */
  limiter(options: LimiterOptions, store: Store = this.store): Limiter {
    return this.instance({ api: options }, store).limiter("api");
  }

  /** Options as instances of this bench have them. */
  adapt(options: LimiterOptions): LimiterOptions {
    return this.#adapt(options);
  }

  /** Lets every reply and every wakeup arrive, in real time. */
  async settle(): Promise<void> {
    for (const store of this.#stores) await store.settle();
  }

  /** Waits in virtual time. */
  sleep(ms: number): Promise<void> {
    return sleepUntil(this.clock, this.clock.nowUs() + ms * 1_000);
  }

  /** Follows a promise: whether it has settled, and when. */
  watch<Result>(promise: Promise<Result>): Watch<Result> {
    return new Watch(promise, this.clock);
  }

  /** What the store is asked about a limiter. */
  targetOf({ id, policy }: Limiter): Target {
    return { limiter: id, key: undefined, policy, cost: 1, permits: policy.maxConcurrent > 0 ? 1 : 0 };
  }

  /** Takes a permit as a process that crashes right after: it is not renewed and not released. Returns its id. */
  async takeAndCrash(limiter: Limiter): Promise<string> {
    const id = waiterId({ instance: "crashed", sequence: 1, direct: true, maxWaitUs: 0, permits: 1, cost: 1 });
    const targets = [this.targetOf(limiter)];
    const reply = await this.store.execute({ op: "take", targets, mode: "now", maxWaitUs: 0, id, arrivalUs: 0 });
    if (reply.status !== "allowed") {
      throw new Error(`Cannot take a permit of ${limiter.id}: ${JSON.stringify(reply)}`);
    }
    return id;
  }

  /** From now on the store cannot be reached. */
  breakStore(): void {
    this.store.failure = new StoreError("STORE_UNAVAILABLE", "Cannot reach the store: the suite has cut it off");
  }

  /** Leaves every store empty and closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.#stores) {
      if (store.closed) continue;
      await store.settle();
      await store.resetAll();
      await store.close();
    }
  }
}
