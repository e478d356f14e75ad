/**
 * The token leases of one key: when to take more, how many, what to answer from them, and what to give back.
 *
 * @module
 */

import type { Kernel } from "../algorithms/kernel.ts";
import { handoverOf, kernelOf, type RateState } from "../algorithms/kernels.ts";
import type { RateLimit } from "../algorithms/limit.ts";
import type { Clock } from "../base/clock.ts";
import { StoreError } from "../base/errors.ts";
import type { Policy } from "../policy/policy.ts";
import { type GiveBackRequest, marksOf, type TakeReply, type TakeRequest, type Target } from "../stores/store.ts";
import { type Grant, LeasedUnits } from "./leased_units.ts";
import { stateOf, TokenLeaseReply } from "./token_lease_reply.ts";

/** The largest share of a bucket that is taken ahead at once. */
const MOST_AT_ONCE = 1 / 4;

/** The largest share of a bucket that a process holds; one unit at least. */
const MOST_HELD = 1 / 2;

/** How many times larger a lease may be than the one before. */
const GROWTH = 4;

/** What all requests have in common. */
const TAKE = { op: "take", maxWaitUs: 0, id: "", arrivalUs: 0 } as const;

/** How to reach the store. */
export interface TokenSource {
  /** Takes units. */
  take(request: TakeRequest): Promise<TakeReply>;
  /** Gives units back. */
  giveBack(request: GiveBackRequest): Promise<unknown>;
}

/** A call that waits for units. */
interface Waiter {
  readonly cost: number;
  readonly signal: AbortSignal | undefined;
  /** When its limiter's failure policy has decided. */
  readonly untilUs: number;
  readonly resolve: (reply: TakeReply) => void;
  readonly reject: (error: unknown) => void;
}

/** How long units may lie unused before they go back. */
export function idleUs({ tokenLeaseUs }: Policy): number {
  return tokenLeaseUs / 4;
}

/** The leases of one key. */
export class TokenLease {
  readonly policy: Policy;
  readonly #target: Target;
  readonly #rate: RateLimit;
  readonly #kernel: Kernel<RateLimit, RateState>;
  readonly #clock: Clock;
  readonly #source: TokenSource;
  readonly #leased: LeasedUnits = new LeasedUnits((grant, nowUs) => this.#doneWith(grant, nowUs));
  readonly #waiters: Waiter[] = [];
  /** How many units to take next time. */
  #size = 1;
  #lastUsedUs: number;
  #refilling: Promise<void> | undefined;
  /** The store had no more when it was asked last. */
  #isEmpty = false;
  /** Not asked again before this instant, so that others get their share. */
  #pausedUntilUs = 0;
  /** Units came since the last pause. */
  #hadUnits = false;
  #blockedUntilUs = 0;
  /** Counts how often what was leased became void. */
  #drops = 0;
  /** Counts how often what is known became void. */
  #changes = 0;
  #recheckedUs = -Infinity;
  #isSettled = false;
  /** Where the bucket stands as far as this process knows, by its own clock, and since when. */
  #state: RateState;
  #knownAtUs = 0;

  constructor(target: Target, clock: Clock, source: TokenSource) {
    this.policy = target.policy;
    this.#target = { ...target, cost: 1 };
    this.#rate = target.policy.rates[0] as RateLimit;
    this.#kernel = kernelOf(this.#rate);
    this.#state = this.#kernel.fresh();
    this.#clock = clock;
    this.#source = source;
    this.#lastUsedUs = clock.nowUs();
  }

  /** Takes from what is leased, or leases more for the call and those that wait. */
  take(cost: number, nowUs: number, signal: AbortSignal | undefined): TakeReply | Promise<TakeReply> {
    return this.takeNow(cost, nowUs) ?? new Promise((resolve, reject) => {
      const untilUs = nowUs + this.policy.decisionTimeoutUs;
      this.#waiters.push({ cost, signal, untilUs, resolve, reject });
      this.#refill(nowUs);
    });
  }

