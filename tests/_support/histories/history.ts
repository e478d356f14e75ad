/**
 * One random history: limiters, keys, processes and everything that they ask of a store, from a seed.
 *
 * @module
 */

import assert from "node:assert/strict";

import { Random } from "../../../scripts/simulate/random.ts";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import {
  type DoneReply,
  marksOf,
  type Store,
  type StoreRequest,
  type TakeReply,
  type TakeRequest,
  type Target,
} from "../../../src/stores/store.ts";
import { waiterId } from "../../../src/stores/waiter_id.ts";
import type { FakeClock } from "../../../src/testing/fake_clock.ts";
import { Oracle } from "./oracle.ts";
import { pauseUs } from "./pauses.ts";
import { randomLimiter } from "./policies.ts";

/** What a history runs on. */
export interface HistoryServices {
  /** The same store as several processes see it. */
  readonly processes: readonly Store[];
  /** The clock of the store. */
  readonly clock: FakeClock;
}

/** A take that may be given back. */
interface Taken {
  readonly request: TakeRequest;
  readonly reply: TakeReply;
}

/** How many steps a history has. */
export const STEPS = 200;

/**
 * Runs a history, and holds each answer against the oracle.
 *
 * @returns What the store answered, as text: the same on every store.
 */
export async function runHistory(seed: number, services: HistoryServices): Promise<string[]> {
  const history = new RandomHistory(seed, services);
  for (let step = 0; step < STEPS; step++) await history.step();
  return history.answers;
}

class RandomHistory {
  readonly answers: string[] = [];
  readonly #seed: number;
  readonly #random: Random;
  readonly #processes: readonly Store[];
  readonly #clock: FakeClock;
  readonly #oracle = new Oracle();
  readonly #targets: readonly Target[];
  readonly #taken: Taken[] = [];
  readonly #holders: { readonly id: string; readonly targets: readonly Target[] }[] = [];
  #sequence = 0;
  #retryUs = 0;

