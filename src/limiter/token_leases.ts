/**
 * Token leases: units taken in advance, from which this process admits calls without asking the store.
 *
 * The bound holds: a unit is used at most the lease time after it was charged, so what is admitted in an interval was
 * charged in one that is longer by the lease time, and the policy's burst is smaller by what refills in that time. Units
 * that nobody uses go back after a quarter of it. A process that has found the bucket empty leaves it to the others for
 * a quarter of it.
 *
 * @module
 */

import { tokenBucket } from "../algorithms/token_bucket.ts";
import type { TokenBucketLimit } from "../algorithms/limit.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { Policy } from "../policy/policy.ts";
import type { GiveBackRequest, TakeReply, TakeRequest, Target, TargetLevel } from "../stores/store.ts";

/** The most keys with leases at a time; calls on others ask the store. */
const MAX_KEYS = 10_000;

/** The largest share of a bucket that is taken at once. */
const MOST_AT_ONCE = 1 / 4;

/** How many times larger a lease may be than the one before. */
const GROWTH = 4;

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

/** What the store said of the bucket, and when it was asked. */
interface KnownLevel {
  readonly us: number;
  readonly rem: number;
  readonly atUs: number;
}

/** A call that waits for units. */
interface Waiter {
  readonly cost: number;
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
   * Takes from what was leased, or leases more. Undefined if the store has to be asked itself.
   *
   * @throws {StoreError} If more had to be leased and could not be.
   */
  take(target: Target): TakeReply | Promise<TakeReply> | undefined {
    const lease = this.#find(target) ?? this.#add(target);
    if (lease === undefined) return undefined;
    const reply = lease.take(target.cost, this.#clock.nowUs());
    if (this.#timer === undefined && !this.#closed) this.#sweepLater(target.policy.tokenLeaseUs / 4);
    return reply;
  }

  /** What `take` would tell without asking the store; undefined where it would ask. */
  peek(target: Target): TakeReply | undefined {
    return this.#find(target)?.peek(target.cost, this.#clock.nowUs());
  }

  /** Takes back what was taken for a caller who is gone. */
  putBack(target: Target): void {
    this.#find(target)?.putBack(target.cost);
  }

  /** Forgets the units of targets: they count as used. */
  drop(targets: readonly Target[]): void {
    for (const { limiter, key } of targets) this.#limiters.get(limiter)?.get(key)?.drop();
  }

  /** Asks the store again for targets, even if it had no more a moment ago. */
  recheck(targets: readonly Target[]): void {
    for (const { limiter, key } of targets) this.#limiters.get(limiter)?.get(key)?.recheck();
  }

  /** Forgets all units. */
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

  #sweepLater(delayUs: number): void {
    const atUs = this.#clock.nowUs() + Math.ceil(delayUs);
    this.#timer = this.#clock.schedule(atUs, () => this.#sweep(), { background: true });
  }

  /** Gives back what nobody uses, and forgets keys that have nothing. */
  #sweep(): void {
    this.#timer = undefined;
    const nowUs = this.#clock.nowUs();
    let nextUs = Infinity;
    for (const leases of this.#limiters.values()) {
      for (const [key, lease] of leases) {
        const idleUs = lease.policy.tokenLeaseUs / 4;
        if (lease.isIdle(nowUs)) {
          void lease.settle();
          leases.delete(key);
          this.#keys--;
        } else nextUs = Math.min(nextUs, idleUs);
      }
    }
    if (nextUs < Infinity && !this.#closed) this.#sweepLater(nextUs);
  }
}

/** The leases of one key. */
class KeyLease {
  readonly policy: Policy;
  readonly #target: Target;
  readonly #rate: TokenBucketLimit;
  readonly #clock: Clock;
  readonly #source: LeaseSource;
  /** Oldest first; at most the one in use and one taken ahead. */
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
  #blockedUntilUs = 0;
  /** Counts how often what was leased became void. */
  #drops = 0;
  #isSettled = false;
  #level: KnownLevel = { us: 0, rem: 0, atUs: 0 };

  constructor(target: Target, clock: Clock, source: LeaseSource) {
    this.policy = target.policy;
    this.#target = { ...target, cost: 1 };
    this.#rate = target.policy.rates[0] as TokenBucketLimit;
    this.#clock = clock;
    this.#source = source;
    this.#lastUsedUs = clock.nowUs();
  }

  take(cost: number, nowUs: number): TakeReply | Promise<TakeReply> {
    this.#lastUsedUs = nowUs;
    const grant = this.#grants[0];
    if (grant !== undefined && grant.units >= cost && this.#waiters.length === 0 && this.#isFresh(grant, nowUs)) {
      grant.units -= cost;
      if (grant.units < grant.taken / 2) this.#takeAhead(nowUs);
      return this.#allowed(nowUs);
    }
    return this.#takeSlowly(cost, nowUs);
  }

  putBack(cost: number): void {
    const grant = this.#grants.at(-1);
    if (grant !== undefined) grant.units += cost;
  }

