/**
 * One attempt of a caller at one store: the request, its deadline, and its answer.
 *
 * @module
 */

import { onAbort } from "../base/abort.ts";
import { steadyUs } from "../base/clock.ts";
import { Deadlined, type DeadlineLine } from "../base/deadline.ts";
import type { ReplySink, TakeReply, TakeRequest } from "../stores/store.ts";
import type { Decision, Permit } from "../decision/decision.ts";
import type { Outcome } from "../decision/outcome.ts";
import type { Degradation } from "../decision/degradation.ts";
import type { Expiring } from "../resilience/timed.ts";
import type { StoreAccess } from "./store_access.ts";
import type { StoreSession } from "./store_session.ts";
import type { LimiterRules, LimiterTarget } from "./target.ts";

/** Calls on one key, as its store answers: at once, or not. */
export interface KeyVerbs {
  /** Decides now. */
  tryAcquire(
    session: StoreSession,
    access: StoreAccess,
    rules: LimiterRules,
    key: string | undefined,
    cost: number,
  ): Decision | Promise<Decision>;
  /** The same without a promise; undefined where this process cannot decide: nothing was taken then. */
  tryAcquireSync(
    session: StoreSession,
    rules: LimiterRules,
    key: string | undefined,
    cost: number,
  ): Decision | undefined;
  /**
   * Takes as soon as it is possible, within the time that the caller may wait.
   *
   * @throws {RateLimitedError} If that is not within it: as soon as it is known. Thrown, or rejected with.
   */
  acquire(
    session: StoreSession,
    access: StoreAccess,
    rules: LimiterRules,
    key: string | undefined,
    cost: number,
    timeoutMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Permit | Promise<Permit>;
}

/** What the verbs of a limiter differ in. */
export interface CallKind<Answer> {
  /** How the store is asked; a call that waits asks for a moment where too many others wait. */
  readonly mode: TakeRequest["mode"];
  /** Whether it takes for a later instant and does not wait for it. */
  readonly reserves: boolean;
  /** What it asks of a store besides: see `TakeRequest.details`. */
  details?(targets: readonly LimiterTarget[]): TakeRequest["details"];
  /** Makes the answer from what became of the call, and counts it. */
  answer(call: Call<Answer>, outcome: Outcome): Answer;
}

/** What comes after the store: see `pipeline.ts`. */
export interface Stages {
  /** The store has answered in time. */
  answered<Answer>(call: Call<Answer>, reply: TakeReply): Answer | Promise<Answer>;
  /** It has not, or the caller has given up. */
  failed<Answer>(call: Call<Answer>, error: unknown): Answer | Promise<Answer>;
}

/** How long a call may wait. */
export interface WaitLimit {
  /** The longest acceptable wait, in microseconds. */
  readonly maxWaitUs: number;
  /** Gives up. */
  readonly signal: AbortSignal | undefined;
}

/**
 * A call. It is the request, waits in the line of deadlines, and takes the reply: one object for each decision, because
 * this is the hottest path of all.
 */
export class Call<Answer> extends Deadlined implements TakeRequest, ReplySink<TakeReply>, Expiring {
  readonly op = "take";
  readonly arrivalUs = 0;
  readonly times = undefined;
  /** What it takes from, under the rules by which it was asked last. */
  targets: readonly LimiterTarget[];
  readonly maxWaitUs: number;
  readonly signal: AbortSignal | undefined;
  readonly access: StoreAccess;
  readonly kind: CallKind<Answer>;
  readonly session: StoreSession;
  /** Why the configured store does not decide; undefined while it does. */
  degradation: Degradation | undefined;
  /** Whether its caller may wait. */
  readonly waits: boolean;
  mode: TakeRequest["mode"];
  /** Names leases and the place in queues; empty where the call takes no permit. */
  id = "";
  /** When the caller began to wait, for durations, and when the store was asked, by the clock. */
  startUs = 0;
  askedUs = 0;
  /** What the store's health needs to know of a call that has failed. */
  mark = 0;
  line: DeadlineLine<Expiring> | undefined = undefined;
  /** Whether its caller has been answered: what the store still grants goes back. */
  isOver = false;
  waitedMs = 0;
  /** Whether it found every permit taken. */
  wasQueued = false;
  /** Whether it counts among the calls that wait, and what the observers of its limiters keep of its beginning. */
  isWaiting = false;
  begun: unknown = undefined;
  /** Ends the count of the call among those that wait for a rate. */
  uncount: (() => void) | undefined = undefined;
  /** The reply that its answer is made from; undefined where no store has decided. */
  reply: TakeReply | undefined = undefined;
  #stages: Stages | undefined = undefined;
  #resolve: ((answer: Answer | Promise<Answer>) => void) | undefined = undefined;
  #reject: ((error: unknown) => void) | undefined = undefined;
  #unfollow: (() => void) | undefined = undefined;

