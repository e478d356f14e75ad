/**
 * Many schedules at the same time, each on a key of its own, on the memory store and on real Redis.
 *
 * At each instant, the next steps of all schedules go to Redis together, so that one call decides for many of them.
 *
 * @module
 */

import assert from "node:assert/strict";

import { kernelOf, type RateState } from "../../src/algorithms/kernels.ts";
import type { LimitOptions } from "../../src/policy/options.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import { KeyNames } from "../../src/stores/redis/keys.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import {
  type DoneReply,
  marksOf,
  type StoreRequest,
  type TakeReply,
  type TakeRequest,
  type Target,
} from "../../src/stores/store.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { scheduleText } from "./enumeration/explore.ts";
import { START_US, type Step } from "./enumeration/world.ts";
import type { ParityServices } from "./parity.ts";
import type { RawRedis } from "./raw_redis.ts";
import { freshPrefix } from "./redis.ts";
import { decodeStored, plainStates } from "./stored_state.ts";

/** How many schedules go on at the same time. */
const TOGETHER = 4_096;

/** Longer than any wait of a schedule. */
const MAX_WAIT_US = 1_000_000;

/**
 * Runs schedules on both stores, and compares every reply, and in the end what is stored, to the integer.
 *
 * @param limits The limits that decide together.
 * @param schedules The schedules. Each begins with a key that was never used.
 * @param services What Redis is asked by.
 */
export async function assertScheduleParity(
  limits: readonly LimitOptions[],
  schedules: readonly (readonly Step[])[],
  services: ParityServices,
): Promise<void> {
  for (let from = 0; from < schedules.length; from += TOGETHER) {
    await new ScheduleRun(limits, services).run(schedules.slice(from, from + TOGETHER));
  }
}

/** One schedule on its way. */
interface Lane {
  readonly schedule: readonly Step[];
  readonly target: Target;
  /** Replies to its takes, and what was taken. */
  readonly takes: { readonly cost: number; readonly reply: TakeReply }[];
  /** The place of the next step. */
  next: number;
}

class ScheduleRun {
  readonly #clock = new FakeClock(START_US);
  readonly #memory = new MemoryStore({ clock: this.#clock });
  readonly #redis: RedisStore;
  readonly #names: KeyNames;
  readonly #raw: RawRedis;
  readonly #limits: readonly LimitOptions[];

  constructor(limits: readonly LimitOptions[], { connection, raw, testScript }: ParityServices) {
    const keyPrefix = freshPrefix();
    this.#limits = limits;
    this.#names = new KeyNames(keyPrefix);
    this.#raw = raw;
    this.#redis = new RedisStore(connection, {
      keyPrefix,
      timingMarginMs: 60_000, // real time passes while this clock stands still
      testClock: this.#clock,
      ...(testScript === undefined ? {} : { testScript }),
    });
  }

  async run(schedules: readonly (readonly Step[])[]): Promise<void> {
    const policy = compilePolicy({ limits: this.#limits });
    const lanes = schedules.map((schedule, i): Lane => {
      return { schedule, target: { limiter: "l", key: `${i}`, policy, cost: 1, permits: 0 }, takes: [], next: 0 };
    });
    while (lanes.some(({ schedule, next }) => next < schedule.length)) {
      while (await this.#round(lanes));
      this.#clock.set(this.#clock.nowUs() + this.#pass(lanes));
    }
    await this.#compareStates(lanes);
  }

  /** The next step of every schedule that has one at this instant. Returns whether there was any. */
  async #round(lanes: readonly Lane[]): Promise<boolean> {
    const ready = lanes.filter(({ schedule, next }) => (schedule[next] ?? PASS).do !== "pass");
    await Promise.all(ready.map(async (lane, i) => {
      const request = requestOf(lane);
      const expected = this.#memory.execute(request) as TakeReply | DoneReply;
      // Both ways to ask for what is free now: as a caller that would wait, and as one that would not.
      const isNow = i % 2 === 0 && request.op === "take" && (expected as TakeReply).waitUs === 0;
      const actual = await this.#redis.execute(isNow ? { ...request as TakeRequest, mode: "now" } : request);
      if (textOf(actual) !== textOf(expected)) {
        const steps = scheduleText(lane.schedule.slice(0, lane.next + 1));
        assert.deepEqual(actual, expected, `the last step of: ${steps}`);
      }
      if (request.op === "take") lane.takes.push({ cost: request.targets[0]?.cost ?? 0, reply: expected as TakeReply });
      lane.next++;
    }));
    return ready.length > 0;
  }

  /** Lets time pass that all schedules that go on have before them. */
  #pass(lanes: readonly Lane[]): number {
    let us = 0;
    for (const lane of lanes) {
      const step = lane.schedule[lane.next];
      if (step?.do !== "pass") continue;
      us = step.us;
      lane.next++;
    }
    return us;
  }

  async #compareStates(lanes: readonly Lane[]): Promise<void> {
    const nowUs = this.#clock.nowUs();
    await Promise.all(lanes.map(async ({ target, schedule }) => {
      const { rates } = target.policy;
      const states = this.#memory.statesOf(target);
      // The memory store forgets what cannot be told from fresh; in Redis it lies until it expires.
      const isFresh = rates.every((rate, i) => kernelOf(rate).freshFromUs(states[i] as RateState, rate) <= nowUs);
      if (isFresh) return;
      const [main, ...rings] = await Promise.all((await this.#names.of(target)).map((key) => this.#raw.bytes(key)));
      const stored = decodeStored(rates, main, rings, nowUs);
      const plain = plainStates(rates, states);
      if (JSON.stringify(stored) !== JSON.stringify(plain)) {
        assert.deepEqual(stored, plain, `what is stored after: ${scheduleText(schedule)}`);
      }
    }));
  }
}

/** Stands for the end of a schedule. */
const PASS: Step = { do: "pass", us: 0 };

function requestOf({ schedule, target, takes, next }: Lane): StoreRequest {
  const step = schedule[next] as Exclude<Step, { do: "pass" }>;
  if (step.do === "take") {
    const targets = [{ ...target, cost: step.cost }];
    return { op: "take", targets, mode: "wait", maxWaitUs: MAX_WAIT_US, id: "", arrivalUs: 0 };
  }
  const { cost, reply } = takes[step.take - 1] as Lane["takes"][number];
  return { op: "giveBack", targets: [{ ...target, cost: step.units }], marks: marksOf([{ ...target, cost }], reply) };
}

function textOf(reply: TakeReply | DoneReply): string {
  const levels = reply.levels.map(({ rates }) => rates.join()).join(";");
  return "status" in reply ? `${reply.status} ${reply.nowUs} ${reply.waitUs} ${levels}` : `${reply.nowUs} ${levels}`;
}