  /** Takes from what is leased, or repeats a denial; undefined where the store has to be asked. Calls that wait are first. */
  takeNow(cost: number, nowUs: number): TakeReply | undefined {
    this.#lastUsedUs = nowUs;
    if (this.#waiters.length > 0) return undefined;
    const grant = this.#leased.useOldest(cost, nowUs);
    if (grant !== undefined) {
      if (grant.units < grant.taken / 2) this.#takeAhead(nowUs);
    } else if (!this.#leased.use(cost, nowUs)) return this.#denial(cost, nowUs);
    return this.#reply("allowed", nowUs, 0);
  }

  /** Leases units for later calls of a cost, unless a process should not hold so many. */
  begin(cost: number, nowUs: number): void {
    this.#lastUsedUs = nowUs;
    if (cost > this.#most || nowUs < this.#pausedUntilUs) return;
    this.#size = Math.max(this.#size, cost);
    this.#refill(nowUs);
  }

  peek(cost: number, nowUs: number): TakeReply | Promise<TakeReply> | undefined {
    const held = this.#leased.fresh(nowUs);
    if (held >= cost) return this.#reply("allowed", nowUs, 0);
    const denial = this.#waiters.length === 0 ? this.#denial(cost, nowUs) : undefined;
    if (denial !== undefined || held === 0) return denial;
    const targets = [{ ...this.#target, cost: cost - held }];
    return this.#source.take({ ...TAKE, targets, mode: "peek" }).then(({ status, waitUs, levels }) => {
      return new TokenLeaseReply(status, nowUs, waitUs, this.#rate, stateOf(this.#rate, levels, nowUs), held);
    });
  }

  isIdle(nowUs: number): boolean {
    return this.#refilling === undefined && this.#waiters.length === 0 && nowUs >= this.#pausedUntilUs &&
      nowUs >= this.#lastUsedUs + idleUs(this.policy);
  }

  drop(): void {
    for (const grant of this.#leased.takeAll()) void this.#giveBack(grant);
    this.#drops++;
    this.recheck();
  }

  recheck(): void {
    this.#changes++;
    this.#recheckedUs = this.#clock.nowUs();
    this.#isEmpty = false;
    this.#pausedUntilUs = this.#blockedUntilUs = 0;
  }

  /** Learns from a call that asked the store by itself; one that asked before a correction knows nothing of it. */
  learn(reply: TakeReply, askedUs: number): void {
    if (askedUs > this.#recheckedUs) this.#note(reply, askedUs);
  }

  #note(reply: TakeReply, askedUs: number): void {
    this.#state = stateOf(this.#rate, reply.levels, askedUs);
    this.#knownAtUs = askedUs;
    this.#isEmpty = true;
  }

  /** Gives everything back, also what is still on its way. Waiting calls are served first. */
  async settle(): Promise<void> {
    this.#isSettled = true;
    while (this.#refilling !== undefined) await this.#refilling;
    await Promise.all(this.#leased.takeAll().map((grant) => this.#giveBack(grant)));
  }

  /** Is done with the oldest grant, and learns from it how large the next should be. */
  #doneWith(grant: Grant, nowUs: number): void {
    const { units, taken, askedUs } = grant;
    void this.#giveBack(grant);
    const usedPerUs = (taken - units) / Math.max(nowUs - askedUs, 1);
    const wanted = Math.ceil(usedPerUs * this.policy.tokenLeaseUs / 2);
    this.#size = Math.max(Math.min(wanted, taken * GROWTH, this.#most), 1);
  }

  /** The most units that are taken ahead at once. */
  get #most(): number {
    return Math.max(Math.floor(this.policy.capacity * MOST_AT_ONCE), 1);
  }

  #takeAhead(nowUs: number): void {
    if (this.#leased.grants < 2 && this.#size > 1 && nowUs >= this.#pausedUntilUs) this.#refill(nowUs);
  }

  #refill(nowUs: number): void {
    this.#refilling ??= this.#ask(nowUs).finally(() => {
      this.#refilling = undefined;
      if (this.#wanted() > 0) this.#refill(this.#clock.nowUs());
    });
  }

  async #ask(askedUs: number): Promise<void> {
    const [drops, changes] = [this.#drops, this.#changes];
    const times = Math.min(Math.max(this.#wanted() - this.#leased.held, this.#size), this.policy.capacity);
    try {
      const reply = await this.#source.take({ ...TAKE, targets: [this.#target], mode: "now", times });
      const taken = reply.times ?? 0;
      if (drops !== this.#drops) return;
      if (taken > 0) this.#hadUnits = true;
      if (taken > 0) {
        // Several parts of it may go back, so none of them counts as the newest take itself.
        const marks = marksOf([this.#target], reply).map((each) => each.map((mark) => ({ ...mark, cost: 0 })));
        this.#leased.add({ units: taken, taken, askedUs, untilUs: askedUs + this.policy.tokenLeaseUs, marks });
      }
      // What was corrected meanwhile may have left more than this reply tells.
      if (changes === this.#changes) this.#learnMore(reply, askedUs, taken < times);
      this.#serve(this.#clock.nowUs());
      this.#trim();
      if (this.#isSettled) await Promise.all(this.#leased.takeAll().map((rest) => this.#giveBack(rest)));
    } catch (error) {
      for (const { reject } of this.#waiters.splice(0)) reject(error);
    }
  }

  #learnMore(reply: TakeReply, askedUs: number, isEmpty: boolean): void {
    this.#note(reply, askedUs);
    this.#isEmpty = isEmpty;
    this.#pausedUntilUs = this.#blockedUntilUs = 0;
    if (!isEmpty) return;
    if (reply.status === "blocked") this.#blockedUntilUs = askedUs + reply.waitUs;
    // A process that got units since its last pause comes back in the second half of the pause, one that got none in the first.
    // The pause starts with the next unit, and ends before the limit is unused again: nothing is lost by it.
    const refillUs = handoverOf(this.#rate).spanUs(this.#rate) * (1 - 1 / this.#rate.capacity);
    const mostUs = Math.min(this.policy.tokenLeaseUs / 4, refillUs / 2);
    const pauseUs = mostUs * ((this.#hadUnits ? 1 : 0) + Math.random()) / 2;
    const nextUs = this.#kernel.earliest(this.#state, this.#clock.nowUs(), 1, this.#rate);
    this.#pausedUntilUs = nextUs + Math.ceil(pauseUs);
    this.#hadUnits = false;
  }

  /** The units that are waited for, without those of calls that gave up. */
  #wanted(): number {
    let units = 0;
    const nowUs = this.#clock.nowUs();
    for (const waiter of this.#waiters.splice(0)) {
      if (waiter.signal?.aborted) waiter.reject(waiter.signal.reason);
      else if (nowUs >= waiter.untilUs) waiter.reject(tooLate());
      else {
        this.#waiters.push(waiter);
        units += waiter.cost;
      }
    }
    return units;
  }

  /** Answers those who wait, in order, until the store has to be asked again. */
  #serve(nowUs: number): void {
    this.#wanted();
    while (this.#waiters.length > 0) {
      const { cost, resolve } = this.#waiters[0] as Waiter;
      const answer = this.#leased.use(cost, nowUs) ? this.#reply("allowed", nowUs, 0) : this.#denial(cost, nowUs);
      if (answer === undefined) return;
      this.#waiters.shift();
      resolve(answer);
    }
  }

  /** Gives back what is more than this process may hold: units for callers who are gone, or want more than there is. */
  #trim(): void {
    const most = Math.max(Math.floor(this.policy.capacity * MOST_HELD), 1);
    for (const grant of this.#leased.trim(most)) void this.#giveBack(grant);
  }

  /** A denial that holds without asking again; undefined where there is none. */
  #denial(cost: number, nowUs: number): TakeReply | undefined {
    const knownUntilUs = Math.max(this.#pausedUntilUs, this.#knownAtUs + this.policy.denyCacheUs);
    if (!this.#isEmpty || nowUs >= knownUntilUs) return undefined;
    const freeUs = this.#kernel.earliest(this.#state, nowUs, cost - this.#leased.held, this.#rate);
    const atUs = Math.max(freeUs, this.#pausedUntilUs, this.#blockedUntilUs);
    if (atUs <= nowUs) return undefined;
    return this.#reply(this.#blockedUntilUs > nowUs ? "blocked" : "rate", nowUs, atUs - nowUs);
  }

  #reply(status: TakeReply["status"], nowUs: number, waitUs: number): TakeReply {
    return new TokenLeaseReply(status, nowUs, waitUs, this.#rate, this.#state, this.#leased.held);
  }

  /** Gives units back, as far as they have not been refilled since. */
  async #giveBack({ units, marks }: Grant): Promise<void> {
    if (units === 0) return;
    this.#state = this.#kernel.refund(this.#state, this.#clock.nowUs(), units, this.#rate);
    const targets = [{ ...this.#target, cost: units }];
    // What cannot be given back now refills by itself.
    await this.#source.giveBack({ op: "giveBack", targets, marks }).catch(() => {});
  }
}

function tooLate(): StoreError {
  return new StoreError("STORE_TIMEOUT", "Cannot lease units in time: the store has not decided", {
    reason: "no_answer",
  });
}
