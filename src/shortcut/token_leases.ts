/**
 * Token leases: units taken in advance, from which this process admits calls without asking the store.
 *
 * The bound holds: a unit is used at most the lease time after it was charged, so what is admitted in an interval was
 * charged in one that is longer by the lease time, and the policy's burst is smaller by what refills in that time. Units
 * that are not used go back within half of it. A process that has found the bucket empty leaves it to the others for
 * a quarter of it.
 *
 * @module
 */

import type { Clock, Timer } from "../base/clock.ts";
import { MAX_PLAIN_KEY } from "../base/short_key.ts";
import type { Policy } from "../policy/policy.ts";
import type { TakeReply, Target } from "../stores/store.ts";
import { idleUs, TokenLease, type TokenSource } from "./token_lease.ts";

/** The most keys with leases at a time; calls on others ask the store. */
const MAX_KEYS = 10_000;

/** The leases of one store's limiters in this process. */
export class TokenLeases {
  readonly #clock: Clock;
  readonly #source: TokenSource;
  readonly #limiters = new Map<string, Map<string | undefined, TokenLease>>();
  #asked: Target | undefined;
  #found: TokenLease | undefined;
  /** The limiter that was asked for last without waiting, and its leases. */
  #lastLimiter: string | undefined;
  #last: ReadonlyMap<string | undefined, TokenLease> | undefined;
  #keys = 0;
  #timer: Timer | undefined;
  #sweepAtUs = Infinity;
  #closed = false;

  constructor(clock: Clock, source: TokenSource) {
    this.#clock = clock;
    this.#source = source;
  }

  /**
   * Takes from what was leased, or leases more. Undefined if the store has to be asked itself, as always for keys of more
   * than 200 characters: a lease keeps its key. Nothing is taken for a caller whose signal is aborted while it waits.
   *
   * @throws {StoreError} If more had to be leased and could not be.
   */
  take(target: Target, signal?: AbortSignal): TakeReply | Promise<TakeReply> | undefined {
    if (isLong(target.key)) return undefined;
    const lease = this.#find(target) ?? this.#add(target);
    if (lease === undefined) return undefined;
    const nowUs = this.#clock.nowUs();
    const reply = lease.take(target.cost, nowUs, signal);
    this.#sweepBy(nowUs + idleUs(target.policy));
    return reply;
  }

  /** Takes from what was leased, or repeats a denial that still holds. Undefined if more has to be leased first. */
  takeNow(limiter: string, policy: Policy, key: string | undefined, cost: number): TakeReply | undefined {
    if (limiter !== this.#lastLimiter) this.#last = this.#limiters.get(this.#lastLimiter = limiter);
    const lease = this.#last?.get(key);
    return lease === undefined || lease.policy !== policy ? undefined : lease.takeNow(cost, this.#clock.nowUs());
  }

  /** Leases units for later calls, for one that found too few and does not wait. */
  begin(target: Target): void {
    if (isLong(target.key)) return;
    const nowUs = this.#clock.nowUs();
    (this.#find(target) ?? this.#add(target))?.begin(target.cost, nowUs);
    this.#sweepBy(nowUs + idleUs(target.policy));
  }

  /** What `take` would tell. Undefined if the store has to be asked itself. */
  peek(target: Target): TakeReply | Promise<TakeReply> | undefined {
    return isLong(target.key) ? undefined : this.#find(target)?.peek(target.cost, this.#clock.nowUs());
  }

  /** Learns from a call that did not use units of this process how long it would have to wait for some. */
  learn(target: Target, reply: TakeReply, askedUs: number): void {
    if (reply.waitUs > 0 && !isLong(target.key)) this.#find(target)?.learn(reply, askedUs);
  }

  /** Gives the units of targets back; those on their way count as used. */
  drop(targets: readonly Target[]): void {
    for (const target of targets) this.#of(target)?.drop();
  }

  /** Asks the store again for targets, even if it had no more a moment ago. */
  recheck(targets: readonly Target[]): void {
    for (const target of targets) this.#of(target)?.recheck();
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
    this.#lastLimiter = this.#last = undefined;
    this.#remember(undefined, undefined);
    await Promise.all(all.map((lease) => lease.settle()));
  }

  #find(target: Target): TokenLease | undefined {
    if (target === this.#asked) return this.#found;
    const lease = this.#of(target);
    return lease?.policy === target.policy ? this.#remember(target, lease) : undefined;
  }

  #of({ limiter, key }: Target): TokenLease | undefined {
    return isLong(key) ? undefined : this.#limiters.get(limiter)?.get(key);
  }

  /** Most calls are about the target of the call before, and it is the same object. */
  #remember<Lease extends TokenLease | undefined>(target: Target | undefined, lease: Lease): Lease {
    this.#asked = target;
    this.#found = lease;
    return lease;
  }

  #add(target: Target): TokenLease | undefined {
    const { limiter, key } = target;
    let leases = this.#limiters.get(limiter);
    if (leases === undefined) {
      this.#limiters.set(limiter, leases = new Map());
      this.#lastLimiter = undefined;
    }
    const before = leases.get(key);
    if (this.#closed || (before === undefined && this.#keys >= MAX_KEYS)) return undefined;
    if (before === undefined) this.#keys++;
    else void before.settle();
    const lease = new TokenLease(target, this.#clock, this.#source);
    leases.set(key, lease);
    return this.#remember(target, lease);
  }

  #sweepBy(atUs: number): void {
    if (atUs >= this.#sweepAtUs || this.#closed) return;
    this.#timer?.cancel();
    this.#sweepAtUs = Math.ceil(atUs);
    this.#timer = this.#clock.schedule(this.#sweepAtUs, () => this.#sweep(), { background: true });
  }

  /** Gives unused units back, and forgets keys that have none. */
  #sweep(): void {
    this.#sweepAtUs = Infinity;
    const nowUs = this.#clock.nowUs();
    let nextUs = Infinity;
    for (const leases of this.#limiters.values()) {
      for (const [key, lease] of leases) {
        if (lease.isIdle(nowUs)) {
          void lease.settle();
          leases.delete(key);
          this.#remember(undefined, undefined);
          this.#keys--;
        } else nextUs = Math.min(nextUs, nowUs + idleUs(lease.policy));
      }
    }
    this.#sweepBy(nextUs);
  }
}

function isLong(key: string | undefined): boolean {
  return key !== undefined && key.length > MAX_PLAIN_KEY;
}
