/**
 * Processes with rules of their own on one key in Redis, which come and go.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { RateState } from "../../../src/algorithms/kernels.ts";
import { kernelOf } from "../../../src/algorithms/kernels.ts";
import type { Policy } from "../../../src/policy/policy.ts";
import { RedisStore } from "../../../src/stores/redis/redis_store.ts";
import type { TakeReply, TakeRequest } from "../../../src/stores/store.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import type { ParityServices } from "../../_support/parity.ts";
import { freshPrefix } from "../../_support/redis.ts";
import { taken } from "./_mixed_rules.ts";

/** For how long a process that asks nothing counts as one that decides, in microseconds. */
const VALID_US = 150_000_000;

/** Added to the time to live of keys: their clock is not the server's. */
const MARGIN_MS = 600_000;

/** A fleet whose processes share a key. */
export class Processes {
  /** What all take their time from. */
  readonly clock: FakeClock = new FakeClock();
  /** The scripts that the last call ran, but for the register's. */
  scripts: string[] = [];
  readonly #services: ParityServices;
  readonly #prefix = freshPrefix();
  readonly #policies: readonly Policy[];
  readonly #stores = new Map<number, RedisStore>();
  readonly #askedUs = new Map<number, number>();
  /** What each policy must count at least of each key: all units since a process has used it without a break. */
  readonly #least = new Map<string, (RateState[] | undefined)[]>();

  /**
   * Makes processes that share keys of their own: process `i` decides by the policy of that number. The caller closes
   * nothing.
   */
  constructor(services: ParityServices, policies: readonly Policy[]) {
    this.#services = services;
    this.#policies = policies;
  }

  /** Takes by a process, which is started if need be. Fails where what it must count would not have let it. */
  async ask(
    process: number,
    cost: number,
    key: string = "k",
    mode: TakeRequest["mode"] = "now",
  ): Promise<TakeReply> {
    const policy = this.#policies[process] as Policy;
    const store = this.#stores.get(process) ?? this.#open(process);
    this.scripts = [];
    const units = Math.min(cost, policy.capacity);
    const target = { limiter: "l", key, policy, cost: units, permits: 0 };
    const reply = await store.execute({
      op: "take",
      targets: [target],
      mode,
      maxWaitUs: mode === "wait" ? 1e12 : 0,
      id: "",
      arrivalUs: 0,
    });
    const nowUs = this.clock.nowUs();
    for (const [i] of this.#policies.entries()) {
      if (!this.#isUsed(i, nowUs)) { for (const counted of this.#least.values()) counted[i] = undefined; }
    }
    this.#askedUs.set(process, nowUs);
    const least = this.#least.get(key) ?? [];
    this.#least.set(key, least);
    for (const [i, { rates }] of this.#policies.entries()) {
      const states = this.#isUsed(i, nowUs) ? least[i] ?? rates.map((rate) => kernelOf(rate).fresh()) : undefined;
      least[i] = states;
      if (states === undefined || reply.status !== "allowed" || mode !== "now") continue;
      least[i] = rates.map((rate, place) => {
        const [kernel, state] = [kernelOf(rate), states[place] as RateState];
        if (policy !== this.#policies[i]) return taken(state, nowUs, units, rate);
        assert.ok(kernel.earliest(state, nowUs, units, rate) <= nowUs, "units were forgotten");
        return kernel.take(state, nowUs, nowUs, units, rate);
      });
    }
    return reply;
  }

  /** Ends a process, signed off or not. */
  async end(process: number, signsOff: boolean): Promise<void> {
    if (signsOff) await this.#stores.get(process)?.close();
    this.#stores.delete(process);
    this.#askedUs.delete(process);
  }

  /** How long a key lives, in milliseconds, without what is added for tests. */
  async lifeMs(key: string): Promise<number> {
    return Number(await this.#services.raw.send("PTTL", `${this.#prefix}:l:${key}`)) - MARGIN_MS;
  }

  /** Lets time pass, and what is under way end. */
  async pass(seconds: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.clock.set(this.clock.nowUs() + Math.round(seconds * 1e6));
  }

  #isUsed(place: number, nowUs: number): boolean {
    const policy = this.#policies[place];
    return [...this.#askedUs].some(([process, us]) => {
      return this.#policies[process] === policy && nowUs - us <= VALID_US;
    });
  }

  #open(process: number): RedisStore {
    const { connection, testScript = (call) => call } = this.#services;
    const store = new RedisStore(Object.create(connection, { close: { value: async () => {} } }), {
      keyPrefix: this.#prefix,
      timingMarginMs: MARGIN_MS,
      testClock: this.clock,
      testScript: (call) => {
        if (call.script.name !== "register") this.scripts.push(call.script.name);
        return testScript(call);
      },
    });
    this.#stores.set(process, store);
    return store;
  }
}
