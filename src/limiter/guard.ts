/**
 * Stands between limiters and a store that is not in this process: nobody waits longer for a decision than his limiter
 * allows, and nobody asks while the store is known to be away.
 *
 * @module
 */

import { type Clock, systemClock } from "../base/clock.ts";
import { Deadlined, DeadlineLine, withTimeout } from "../base/deadline.ts";
import { StoreError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import type { Store, TakeReply, TakeRequest, Target } from "../stores/store.ts";
import { Breaker, type BreakerMark, type BreakerOptions } from "./breaker.ts";
import { isStoreError } from "./failure.ts";

/** How long a look at a store that has none of its own may take, in milliseconds. */
const LOOK_MS = 1_800;

/** What a guard tells. None of these may throw. */
export interface GuardHooks extends Pick<BreakerOptions, "onDown" | "onUp" | "onFailure"> {
  /** Told a reply for which nobody waits any more. */
  onLate(request: TakeRequest, reply: TakeReply): void;
}

/** What becomes of the outcome of a call. */
interface Conclusion<Answer> {
  /** Makes the answer from a reply. */
  reply(reply: TakeReply): Answer;
  /** Makes the answer where there is no reply, or not in time. May throw. */
  failure(error: unknown): Answer | Promise<Answer>;
}

/** The guard of one process at one store. */
export class Guard {
  /** Knows whether the store is worth asking. */
  readonly breaker: Breaker;
  readonly #id: string;
  readonly #store: Store;
  readonly #hooks: GuardHooks;
  readonly #clock: Clock;
  /** One line for each time that limiters allow; nearly always one. */
  readonly #lines = new Map<number, DeadlineLine>();
  #line: DeadlineLine | undefined;
  #lineUs = 0;
  /** What was asked when the store was given up, for looking at one that has no `check`. */
  #lastTargets: readonly Target[] = [];

  /**
   * Makes one.
   *
   * @param id The store's id in the configuration.
   * @param store The store.
   * @param hooks What to tell.
   * @param clock What deadlines are measured by: real time, whatever the clock of decisions.
   */
  constructor(id: string, store: Store, hooks: GuardHooks, clock: Clock = systemClock) {
    this.#id = id;
    this.#store = store;
    this.#hooks = hooks;
    this.#clock = clock;
    this.breaker = new Breaker({
      clock,
      look: () => this.#look(),
      onDown: (error) => hooks.onDown(error),
      onUp: (downUs) => hooks.onUp(downUs),
      onFailure: (error) => hooks.onFailure(error),
    });
  }

  /**
   * Why the store is not asked now; undefined if it should be. Whoever is told is counted as somebody who waits for its
   * return.
   */
  refusal(): StoreError | undefined {
    const { error } = this.breaker;
    if (error !== undefined) this.breaker.missed();
    return error;
  }

  /**
   * Asks for a decision, and concludes in time. What the store grants later goes to `onLate`.
   *
   * @param request What is asked.
   * @param conclusion What becomes of the outcome.
   * @param signal Gives up a request that has not been sent.
   */
  decide<Answer>(
    request: TakeRequest,
    conclusion: Conclusion<Answer>,
    signal?: AbortSignal,
  ): Answer | Promise<Answer> {
    const refusal = this.refusal();
    if (refusal !== undefined) return conclusion.failure(refusal);
    let reply: TakeReply | Promise<TakeReply>;
    const mark = this.breaker;
    try {
      reply = this.#store.execute(request, signal);
    } catch (error) {
      this.#failed(error, mark, request.targets);
      return conclusion.failure(error);
    }
    if (!(reply instanceof Promise)) return conclusion.reply(reply);
    return this.#wait(request, reply, conclusion);
  }

  /** The same, without a conclusion: the reply itself, or the error. */
  async take(request: TakeRequest, signal?: AbortSignal): Promise<TakeReply> {
    return await this.decide<TakeReply>(request, PLAIN, signal);
  }

  /**
   * Waits for something that a decision needs, no longer than the targets' limiters allow.
   *
   * @param promise What is waited for.
   * @param targets Who decides.
   * @param unused Takes a value that came too late.
   */
  within<T>(promise: Promise<T>, targets: readonly Target[], unused: (value: T) => void = () => {}): Promise<T> {
    const timeoutUs = timeoutOf(targets);
    if (timeoutUs === Infinity) return promise;
    return new Promise<T>((resolve, reject) => {
      const mark = { answersBefore: this.breaker.answersBefore, failuresBefore: this.breaker.failuresBefore };
      const wait = new Patience(() => {
        const error = this.#lateError(timeoutUs);
        this.#failed(error, mark, targets);
        reject(error);
      });
      const line = this.#lineOf(timeoutUs);
      line.add(wait, this.#clock.nowUs());
      promise.then((value) => line.delete(wait) ? resolve(value) : unused(value), (error) => {
        line.delete(wait);
        reject(error);
      });
    });
  }

  /** Counts the outcome of what is not a decision: its caller waits as long as it takes. */
  async count<T>(ask: () => T | Promise<T>, targets: readonly Target[]): Promise<T> {
    const mark = { answersBefore: this.breaker.answersBefore, failuresBefore: this.breaker.failuresBefore };
    try {
      const value = await ask();
      this.breaker.answered();
      return value;
    } catch (error) {
      this.#failed(error, mark, targets);
      throw error;
    }
  }

  /** Ends the looks. */
  close(): void {
    this.breaker.close();
  }

  #wait<Answer>(
    request: TakeRequest,
    reply: Promise<TakeReply>,
    conclusion: Conclusion<Answer>,
  ): Promise<Answer> {
    const timeoutUs = timeoutOf(request.targets);
    return new Promise<Answer>((resolve, reject) => {
      const call = new Call(this, request, conclusion, resolve, reject, timeoutUs);
      const line = timeoutUs === Infinity ? undefined : this.#lineOf(timeoutUs);
      if (line !== undefined) line.add(call, this.#clock.nowUs());
      reply.then((value) => {
        this.breaker.answered();
        if (line === undefined || line.delete(call)) call.conclude(value);
        else this.#hooks.onLate(request, value);
      }, (error) => {
        this.#failed(error, call, request.targets);
        if (line === undefined || line.delete(call)) call.fail(error);
      });
    });
  }

  /**
   * A call's time is over.
   *
   * @internal
   */
  expired(call: BreakerMark, targets: readonly Target[], timeoutUs: number): StoreError {
    const error = this.#lateError(timeoutUs);
    this.#failed(error, call, targets);
    return error;
  }

  #lateError(timeoutUs: number): StoreError {
    const message = `Cannot wait any longer for store ${show(this.#id)}: it has not decided within ${
      timeoutUs / 1_000
    } ms; what it grants later is given back`;
    return new StoreError("STORE_TIMEOUT", message, { reason: "no_answer" });
  }

  #failed(error: unknown, mark: BreakerMark, targets: readonly Target[]): void {
    if (!isStoreError(error)) return;
    this.#lastTargets = targets;
    this.breaker.failed(error, mark);
  }

  #lineOf(timeoutUs: number): DeadlineLine {
    if (this.#line !== undefined && this.#lineUs === timeoutUs) return this.#line;
    let line = this.#lines.get(timeoutUs);
    if (line === undefined) this.#lines.set(timeoutUs, line = new DeadlineLine(timeoutUs, this.#clock));
    this.#lineUs = timeoutUs;
    return this.#line = line;
  }

  /** Takes nothing. */
  async #look(): Promise<boolean> {
    const store = this.#store;
    if (store.check !== undefined) return (await store.check()).ok;
    await withTimeout(store.connect(), LOOK_MS, () => this.#lateError(LOOK_MS * 1_000));
    const targets = this.#lastTargets;
    const peek: TakeRequest = { op: "take", targets, mode: "peek", maxWaitUs: 0, id: "", arrivalUs: 0 };
    const reply = Promise.resolve(store.execute(peek));
    await withTimeout(reply, LOOK_MS, () => this.#lateError(LOOK_MS * 1_000));
    return true;
  }
}

const PLAIN: Conclusion<TakeReply> = {
  reply: (reply) => reply,
  failure: (error) => {
    throw error;
  },
};

/** A decision that is waited for. */
class Call<Answer> extends Deadlined implements BreakerMark {
  readonly answersBefore: number;
  readonly failuresBefore: number;
  readonly #guard: Guard;
  readonly #request: TakeRequest;
  readonly #conclusion: Conclusion<Answer>;
  readonly #resolve: (answer: Answer | Promise<Answer>) => void;
  readonly #reject: (error: unknown) => void;
  readonly #timeoutUs: number;

  constructor(
    guard: Guard,
    request: TakeRequest,
    conclusion: Conclusion<Answer>,
    resolve: (answer: Answer | Promise<Answer>) => void,
    reject: (error: unknown) => void,
    timeoutUs: number,
  ) {
    super();
    this.answersBefore = guard.breaker.answersBefore;
    this.failuresBefore = guard.breaker.failuresBefore;
    this.#guard = guard;
    this.#request = request;
    this.#conclusion = conclusion;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timeoutUs = timeoutUs;
  }

  conclude(reply: TakeReply): void {
    try {
      this.#resolve(this.#conclusion.reply(reply));
    } catch (error) {
      this.#reject(error);
    }
  }

  fail(error: unknown): void {
    try {
      this.#resolve(this.#conclusion.failure(error));
    } catch (thrown) {
      this.#reject(thrown);
    }
  }

  override expire(): void {
    this.fail(this.#guard.expired(this, this.#request.targets, this.#timeoutUs));
  }
}

/** Any other wait. */
class Patience extends Deadlined {
  readonly #onDue: () => void;

  constructor(onDue: () => void) {
    super();
    this.#onDue = onDue;
  }

  override expire(): void {
    this.#onDue();
  }
}

/** How long a decision over some targets may take: as the most impatient of their limiters says. */
export function timeoutOf(targets: readonly Target[]): number {
  const [first] = targets;
  if (first === undefined) return Infinity;
  let leastUs = first.policy.decisionTimeoutUs;
  for (let i = 1; i < targets.length; i++) {
    leastUs = Math.min(leastUs, (targets[i] as Target).policy.decisionTimeoutUs);
  }
  return leastUs;
}
