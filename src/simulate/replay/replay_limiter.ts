/**
 * One limiter in the time of a log: the memory store and the kernels decide, as in a process whose clock shows that time.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { Policy } from "../../policy/policy.ts";
import { MemoryStore } from "../../stores/memory/memory_store.ts";
import type { LevelLeft, TakeReply, TakeRequest, Target } from "../../stores/store.ts";

/** A clock that shows the time of the log. */
export class LogClock implements Clock {
  #nowUs = 0;

  /** The time of the request that is replayed. */
  nowUs(): number {
    return this.#nowUs;
  }

  /**
   * Goes to the time of the next request.
   *
   * @throws {Error} If that lies before the time of this one: it would be decided wrongly.
   */
  set(nowUs: number): void {
    if (nowUs < this.#nowUs) throw new Error("Cannot replay a request: it is older than the one before");
    this.#nowUs = nowUs;
  }

  /** Nothing waits in a replay. */
  schedule(): never {
    throw new Error("Cannot set a timer: the clock of a replay follows the log");
  }
}

/** A limiter with a store of its own, so that states are forgotten only when they are as good as new. */
export class ReplayLimiter {
  readonly #store: MemoryStore;
  readonly #capacity: number;
  readonly #target: { limiter: string; policy: Policy; key: string | undefined; cost: number; slots: 0 };
  readonly #request: TakeRequest;

  /**
   * @param limiter The limiter's id.
   * @param policy Its rules, without permits.
   * @param clock The clock of the log.
   */
  constructor(limiter: string, policy: Policy, clock: Clock) {
    this.#store = new MemoryStore({ clock, maxKeys: Number.MAX_SAFE_INTEGER });
    this.#capacity = policy.capacity;
    this.#target = { limiter, policy, key: undefined, cost: 1, slots: 0 };
    const targets: readonly Target[] = [this.#target];
    const left: LevelLeft = { nowUs: 0, first: 0, second: 0 };
    this.#request = { op: "take", mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0, targets, left };
  }

  /** How many keys are held. */
  get size(): number {
    return this.#store.size;
  }

  /**
   * Decides, as `tryAcquire` does.
   *
   * @param key The key; undefined for the limiter as a whole.
   * @param cost The units, a whole number from 1.
   * @returns 0 if it is allowed; else how long until it would be, in microseconds: Infinity if the limit is smaller.
   */
  decide(key: string | undefined, cost: number): number {
    if (cost > this.#capacity) return Infinity;
    this.#target.key = key;
    this.#target.cost = cost;
    const { status, waitUs } = this.#store.execute(this.#request) as TakeReply;
    return status === "allowed" ? 0 : waitUs;
  }
}
