/**
 * Who holds the permits of one key, and who waits for one: what `_permits.lua` keeps in two sorted sets.
 *
 * @module
 */

import { Heap, type HeapItem } from "./heap.ts";
import { type Waiter, WaitQueue } from "./wait_queue.ts";

/** A lease. One without an id is known to its holder alone. */
export interface Lease extends HeapItem {
  readonly id: string | undefined;
  readonly permits: number;
  /** How long it lasts from when it is taken or renewed. */
  readonly ttlUs: number;
}

/** A lease that is known by its id. */
export interface LeaseFacts {
  readonly id: string;
  readonly permits: number;
  /** When it ends. */
  readonly at: number;
  readonly ttlUs: number;
}

/** All that a ledger knows, but for leases without an id. */
export interface LedgerFacts {
  /** Leases, also those that have ended and may be renewed, by their end. */
  readonly leases: readonly LeaseFacts[];
  /** Who waits, in order. */
  readonly waiters: readonly Waiter[];
  readonly lastFence: number;
  readonly latestUs: number;
}

/**
 * Leases and the queue of one key. It is the heap of the leases that have not ended, by their end, and no object more: with
 * many keys, most of what a permit costs is to read what was not read for a while.
 */
export class PermitLedger extends Heap<Lease> {
  #queue: WaitQueue | undefined;
  /** Those that have an id; most have none. */
  #leases: Map<string, Lease> | undefined;
  /** Those that have ended: they are removed when a call takes a permit, and until then held again when renewed. */
  #ended: Set<Lease> | undefined;
  /** When the last of them was found to have. */
  #endedUs = 0;
  #used = 0;
  #lastFence = 0;
  /** No lease ends later than its own length from this instant. */
  #latestUs = 0;

  /** A ledger of facts. Leases that have ended are found when the clock is read. */
  static of({ leases, waiters, lastFence, latestUs }: LedgerFacts): PermitLedger {
    const ledger = new PermitLedger();
    for (const { id, permits, at, ttlUs } of leases) ledger.#enter({ id, permits, at, ttlUs, place: -1 });
    for (const { id, arrivalUs, isKept } of waiters) ledger.queue.join(id, arrivalUs, arrivalUs, isKept);
    ledger.#lastFence = lastFence;
    ledger.#latestUs = latestUs;
    return ledger;
  }

