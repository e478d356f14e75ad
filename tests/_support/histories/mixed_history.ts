/**
 * One random history of processes with different rules for one key, in which each verb occurs.
 *
 * @module
 */

import { Random } from "../../../scripts/simulate/random.ts";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import type { Policy } from "../../../src/policy/policy.ts";
import { marksOf, type Store, type StoreRequest, type TakeReply, type TakeRequest } from "../../../src/stores/store.ts";
import { waiterId } from "../../../src/stores/waiter_id.ts";
import { type HistoryServices, textOf } from "./history.ts";
import { pauseUs } from "./pauses.ts";
import { randomLimiter } from "./policies.ts";

const STEPS = 120;

/** Rules that are not seen for five minutes count no more, and stores need not notice that at the same time. */
const LONGEST_US = 100_000_000;

/**
 * Runs a history.
 *
 * @returns What the store answered, as text: the same on every store.
 */
export async function runMixedHistory(seed: number, services: HistoryServices): Promise<string[]> {
  const history = new MixedHistory(seed, services);
  await history.begin();
  for (let step = 0; step < STEPS; step++) await history.step();
  return history.answers;
}

class MixedHistory {
  readonly answers: string[] = [];
  readonly #random: Random;
  readonly #services: HistoryServices;
  readonly #limiter: string;
  readonly #policies: readonly [Policy, ...Policy[]];
  /** The rules of each process. */
  readonly #rules: Policy[];
  #taken: { readonly request: TakeRequest; readonly reply: TakeReply }[] = [];
  readonly #held: TakeRequest[] = [];
  #sequence = 0;
  #passedUs = 0;
  #retryUs = 0;

  constructor(seed: number, services: HistoryServices) {
    const random = this.#random = new Random(seed);
    this.#services = services;
    this.#limiter = `mixed${seed}`;
    const policy = () => {
      let options = randomLimiter(random);
      while (!("limits" in options || "limit" in options || "ratePerSecond" in options)) {
        options = randomLimiter(random);
      }
      return compilePolicy(options);
    };
    const others = 1 + random.below(2);
    this.#policies = [policy(), ...Array.from({ length: others }, policy)];
    this.#rules = services.processes.map((_, i) => this.#policies[i % this.#policies.length] as Policy);
  }

  /**
   * Lets the key meet all rules. A store may know of rules before they meet the key, and then counts for them, too.
   */
  async begin(): Promise<void> {
    for (const policy of this.#policies) {
      const request = this.#take(policy, "now", 1, 0);
      await this.#ask(0, request);
      if (policy.maxConcurrent > 0) await this.#ask(0, { op: "release", id: request.id, targets: request.targets });
    }
  }

  async step(): Promise<void> {
    const random = this.#random;
    const { clock, processes } = this.#services;
    const us = Math.min(pauseUs(random, this.#retryUs), LONGEST_US - this.#passedUs);
    this.#passedUs += us;
    clock.set(clock.nowUs() + us);
    const process = random.below(processes.length);
    if (random.chance(0.02)) this.#rules[process] = random.pick(this.#policies);
    const request = this.#request(this.#rules[process] as Policy);
    if (request === undefined) return;
    const reply = await this.#ask(process, request);
    if (request.op === "take") {
      this.#retryUs = reply.status === "allowed" ? 0 : Math.min(reply.waitUs, 1e9);
      if (reply.status === "allowed" && request.mode !== "peek") {
        this.#taken.push({ request, reply });
        this.#taken = this.#taken.slice(-8);
        if (request.id !== "") this.#held.push(request);
      }
    }
    if (request.op === "reset") {
      this.#taken = [];
      await this.begin();
    }
  }

  async #ask(process: number, request: StoreRequest): Promise<TakeReply> {
    const reply = await (this.#services.processes[process] as Store).execute(request);
    const rules = this.#policies.indexOf(request.targets[0]?.policy as Policy);
    this.answers.push(`process ${process}, rules ${rules}: ${textOf(request, reply)}`);
    return reply as TakeReply;
  }

  #request(policy: Policy): StoreRequest | undefined {
    const random = this.#random;
    const what = random.below(100);
    if (what < 60) {
      const waits = policy.maxConcurrent === 0 && random.chance(0.4);
      const cost = random.chance(0.6) ? 1 : 1 + random.below(policy.capacity);
      const mode = waits ? "wait" : random.chance(0.15) ? "peek" : "now";
      return this.#take(policy, mode, cost, waits ? random.pick([1_000, 1_000_000, 1e12]) : 0);
    }
    if (what < 80) return this.#giveBack();
    if (what < 88) return this.#release();
    const { targets } = this.#take(policy, "now", 1 + random.below(policy.capacity), 0);
    if (what < 93) {
      const durationUs = random.chance(0.5) ? 0 : random.below(1_000_000);
      return { op: "block", targets, durationUs, keepLonger: random.chance(0.5) };
    }
    return { op: what < 95 ? "reset" : random.pick(["refund", "penalize"] as const), targets };
  }

  #take(policy: Policy, mode: TakeRequest["mode"], cost: number, maxWaitUs: number): TakeRequest {
    const permits = policy.maxConcurrent > 0 ? 1 : 0;
    const target = { limiter: this.#limiter, key: "k", policy, cost, permits };
    const { leaseTtlUs } = policy;
    const of = { instance: "mixed", sequence: ++this.#sequence, direct: true, maxWaitUs, permits, cost, leaseTtlUs };
    return { op: "take", targets: [target], mode, maxWaitUs, id: permits > 0 ? waiterId(of) : "", arrivalUs: 0 };
  }

  /** All or a part of one of the last takes. */
  #giveBack(): StoreRequest | undefined {
    const [taken] = this.#taken.splice(this.#random.below(this.#taken.length), 1);
    if (taken === undefined) return undefined;
    const { request: { targets }, reply } = taken;
    const part = (cost: number) => this.#random.chance(0.6) ? cost : 1 + this.#random.below(cost);
    return {
      op: "giveBack",
      targets: targets.map((target) => ({ ...target, cost: part(target.cost) })),
      marks: marksOf(targets, reply),
    };
  }

  /** A release or a renewal, also of permits that a reset has ended. */
  #release(): StoreRequest | undefined {
    const place = this.#random.below(this.#held.length);
    const held = this.#held[place];
    if (held === undefined) return undefined;
    const op = this.#random.chance(0.7) ? "release" : "renew";
    if (op === "release") this.#held.splice(place, 1);
    return { op, id: held.id, targets: held.targets };
  }
}
