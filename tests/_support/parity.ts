/**
 * The same sequence of requests on the memory store, whose kernels are the reference, and on real Redis.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Mark } from "../../src/algorithms/kernel.ts";
import type { LimiterOptions } from "../../src/policy/options.ts";
import { compilePolicy, type Policy } from "../../src/policy/policy.ts";
import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import type { RedisConnection } from "../../src/stores/redis/connections/connection.ts";
import type { ScriptCall } from "../../src/stores/redis/encode.ts";
import { KeyNames } from "../../src/stores/redis/keys.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import { type Store, type StoreRequest, type TakeReply, type Target, waiterId } from "../../src/stores/store.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import type { Step } from "./arbitraries.ts";
import type { RawRedis } from "./raw_redis.ts";
import { freshPrefix } from "./redis.ts";
import { decodeStored, plainStates } from "./stored_state.ts";

/** Time stands still in tests while real keys would expire: they get a minute more. */
const GRACE_MS = 60_000;

/** What a sequence runs on. */
export interface ParityServices {
  /** The store's own connection. */
  readonly connection: RedisConnection;
  /** To look at what was stored. */
  readonly raw: RawRedis;
  /** Seeds a mistake in the scripts, to see whether it is noticed. */
  readonly testScript?: (call: ScriptCall) => ScriptCall;
}

/** Runs one sequence on both stores and compares every reply and every stored state, to the integer. */
export async function assertParity(
  options: LimiterOptions,
  startUs: number,
  steps: readonly Step[],
  services: ParityServices,
): Promise<void> {
  const run = new ParityRun(compilePolicy(options), startUs, services);
  await run.listen();
  for (const step of steps) await run.step(step);
}

class ParityRun {
  readonly #target: Target;
  readonly #clock: FakeClock;
  readonly #memory: MemoryStore;
  readonly #redis: Store;
  readonly #names: KeyNames;
  readonly #raw: RawRedis;
  readonly #instance = `i${Math.random().toString(36).slice(2)}`;
  readonly #ids: string[] = [];
  #lastTake: TakeReply | undefined;
  #sequence = 0;
  #retryUs = 0;

  constructor(policy: Policy, startUs: number, services: ParityServices) {
    const { connection, raw, testScript } = services;
    const keyPrefix = freshPrefix();
    this.#clock = new FakeClock(startUs);
    this.#memory = new MemoryStore({ clock: this.#clock });
    this.#redis = new RedisStore(connection, {
      keyPrefix,
      timingMarginMs: GRACE_MS,
      testClock: this.#clock,
      ...(testScript === undefined ? {} : { testScript }),
    });
    this.#names = new KeyNames(keyPrefix);
    this.#raw = raw;
    this.#target = { limiter: "parity", key: "k", policy, cost: 1, slots: policy.maxConcurrent > 0 ? 1 : 0 };
  }

  async listen(): Promise<void> {
    if (this.#target.policy.maxConcurrent === 0) return;
    const listener = {
      instance: this.#instance,
      targetOf: () => undefined,
      notice: () => {},
      gap: () => {},
    };
    await Promise.all([this.#memory.listen(listener), this.#redis.listen(listener)]);
  }

  async step({ move, ask, share }: Step): Promise<void> {
    const now = this.#clock.nowUs();
    this.#clock.set(now + (move.by === "us" ? move.us : Math.max(this.#retryUs + move.offsetUs, 0)));
    this.#retryUs = 0;
    const request = this.#request(ask, share);
    if (request === undefined) return;
    const [expected, actual] = await Promise.all([this.#memory.execute([request]), this.#redis.execute([request])]);
    assert.deepEqual(actual, expected, `${ask} at ${this.#clock.nowUs()}`);
    await this.#compareStates();
    this.#remember(request, expected[0] as TakeReply);
  }

  #request(ask: Step["ask"], share: number): StoreRequest | undefined {
    const { capacity, rates } = this.#target.policy;
    const cost = 1 + Math.floor(share * (capacity - 1));
    const target = { ...this.#target, cost };
    const targets = [target];
    switch (ask) {
      case "now":
      case "wait":
      case "peek": {
        const maxWaitUs = ask === "wait" ? 5_000_000 : 0;
        const { slots } = target;
        const sequence = this.#sequence++;
        const id = waiterId({ instance: this.#instance, sequence, direct: true, maxWaitUs, slots, cost });
        return { op: "take", targets, mode: ask, maxWaitUs, id, arrivalUs: 0 };
      }
      case "giveBack": {
        const marks = this.#marks();
        return marks === undefined ? undefined : { op: "giveBack", targets, marks: [marks] };
      }
      case "block":
        return { op: "block", targets, durationUs: share === 0 ? 0 : Math.ceil(share * 10_000) };
      case "release":
      case "renew": {
        const id = this.#ids[Math.floor(share * (this.#ids.length - 1))];
        return id === undefined ? undefined : { op: ask, targets, id };
      }
      case "refund":
      case "penalize":
        return rates.length === 0 ? undefined : { op: ask, targets };
      case "reset":
        return share > 0.5 ? { op: ask, targets } : undefined;
    }
  }

  #marks(): Mark[] | undefined {
    const reply = this.#lastTake;
    if (reply?.status !== "allowed") return undefined;
    const atUs = reply.nowUs + reply.waitUs;
    return reply.levels[0]?.rates.map((level) => ({ nowUs: reply.nowUs, atUs, level }));
  }

  #remember(request: StoreRequest, reply: TakeReply): void {
    if (request.op !== "take") return;
    if (reply.status === "allowed") this.#lastTake = reply;
    else this.#retryUs = Math.min(reply.waitUs, 1e9);
    const held = request.mode !== "peek" && (reply.status === "allowed" || reply.status === "queued");
    if (held && request.targets[0]?.slots) this.#ids.push(request.id);
  }

  async #compareStates(): Promise<void> {
    const { rates } = this.#target.policy;
    const [main, ...more] = await this.#names.of(this.#target);
    const rings = await Promise.all(more.filter((key) => key.includes(":window:")).map((key) => this.#raw.bytes(key)));
    const stored = decodeStored(rates, await this.#raw.bytes(main as string), rings);
    assert.deepEqual(stored, plainStates(rates, this.#memory.statesOf(this.#target)));
  }
}
