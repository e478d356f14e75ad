/**
 * The same sequence of requests on the memory store, whose kernels are the reference, and on real Redis.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { RateLimit } from "../../src/algorithms/limit.ts";
import { kernelOf, type RateState } from "../../src/algorithms/kernels.ts";
import type { LimiterOptions } from "../../src/policy/options.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import type { RedisConnection } from "../../src/stores/redis/connections/connection.ts";
import type { ScriptCall } from "../../src/stores/redis/encode.ts";
import { KeyNames } from "../../src/stores/redis/keys.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import {
  type DoneReply,
  marksOf,
  type Store,
  type StoreRequest,
  type TakeReply,
  type TakeRequest,
  type Target,
  type Wakeup,
} from "../../src/stores/store.ts";
import { waiterId } from "../../src/stores/waiter_id.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import type { Step } from "./arbitraries.ts";
import type { RawRedis } from "./raw_redis.ts";
import { freshPrefix } from "./redis.ts";
import { decodeStored, freshFromUs, plainStates } from "./stored_state.ts";

/** Time stands still in tests while real keys would expire: they get a minute more. */
const GRACE_MS = 60_000;

/** Of that minute, what may pass before a time to live is looked at. */
const PASSED_MS = 20_000;

/** How long messages of Redis may be on their way. */
const NOTICE_MS = 300;

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
export async function assertParity(
  limiters: readonly LimiterOptions[],
  startUs: number,
  steps: readonly Step[],
  services: ParityServices,
): Promise<void> {
  const batches: [Step, ...Step[]][] = [];
  for (const step of steps) {
    const batch = batches.at(-1);
    if (step.together && batch !== undefined) batch.push(step);
    else batches.push([step]);
  }
  await assertBatchParity(limiters, startUs, batches, services);
}

/** The same with several steps in one batch: at the instant to which the first of them moves. */
export async function assertBatchParity(
  limiters: readonly LimiterOptions[],
  startUs: number,
  batches: readonly (readonly [Step, ...Step[]])[],
  services: ParityServices,
): Promise<void> {
  const run = new ParityRun(limiters, startUs, services);
  await run.listen();
  for (const batch of batches) await run.batch(batch);
  await run.compareNotices();
}

class ParityRun {
  readonly #targets: readonly Target[];
  readonly #clock: FakeClock;
  readonly #memory: MemoryStore;
  readonly #redis: Store;
  readonly #another: Store;
  readonly #names: KeyNames;
  readonly #raw: RawRedis;
  /** Two processes that listen, and one that has gone. */
  readonly #instances = ["one", "two", "gone"];
  readonly #takes = new Map<string, TakeRequest>();
  readonly #wakeups: { memory: Wakeup[]; redis: Wakeup[] } = { memory: [], redis: [] };
  /** The latest takes of which nothing was given back. */
  readonly #taken: { readonly request: TakeRequest; readonly reply: TakeReply }[] = [];
  #sequence = 0;
  #retryUs = 0;
  /** The latest reading: keys expire by time that does not step back. */
  #latestUs = 0;

