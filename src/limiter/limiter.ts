/**
 * A limiter, and a limiter for one key: what applications call.
 *
 * @module
 */

import { brand } from "../base/brand.ts";
import { showAs, shownKey } from "../base/inspect.ts";
import { show } from "../base/text.ts";
import type { Policy } from "../policy/policy.ts";
import {
  type AcquireOptions,
  type AskOptions,
  type BlockOptions,
  checkAsk,
  checkKey,
  checkNames,
  checkWait,
  CORRECTION,
  type Keyless,
  type KeyOptions,
} from "./call_options.ts";
import type { Charge } from "./corrections.ts";
import type { Explanation } from "../decision/explain/explanation.ts";
import type { LimiterListener, Logger } from "../observe/events.ts";
import type { LimiterMetrics } from "../observe/metrics.ts";
import type { Observers } from "../observe/observers.ts";
import { Recorder } from "../observe/recorder.ts";
import type { OpenStore } from "./open_store.ts";
import type { Decision, Permit } from "../decision/decision.ts";
import type { Reservation } from "./result/reservation.ts";
import { atStore, type StoreAccess } from "./store_access.ts";
import { LimiterRules, type LimiterTarget } from "./target.ts";

/** A named set of rules on a store. Instances make it: `rs.limiter(id)`. */
export class Limiter {
  static {
    brand(this, "Limiter");
  }

  /** The limiter's id. */
  readonly id: string;
  readonly #recorder: Recorder;
  #rules: LimiterRules;
  #access: StoreAccess<OpenStore>;

  /**
   * For the package itself: instances make limiters from their options.
   *
   * @param id The limiter's id.
   * @param policy Its rules.
   * @param access How it reaches its store.
   * @param log Where failures of subscribers go.
   * @param observers Those who observe the instance.
   * @internal
   */
  constructor(
    id: string,
    policy: Policy,
    access: StoreAccess<OpenStore>,
    log: Pick<Logger, "error">,
    observers: Observers,
  ) {
    this.id = id;
    this.#recorder = new Recorder(id, log, observers);
    this.#rules = new LimiterRules(policy, this.#recorder);
    this.#access = access;
  }

  /** The current rules. Frozen. */
  get policy(): Policy {
    return this.#rules.policy;
  }

  /**
   * How it reaches its store.
   *
   * @internal
   */
  get access(): StoreAccess<OpenStore> {
    return this.#access;
  }

  /**
   * Takes new rules, which the next call follows. Used by the registry.
   *
   * @internal
   */
  adopt(policy: Policy, access: StoreAccess<OpenStore>): void {
    if (policy !== this.policy) this.#rules = new LimiterRules(policy, this.#recorder);
    this.#access = access;
  }

