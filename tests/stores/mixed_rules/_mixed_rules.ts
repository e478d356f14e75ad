/**
 * Processes with different rules for one key: two stores in Redis, and a model of what they should decide.
 *
 * @module
 */

import type { RateLimit } from "../../../src/algorithms/limit.ts";
import { kernelOf, type RateState } from "../../../src/algorithms/kernels.ts";
import { takeOver } from "../../../src/algorithms/take_over.ts";
import { refillsInTime, type TokenBucketState } from "../../../src/algorithms/token_bucket/kernel.ts";
import type { Policy } from "../../../src/policy/policy.ts";
import { MemoryStore } from "../../../src/stores/memory/memory_store.ts";
import { KeyNames } from "../../../src/stores/redis/keys.ts";
import { RedisStore } from "../../../src/stores/redis/redis_store.ts";
import type { RulesReport, Store, TakeReply, TakeRequest, Target } from "../../../src/stores/store.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import type { ParityServices } from "../../_support/parity.ts";
import { freshPrefix } from "../../_support/redis.ts";
import type { Taken } from "./_changed_rules.ts";

/** One key, and two processes that ask for it. */
export class MixedKey {
  /** What both take their time from. */
  readonly clock: FakeClock = new FakeClock();
  /** The stores of the two processes. */
  readonly stores: readonly [Store, Store];
  /** What every key begins with. */
  readonly prefix: string = freshPrefix();
  /** What was admitted at once. */
  readonly taken: Taken[] = [];
  /** What the two processes were told of each other. */
  readonly reports: readonly [RulesReport[], RulesReport[]] = [[], []];
  readonly #connections: ParityServices;
  #sequence = 0;

  /** Opens a store for each of the two processes, in memory one for both. The caller closes nothing. */
  constructor(engine: "memory" | "redis", connections: ParityServices) {
    this.#connections = connections;
    const memory = new MemoryStore({ clock: this.clock });
    this.stores = engine === "memory" ? [memory, memory] : [this.#open(0), this.#open(1)];
  }

  #open(process: 0 | 1): RedisStore {
    const store = new RedisStore(this.#connections.connection, {
      keyPrefix: this.prefix,
      timingMarginMs: 60_000,
      testClock: this.clock,
      ...(this.#connections.testScript && { testScript: this.#connections.testScript }),
    });
    store.watchRules((report) => this.reports[process].push(report));
    return store;
  }

  /** The keys of the requests. */
  target(policy: Policy, cost: number): Target {
    const permits = policy.maxConcurrent && 1;
    return { limiter: "l", key: "k", policy, cost: Math.min(cost, policy.capacity), permits };
  }

  /** Takes by a process. */
  async ask(process: 0 | 1, policy: Policy, cost: number, mode: TakeRequest["mode"] = "now"): Promise<TakeReply> {
    const target = this.target(policy, cost);
    const id = target.permits > 0 ? `i.${this.#sequence++}.d.0.1.${cost}` : "";
    const maxWaitUs = mode === "wait" ? 1e15 : 0;
    const request: TakeRequest = { op: "take", targets: [target], mode, maxWaitUs, id, arrivalUs: 0 };
    const reply = await this.stores[process].execute(request);
    if (reply.status === "allowed" && mode === "now") {
      this.taken.push({ atUs: reply.nowUs, cost: target.cost, policy });
    }
    return reply;
  }

  /** All that is stored for some policies. */
  async dump(...policies: Policy[]): Promise<string> {
    const names = new KeyNames(this.prefix);
    const keys = new Set(policies.flatMap((policy) => names.of(this.target(policy, 1))));
    return await this.#connections.raw.dump([...keys]);
  }

  /** Moves the clock. */
  pass(us: number): void {
    this.clock.set(this.clock.nowUs() + us);
  }
}

/** What a key counts by the rules of each process, as it should: every unit, by all of them. */
export class Model {
  readonly #sections: { readonly policy: Policy; states: RateState[] }[] = [];

  /** Takes now if the rules allow it. Returns how long that would be to wait, and where each limit stands. */
  take(policy: Policy, cost: number, nowUs: number): { waitUs: number; levels: (readonly [number, number])[] } {
    const own = this.#sectionOf(policy, nowUs);
    const atUs = Math.max(
      nowUs,
      ...policy.rates.map((rate, i) => kernelOf(rate).earliest(own.states[i] as RateState, nowUs, cost, rate)),
    );
    if (atUs <= nowUs) {
      for (const section of this.#sections) {
        section.states = section.policy.rates.map((rate, i) => {
          const state = section.states[i] as RateState;
          return section === own
            ? kernelOf(rate).take(state, nowUs, nowUs, cost, rate)
            : taken(state, nowUs, cost, rate);
        });
      }
      this.#sections.splice(this.#sections.indexOf(own), 1);
      this.#sections.unshift(own);
    }
    const levels = policy.rates.map((rate, i) => kernelOf(rate).measure(own.states[i] as RateState, nowUs, rate));
    return { waitUs: atUs - nowUs, levels };
  }

  #sectionOf(policy: Policy, nowUs: number): { readonly policy: Policy; states: RateState[] } {
    const known = this.#sections.find((section) => section.policy === policy);
    if (known !== undefined) return known;
    const [before] = this.#sections;
    const states = before === undefined
      ? policy.rates.map((rate) => kernelOf(rate).fresh())
      : takeOver({ rates: before.policy.rates, states: structuredClone(before.states) }, policy.rates, "keep", nowUs);
    const section = { policy, states };
    this.#sections.unshift(section);
    return section;
  }
}

/** A state after a take by other rules: it is not asked whether it fits. */
export function taken(state: RateState, nowUs: number, cost: number, rate: RateLimit): RateState {
  const kernel = kernelOf(rate);
  if (rate.algorithm !== "token_bucket") return kernel.take(state, nowUs, nowUs, cost, rate);
  const after = kernel.take(state, nowUs, nowUs, Math.min(cost, rate.capacity), rate);
  return refillsInTime(after as TokenBucketState, 0, nowUs, rate);
}
