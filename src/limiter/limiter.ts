/**
 * A limiter: what applications call.
 *
 * @module
 */

import { brand } from "../base/brand.ts";
import { showAs } from "../base/inspect.ts";
import { show } from "../base/text.ts";
import type { Policy } from "../policy/policy.ts";
import { type AcquireOptions, type AskOptions, checkAsk, checkNames, checkTimeout, maxWaitUs } from "./call_options.ts";
import type { Charge } from "./corrections.ts";
import type { Decision } from "./result/decision.ts";
import {
  acquireAtOnce,
  decideAtOnce,
  decideInTurn,
  decideNow,
  decisionAtOnce,
  type LoneLimiter,
  type Patience,
  peek,
  permitAtOnce,
  permitSoon,
  type Route,
} from "./engine.ts";
import { type LimiterListener, type Logger, Subscriptions } from "./observe/events.ts";
import { KeyedLimiter } from "./keyed_limiter.ts";
import { type LimiterMetrics, MetricsRecorder } from "./observe/metrics.ts";
import { Party } from "./party.ts";
import type { Permit } from "./result/permit.ts";
import type { Reservation } from "./result/reservation.ts";

/** The key that a correction changes. */
export type KeyOptions = Pick<AskOptions, "key">;

/** The key to block, and what becomes of a block that stands. */
export interface BlockOptions extends KeyOptions {
  /** Leaves a block that stands and would end later as it is, instead of replacing it. @default {false} */
  readonly keepLonger?: boolean;
}

/** A named set of rules on a store. Instances make it: `rs.limiter(id)`. */
export class Limiter {
  static {
    brand(this, "Limiter");
  }

  /** The limiter's id. */
  readonly id: string;
  readonly #metrics = new MetricsRecorder();
  readonly #subscriptions: Subscriptions;
  #policy: Policy;
  #alone: LoneLimiter;
  #route: Route;
  #newest: readonly [Party] | undefined;

  /**
   * For the package itself: instances make limiters from their options.
   *
   * @param id The limiter's id.
   * @param policy Its rules.
   * @param route Where its calls go.
   * @param log Where failures of subscribers go.
   */
  constructor(id: string, policy: Policy, route: Route, log: Pick<Logger, "error">) {
    this.id = id;
    this.#policy = policy;
    this.#route = route;
    this.#subscriptions = new Subscriptions(log);
    this.#alone = this.#asLone(policy);
  }

  /** The rules that are in force. Frozen. */
  get policy(): Policy {
    return this.#policy;
  }

  /**
   * Where its calls go.
   *
   * @internal
   */
  get route(): Route {
    return this.#route;
  }

  /**
   * Takes new rules, which the next call follows. Used by the registry.
   *
   * @internal
   */
  adopt(policy: Policy, route: Route): void {
    this.#policy = policy;
    this.#route = route;
    this.#alone = this.#asLone(policy);
  }