  constructor(limiters: readonly LimiterOptions[], startUs: number, services: ParityServices) {
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
    this.#another = new RedisStore(connection, { keyPrefix });
    this.#names = new KeyNames(keyPrefix);
    this.#raw = raw;
    // The same options are the same policy: several keys of one limiter, as far as scripts can tell.
    const policies = new Map(limiters.map((options) => [options, compilePolicy(options)]));
    this.#targets = limiters.map((options, i): Target => {
      const policy = policies.get(options) as Policy;
      return { limiter: `l${i}`, key: i === 1 ? undefined : "k", policy, cost: 1, slots: policy.maxConcurrent && 1 };
    });
  }

  async listen(): Promise<void> {
    if (this.#targets.every((target) => target.slots === 0)) return;
    for (const instance of this.#instances.slice(0, 2)) {
      for (const kind of ["memory", "redis"] as const) {
        // The second one is a process of its own, which hears by messages; the first one in the replies to its calls.
        const redis = instance === "two" ? this.#another : this.#redis;
        await (kind === "memory" ? this.#memory : redis).listen({
          instance,
          targetOf: (id) => this.#takes.get(id)?.targets[0],
          wakeup: (wakeup) => void this.#wakeups[kind].push(wakeup),
          missed: () => {},
        });
      }
    }
  }

  async batch(steps: readonly [Step, ...Step[]]): Promise<void> {
    const { move } = steps[0];
    const now = this.#clock.nowUs();
    this.#clock.set(now + (move.by === "us" ? move.us : Math.max(this.#retryUs + move.offsetUs, 0)));
    this.#latestUs = Math.max(this.#latestUs, this.#clock.nowUs());
    this.#retryUs = 0;
    const requests = steps.flatMap((step) => {
      const request = this.#request(step);
      if (request?.op === "take") this.#takes.set(request.id, request);
      return request ?? [];
    });
    if (requests.length === 0) return;
    const [expected, actual] = await Promise.all([this.#memory, this.#redis].map((store) => {
      return Promise.all(requests.map((request) => store.execute(request)));
    })) as [TakeReply[], TakeReply[]];
    assert.deepEqual(
      actual.map(plain),
      expected.map(plain),
      `${steps.map(({ ask }) => ask)} at ${this.#clock.nowUs()}`,
    );
    await Promise.all(this.#targets.map((target) => this.#compare(target)));
    for (const [i, request] of requests.entries()) this.#remember(request, expected[i] as TakeReply);
  }

  async compareNotices(): Promise<void> {
    const { memory, redis } = this.#wakeups;
    const untilMs = Date.now() + NOTICE_MS;
    while (redis.length < memory.length && Date.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 1));
    // What comes with replies and what comes as messages may pass each other.
    const byInstance = (wakeups: Wakeup[]) =>
      this.#instances.map((instance) => wakeups.filter(({ id }) => id.startsWith(`${instance}.`)));
    assert.deepEqual(byInstance(redis), byInstance(memory), "wakeups");
    assert.equal(redis.length, memory.length);
  }

  #request({ ask, share, pick, only }: Step): StoreRequest | undefined {
    const targets = this.#pick(share, pick, only === undefined ? undefined : 1 << only % this.#targets.length);
    switch (ask) {
      case "now":
      case "wait":
      case "peek": {
        const maxWaitUs = ask === "wait" ? [5_000_000, 5_000_000, 150_000, 1e15][pick % 4] as number : 0;
        const { cost, slots, policy: { leaseTtlUs } } = targets[0] as Target;
        const instance = this.#instances[[0, 0, 0, 1, 1, 1, 2][pick % 7] as number] as string;
        const direct = targets.length === 1;
        const id = waiterId({ instance, sequence: this.#sequence++, direct, maxWaitUs, slots, cost, leaseTtlUs });
        return { op: "take", targets, mode: ask, maxWaitUs, id, arrivalUs: 0 };
      }
      case "again": {
        const take = this.#one(pick);
        if (take === undefined || take.arrivalUs === 0) return undefined;
        const [target, ...more] = take.targets as [Target, ...Target[]];
        return more.length > 0 ? take : { op: "poll", id: take.id, arrivalUs: take.arrivalUs, targets: [target] };
      }
      case "giveBack": {
        const [taken] = this.#taken.splice(-1 - pick % Math.min(this.#taken.length, 5), 1);
        if (taken === undefined) return undefined;
        const { request, reply } = taken;
        const back = request.targets.map((target) => ({ ...target, cost: Math.ceil(target.cost * (1 - share)) || 1 }));
        return { op: "giveBack", targets: back, marks: marksOf(request.targets, reply) };
      }
      case "block":
        return {
          op: "block",
          targets,
          durationUs: share === 0 ? 0 : Math.ceil(share * 10_000),
          keepLonger: pick % 2 === 1,
        };
      case "release":
      case "renew": {
        const take = this.#one(pick);
        const held = take?.targets.filter(({ slots }) => slots > 0) ?? [];
        return take === undefined || held.length === 0 ? undefined : { op: ask, targets: held, id: take.id };
      }
      case "refund":
      case "penalize": {
        const rated = targets.filter(({ policy }) => policy.rates.length > 0);
        return rated.length === 0 ? undefined : { op: ask, targets: rated };
      }
      case "reset":
        return share > 0.5 ? { op: ask, targets } : undefined;
    }
  }

  /** Some of the targets, at least one. */
  #pick(share: number, pick: number, mask: number = 1 + pick % (2 ** this.#targets.length - 1)): Target[] {
    return this.#targets.filter((_, i) => mask & 1 << i).map((target) => {
      const { capacity, maxConcurrent } = target.policy;
      const slots = maxConcurrent > 1 && pick % 5 === 0 ? 2 : target.slots;
      return { ...target, cost: 1 + Math.floor(share * (capacity - 1)), slots };
    });
  }

  /** One of those who took or queued last. */
  #one(pick: number): TakeRequest | undefined {
    return [...this.#takes.values()].at(-1 - pick % 6);
  }

  #remember(request: StoreRequest, reply: TakeReply): void {
    if (request.op !== "take" && request.op !== "poll") return;
    const take = this.#takes.get(request.id);
    if (take === undefined) return;
    if (reply.repeated) return;
    if (reply.status === "allowed" && request.op === "take" && request.mode !== "peek") {
      this.#taken.push({ request, reply });
    } else this.#retryUs = Math.min(reply.waitUs, 1e9);
    // A call over several that was served asks again, as one does whose reply was lost.
    const servedUs = reply.status === "allowed" && take.targets.length > 1 ? take.arrivalUs : 0;
    this.#takes.set(request.id, { ...take, arrivalUs: reply.status === "queued" ? reply.arrivalUs : servedUs });
    const held = take.mode !== "peek" && (reply.status === "allowed" || reply.status === "queued");
    if (!held || take.targets.every(({ slots }) => slots === 0)) this.#takes.delete(request.id);
  }

  async #compare(target: Target): Promise<void> {
    const { rates, maxConcurrent } = target.policy;
    const keys = await this.#names.of(target);
    const slotKeys = maxConcurrent > 0 ? keys.splice(-2) : [];
    const [main, ...rings] = await Promise.all(keys.map((key) => this.#raw.bytes(key)));
    const states = this.#memory.statesOf(target);
    const stored = decodeStored(rates, main, rings, this.#clock.nowUs());
    const plain = plainStates(rates, states);
    const known = stored.map((numbers, i) => this.#isForgotten(rates[i], numbers, plain[i]) ? plain[i] : numbers);
    assert.deepEqual(known, plain, `states of ${target.limiter}`);
    await Promise.all([...this.#lives(target, keys, states), ...slotKeys.map((key) => this.#assertSlotsLive(key))]);
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
  #lives(target: Target, keys: readonly string[], states: readonly RateState[]): Promise<void>[] {
    const [main, ...rings] = keys as [string, ...string[]];
    const { rates } = target.policy;
    let ring = 0;
    return this.#freshFromUs(target, states).map((freshUs, i) => {
      const own = rates[i]?.algorithm === "sliding_window" && rates.length > 1;
      return this.#assertLives(own ? rings[ring++] as string : main, freshUs);
    });
  }

  async #assertSlotsLive(key: string): Promise<void> {
    const [, last] = (await this.#raw.send("ZRANGE", key, "-1", "-1", "WITHSCORES") as unknown[]).flat();
    if (last !== undefined) await this.#assertLives(key, Number(last));
  }

  async #assertLives(key: string, untilUs: number): Promise<void> {
    const leftMs = (untilUs - this.#latestUs) / 1_000;
    const ttlMs = Number(await this.#raw.send("PTTL", key));
    assert.notEqual(ttlMs, -1, `${key} never expires`);
    if (leftMs > 0) assert.ok(ttlMs > leftMs + GRACE_MS - PASSED_MS, `${key} lives for ${ttlMs} ms, not ${leftMs} ms`);
  }
}

/** What a reply tells, whether it is a plain object or makes its levels when asked. */
export function plain(reply: TakeReply | DoneReply): object {
  if (!("status" in reply)) return reply;
  const { status, nowUs, waitUs, arrivalUs, levels, times, repeated } = reply;
  return { status, nowUs, waitUs, arrivalUs, levels, times, repeated };
}
