/**
 * Token leases: units taken in advance, from which this process admits calls without asking the store.
 *
 * The bound holds: a unit is used at most the lease time after it was charged, so what is admitted in an interval was
 * charged in one that is longer by the lease time, and the policy's burst is smaller by what refills in that time. Units
 * that nobody uses go back within half of it. A process that has found the bucket empty leaves it to the others for
 * a quarter of it.
 *
 * @module
 */

import { tokenBucket, type TokenBucketState } from "../algorithms/token_bucket.ts";
import type { TokenBucketLimit } from "../algorithms/limit.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { StoreError } from "../base/errors.ts";
import type { Policy } from "../policy/policy.ts";
import type { GiveBackRequest, TakeReply, TakeRequest, Target, TargetLevel } from "../stores/store.ts";

/** The most keys with leases at a time; calls on others ask the store. */
const MAX_KEYS = 10_000;

/** The largest share of a bucket that is taken ahead at once. */
const MOST_AT_ONCE = 1 / 4;

/** The largest share of a bucket that a process holds; one unit at least. */
const MOST_HELD = 1 / 2;

/** How many times larger a lease may be than the one before. */
const GROWTH = 4;

/** What all requests have in common. */
const TAKE = { op: "take", maxWaitUs: 0, id: "", arrivalUs: 0 } as const;

/** How to reach the store. */
export interface LeaseSource {
  /** Takes units. */
  take(request: TakeRequest): Promise<TakeReply>;
  /** Gives units back. */
  giveBack(request: GiveBackRequest): Promise<unknown>;
}

/** Units that were charged together. */
interface Grant {
  units: number;
  readonly taken: number;
  /** When the store was asked, by this process' clock: not after the charge. */
  readonly askedUs: number;
  /** The store's clock at the charge. */
  readonly storeUs: number;
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

/** The leases of one store's limiters in this process. */
export class TokenLeases {
  readonly #clock: Clock;
  readonly #source: LeaseSource;
  readonly #limiters = new Map<string, Map<string | undefined, KeyLease>>();
  #keys = 0;
  #timer: Timer | undefined;
  #sweepAtUs = Infinity;
  #closed = false;

  /**
   * Makes one.
   *
   * @param clock What lease times are measured by.
   * @param source How to reach the store.
   */
  constructor(clock: Clock, source: LeaseSource) {
    this.#clock = clock;
    this.#source = source;
  }

  /**
   * Takes from what was leased, or leases more. Undefined if the store has to be asked itself. Nothing is taken for a
   * caller whose signal is aborted while he waits for more.
   *
   * @throws {StoreError} If more had to be leased and could not be.
   */
  take(target: Target, signal?: AbortSignal): TakeReply | Promise<TakeReply> | undefined {
    const lease = this.#find(target) ?? this.#add(target);
    if (lease === undefined) return undefined;
    const nowUs = this.#clock.nowUs();
    const reply = lease.take(target.cost, nowUs, signal);
    this.#sweepBy(nowUs + idleUs(target.policy));
    return reply;
  }

  /** What `take` would tell. Undefined if the store has to be asked itself. */
  peek(target: Target): TakeReply | Promise<TakeReply> | undefined {
    return this.#find(target)?.peek(target.cost, this.#clock.nowUs());
  }

  /** Learns from a call that did not use units of this process how long it would have to wait for some. */
  learn(target: Target, reply: TakeReply, askedUs: number): void {
    if (reply.waitUs > 0) this.#find(target)?.learn(reply, askedUs);
  }

  /** Gives the units of targets back; those on their way count as used. */
  drop(targets: readonly Target[]): void {
    for (const { limiter, key } of targets) this.#limiters.get(limiter)?.get(key)?.drop();
  }

  /** Asks the store again for targets, even if it had no more a moment ago. */
  recheck(targets: readonly Target[]): void {
    for (const { limiter, key } of targets) this.#limiters.get(limiter)?.get(key)?.recheck();
  }

  /** Gives all units back; those on their way count as used. */
  clear(): void {
    for (const leases of this.#limiters.values()) {
      for (const lease of leases.values()) lease.drop();
    }
  }

