/**
 * Stands between limiters and a store that is not in this process: no call waits longer for a decision than its limiter
 * allows, and no call asks while the store is known to be unreachable.
 *
 * @module
 */

import { type Clock, systemClock } from "../base/clock.ts";
import { DeadlineLine, withTimeout } from "../base/deadline.ts";
import { StoreError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import type { Policy } from "../policy/policy.ts";
import { errorOf, newStoreCheck } from "../stores/check.ts";
import type { Store, TakeReply, TakeRequest, Target } from "../stores/store.ts";
import { Breaker, type BreakerOptions } from "./breaker.ts";
import { ClockWatch } from "./clock_watch.ts";
import { isDown, isOutage, isStoreError } from "./failure.ts";
import { type Expiring, PromiseWait, type Timed } from "./timed.ts";

/** So many failures in a row, of calls that were made one after the other, say that the store is away. */
const MOST_FAILURES = 5;

/** How long a look at a store that has none of its own may take, in milliseconds. */
const LOOK_MS = 1_800;

/** What is reported of the health of a store. None of these may throw. */
export interface HealthHooks extends Pick<BreakerOptions, "onDown" | "onStillDown" | "onUp"> {
  /** Called when the store answers for the first time. */
  onFirstAnswer(): void;
  /** Called when a call has failed, and the breaker has not opened for it. `limiters` are those that it was for. */
  onFailure(error: StoreError, limiters: readonly string[]): void;
  /** Called when the store's clock was set back or forward. */
  onClockStep(text: string): void;
  /** The rules of the limiters on the store: a look finds out whether it can do what they need. */
  policies(): readonly Policy[];
  /** What else has to work before the store counts as up. Rejects while it does not. */
  alsoNeeded(): Promise<void> | undefined;
  /** Gets a reply for which no call waits any more. */
  onLate(request: TakeRequest, reply: TakeReply): void;
}

/** The health of one store, as one process sees it. */
export class StoreHealth {
  /** Open while the store is not worth asking. */
  readonly breaker: Breaker;
  /** Watches the store's clock. */
  readonly clockWatch: ClockWatch;
  /** Counts answers and failures: what a call has to remember, when it is made, for `failed`. */
  mark = 1;
  /** Where the count stood at the last answer, 0 before the first: it has grown if there was another one. */
  answeredAt = 0;
  /** Where it stood at the last failure. */
  #failedAt = 0;
  /** Failures in a row; of calls that were under way together one counts. */
  #inRow = 0;
  readonly #id: string;
  readonly #store: Store;
  readonly #hooks: HealthHooks;
  readonly #clock: Clock;
  /** One line for each time that limiters allow; nearly always one. */
  readonly #lines = new Map<number, DeadlineLine<Expiring>>();
  #line: DeadlineLine<Expiring> | undefined;
  #lineUs = -1;
  /** What was asked when the store was given up, for looking at one that has no `check`. */
  #lastTargets: readonly Target[] = [];
  #isProbing = false;

  constructor(id: string, store: Store, hooks: HealthHooks, clock: Clock = systemClock) {
    this.#id = id;
    this.#store = store;
    this.#hooks = hooks;
    this.#clock = clock;
    this.clockWatch = new ClockWatch(() => void this.#measureClock(), (text) => hooks.onClockStep(text));
    this.breaker = new Breaker({
      clock,
      look: () => this.#look(),
      onDown: (error) => hooks.onDown(error),
      onStillDown: (error) => hooks.onStillDown(error),
      onUp: (downUs) => {
        this.#inRow = 0;
        hooks.onUp(downUs);
      },
    });
  }

  /**
   * The error to fail with while the breaker is open; undefined where the store should be asked. Counts a call that is
   * turned away, which keeps probes in the background running.
   */
  openError(): StoreError | undefined {
    const { error } = this.breaker;
    if (error === undefined) return undefined;
    this.breaker.missed();
    return this.breaker.isStale ? undefined : error;
  }

  /**
   * Starts the time of something that is about to be asked, as long as its targets' limiters allow. `askedUs` is now,
   * by `clock`.
   */
  start(one: Timed, clock?: Clock, askedUs: number = 0): void {
    one.mark = this.mark;
    const timeoutUs = timeoutOf(one.targets);
    if (timeoutUs === Infinity) return;
    one.line = timeoutUs === this.#lineUs ? this.#line as DeadlineLine<Expiring> : this.#lineOf(timeoutUs);
    one.line.add(one, clock === this.#clock ? askedUs : this.#clock.nowUs());
  }

  /** Takes units for this process, in time. What the store grants later goes to `onLate`. */
  take(request: TakeRequest): Promise<TakeReply> {
    const refusal = this.openError();
    if (refusal !== undefined) return Promise.reject(refusal);
    const asked = this.count(() => this.#store.execute(request), request.targets);
    return this.within(asked, request.targets, (late) => this.#hooks.onLate(request, late));
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
      const { mark } = this;
      const wait = new PromiseWait(() => {
        const error = this.#lateError(timeoutUs);
        this.failed(error, mark, targets);
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
    const { mark } = this;
    try {
      const value = await ask();
      this.answered();
      return value;
    } catch (error) {
      this.failed(error, mark, targets);
      throw error;
    }
  }

  /** The state is being read. Where it is unsure what holds now, a probe finds out. */
  refresh(isUnsure: boolean): void {
    this.breaker.refresh();
    if (!isUnsure || this.#isProbing || this.breaker.error !== undefined) return;
    this.#isProbing = true;
    const ended = (wrong?: unknown) => {
      this.#isProbing = false;
      if (wrong === undefined) this.answered();
    };
    this.#look().then(ended, ended);
  }

  /** Ends the looks. */
  close(): void {
    this.breaker.close();
  }

  /** The store has answered. */
  answered(): void {
    if (this.answeredAt === 0) this.#hooks.onFirstAnswer();
    this.answeredAt = ++this.mark;
    this.#inRow = 0;
  }

  /** The store has decided: its clock said `nowUs`, and it was asked at `askedUs` of `clock`. */
  decided(nowUs: number, askedUs: number, clock: Clock): void {
    this.answered();
    if (clock === systemClock) this.clockWatch.saw(nowUs, askedUs);
  }

  /**
   * A call has failed, or its time is over.
   *
   * @param error What it failed with.
   * @param mark Where the counter stood when it was made.
   * @param targets What it was about.
   * @param isPart Whether only some decisions need what has failed, such as the way on which messages come: then one
   *   failure is never enough to give the store up.
   */
  failed(error: unknown, mark: number, targets: readonly Target[], isPart = false): void {
    if (!isStoreError(error)) return;
    if (targets.length > 0) this.#lastTargets = targets;
    const isOpen = this.breaker.error !== undefined;
    if (isOpen && isOutage(error)) this.breaker.stillFails();
    else if (isOutage(error) && this.#isEnough(error, mark, isPart)) this.breaker.open(error);
    else if (!isOpen) this.#hooks.onFailure(error, targets.map(({ limiter }) => limiter));
  }

  /** Whether a failure, with those before it, says that the store is away. */
  #isEnough(error: StoreError, mark: number, isPart: boolean): boolean {
    // Not one answer since it was made.
    const isSilent = error.code === "STORE_TIMEOUT" && mark >= this.answeredAt;
    if (mark >= this.#failedAt) {
      this.#failedAt = ++this.mark;
      this.#inRow++;
    }
    return this.#inRow >= MOST_FAILURES || (!isPart && (isDown(error) || isSilent));
  }

  /** The error of a call whose time is over. */
  lateError(targets: readonly Target[]): StoreError {
    return this.#lateError(timeoutOf(targets));
  }

  #lateError(timeoutUs: number): StoreError {
    const { unreached } = this.#store;
    if (unreached !== undefined) return unreached;
    const message = `Cannot wait any longer for store ${show(this.#id)}: it has not decided within ${
      timeoutUs / 1_000
    } ms; what it grants later is given back`;
    return new StoreError("STORE_TIMEOUT", message, { reason: "no_answer" });
  }

  #lineOf(timeoutUs: number): DeadlineLine<Expiring> {
    let line = this.#lines.get(timeoutUs);
    if (line === undefined) {
      this.#lines.set(
        timeoutUs,
        line = new DeadlineLine(timeoutUs, (one) => one.expire(), this.#clock),
      );
    }
    this.#lineUs = timeoutUs;
    return this.#line = line;
  }

  async #measureClock(): Promise<void> {
    try {
      const found = await this.#store.check?.([], true);
      this.clockWatch.look(found ?? NOT_MEASURED);
    } catch {
      this.clockWatch.look(NOT_MEASURED);
    }
  }

  /** Takes nothing. */
  async #look(): Promise<StoreError | "unknown" | undefined> {
    const store = this.#store;
    if (store.check !== undefined) {
      const found = await store.check(this.#hooks.policies(), true);
      this.clockWatch.look(found);
      if (!found.ok) return errorOf(found.problems) ?? "unknown";
    } else {
      await withTimeout(store.connect(), LOOK_MS, () => this.#lateError(LOOK_MS * 1_000));
      const targets = this.#lastTargets;
      const peek: TakeRequest = { op: "take", targets, mode: "peek", maxWaitUs: 0, id: "", arrivalUs: 0 };
      const reply = Promise.resolve(store.execute(peek));
      await withTimeout(reply, LOOK_MS, () => this.#lateError(LOOK_MS * 1_000));
    }
    const needed = this.#hooks.alsoNeeded();
    if (needed !== undefined) await withTimeout(needed, LOOK_MS, () => this.#lateError(LOOK_MS * 1_000));
    return undefined;
  }
}

/** What a store without a check tells of its clock. */
const NOT_MEASURED = newStoreCheck({ engine: "unknown" });

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