  /** @param before The call that this one goes on for: its caller waits since that began. */
  constructor(
    targets: readonly LimiterTarget[],
    kind: CallKind<Answer>,
    access: StoreAccess,
    session: StoreSession,
    { maxWaitUs, signal }: WaitLimit,
    degradation: Degradation | undefined,
    before?: Call<Answer>,
  ) {
    super();
    this.targets = targets;
    this.maxWaitUs = maxWaitUs;
    this.signal = signal;
    this.access = access;
    this.kind = kind;
    this.session = session;
    this.degradation = degradation;
    this.waits = kind.mode === "wait";
    this.mode = kind.mode;
    if (!this.waits) return;
    this.startUs = before === undefined ? steadyUs(session.clock) : before.startUs;
    this.begun = before === undefined ? targets[0]?.recorder.observers.methods.begun?.() : before.begun;
  }

  /** What it asks besides. */
  get details(): TakeRequest["details"] {
    return this.kind.details?.(this.targets);
  }

  /** Answers by promise, and follows the caller's signal. Returns whether the caller is still there. */
  open(
    stages: Stages,
    resolve: (answer: Answer | Promise<Answer>) => void,
    reject: (error: unknown) => void,
  ): boolean {
    this.#stages = stages;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#unfollow?.();
    const { signal } = this;
    if (signal === undefined) return true;
    if (signal.aborted) this.fail(signal.reason);
    else this.#unfollow = onAbort(signal, () => this.fail(signal.reason));
    return !this.isOver;
  }

  /** Sends it to the store, which calls `answered` or `failed`. */
  send(): void {
    const { session, signal } = this;
    const { store } = session;
    if (store.submit !== undefined && signal === undefined) return store.submit(this, this);
    const { op, targets, mode, maxWaitUs, id, arrivalUs, details } = this;
    session.execute({ op, targets, mode, maxWaitUs, id, arrivalUs, details }, this, signal);
  }

  /** The store has answered. */
  answered(reply: TakeReply): void {
    this.session.health?.decided(reply.nowUs, this.askedUs, this.session.clock);
    this.line?.delete(this);
    if (this.isOver) return this.session.undoQuietly(this, reply);
    this.isOver = true;
    this.#unfollow?.();
    try {
      this.#resolve?.((this.#stages as Stages).answered(this, reply));
    } catch (error) {
      this.#reject?.(error);
    }
  }

  /** The store has not answered: the request may have run. */
  failed(error: unknown): void {
    this.session.health?.failed(error, this.mark, this.targets);
    this.line?.delete(this);
    if (this.waits && this.id !== "") this.session.abandon(this, error);
    this.fail(error);
  }

  /** The request was not sent. */
  withdraw(error?: unknown): void {
    this.line?.delete(this);
    this.fail(error);
  }

  /** Its time is over. */
  expire(): void {
    const { health } = this.session;
    const error = health?.lateError(this.targets);
    health?.failed(error, this.mark, this.targets);
    this.fail(error);
  }

  /** Goes on without the store, if its caller has not been answered. What is learnt of the store, is learnt all the same. */
  fail(error: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#unfollow?.();
    try {
      this.#resolve?.((this.#stages as Stages).failed(this, error));
    } catch (thrown) {
      this.#reject?.(thrown);
    }
  }
}