  /** What tells this ledger from others. */
  get facts(): LedgerFacts {
    const leases = [...this.#leases?.values() ?? []] as (Lease & LeaseFacts)[];
    leases.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
    return {
      leases,
      waiters: this.#queue === undefined ? [] : this.#queue.waiters(),
      lastFence: this.#lastFence,
      latestUs: this.#latestUs,
    };
  }

  /** From this instant on, a token by the clock alone is above every one given out. */
  get freshFromUs(): number {
    return this.#lastFence + 1;
  }

  /** Who waits. */
  get queue(): WaitQueue {
    return this.#queue ??= new WaitQueue();
  }

  /** How many wait. */
  get waiting(): number {
    return this.#queue === undefined ? 0 : this.#queue.size;
  }

  /** Whether a permit is held or a call waits. */
  get inUse(): boolean {
    return this.size > 0 || this.#ended !== undefined || this.waiting > 0;
  }

  /** Permits whose leases have not ended. */
  live(nowUs: number): number {
    // A clock that steps back makes leases last longer, never shorter.
    if (this.#ended !== undefined && nowUs < this.#endedUs) this.#revive(this.#ended, nowUs);
    for (let { first } = this; first !== undefined && first.at <= nowUs; first = this.first) {
      this.remove(first);
      (this.#ended ??= new Set()).add(first);
      this.#endedUs = nowUs;
      this.#used -= first.permits;
    }
    return this.#used;
  }

  /**
   * Microseconds until the permit that makes room for `permits` more falls free by itself; 0 where there is room, and
   * for ever where there are fewer permits than that.
   */
  wait(nowUs: number, permits: number, maxConcurrent: number): number {
    const used = this.live(nowUs);
    let missing = used + permits - maxConcurrent;
    if (missing > used) return FOREVER_US;
    if (missing <= 0) return 0;
    let endUs = 0;
    this.walk((lease) => {
      endUs = lease.at;
      missing -= lease.permits;
      return missing <= 0;
    });
    return endUs - nowUs;
  }

  /** Microseconds until the first permit falls free by itself; 0 where none is held. */
  freeIn(nowUs: number): number {
    this.live(nowUs);
    const { first } = this;
    return first === undefined ? 0 : first.at - nowUs;
  }

  /**
   * Cuts leases that end later than their own length from now: they were taken before the clock stepped back. A holder
   * that is alive renews its lease before that.
   */
  cut(nowUs: number): void {
    if (nowUs >= this.#latestUs) return;
    this.#latestUs = nowUs;
    const late: Lease[] = [];
    this.walk((lease) => {
      if (lease.at > nowUs + lease.ttlUs) late.push(lease);
      return false;
    });
    for (const lease of late) this.move(lease, nowUs + lease.ttlUs);
  }

  /** A token above every one that this key has given out. */
  nextFence(nowUs: number): number {
    if (nowUs > this.#latestUs) this.#latestUs = nowUs;
    this.#lastFence = Math.max(nowUs, this.#lastFence + 1);
    return this.#lastFence;
  }

  /** Gives permits that are known to be free. Returns the fencing token. */
  grant(id: string, permits: number, nowUs: number, ttlUs: number): number {
    this.live(nowUs);
    this.#forgetEnded();
    this.#hold(id, Math.max(permits, 1), nowUs, ttlUs);
    return this.nextFence(nowUs);
  }

  /** Takes in a lease that is known to its holder alone, where `live` was just asked for. */
  enter(lease: Lease): void {
    this.#forgetEnded();
    this.add(lease);
    this.#used += lease.permits;
  }

  /** Ends a lease that is known to its holder alone. Returns whether there still was one. */
  leave(lease: Lease): boolean {
    const isKnown = lease.place >= 0 || this.#ended?.has(lease) === true;
    if (isKnown) this.#drop(lease);
    return isKnown;
  }

  /** Extends a lease that is known to its holder alone, as `renew` does. */
  extend(lease: Lease, nowUs: number, ttlUs: number, maxConcurrent: number): boolean {
    const used = this.live(nowUs);
    this.#latestUs = Math.max(this.#latestUs, nowUs);
    if (lease.place >= 0) {
      this.move(lease, nowUs + ttlUs);
      return true;
    }
    if (!this.#ended?.delete(lease) || used + lease.permits > maxConcurrent) return false;
    if (this.#ended.size === 0) this.#ended = undefined;
    lease.at = nowUs + ttlUs;
    this.add(lease);
    this.#used += lease.permits;
    return true;
  }

  /** Ends the leases of an id. Returns how many permits that were. */
  release(id: string): number {
    const lease = this.#leases?.get(id);
    if (lease === undefined) return 0;
    this.#drop(lease);
    return lease.permits;
  }

  /** Whether an id holds a lease that has not ended. */
  holds(id: string, nowUs: number): boolean {
    return (this.#leases?.get(id)?.at ?? 0) > nowUs;
  }

  /** Extends the leases of an id. A lease over time is held again if there still is room. Returns whether it is held. */
  renew(id: string, permits: number, nowUs: number, ttlUs: number, maxConcurrent: number): boolean {
    const used = this.live(nowUs);
    const lease = this.#leases?.get(id);
    if (lease === undefined || (lease.at <= nowUs && used + permits > maxConcurrent)) return false;
    this.#hold(id, Math.max(permits, 1), nowUs, ttlUs);
    return true;
  }

  /** Ends every lease. */
  override clear(): void {
    this.#leases?.clear();
    super.clear();
    this.#ended = undefined;
    this.#used = 0;
  }

  #hold(id: string, permits: number, nowUs: number, ttlUs: number): void {
    const at = nowUs + ttlUs;
    this.#latestUs = Math.max(this.#latestUs, nowUs);
    const before = this.#leases?.get(id);
    if (before !== undefined && before.permits === permits && before.place >= 0) return this.move(before, at);
    if (before !== undefined) this.#drop(before);
    this.#enter({ id, permits, ttlUs, at, place: -1 });
  }

  #enter(lease: Lease & { readonly id: string }): void {
    (this.#leases ??= new Map<string, Lease>()).set(lease.id, lease);
    this.add(lease);
    this.#used += lease.permits;
  }

  #forgetEnded(): void {
    if (this.#ended === undefined) return;
    for (const { id } of this.#ended) if (id !== undefined) this.#leases?.delete(id);
    this.#ended = undefined;
  }

  #drop(lease: Lease): void {
    if (lease.id !== undefined) this.#leases?.delete(lease.id);
    if (lease.place < 0) {
      this.#ended?.delete(lease);
      if (this.#ended?.size === 0) this.#ended = undefined;
    } else {
      this.remove(lease);
      this.#used -= lease.permits;
    }
  }

  #revive(ended: Set<Lease>, nowUs: number): void {
    for (const lease of ended) {
      if (lease.at <= nowUs) continue;
      ended.delete(lease);
      this.add(lease);
      this.#used += lease.permits;
    }
    if (ended.size === 0) this.#ended = undefined;
  }
}

/** As in `_permits.lua`. */
const FOREVER_US = 1e15;
