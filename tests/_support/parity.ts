/**
 * The same sequence of requests on the memory store, whose kernels are the reference, and on real Redis.
 *
 * @module
 */

import assert from "node:assert/strict";

import { kernelOf, type RateState } from "../../src/algorithms/kernels.ts";
import type { RateLimit } from "../../src/algorithms/limit.ts";
import type { LimiterOptions } from "../../src/policy/options.ts";
import type { RedisConnection } from "../../src/stores/redis/connections/connection.ts";
import type { ScriptCall } from "../../src/stores/redis/script_call.ts";
import { KeyNames } from "../../src/stores/redis/keys.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import type { Store, Target } from "../../src/stores/store.ts";
import type { FakeClock } from "../../src/testing/fake_clock.ts";
import type { Step } from "./arbitraries.ts";
import type { RawRedis } from "./raw_redis.ts";
import { freshPrefix } from "./redis.ts";
import { assertSame } from "./same.ts";
import { assertBatchParityOf, assertParityOf, type ParitySubject } from "./store_parity.ts";
import { decodeStored, freshFromUs, plainStates } from "./stored_state.ts";

/** Time stands still in tests while real keys would expire: they get a minute more. */
const GRACE_MS = 60_000;

/** Of that minute, what may pass before a time to live is looked at. */
const PASSED_MS = 20_000;

/** What a sequence runs on. */
export interface ParityServices {
  /** The store's own connection. */
  readonly connection: RedisConnection;
  /** To look at what was stored. */
  readonly raw: RawRedis;
  /** Seeds a mistake in the scripts, to see whether it is noticed. */
  readonly testScript?: (call: ScriptCall) => ScriptCall;
}

/** Runs one sequence on both stores and compares every reply, wakeup and stored state, to the integer. */
export function assertParity(
  limiters: readonly LimiterOptions[],
  startUs: number,
  steps: readonly Step[],
  services: ParityServices,
): Promise<void> {
  return assertParityOf(limiters, startUs, steps, (clock) => new RedisSubject(clock, services));
}

/** The same with several steps in one batch: at the instant to which the first of them moves. */
export function assertBatchParity(
  limiters: readonly LimiterOptions[],
  startUs: number,
  batches: readonly (readonly [Step, ...Step[]])[],
  services: ParityServices,
): Promise<void> {
  return assertBatchParityOf(limiters, startUs, batches, (clock) => new RedisSubject(clock, services));
}

class RedisSubject implements ParitySubject {
  readonly store: Store;
  readonly another: Store;
  readonly #clock: FakeClock;
  readonly #names: KeyNames;
  readonly #raw: RawRedis;

  constructor(clock: FakeClock, { connection, raw, testScript }: ParityServices) {
    const keyPrefix = freshPrefix();
    this.store = new RedisStore(connection, {
      keyPrefix,
      timingMarginMs: GRACE_MS,
      testClock: clock,
      ...(testScript === undefined ? {} : { testScript }),
    });
    this.another = new RedisStore(connection, { keyPrefix });
    this.#clock = clock;
    this.#names = new KeyNames(keyPrefix);
    this.#raw = raw;
  }

  async compare(target: Target, states: readonly RateState[], latestUs: number): Promise<void> {
    const { rates, maxConcurrent } = target.policy;
    const keys = await this.#names.of(target);
    const slotKeys = maxConcurrent > 0 ? keys.splice(-2) : [];
    const [main, ...rings] = await Promise.all(keys.map((key) => this.#raw.bytes(key)));
    const stored = decodeStored(rates, main, rings, this.#clock.nowUs());
    const plain = plainStates(rates, states);
    const known = stored.map((numbers, i) => this.#isForgotten(rates[i], numbers, plain[i]) ? plain[i] : numbers);
    assertSame(known, plain, () => `states of ${target.limiter}`);
    await Promise.all([
      ...this.#lives(target, keys, states, latestUs),
      ...slotKeys.map((key) => this.#assertSlotsLive(key, latestUs)),
    ]);
  }

  /** The memory store forgets what is as good as fresh; in Redis it lies until it expires. */
  #isForgotten(rate: RateLimit | undefined, numbers: readonly number[], plain: readonly number[] = []): boolean {
    if (rate === undefined || plain.some((number) => number !== 0)) return false;
    return freshFromUs(rate, numbers) <= this.#clock.nowUs();
  }

  #freshFromUs({ policy }: Target, states: readonly RateState[]): number[] {
    return policy.rates.map((rate, i) => kernelOf(rate).freshFromUs(states[i] as RateState, rate));
  }

  /** Every key that matters lives until its state is as good as fresh. */
  #lives(
    target: Target,
    keys: readonly string[],
    states: readonly RateState[],
    latestUs: number,
  ): Promise<void>[] {
    const [main, ...rings] = keys as [string, ...string[]];
    const { rates } = target.policy;
    let ring = 0;
    return this.#freshFromUs(target, states).map((freshUs, i) => {
      const own = rates[i]?.algorithm === "sliding_window" && rates.length > 1;
      return this.#assertLives(own ? rings[ring++] as string : main, freshUs, latestUs);
    });
  }

  async #assertSlotsLive(key: string, latestUs: number): Promise<void> {
    const [, last] = (await this.#raw.send("ZRANGE", key, "-1", "-1", "WITHSCORES") as unknown[]).flat();
    if (last !== undefined) await this.#assertLives(key, Number(last), latestUs);
  }

  async #assertLives(key: string, untilUs: number, latestUs: number): Promise<void> {
    const leftMs = (untilUs - latestUs) / 1_000;
    const ttlMs = Number(await this.#raw.send("PTTL", key));
    assert.notEqual(ttlMs, -1, `${key} never expires`);
    if (leftMs > 0) assert.ok(ttlMs > leftMs + GRACE_MS - PASSED_MS, `${key} lives for ${ttlMs} ms, not ${leftMs} ms`);
  }
}