  peek(cost: number, nowUs: number): TakeReply | undefined {
    if (this.#units(nowUs) >= cost) return this.#allowed(nowUs);
    return this.#waiters.length === 0 ? this.#denial(cost, nowUs) : undefined;
  }

  isIdle(nowUs: number): boolean {
    const idleUs = this.policy.tokenLeaseUs / 4;
    return this.#refilling === undefined && this.#waiters.length === 0 && nowUs >= this.#lastUsedUs + idleUs &&
      nowUs >= this.#pausedUntilUs;
  }

  drop(): void {
    this.#grants = [];
    this.#drops++;
    this.recheck();
  }

  recheck(): void {
    this.#isEmpty = false;
    this.#pausedUntilUs = this.#blockedUntilUs = 0;
  }

  /** Gives everything back, also what is still on its way. Whoever waits is served first. */
  async settle(): Promise<void> {
    this.#isSettled = true;
    while (this.#refilling !== undefined) await this.#refilling;
    const grants = this.#grants;
    this.#grants = [];
    await Promise.all(grants.map((grant) => this.#giveBack(grant)));
  }

  #takeSlowly(cost: number, nowUs: number): TakeReply | Promise<TakeReply> {
    if (this.#waiters.length === 0) {
      if (this.#use(cost, nowUs)) return this.#allowed(nowUs);
      const denial = this.#denial(cost, nowUs);
      if (denial !== undefined) return denial;
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ cost, resolve, reject });
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
      if (this.#waiters.length > 0) this.#refill(this.#clock.nowUs());
    });
  }

  async #ask(askedUs: number): Promise<void> {
    const drops = this.#drops;
    const waiting = this.#waiters.reduce((sum, { cost }) => sum + cost, 0);
    const times = Math.min(Math.max(waiting, this.#size), this.policy.capacity);
    const request = { op: "take", targets: [this.#target], mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0 } as const;
    try {
      const reply = await this.#source.take({ ...request, times });
      const taken = reply.times ?? 0;
      const grant: Grant = { units: taken, taken, askedUs, storeUs: reply.nowUs };
      if (drops !== this.#drops) return await this.#giveBack(grant);
      if (taken > 0) this.#grants.push(grant);
      this.#learn(reply, askedUs, taken < times);
      this.#serve(this.#clock.nowUs());
      if (this.#isSettled) await Promise.all(this.#grants.splice(0).map((rest) => this.#giveBack(rest)));
    } catch (error) {
      for (const { reject } of this.#waiters.splice(0)) reject(error);
    }
  }

  #learn(reply: TakeReply, askedUs: number, isEmpty: boolean): void {
    const [us, rem] = reply.levels[0]?.rates[0] ?? [0, 0];
    this.#level = { us, rem, atUs: askedUs };
    this.recheck();
    if (!isEmpty) return;
    this.#isEmpty = true;
    if (reply.status === "blocked") this.#blockedUntilUs = askedUs + reply.waitUs;
    // Not always the same pause: or two processes could ask in turn, and one of them always too late.
    const pauseUs = Math.min(this.policy.tokenLeaseUs / 4, this.#rate.burstUs / 2) * (1 + Math.random()) / 2;
    this.#pausedUntilUs = this.#clock.nowUs() + Math.ceil(pauseUs);
  }

  /** Answers those who wait, in order, until the store has to be asked again. */
  #serve(nowUs: number): void {
    while (this.#waiters.length > 0) {
      const { cost, resolve } = this.#waiters[0] as Waiter;
      const answer = this.#use(cost, nowUs) ? this.#allowed(nowUs) : this.#denial(cost, nowUs);
      if (answer === undefined) return;
      this.#waiters.shift();
      resolve(answer);
    }
  }

  /** A denial that holds without asking again; undefined where there is none. */
  #denial(cost: number, nowUs: number): TakeReply | undefined {
    const { us, rem, atUs: knownAtUs } = this.#level;
    const knownUntilUs = Math.max(this.#pausedUntilUs, knownAtUs + this.policy.denyCacheUs);
    if (!this.#isEmpty || nowUs >= knownUntilUs) return undefined;
    const state = { tatUs: knownAtUs + us, tatRem: rem };
    const freeUs = tokenBucket.earliest(state, nowUs, cost, this.#rate);
    const atUs = Math.max(freeUs, this.#pausedUntilUs, this.#blockedUntilUs);
    if (atUs <= nowUs) return undefined;
    const status = this.#blockedUntilUs > nowUs ? "blocked" : "rate";
    return new LeaseReply(status, nowUs, atUs - nowUs, this.#rate, this.#level, this.#held());
  }

  #allowed(nowUs: number): TakeReply {
    return new LeaseReply("allowed", nowUs, 0, this.#rate, this.#level, this.#held());
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

/** A reply that no store gave. */
class LeaseReply implements TakeReply {
  readonly status: TakeReply["status"];
  readonly nowUs: number;
  readonly waitUs: number;
  readonly arrivalUs = 0;
  readonly #rate: TokenBucketLimit;
  readonly #known: KnownLevel;
  readonly #units: number;

  constructor(
    status: TakeReply["status"],
    nowUs: number,
    waitUs: number,
    rate: TokenBucketLimit,
    known: KnownLevel,
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
    const { intervalUs, intervalRem, denominator } = this.#rate;
    const { us, rem, atUs } = this.#known;
    const ownUs = Math.floor(this.#units * (intervalUs + intervalRem / denominator));
    const debtUs = us - (this.nowUs - atUs) - ownUs;
    return [{ rates: [debtUs <= 0 ? [0, 0] : [debtUs, rem]], slots: undefined }];
  }
}
