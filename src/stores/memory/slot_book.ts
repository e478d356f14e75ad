/**
 * Who holds the slots of one key, and who waits for one: what `_slots.lua` keeps in two sorted sets.
 *
 * @module
 */

/** One that waits. */
export interface Waiter {
  /** Its id, which tells what it asks for. */
  readonly id: string;
  /** When it arrived; later than everyone before it. */
  readonly arrivalUs: number;
}

/** Leases and the queue of one key. */
export class SlotBook {
  readonly #leases = new Map<string, number>();
  readonly #waiters: Waiter[] = [];
  #lastFence = 0;

  /** From this instant on, a token by the clock alone is above every one given out. */
  get freshFromUs(): number {
    return this.#lastFence + 1;
  }

  /** Whether anybody holds or waits for anything. */
  get inUse(): boolean {
    return this.#leases.size > 0 || this.#waiters.length > 0;
  }

  /** Leases that have not ended. */
  live(nowUs: number): number {
    return this.#ends(nowUs).length;
  }

  /** Microseconds until the slot that makes room for `slots` more falls free by itself; 0 where there is room. */
  wait(nowUs: number, slots: number, maxConcurrent: number): number {
    const ends = this.#ends(nowUs);
    const missing = ends.length + slots - maxConcurrent;
    return missing <= 0 ? 0 : (ends[missing - 1] as number) - nowUs;
  }

  /** Microseconds until the first slot falls free by itself; 0 where none is held. */
  freeIn(nowUs: number): number {
    const first = this.#ends(nowUs)[0];
    return first === undefined ? 0 : first - nowUs;
  }

  /** A token above every one that this key has given out. */
  nextFence(nowUs: number): number {
    this.#lastFence = Math.max(nowUs, this.#lastFence + 1);
    return this.#lastFence;
  }

  /** Gives slots that are known to be free. Returns the fencing token. */
  grant(id: string, slots: number, nowUs: number, ttlUs: number): number {
    for (const [lease, endUs] of this.#leases) if (endUs <= nowUs) this.#leases.delete(lease);
    for (const lease of slotIds(id, slots)) this.#leases.set(lease, nowUs + ttlUs);
    return this.nextFence(nowUs);
  }

  /** Ends the leases of an id. Returns how many there were. */
  release(id: string, slots: number): number {
    return slotIds(id, slots).filter((lease) => this.#leases.delete(lease)).length;
  }

  /** Whether an id holds a lease that has not ended. */
  holds(id: string, nowUs: number): boolean {
    return (this.#leases.get(id) ?? 0) > nowUs;
  }

  /** Extends the leases of an id. A lease over time is held again if there still is a slot. Returns whether it is held. */
  renew(id: string, slots: number, nowUs: number, ttlUs: number, maxConcurrent: number): boolean {
    const endUs = this.#leases.get(id);
    if (endUs === undefined || (endUs <= nowUs && this.live(nowUs) + slots > maxConcurrent)) return false;
    for (const lease of slotIds(id, slots)) this.#leases.set(lease, nowUs + ttlUs);
    return true;
  }

  /** Ends every lease. */
  clear(): void {
    this.#leases.clear();
  }

  /** The first that waits. */
  get first(): Waiter | undefined {
    return this.#waiters[0];
  }

  /** Whether an id waits. */
  queues(id: string): boolean {
    return this.#waiters.some((waiter) => waiter.id === id);
  }

  /** Puts an id at the end of the queue, or back where it was. Returns its arrival. */
  enqueue(id: string, nowUs: number, arrivalUs: number): number {
    const lastUs = this.#waiters.at(-1)?.arrivalUs ?? 0;
    const at = arrivalUs === 0 ? Math.max(nowUs, lastUs + 1) : arrivalUs;
    this.leave(id);
    const place = this.#waiters.findLastIndex((waiter) => waiter.arrivalUs <= at) + 1;
    this.#waiters.splice(place, 0, { id, arrivalUs: at });
    return at;
  }

  /** Takes an id out of the queue. Returns whether it was there. */
  leave(id: string): boolean {
    const place = this.#waiters.findIndex((waiter) => waiter.id === id);
    if (place >= 0) this.#waiters.splice(place, 1);
    return place >= 0;
  }

  #ends(nowUs: number): number[] {
    return [...this.#leases.values()].filter((endUs) => endUs > nowUs).sort((a, b) => a - b);
  }
}

function slotIds(id: string, slots: number): string[] {
  return Array.from({ length: Math.max(slots, 1) }, (_, i) => i === 0 ? id : `${id}+${i + 1}`);
}
