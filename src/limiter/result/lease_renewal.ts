/**
 * Renews the leases that this process holds, all of them in one call, and tells whose was lost.
 *
 * @module
 */

import type { Clock, Timer } from "../../base/clock.ts";
import type { LocalLease, Target } from "../../stores/store.ts";

/** A lease that is held. Its holder is one itself, so that the keeper needs no other object and no map. */
export interface HeldLease {
  /** Its id in the store, or itself, where it is held in this process. */
  readonly lease: string | LocalLease;
  /** The targets whose permits are held. */
  readonly targets: readonly Target[];
  /** Called once if the store no longer knows it. */
  lose(): void;

  /** When it is renewed, 0 at first; the keeper sets this and all that follows. */
  dueUs: number;
  /** The line in which it waits for that; undefined while it is not kept. */
  line: LeaseLine | undefined;
  /** Its neighbours in the line. */
  before: HeldLease | undefined;
  /** The one behind it. */
  after: HeldLease | undefined;
  /** The call that asked last about it. */
  asked: readonly HeldLease[] | undefined;
}

/** Asks the store to renew leases; one answer for each. */
export type Renew = (leases: readonly HeldLease[]) => Promise<readonly boolean[]>;

/** Leases that are renewed after the same time, so the oldest is due first. */
export class LeaseLine {
  first: HeldLease | undefined = undefined;
  last: HeldLease | undefined = undefined;

  add(lease: HeldLease): void {
    const { last } = this;
    lease.line = this;
    lease.before = last;
    if (last === undefined) this.first = lease;
    else last.after = lease;
    this.last = lease;
  }

  delete(lease: HeldLease): void {
    const { before, after } = lease;
    if (before === undefined) this.first = after;
    else before.after = after;
    if (after === undefined) this.last = before;
    else after.before = before;
    lease.before = lease.after = lease.line = undefined;
  }
}

/** The leases of one process at one store. */
export class LeaseRenewal {
  readonly #clock: Clock;
  readonly #renew: Renew;
  readonly #present: (targets: readonly Target[]) => readonly Target[];
  /** By how long after they were put in leases are renewed, in microseconds. */
  readonly #lines = new Map<number, LeaseLine>();
  /** The line that was used last: nearly always there is no other. */
  #line: LeaseLine | undefined;
  #lineUs = 0;
  #size = 0;
  #timer: Timer | undefined;
  #timerUs = Infinity;

  /** `present` tells by which rules targets are renewed. */
  constructor(clock: Clock, renew: Renew, present: (targets: readonly Target[]) => readonly Target[] = (same) => same) {
    this.#clock = clock;
    this.#renew = renew;
    this.#present = present;
  }

  /** Called when the last lease was given back or lost. */
  onNone: (() => void) | undefined;

  /** Whether no lease is held. */
  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /**
   * Renews a lease from now on, at a third of its time to live.
   *
   * @param lease The lease; it must not be kept already.
   * @param nowUs The time by the keeper's clock.
   */
  keep(lease: HeldLease, nowUs: number = this.#clock.nowUs()): void {
    this.#size++;
    this.#put(lease, this.#ttlUs(lease) / 3, nowUs);
  }

  /** Renews it no more. Returns whether it was kept. */
  drop(lease: HeldLease): boolean {
    if (lease.line === undefined) return false;
    lease.line.delete(lease);
    // The timer stays: a lease a moment later needs it, and one that finds none does nothing.
    if (--this.#size === 0) this.onNone?.();
    return true;
  }

  /** Renews nothing more: a holder of a lease has lost it, for it will end. */
  close(): void {
    const held = this.#all();
    for (const lease of held) lease.line?.delete(lease);
    this.#size = 0;
    this.#stop();
    for (const lease of held) lease.lose();
  }

  /** Renews all of them now: the store was away, and some may be late. */
  hurry(): void {
    if (this.#size > 0) void this.#renewAll(this.#all());
  }

  #all(): HeldLease[] {
    return this.#due(() => true);
  }

  /** Those at the front of the lines that are due. */
  #due(isDue: (lease: HeldLease) => boolean): HeldLease[] {
    const due: HeldLease[] = [];
    for (const { first } of this.#lines.values()) {
      for (let lease = first; lease !== undefined && isDue(lease); lease = lease.after) due.push(lease);
    }
    return due;
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerUs = Infinity;
  }

  #put(lease: HeldLease, delay: number, nowUs: number): void {
    const delayUs = Math.ceil(delay);
    if (this.#line === undefined || this.#lineUs !== delayUs) {
      let line = this.#lines.get(delayUs);
      if (line === undefined) this.#lines.set(delayUs, line = new LeaseLine());
      this.#line = line;
      this.#lineUs = delayUs;
    }
    lease.dueUs = nowUs + delayUs;
    this.#line.add(lease);
    if (lease.dueUs < this.#timerUs) this.#aim(lease.dueUs);
  }

  #aim(dueUs: number): void {
    this.#stop();
    this.#timerUs = dueUs;
    this.#timer = this.#clock.schedule(dueUs, () => void this.#tick(), { background: true });
  }

  async #tick(): Promise<void> {
    this.#stop();
    const nowUs = this.#clock.nowUs();
    // Leases that are due soon go along: one call for many.
    await this.#renewAll(this.#due((lease) => lease.dueUs <= nowUs + this.#ttlUs(lease) / 10));
  }

  async #renewAll(due: readonly HeldLease[]): Promise<void> {
    for (const lease of due) lease.asked = due;
    let held: readonly boolean[];
    try {
      held = due.length === 0 ? [] : await this.#renew(due);
    } catch {
      held = [];
    }
    const nowUs = this.#clock.nowUs();
    due.forEach((lease, i) => {
      if (lease.line === undefined) return;
      // A late answer may be of a server that has been replaced meanwhile: that a lease is lost, the newest one tells.
      if (held[i] === false && lease.asked === due) {
        this.drop(lease);
        lease.lose();
        return;
      }
      // Without an answer it is unknown: ask again soon, and let the store say what became of it.
      lease.line.delete(lease);
      this.#put(lease, this.#ttlUs(lease) / (held[i] ? 3 : 15), nowUs);
    });
    let nextUs = Infinity;
    for (const { first } of this.#lines.values()) if (first !== undefined) nextUs = Math.min(nextUs, first.dueUs);
    if (nextUs < this.#timerUs) this.#aim(nextUs);
  }

  /** The shorter one of what the lease was granted for, and what a renewal by the present rules grants. */
  #ttlUs({ targets }: HeldLease): number {
    const present = this.#present(targets);
    return present === targets ? ttlUs(targets) : Math.min(ttlUs(targets), ttlUs(present));
  }
}

function ttlUs(targets: HeldLease["targets"]): number {
  if (targets.length === 1) return (targets[0] as Target).policy.leaseTtlUs;
  let leastUs = Infinity;
  for (const { permits, policy } of targets) if (permits > 0) leastUs = Math.min(leastUs, policy.leaseTtlUs);
  return leastUs;
}