  /**
   * Waits until the call may go ahead, in order of arrival across all processes, and resolves to a permit.
   *
   * @throws {RateLimitedError} If the deadline cannot be met: as soon as that is known, without sleeping until it.
   * @throws {CostExceedsLimitError} If no wait could ever grant the cost.
   * @throws {StoreError} If the store cannot decide, and the limiter's `onStoreError` is `"throw"`.
   */
  acquire(options: AcquireOptions = {}): Promise<Permit> {
    // Not an async function: see `tryAcquire`.
    try {
      const { signal, key, cost = 1, timeoutMs } = options;
      if (timeoutMs !== undefined) checkTimeout(timeoutMs);
      signal?.throwIfAborted();
      this.#check(options);
      const permit = this.#policy.maxConcurrent > 0
        ? this.#permitOf(this.#partiesOf(key, cost), timeoutMs, signal)
        : acquireAtOnce(this.#alone, this.#route, key, cost);
      return permit ?? this.#acquireInTurn(key, cost, timeoutMs, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #patience(timeoutMs: number | undefined, signal: AbortSignal | undefined): Patience {
    return { maxWaitUs: maxWaitUs(timeoutMs, [this.#policy]), signal };
  }

  #permitOf(
    parties: readonly [Party],
    timeoutMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Permit> | undefined {
    const permit = permitAtOnce(parties, this.#route, false);
    if (permit !== undefined) return permit;
    const soon = permitSoon(parties, this.#route, this.#patience(timeoutMs, signal));
    return soon && Promise.resolve(soon);
  }

  async #acquireInTurn(
    key: string | undefined,
    cost: number,
    timeoutMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Permit> {
    const how = this.#patience(timeoutMs, signal);
    return (await decideInTurn(this.#partiesOf(key, cost), this.#route, how)).permit;
  }

  /** Decides now. Never waits, and never throws on denial. */
  tryAcquire(options: AskOptions = {}): Promise<Decision> {
    // Not an async function: a decision that is known at once costs one promise, not four.
    try {
      this.#check(options);
      const { key, cost = 1 } = options;
      const known = this.#policy.maxConcurrent > 0
        ? permitAtOnce(this.#partiesOf(key, cost), this.#route, true)
        : decideAtOnce(this.#alone, this.#route, key, cost);
      return known ?? Promise.resolve(decideNow(this.#partiesOf(key, cost), this.#route));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * As `tryAcquire`, without a promise where the store is in this process. Throws what that rejects with.
   *
   * @internal
   */
  decide(options: AskOptions): Decision | Promise<Decision> {
    this.#check(options);
    const { key, cost = 1 } = options;
    const known = this.#policy.maxConcurrent > 0
      ? permitAtOnce(this.#partiesOf(key, cost), this.#route, true)
      : decisionAtOnce(this.#alone, this.#route, key, cost);
    return known ?? decideNow(this.#partiesOf(key, cost), this.#route);
  }

  /** Tells what `tryAcquire` would decide. Takes and writes nothing. */
  async peek(options: AskOptions = {}): Promise<Decision> {
    return await peek(this.#parties(options), this.#route);
  }

  /**
   * Takes the cost for the earliest possible instant and tells when that is, without waiting for it.
   *
   * @throws {RateLimitedError} If that is more than `timeoutMs` away; nothing is taken then.
   * @throws {ConfigError} If the limiter has slots: a slot cannot be held for later.
   */
  async reserve(options: AcquireOptions = {}): Promise<Reservation> {
    const party = this.party(options);
    const { verbs } = this.#route.current() ?? await this.#route.client();
    return await verbs.reserve(party, this.#route, options);
  }

  /** Acquires, calls, and releases, whatever becomes of the call. */
  async run<Result>(
    fn: (permit: Permit) => Result | Promise<Result>,
    options: AcquireOptions = {},
  ): Promise<Result> {
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot run on limiter ${show(this.id)}: expected a function to call, received ${show(fn)}`);
    }
    const { runs } = this.#route;
    runs.count++;
    try {
      const permit = await this.acquire(options);
      try {
        return await fn(permit);
      } finally {
        await permit.release();
      }
    } finally {
      if (--runs.count === 0) runs.onNone?.();
    }
  }

  /** Resets a key: whole limits, free permits, no block. Waiting calls are served. Without a key, metrics start anew too. */
  async reset(options: KeyOptions = {}): Promise<void> {
    const target = this.#target(options);
    const client = this.#route.current() ?? await this.#route.client();
    await client.correct({ op: "reset", targets: [target] });
    if (options.key === undefined) this.forgetMetrics();
  }

  /** Gives units back to a key, up to a full limit. */
  async refund(units: number, options: KeyOptions = {}): Promise<void> {
    const target = this.#target(options);
    const client = this.#route.current() ?? await this.#route.client();
    await client.verbs.refund(client, target, units);
  }

  /**
   * Takes units from a key, also where the limit does not have them. Later calls wait for them.
   *
   * @returns What was taken: at most a thousand times what the limit holds.
   */
  async penalize(units: number, options: KeyOptions = {}): Promise<Charge> {
    const target = this.#target(options);
    const client = this.#route.current() ?? await this.#route.client();
    return await client.verbs.penalize(client, target, units);
  }

  /**
   * Denies every call for a key for some time; 0 lifts a block.
   *
   * @param durationMs How long from now, in milliseconds, up to 35 years.
   * @param options The key, and what becomes of a block that stands.
   * @throws {RangeError} If it is not such a number.
   */
  async block(durationMs: number, options: BlockOptions = {}): Promise<void> {
    const target = this.#target(options);
    const client = this.#route.current() ?? await this.#route.client();
    await client.verbs.block(client, target, durationMs, options.keepLonger);
  }

  /**
   * Whether a key is blocked now. Always asks the store, takes nothing and is remembered nowhere.
   *
   * @internal
   */
  async isBlocked(options: KeyOptions = {}): Promise<boolean> {
    const client = await this.#route.client();
    const reply = await client.store.execute(client.request([this.#target(options)], "peek", 0));
    return reply.status === "blocked";
  }

  /** The same limiter for one key. Costs nothing to make; a million of them are not registered anywhere. */
  for(key: string): KeyedLimiter {
    return new KeyedLimiter(this, key);
  }

  /** What it has done so far in this process, for all keys together. */
  metrics(): LimiterMetrics {
    return this.#metrics.snapshot(this.#route.clock);
  }

  /**
   * Starts the counts over. Slots that are held stay counted.
   *
   * @internal
   */
  forgetMetrics(): void {
    this.#metrics.reset();
  }

  /** Calls `listener` with every event of the limiter. Returns a function that ends that. */
  subscribe(listener: LimiterListener): () => void {
    return this.#subscriptions.add(listener);
  }

  /**
   * This limiter's part in a call over several.
   *
   * @internal
   */
  party(options: AskOptions): Party {
    return this.#parties(options)[0];
  }

  #parties(options: AskOptions): readonly [Party] {
    this.#check(options);
    return this.#partiesOf(options.key, options.cost ?? 1);
  }

  #check(options: AskOptions): void {
    checkNames(this.id, options);
    checkAsk(this.id, this.#policy, options);
  }

  /** This limiter's part in a call of its own. Who asks the same as the last caller takes the same part. */
  #partiesOf(key: string | undefined, cost: number): readonly [Party] {
    const newest = this.#newest;
    if (newest !== undefined) {
      const [party] = newest;
      if (party.key === key && party.cost === cost && party.policy === this.#policy) return newest;
    }
    return this.#newest = [new Party(this.id, key, this.#policy, cost, this.#metrics, this.#subscriptions)];
  }

  #asLone(policy: Policy): LoneLimiter {
    const named = [{ limiter: this.id, policy }] as const;
    return { limiter: this.id, named, metrics: this.#metrics, events: this.#subscriptions };
  }

  #target({ key }: KeyOptions): Party {
    return this.party(key === undefined ? {} : { key });
  }
}

showAs(Limiter.prototype, "Limiter", (it) => ({ id: it.id, ...it.policy, metrics: it.metrics() }));