  constructor(seed: number, { processes, clock }: HistoryServices) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#processes = processes;
    this.#clock = clock;
    const policies = Array.from(
      { length: 1 + this.#random.below(2) },
      () => compilePolicy(randomLimiter(this.#random)),
    );
    this.#targets = policies.flatMap((policy, i) => {
      return ["a", undefined].slice(0, 1 + this.#random.below(2)).map((key): Target => {
        return { limiter: `l${i}`, key, policy, cost: 1, permits: policy.maxConcurrent > 0 ? 1 : 0 };
      });
    });
  }

  async step(): Promise<void> {
    this.#clock.set(this.#clock.nowUs() + pauseUs(this.#random, this.#retryUs));
    const request = this.#request();
    if (request === undefined) return;
    const process = this.#processes[this.#random.below(this.#processes.length)] as Store;
    const reply = await process.execute(request);
    this.answers.push(textOf(request, reply));
    const problem = this.#oracle.judge(request, reply as TakeReply);
    if (problem !== undefined) {
      const last = this.answers.slice(-30).join("\n");
      assert.fail(`seed ${this.#seed}, step ${this.answers.length}: ${problem}\n${last}`);
    }
    if (request.op === "take") this.#remember(request, reply as TakeReply);
    if (request.op === "reset") this.#forget(request.targets);
  }

  #request(): StoreRequest | undefined {
    const random = this.#random;
    const what = random.below(100);
    if (what < 55) return this.#take();
    if (what < 80) return this.#giveBack();
    if (what < 90) return this.#release(what < 87 ? "release" : "renew");
    const targets = this.#some(this.#targets);
    const durationUs = random.chance(0.5) ? 0 : random.below(1_000_000);
    if (what < 94) return { op: "block", targets, durationUs, keepLonger: random.chance(0.5) };
    if (what < 98) return { op: "reset", targets };
    const rated = targets.filter(({ policy }) => policy.rates.length > 0);
    return rated.length === 0 ? undefined : { op: random.pick(["refund", "penalize"]), targets: rated };
  }

  #take(): TakeRequest {
    const random = this.#random;
    const isWaiting = random.chance(0.4);
    const able = isWaiting ? this.#targets.filter(({ permits }) => permits === 0) : this.#targets;
    const targets = this.#some(able.length === 0 ? this.#targets : able).map((target) => {
      return { ...target, cost: random.chance(0.5) ? 1 : 1 + random.below(target.policy.capacity) };
    });
    const holds = targets.some(({ permits }) => permits > 0);
    const mode = isWaiting && !holds ? "wait" : random.chance(0.15) ? "peek" : "now";
    const maxWaitUs = mode === "wait" ? random.pick([1_000, 1_000_000, 1e12]) : 0;
    const { cost } = targets[0] as Target;
    const sequence = ++this.#sequence;
    const id = holds
      ? waiterId({ instance: "history", sequence, direct: targets.length === 1, maxWaitUs, permits: 1, cost })
      : "";
    return { op: "take", targets, mode, maxWaitUs, id, arrivalUs: 0 };
  }

  /** Of one of the takes that have not given anything back. All of a take over several keys is given back, or a part of one. */
  #giveBack(): StoreRequest | undefined {
    const [taken] = this.#taken.splice(this.#random.below(this.#taken.length), 1);
    if (taken === undefined) return undefined;
    const { request, reply } = taken;
    const marks = marksOf(request.targets, reply);
    const isWhole = request.targets.length > 1 || this.#random.chance(0.5);
    const rated = request.targets.flatMap((target, i) => {
      if (target.policy.rates.length === 0) return [];
      const cost = isWhole ? target.cost : 1 + this.#random.below(target.cost);
      return [{ target: { ...target, cost }, marks: marks[i] ?? [] }];
    });
    if (rated.length === 0) return undefined;
    return { op: "giveBack", targets: rated.map(({ target }) => target), marks: rated.map((each) => each.marks) };
  }

  #release(op: "release" | "renew"): StoreRequest | undefined {
    const place = this.#random.below(this.#holders.length);
    const holder = this.#holders[place];
    if (holder === undefined) return undefined;
    if (op === "release") this.#holders.splice(place, 1);
    return { op, id: holder.id, targets: holder.targets };
  }

  #remember(request: TakeRequest, reply: TakeReply): void {
    this.#retryUs = reply.status === "allowed" ? 0 : Math.min(reply.waitUs, 1e9);
    if (reply.status !== "allowed" || request.mode === "peek") return;
    this.#taken.push({ request, reply });
    const targets = request.targets.filter(({ permits }) => permits > 0);
    if (targets.length > 0) this.#holders.push({ id: request.id, targets });
    if (this.#taken.length > 8) this.#taken.shift();
  }

  /** What was taken before a key began anew cannot be given back: a mark may fit to another take by chance. */
  #forget(targets: readonly Target[]): void {
    const isReset = (target: Target) =>
      targets.some(({ limiter, key }) => limiter === target.limiter && key === target.key);
    for (let i = this.#taken.length - 1; i >= 0; i--) {
      if (this.#taken[i]?.request.targets.some(isReset)) this.#taken.splice(i, 1);
    }
  }

  /** One of some targets, or now and then several. */
  #some(targets: readonly Target[]): Target[] {
    const one = targets[this.#random.below(targets.length)] as Target;
    return this.#random.chance(0.7) ? [one] : targets.filter((each) => each === one || this.#random.chance(0.5));
  }
}

/** What a store was asked and what it answered, in words. */
export function textOf(request: StoreRequest, reply: TakeReply | DoneReply): string {
  const targets = request.targets.map(({ limiter, key, cost }) => `${limiter}:${key ?? ""} ${cost}`).join(" + ");
  const levels = reply.levels.map(({ rates, permits }) => `${rates.join(" ")} ${permits?.used ?? ""}`).join("; ");
  const told = "status" in reply ? `${reply.status} ${reply.waitUs}` : reply.counts.join();
  const mode = request.op === "take" ? ` ${request.mode}` : "";
  return `${reply.nowUs} ${request.op}${mode} ${targets} -> ${told} | ${levels}`;
}