  /** Gives all units back. Resolves when the store knows. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    const all = [...this.#limiters.values()].flatMap((leases) => [...leases.values()]);
    this.#limiters.clear();
    await Promise.all(all.map((lease) => lease.settle()));
  }

  #find({ limiter, key, policy }: Target): KeyLease | undefined {
    const lease = this.#limiters.get(limiter)?.get(key);
    return lease?.policy === policy ? lease : undefined;
  }

  #add(target: Target): KeyLease | undefined {
    const { limiter, key } = target;
    let leases = this.#limiters.get(limiter);
    if (leases === undefined) this.#limiters.set(limiter, leases = new Map());
    const before = leases.get(key);
    if (this.#closed || (before === undefined && this.#keys >= MAX_KEYS)) return undefined;
    if (before === undefined) this.#keys++;
    else void before.settle();
    const lease = new KeyLease(target, this.#clock, this.#source);
    leases.set(key, lease);
    return lease;
  }

  #sweepBy(atUs: number): void {
    if (atUs >= this.#sweepAtUs || this.#closed) return;
    this.#timer?.cancel();
    this.#sweepAtUs = Math.ceil(atUs);
    this.#timer = this.#clock.schedule(this.#sweepAtUs, () => this.#sweep(), { background: true });
  }

  /** Gives back what nobody uses, and forgets keys that have nothing. */
  #sweep(): void {
    this.#sweepAtUs = Infinity;
    const nowUs = this.#clock.nowUs();
    let nextUs = Infinity;
    for (const leases of this.#limiters.values()) {
      for (const [key, lease] of leases) {
        if (lease.isIdle(nowUs)) {
          void lease.settle();
          leases.delete(key);
          this.#keys--;
        } else nextUs = Math.min(nextUs, nowUs + idleUs(lease.policy));
      }
    }
    this.#sweepBy(nextUs);
  }
}

/** How long units may lie unused before they go back. */
function idleUs({ tokenLeaseUs }: Policy): number {
  return tokenLeaseUs / 4;
}

/** The leases of one key. */
class KeyLease {
  readonly policy: Policy;
  readonly #target: Target;
  readonly #rate: TokenBucketLimit;
  readonly #clock: Clock;
  readonly #source: LeaseSource;
  /** Oldest first: the one in use, and what was taken ahead. */
  #grants: Grant[] = [];
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
  #isSettled = false;
  /** Where the bucket stands as far as this process knows, by its own clock, and since when. */
  #state: TokenBucketState = tokenBucket.fresh();
  #knownAtUs = 0;

  constructor(target: Target, clock: Clock, source: LeaseSource) {
    this.policy = target.policy;
    this.#target = { ...target, cost: 1 };
    this.#rate = target.policy.rates[0] as TokenBucketLimit;
    this.#clock = clock;
    this.#source = source;
    this.#lastUsedUs = clock.nowUs();
  }

  take(cost: number, nowUs: number, signal: AbortSignal | undefined): TakeReply | Promise<TakeReply> {
    this.#lastUsedUs = nowUs;
    const grant = this.#grants[0];
    if (grant !== undefined && grant.units >= cost && this.#waiters.length === 0 && this.#isFresh(grant, nowUs)) {
      grant.units -= cost;
      if (grant.units < grant.taken / 2) this.#takeAhead(nowUs);
      return this.#reply("allowed", nowUs, 0);
    }
    return this.#takeSlowly(cost, nowUs, signal);
  }

