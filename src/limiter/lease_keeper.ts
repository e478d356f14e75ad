/**
 * Renews the leases that this process holds, all of them in one call, and tells whose was lost.
 *
 * @module
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { Target } from "../stores/store.ts";

/** A lease that is held. */
export interface HeldLease {
  /** Its id in the store. */
  readonly id: string;
  /** The targets whose slots are held. */
  readonly targets: readonly Target[];
  /** Called once if the store no longer knows it. */
  lost(): void;
}

/** Asks the store to renew leases; one answer for each. */
export type Renew = (leases: readonly HeldLease[]) => Promise<readonly boolean[]>;

/** The leases of one process at one store. */
export class LeaseKeeper {
  readonly #clock: Clock;
  readonly #renew: Renew;
  readonly #dueUs = new Map<HeldLease, number>();
  /** The call that asked last about a lease. */
  readonly #asked = new WeakMap<HeldLease, readonly HeldLease[]>();
  #timer: Timer | undefined;
  #timerUs = Infinity;

  /**
   * Makes one.
   *
   * @param clock What is waited by.
   * @param renew How to ask the store.
   */
  constructor(clock: Clock, renew: Renew) {
    this.#clock = clock;
    this.#renew = renew;
  }

  /** Called when the last lease was given back or lost. */
  onNone: (() => void) | undefined;

  /** Whether no lease is held. */
  get isEmpty(): boolean {
    return this.#dueUs.size === 0;
  }

  /** Renews a lease from now on, at a third of its time to live. */
  keep(lease: HeldLease): void {
    this.#schedule(lease, ttlUs(lease) / 3);
  }

  /** Renews it no more. Returns whether it was kept. */
  drop(lease: HeldLease): boolean {
    const kept = this.#dueUs.delete(lease);
    // The timer stays: a lease a moment later needs it, and one that finds none does nothing.
    if (this.#dueUs.size === 0) this.onNone?.();
    return kept;
  }

  /** Renews nothing more: whoever holds a lease has lost it, for it will end. */
  close(): void {
    const held = [...this.#dueUs.keys()];
    this.#dueUs.clear();
    this.#stop();
    for (const lease of held) lease.lost();
  }

  /** Renews all of them now: the store was away, and some may be late. */
  hurry(): void {
    if (this.#dueUs.size === 0) return;
    const nowUs = this.#clock.nowUs();
    for (const lease of this.#dueUs.keys()) this.#dueUs.set(lease, nowUs);
    void this.#tick();
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerUs = Infinity;
  }

  #schedule(lease: HeldLease, delayUs: number): void {
    const dueUs = this.#clock.nowUs() + Math.ceil(delayUs);
    this.#dueUs.set(lease, dueUs);
    if (dueUs >= this.#timerUs) return;
    this.#stop();
    this.#timerUs = dueUs;
    this.#timer = this.#clock.schedule(dueUs, () => void this.#tick(), { background: true });
  }

  async #tick(): Promise<void> {
    this.#stop();
    const nowUs = this.#clock.nowUs();
    // Whoever is due soon goes along: one call for many.
    const due = [...this.#dueUs].filter(([lease, dueUs]) => dueUs <= nowUs + ttlUs(lease) / 10).map(([lease]) => lease);
    for (const lease of due) this.#asked.set(lease, due);
    let held: readonly boolean[];
    try {
      held = due.length === 0 ? [] : await this.#renew(due);
    } catch {
      held = [];
    }
    due.forEach((lease, i) => {
      if (!this.#dueUs.has(lease)) return;
      // A late answer may be of a server that has been replaced meanwhile: that a lease is lost, the newest one tells.
      const isNewest = this.#asked.get(lease) === due;
      if (held[i] === false && isNewest) {
        this.drop(lease);
        lease.lost();
      } // Without an answer, nobody knows: ask again soon, and let the store say what became of it.
      else this.#schedule(lease, ttlUs(lease) / (held[i] ? 3 : 15));
    });
    for (const [lease, dueUs] of this.#dueUs) {
      if (dueUs < this.#timerUs) this.#schedule(lease, dueUs - this.#clock.nowUs());
    }
  }
}

function ttlUs(lease: HeldLease): number {
  let leastUs = Infinity;
  for (const { slots, policy } of lease.targets) if (slots > 0) leastUs = Math.min(leastUs, policy.leaseTtlUs);
  return leastUs;
}