  /**
   * Waits until the call may go ahead, in order of arrival across all processes, and resolves to a permit.
   *
   * @throws {RateLimitedError} If the deadline cannot be met: as soon as that is known, without sleeping until it.
   * @throws {CostExceedsLimitError} If no wait could ever grant the cost.
   * @throws {StoreError} If the store cannot decide, and the limiter's `onStoreError` is `"throw"`.
   */
  acquire(options: AcquireOptions = {}): Promise<Permit> {
    // Not an async function: a permit that is known at once costs one promise, not four.
    try {
      checkNames(this.id, options);
      const { signal, key, cost = 1, keyClass, timeoutMs } = options;
      checkWait(timeoutMs, signal);
      checkAsk(this.id, this.#rules.policy, options);
      const { store } = this.#access.open;
      const rules = keyClass === undefined ? this.#rules : this.#rules.of(keyClass);
      return store === undefined
        ? atStore(
          this.#access,
          (opened) => opened.onKey.acquire(opened, this.#access, rules, key, cost, timeoutMs, signal),
        )
        : Promise.resolve(store.onKey.acquire(store, this.#access, rules, key, cost, timeoutMs, signal));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Decides now, without waiting. A denial is a value, not an error. */
  tryAcquire(options: AskOptions = {}): Promise<Decision> {
    try {
      checkNames(this.id, options);
      const { key, cost = 1, keyClass } = options;
      return Promise.resolve(this.decide(key, cost, keyClass));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Decides now and without a promise, for a limiter whose store is in this process, or that has `tokenLeaseMs`. Throws what
   * `tryAcquire` rejects with.
   *
   * @param asked The key, or the options of `tryAcquire`.
   * @returns Undefined if the store has to be asked, and nothing was taken: it is not open yet (`await rs.connect()` opens
   *   it), or this process has not leased the units. Then it leases some for later calls; `await tryAcquire()` decides this
   *   one. On a store in this process, always a decision once it is open.
   * @throws {ConfigError} If the store is outside this process, and the limiter has no `tokenLeaseMs`.
   * @throws {ClosedError} If the instance is closed.
   *
   * @example At once where possible
   * ```ts
   * import { createRateSync } from "@ratesync/core";
   *
   * const rs = createRateSync({ limiters: { api: { limit: 100, windowMs: 60_000 } } });
   * const api = rs.limiter("api");
   * const decision = api.tryAcquireSync("user:42") ?? await api.tryAcquire({ key: "user:42" });
   * console.log(decision.allowed);
   * ```
   */
  tryAcquireSync(asked: string | AskOptions = {}): Decision | undefined {
    if (typeof asked === "string") return this.decideSync(asked, 1);
    checkNames(this.id, asked);
    const { key, cost = 1, keyClass } = asked;
    return this.decideSync(key, cost, keyClass);
  }

  /**
   * As `tryAcquireSync`.
   *
   * @internal
   */
  decideSync(key: string | undefined, cost: number, keyClass?: string): Decision | undefined {
    checkAsk(this.id, this.#rules.policy, { key, cost });
    const { store } = this.#access.open;
    const rules = keyClass === undefined ? this.#rules : this.#rules.of(keyClass);
    const decision = store && store.onKey.tryAcquireSync(store, rules, key, cost);
    if (decision !== undefined) return decision;
    const refusal = this.#access.refusalAtOnce(this.id, this.#rules.policy);
    if (refusal !== undefined) throw refusal;
    return undefined;
  }

  /**
   * As `tryAcquire`, without a promise where this process can decide. Throws what that rejects with.
   *
   * @internal
   */
  decide(key: string | undefined, cost: number, keyClass?: string): Decision | Promise<Decision> {
    checkAsk(this.id, this.#rules.policy, { key, cost });
    const { store } = this.#access.open;
    const rules = keyClass === undefined ? this.#rules : this.#rules.of(keyClass);
    return store === undefined
      ? atStore(this.#access, (opened) => opened.onKey.tryAcquire(opened, this.#access, rules, key, cost))
      : store.onKey.tryAcquire(store, this.#access, rules, key, cost);
  }

  /** Returns what `tryAcquire` would decide. Takes and writes nothing. */
  async peek(options: AskOptions = {}): Promise<Decision> {
    const target = this.target(options);
    return await atStore(this.#access, (store) => store.verbs.peek(store, this.#access, [target]));
  }

  /**
   * Explains what `tryAcquire` would decide: what stands in each limit, what denies and until when, and what would change
   * that. Asks the store for it, also where this process knows the decision; takes and writes nothing.
   */
  async explain(options: AskOptions = {}): Promise<Explanation> {
    const target = this.target(options);
    return await atStore(this.#access, (store) => store.verbs.explain(store, this.#access, [target]));
  }

  /**
   * Charges the cost for the earliest possible time, and returns that time without waiting for it.
   *
   * @throws {RateLimitedError} If that time is more than `timeoutMs` away; then nothing is charged.
   * @throws {ConfigError} If the limiter has `maxConcurrent`: a permit cannot be held for later.
   */
  async reserve(options: AcquireOptions = {}): Promise<Reservation> {
    const target = this.target(options);
    checkWait(options.timeoutMs, options.signal);
    return await atStore(this.#access, (store) => store.verbs.reserve(store, this.#access, target, options));
  }

  /** Acquires, calls the function, and releases, also if the function throws. */
  async run<Result>(
    fn: (permit: Permit) => Result | Promise<Result>,
    options: AcquireOptions = {},
  ): Promise<Result> {
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot run on limiter ${show(this.id)}: expected a function to call, received ${show(fn)}`);
    }
    const { runs } = this.#access;
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

  /**
   * Resets a key: whole limits, free permits, no block. Waiting calls are served. Without a key, metrics start anew
   * too.
   */
  async reset(options: KeyOptions = {}): Promise<void> {
    const targets = [this.#corrected(options)];
    await atStore(this.#access, (store) => store.correct({ op: "reset", targets }));
    if (options.key === undefined) this.forgetMetrics();
  }

  /**
   * Gives units back to a key, up to a full limit. Of windows, only those of the present one: what waiting calls and
   * `penalize` have taken from later windows stays.
   */
  async refund(units: number, options: KeyOptions = {}): Promise<void> {
    const target = this.#corrected(options);
    await atStore(this.#access, (store) => store.verbs.refund(store, target, units));
  }

  /**
   * Charges units to a key, even if the limit has fewer. Later calls wait for them.
   *
   * @returns What was taken: at most a hundred times what the limit holds.
   */
  async penalize(units: number, options: KeyOptions = {}): Promise<Charge> {
    const target = this.#corrected(options);
    return await atStore(this.#access, (store) => store.verbs.penalize(store, target, units));
  }

  /**
   * Denies every call for a key for some time; 0 ends a block.
   *
   * @param durationMs How long from now, in milliseconds, up to 35 years.
   * @param options The key, and whether a longer block stays.
   * @throws {RangeError} If it is not such a number.
   */
  async block(durationMs: number, options: BlockOptions = {}): Promise<void> {
    const target = this.#corrected(options);
    await atStore(this.#access, (store) => store.verbs.block(store, target, durationMs, options.keepLonger));
  }

  /**
   * Whether a key is blocked now. Always asks the store, takes nothing and is remembered nowhere.
   *
   * @internal
   */
  async isBlocked(options: KeyOptions = {}): Promise<boolean> {
    const target = this.#corrected(options);
    return await atStore(this.#access, (store) => store.verbs.isBlocked(store, target));
  }

  /**
   * The same limiter for one key. It costs nothing to make, and is not stored anywhere.
   *
   * @throws {TypeError} If the key is not a string of 1 to 65 536 characters.
   */
  for(key: string): KeyedLimiter {
    checkKey(this.id, key); // undefined would mean the limiter as a whole
    return new KeyedLimiter(this, key);
  }

  /** What the limiter has done so far in this process, for all keys together. */
  metrics(): LimiterMetrics {
    return this.#recorder.snapshot(this.#access.clock);
  }

  /**
   * Starts the counts over. Permits that are held stay counted.
   *
   * @internal
   */
  forgetMetrics(): void {
    this.#recorder.reset();
  }

  /** Calls `listener` with every event of the limiter. Returns a function that removes the listener. */
  subscribe(listener: LimiterListener): () => void {
    return this.#recorder.subscribe(listener);
  }

  /**
   * What a call takes from, checked.
   *
   * @internal
   */
  target(options: AskOptions): LimiterTarget {
    checkNames(this.id, options);
    checkAsk(this.id, this.#rules.policy, options);
    return this.#rules.of(options.keyClass).targetsOf(options.key, options.cost ?? 1)[0];
  }

  /** What a correction changes, checked: a misspelt `key` would change the limiter as a whole. */
  #corrected(options: KeyOptions): LimiterTarget {
    checkNames(this.id, options, CORRECTION);
    return this.target(options.key === undefined ? {} : { key: options.key });
  }
}

showAs(Limiter.prototype, "Limiter", (it) => ({ id: it.id, ...it.policy, metrics: it.metrics() }));

/** A limiter for one key, with the same calls. It costs nothing to make, and need not be closed. */
export class KeyedLimiter {
  static {
    brand(this, "KeyedLimiter");
  }

  /** The limiter. */
  readonly limiter: Limiter;
  /** The key. */
  readonly key: string;

  /**
   * Use `limiter.for(key)`, which does the same.
   *
   * @param limiter The limiter.
   * @param key The key.
   */
  constructor(limiter: Limiter, key: string) {
    this.limiter = limiter;
    this.key = key;
  }

  /** As `Limiter.acquire`. */
  acquire(options: Keyless<AcquireOptions> = {}): Promise<Permit> {
    return this.limiter.acquire(keyed(options, this.key));
  }

  /** As `Limiter.tryAcquire`. */
  tryAcquire(options: Keyless<AskOptions> = {}): Promise<Decision> {
    return this.limiter.tryAcquire(keyed(options, this.key));
  }

  /** As `Limiter.tryAcquireSync`. */
  tryAcquireSync(options: Keyless<AskOptions> = {}): Decision | undefined {
    checkNames(this.limiter.id, options);
    return this.limiter.decideSync(this.key, options.cost ?? 1, options.keyClass);
  }

  /** As `Limiter.peek`. */
  peek(options: Keyless<AskOptions> = {}): Promise<Decision> {
    return this.limiter.peek(keyed(options, this.key));
  }

  /** As `Limiter.explain`. */
  explain(options: Keyless<AskOptions> = {}): Promise<Explanation> {
    return this.limiter.explain(keyed(options, this.key));
  }

  /** As `Limiter.reserve`. */
  reserve(options: Keyless<AcquireOptions> = {}): Promise<Reservation> {
    return this.limiter.reserve(keyed(options, this.key));
  }

  /** As `Limiter.run`. */
  run<Result>(
    fn: (permit: Permit) => Result | Promise<Result>,
    options: Keyless<AcquireOptions> = {},
  ): Promise<Result> {
    return this.limiter.run(fn, keyed(options, this.key));
  }

  /** As `Limiter.reset`. */
  reset(): Promise<void> {
    return this.limiter.reset({ key: this.key });
  }

  /** As `Limiter.refund`. */
  refund(units: number): Promise<void> {
    return this.limiter.refund(units, { key: this.key });
  }

  /** As `Limiter.penalize`. */
  penalize(units: number): Promise<Charge> {
    return this.limiter.penalize(units, { key: this.key });
  }

  /** As `Limiter.block`. */
  block(durationMs: number): Promise<void> {
    return this.limiter.block(durationMs, { key: this.key });
  }
}

/** Options with the key. What is no object is passed on as it is, and refused there. */
function keyed<Options>(options: Options, key: string): Options & { readonly key: string } {
  return (typeof options === "object" ? { ...options, key } : options) as Options & { readonly key: string };
}

showAs(KeyedLimiter.prototype, "KeyedLimiter", ({ limiter, key }) => ({ limiter: limiter.id, key: shownKey(key) }));