  peek(cost: number, nowUs: number): TakeReply | Promise<TakeReply> | undefined {
    const held = this.#units(nowUs);
    if (held >= cost) return this.#reply("allowed", nowUs, 0);
    const denial = this.#waiters.length === 0 ? this.#denial(cost, nowUs) : undefined;
    if (denial !== undefined || held === 0) return denial;
    const targets = [{ ...this.#target, cost: cost - held }];
    return this.#source.take({ ...TAKE, targets, mode: "peek" }).then(({ status, waitUs, levels }) => {
      return new LeaseReply(status, nowUs, waitUs, this.#rate, stateOf(levels, nowUs), held);
    });
  }

  isIdle(nowUs: number): boolean {
    return this.#refilling === undefined && this.#waiters.length === 0 && nowUs >= this.#pausedUntilUs &&
      nowUs >= this.#lastUsedUs + idleUs(this.policy);
  }

  drop(): void {
    for (const grant of this.#grants.splice(0)) void this.#giveBack(grant);
    this.#drops++;
    this.recheck();
  }

  recheck(): void {
    this.#changes++;
    this.#isEmpty = false;
    this.#pausedUntilUs = this.#blockedUntilUs = 0;
  }

  learn(reply: TakeReply, askedUs: number): void {
    this.#state = stateOf(reply.levels, askedUs);
    this.#knownAtUs = askedUs;
    this.#isEmpty = true;
  }

  /** Gives everything back, also what is still on its way. Whoever waits is served first. */
  async settle(): Promise<void> {
    this.#isSettled = true;
    while (this.#refilling !== undefined) await this.#refilling;
    await Promise.all(this.#grants.splice(0).map((grant) => this.#giveBack(grant)));
  }

  #takeSlowly(cost: number, nowUs: number, signal: AbortSignal | undefined): TakeReply | Promise<TakeReply> {
    if (this.#waiters.length === 0) {
      if (this.#use(cost, nowUs)) return this.#reply("allowed", nowUs, 0);
      const denial = this.#denial(cost, nowUs);
      if (denial !== undefined) return denial;
    }
    return new Promise((resolve, reject) => {
      const untilUs = nowUs + this.policy.decisionTimeoutUs;
      this.#waiters.push({ cost, signal, untilUs, resolve, reject });
      this.#refill(nowUs);
    });
  }

  /** Takes from all that is leased, the oldest first. */
  #use(cost: number, nowUs: number): boolean {
    if (this.#units(nowUs) < cost) return false;
    for (let rest = cost; rest > 0;) {
      const grant = this.#grants[0] as Grant;
      const used = Math.min(grant.units, rest);
      grant.units -= used;
      rest -= used;
      if (grant.units === 0) this.#shift(nowUs);
    }
    return true;
  }

  /** The units that may be used now; what is too old goes. */
  #units(nowUs: number): number {
    while (this.#grants[0] !== undefined && !this.#isFresh(this.#grants[0], nowUs)) this.#shift(nowUs);
    return this.#held();
  }

  #isFresh({ askedUs }: Grant, nowUs: number): boolean {
    return nowUs < askedUs + this.policy.tokenLeaseUs;
  }

  /** Is done with the oldest grant, and learns from it how large the next should be. */
  #shift(nowUs: number): void {
    const grant = this.#grants.shift() as Grant;
    const { units, taken, askedUs } = grant;
    void this.#giveBack(grant);
    const usedPerUs = (taken - units) / Math.max(nowUs - askedUs, 1);
    const wanted = Math.ceil(usedPerUs * this.policy.tokenLeaseUs / 2);
    const most = Math.max(Math.floor(this.policy.capacity * MOST_AT_ONCE), 1);
    this.#size = Math.max(Math.min(wanted, taken * GROWTH, most), 1);
  }

  #takeAhead(nowUs: number): void {
    if (this.#grants.length < 2 && this.#size > 1 && nowUs >= this.#pausedUntilUs) this.#refill(nowUs);
  }

  #refill(nowUs: number): void {
    this.#refilling ??= this.#ask(nowUs).finally(() => {
      this.#refilling = undefined;
      if (this.#wanted() > 0) this.#refill(this.#clock.nowUs());
    });
  }

