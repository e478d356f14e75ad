/**
 * The permits of keys and their queues, at one reading of the clock: how far they are taken, and who comes first. It
 * reads what `_queue.lua` and `_take_permits.lua` read, line by line.
 *
 * @module
 */

import type { TakeRequest, Target, WakeupListener } from "../store.ts";
import { parseWaiterId } from "../waiter_id.ts";
import { PermitLedger } from "./permit_ledger.ts";
import { type RateTransaction, UNUSED } from "./rate_transaction.ts";
import type { Entries } from "./run_context.ts";

/** A waiter, as a target of its own. */
export interface Head extends Target {
  /** Its id. */
  readonly id: string;
  /** Whether a permit may be handed to it directly. */
  readonly direct: boolean;
  /** Whether it was called here and keeps its place while it waits for another limiter. */
  readonly isKept: boolean;
  /** When it arrived. */
  readonly arrivalUs: number;
  /** Where its wakeups go. */
  readonly listener: WakeupListener;
}

/** How many in front of a queue may be called, or keep a place, at the same time: those behind wait. */
export const FRONT = 8;

/** Permits and queues of any target. */
export class PermitState {
  readonly #table: Entries;
  readonly #listeners: ReadonlyMap<string, WakeupListener>;
  readonly #nowUs: number;
  readonly #rates: RateTransaction;

  /**
   * Reads nothing yet.
   *
   * @param table The state.
   * @param listeners Where wakeups go, by instance. A waiter whose instance is not there is gone.
   * @param nowUs The reading of the clock.
   * @param rates Tells when a waiter's rates agree.
   */
  constructor(
    table: Entries,
    listeners: ReadonlyMap<string, WakeupListener>,
    nowUs: number,
    rates: RateTransaction,
  ) {
    this.#table = table;
    this.#listeners = listeners;
    this.#nowUs = nowUs;
    this.#rates = rates;
  }

  /** The waiter at a place of the queue. Waiters that gave up, or whose instance is gone, are dropped. */
  waiterAt(target: Target, place: number): Head | undefined {
    const ledger = this.find(target);
    const queue = ledger === undefined || ledger.waiting === 0 ? undefined : ledger.queue;
    for (let found = queue?.at(place); queue !== undefined && found !== undefined; found = queue.at(place)) {
      const { id, arrivalUs, isKept } = found;
      const { instance, direct, maxWaitUs, permits, cost } = parseWaiterId(id);
      const listener = this.#listeners.get(instance);
      if (listener !== undefined && this.#nowUs - arrivalUs <= maxWaitUs) {
        const fitting = Math.min(permits, target.policy.maxConcurrent);
        return { ...target, id, direct, isKept, arrivalUs, permits: fitting, cost, listener };
      }
      queue.leave(id);
    }
    return undefined;
  }

  /** Whether the queue is full. Waiters in front that are gone make room. */
  isQueueFull(target: Target): boolean {
    const { maxWaiters } = target.policy;
    const isFull = () => (this.find(target)?.waiting ?? 0) >= maxWaiters;
    if (!isFull()) return false;
    this.waiterAt(target, 0);
    return isFull();
  }

  /** Whether a request finds no permit, or others in front of it. */
  isFull(target: Target, { id, arrivalUs }: TakeRequest): boolean {
    if (target.policy.maxConcurrent === 0) return false;
    return this.wait(target, target.permits) > 0 || this.#isBehind(target, id, arrivalUs);
  }

  /** Whether others stand in the way of `id`: those who came before it, and what is kept free for them. */
  #isBehind(target: Target, id: string, arrivalUs: number): boolean {
    let reserved = 0;
    for (let place = 0; place < FRONT; place++) {
      const waiter = this.waiterAt(target, place);
      if (waiter === undefined || waiter.id === id) return false;
      if (arrivalUs > 0 && waiter.arrivalUs > arrivalUs) return false;
      reserved += waiter.permits;
      if (waiter.direct || this.wait(target, reserved + target.permits) > 0) return true;
    }
    return true;
  }

  /** Microseconds after which `id`, which waits, should ask again if it was told nothing. */
  recheck(target: Target, id: string): number {
    const { leaseTtlUs } = target.policy;
    let reserved = 0;
    for (let place = 0; place < FRONT; place++) {
      const waiter = this.waiterAt(target, place);
      if (waiter === undefined) return 0;
      const own = waiter.id === id;
      const asked = own ? target : waiter;
      const waitUs = this.wait(target, reserved + asked.permits);
      if (waitUs > 0) return Math.min(waitUs, leaseTtlUs);
      if (own || waiter.direct) {
        const rateWaitUs = this.#rates.plan(asked) - this.#nowUs;
        return own ? rateWaitUs : rateWaitUs + leaseTtlUs;
      }
      reserved += waiter.permits;
    }
    return leaseTtlUs;
  }

  /** Grants what a target asks for, which is known to be free. Returns the fencing token. */
  grant(target: Target, id: string): number {
    return this.ledger(target).grant(id, target.permits, this.#nowUs, target.policy.leaseTtlUs);
  }

  /** Where there is no permit left: see `PermitLedger.cut`. */
  cutLeases(target: Target): void {
    if (this.wait(target, target.permits) > 0) this.find(target)?.cut(this.#nowUs);
  }

  /** Microseconds until so many permits fall free by themselves; 0 where they are free. */
  wait(target: Target, permits: number): number {
    const { maxConcurrent } = target.policy;
    return (this.find(target) ?? UNUSED).wait(this.#nowUs, permits, maxConcurrent);
  }

  /** The ledger of a target, if there is one. */
  find(target: Target): PermitLedger | undefined {
    return this.#table.read(target, this.#nowUs).ledger;
  }

  /** The ledger of a target, made and kept if there is none yet. */
  ledger(target: Target): PermitLedger {
    const entry = this.#table.read(target, this.#nowUs);
    if (entry.ledger === undefined) {
      entry.ledger = new PermitLedger();
      this.#table.write(target, entry, this.#nowUs);
    }
    return entry.ledger;
  }
}
