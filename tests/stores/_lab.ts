/**
 * A store of either kind on a clock that tests move, with short functions for its requests.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { LimiterOptions } from "../../src/policy/options.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import type { RedisConnection } from "../../src/stores/redis/connections/connection.ts";
import { openNodeRedis } from "../../src/stores/redis/connections/node_redis.ts";
import { KeyNames } from "../../src/stores/redis/keys.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import type { DoneReply, Store, StoreRequest, TakeReply, TakeRequest, Target } from "../../src/stores/store.ts";
import { waiterId } from "../../src/stores/waiter_id.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { openRawRedis, type RawRedis } from "../_support/raw_redis.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";

/** The stores that the laws hold for. */
export const ENGINES = ["memory", "redis"] as const;

/** Connections that all labs of a file share. */
export class Connections {
  /** The store's. */
  readonly connection: RedisConnection;
  /** To look at what was stored. */
  readonly raw: RawRedis;

  private constructor(connection: RedisConnection, raw: RawRedis) {
    this.connection = connection;
    this.raw = raw;
  }

  /** Opens them. */
  static async open(): Promise<Connections> {
    return new Connections(openNodeRedis({ url: redisUrl() }), await openRawRedis());
  }

  /** Closes them. */
  async close(): Promise<void> {
    await this.connection.close();
    await this.raw.close();
  }
}

/** One store, empty. */
export class Lab {
  /** What the store takes its time from. */
  readonly clock: FakeClock;
  /** The store. */
  readonly store: Store;
  readonly #memory: MemoryStore | undefined;
  readonly #names: KeyNames;
  readonly #raw: RawRedis;
  #sequence = 0;

  /** Opens a store with keys of its own. The caller closes nothing. */
  constructor(engine: typeof ENGINES[number], { connection, raw }: Connections, startUs?: number) {
    const keyPrefix = freshPrefix();
    this.clock = new FakeClock(startUs);
    this.#memory = engine === "memory" ? new MemoryStore({ clock: this.clock }) : undefined;
    this.store = this.#memory ??
      new RedisStore(connection, { keyPrefix, timingMarginMs: 60_000, testClock: this.clock });
    this.#names = new KeyNames(keyPrefix);
    this.#raw = raw;
  }

  /** Makes the one process that asks known, so that it may queue. */
  async listen(): Promise<void> {
    await this.store.listen({ instance: "i", targetOf: () => undefined, wakeup: () => {}, missed: () => {} });
  }

  /** Asks one thing. */
  async ask(request: TakeRequest): Promise<TakeReply>;
  async ask(request: StoreRequest): Promise<TakeReply | DoneReply>;
  async ask(request: StoreRequest): Promise<TakeReply | DoneReply> {
    return await this.store.execute(request);
  }

  /** Takes. */
  async take(mode: TakeRequest["mode"], ...targets: Target[]): Promise<TakeReply> {
    return await this.ask(this.request(mode, targets));
  }

  /** A request to take. */
  request(mode: TakeRequest["mode"], targets: readonly Target[], maxWaitUs: number = 1e15): TakeRequest {
    const { permits, cost, policy: { leaseTtlUs } } = targets[0] as Target;
    const direct = targets.length === 1;
    const id = waiterId({ instance: "i", sequence: this.#sequence++, direct, maxWaitUs, permits, cost, leaseTtlUs });
    return { op: "take", targets, mode, maxWaitUs: mode === "wait" ? maxWaitUs : 0, id, arrivalUs: 0 };
  }

  /** All that is stored for targets. */
  async dump(targets: readonly Target[]): Promise<string> {
    if (this.#memory !== undefined) {
      return JSON.stringify([this.#memory.size, targets.map((target) => this.#memory?.statesOf(target))]);
    }
    const keys = await Promise.all(targets.map((target) => this.#names.of(target)));
    return await this.#raw.dump(keys.flat());
  }

  /** Moves the clock by microseconds. */
  pass(us: number): void {
    this.clock.set(this.clock.nowUs() + us);
  }
}

/** One key of a limiter. */
export function target(options: LimiterOptions, more: Partial<Target> = {}): Target {
  const policy = compilePolicy(options);
  return { limiter: "api", key: "k", policy, cost: 1, permits: policy.maxConcurrent > 0 ? 1 : 0, ...more };
}

/** The same target at another cost. */
export function costing(one: Target, share: number): Target {
  return { ...one, cost: 1 + Math.floor(share * (one.policy.capacity - 1)) };
}

/** Fails unless a reply says so. */
export function assertStatus(reply: TakeReply, status: TakeReply["status"]): void {
  assert.equal(reply.status, status);
}