  async #ask(askedUs: number): Promise<void> {
    const [drops, changes] = [this.#drops, this.#changes];
    const times = Math.min(Math.max(this.#wanted() - this.#held(), this.#size), this.policy.capacity);
    try {
      const reply = await this.#source.take({ ...TAKE, targets: [this.#target], mode: "now", times });
      const taken = reply.times ?? 0;
      if (drops !== this.#drops) return;
      if (taken > 0) this.#hadUnits = true;
      if (taken > 0) this.#grants.push({ units: taken, taken, askedUs, storeUs: reply.nowUs });
      // What was corrected meanwhile may have left more than this reply tells.
      if (changes === this.#changes) this.#learnMore(reply, askedUs, taken < times);
      this.#serve(this.#clock.nowUs());
      this.#trim();
      if (this.#isSettled) await Promise.all(this.#grants.splice(0).map((rest) => this.#giveBack(rest)));
    } catch (error) {
      for (const { reject } of this.#waiters.splice(0)) reject(error);
    }
  }

  #learnMore(reply: TakeReply, askedUs: number, isEmpty: boolean): void {
    this.learn(reply, askedUs);
    this.#isEmpty = isEmpty;
    this.#pausedUntilUs = this.#blockedUntilUs = 0;
    if (!isEmpty) return;
    if (reply.status === "blocked") this.#blockedUntilUs = askedUs + reply.waitUs;
    // Whoever got units since he paused last comes back in the second half of the pause, whoever got none in the first.
    // The pause starts with the next unit, and ends before the bucket is full: nothing is lost by it.
    const { burstUs, intervalUs } = this.#rate;
    const mostUs = Math.min(this.policy.tokenLeaseUs / 4, Math.max(burstUs - intervalUs, 0) / 2);
    const pauseUs = mostUs * ((this.#hadUnits ? 1 : 0) + Math.random()) / 2;
    const nextUs = tokenBucket.earliest(this.#state, this.#clock.nowUs(), 1, this.#rate);
    this.#pausedUntilUs = nextUs + Math.ceil(pauseUs);
    this.#hadUnits = false;
  }

  /** The units that are waited for. Whoever has given up waits no more. */
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
      const answer = this.#use(cost, nowUs) ? this.#reply("allowed", nowUs, 0) : this.#denial(cost, nowUs);
      if (answer === undefined) return;
      this.#waiters.shift();
      resolve(answer);
    }
  }

  /** Gives back what is more than this process may hold: units for callers who are gone, or want more than there is. */
  #trim(): void {
    let excess = this.#held() - Math.max(Math.floor(this.policy.capacity * MOST_HELD), 1);
    for (const grant of this.#grants.toReversed()) {
      const units = Math.min(grant.units, excess);
      if (units <= 0) continue;
      grant.units -= units;
      excess -= units;
      void this.#giveBack({ ...grant, units });
    }
  }

  /** A denial that holds without asking again; undefined where there is none. */
  #denial(cost: number, nowUs: number): TakeReply | undefined {
    const knownUntilUs = Math.max(this.#pausedUntilUs, this.#knownAtUs + this.policy.denyCacheUs);
    if (!this.#isEmpty || nowUs >= knownUntilUs) return undefined;
    const freeUs = tokenBucket.earliest(this.#state, nowUs, cost - this.#held(), this.#rate);
    const atUs = Math.max(freeUs, this.#pausedUntilUs, this.#blockedUntilUs);
    if (atUs <= nowUs) return undefined;
    return this.#reply(this.#blockedUntilUs > nowUs ? "blocked" : "rate", nowUs, atUs - nowUs);
  }

  #reply(status: TakeReply["status"], nowUs: number, waitUs: number): TakeReply {
    return new LeaseReply(status, nowUs, waitUs, this.#rate, this.#state, this.#held());
  }

  #held(): number {
    let units = 0;
    for (const grant of this.#grants) units += grant.units;
    return units;
  }

  /**
   * Gives units back, as far as they have not been refilled since. The mark counts this grant's unused units alone, as
   * if the bucket had been full: of what others have taken, nothing can be given back twice.
   */
  async #giveBack({ units, storeUs }: Grant): Promise<void> {
    if (units === 0) return;
    this.#state = tokenBucket.refund(this.#state, this.#clock.nowUs(), units, this.#rate);
    const { intervalUs, intervalRem, denominator } = this.#rate;
    const rem = units * intervalRem;
    const carry = Math.floor(rem / denominator);
    const level = [units * intervalUs + carry, rem - carry * denominator] as const;
    const mark = { nowUs: storeUs, atUs: storeUs, level };
    const targets = [{ ...this.#target, cost: units }];
    // What cannot be given back now refills by itself.
    await this.#source.giveBack({ op: "giveBack", targets, marks: [[mark]] }).catch(() => {});
  }
}

function tooLate(): StoreError {
  return new StoreError("STORE_TIMEOUT", "Cannot lease units in time: the store has not decided", {
    reason: "no_answer",
  });
}

/** Where a bucket stands by this process' clock, as the store told it when it was asked. */
function stateOf(levels: readonly TargetLevel[], askedUs: number): TokenBucketState {
  const [us, rem] = levels[0]?.rates[0] ?? [0, 0];
  return { tatUs: askedUs + us, tatRem: rem };
}

/** A reply that no store gave. */
class LeaseReply implements TakeReply {
  readonly status: TakeReply["status"];
  readonly nowUs: number;
  readonly waitUs: number;
  readonly arrivalUs = 0;
  readonly #rate: TokenBucketLimit;
  readonly #known: TokenBucketState;
  readonly #units: number;

  constructor(
    status: TakeReply["status"],
    nowUs: number,
    waitUs: number,
    rate: TokenBucketLimit,
    known: TokenBucketState,
    units: number,
  ) {
    this.status = status;
    this.nowUs = nowUs;
    this.waitUs = waitUs;
    this.#rate = rate;
    this.#known = known;
    this.#units = units;
  }

  /** Where the bucket stands as far as this process knows, with its own units counted as free. */
  get levels(): readonly TargetLevel[] {
    const state = tokenBucket.refund(this.#known, this.nowUs, this.#units, this.#rate);
    return [{ rates: [tokenBucket.measure(state, this.nowUs, this.#rate)], slots: undefined }];
  }
}
