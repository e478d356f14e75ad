/**
 * Permits and reservations that the server holds for its clients.
 *
 * A client may be gone without a word, so everything here ends by itself: a permit is released if its client has not
 * renewed it within its time to live, and a reservation that was not settled in time keeps its whole cost. While a permit
 * is here, the instance renews its lease in the store; if this server dies, the lease ends.
 *
 * @module
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { Permit } from "../decision/decision.ts";
import type { Reservation } from "../limiter/result/reservation.ts";
import { Problem } from "./problem.ts";

/** How long a reservation may be settled after its instant, where the request does not say, in milliseconds. */
export const RESERVATION_TTL_MS = 600_000;

interface Held {
  readonly permit?: Permit;
  readonly reservation?: Reservation;
  readonly ttlMs: number;
  timer: Timer;
}

/** What is held, by id. */
export class HeldItems {
  readonly #items = new Map<string, Held>();
  readonly #clock: Clock;
  readonly #most: number;
  /** Called when the last one is gone. */
  onNone: (() => void) | undefined;

  constructor(clock: Clock, most: number) {
    this.#clock = clock;
    this.#most = most;
  }

  /** How many there are. */
  get size(): number {
    return this.#items.size;
  }

  /**
   * Makes sure that there is room, before something is taken that has to be held.
   *
   * @throws {Problem} If there is none.
   */
  checkRoom(): void {
    if (this.#items.size < this.#most) return;
    throw new Problem("TOO_MANY_HELD", `Cannot hold more than ${this.#most} permits and reservations`);
  }

  /** Holds a permit. It is released if it is not renewed within `ttlMs`. Returns its id. */
  addPermit(permit: Permit, ttlMs: number): string {
    const id = `permit-${crypto.randomUUID()}`;
    this.#items.set(id, { permit, ttlMs, timer: this.#endLater(id, ttlMs) });
    permit.lost.addEventListener("abort", () => this.#remove(id), { once: true });
    return id;
  }

  /** Holds a reservation. After `ttlMs` it can be settled no more. Returns its id. */
  addReservation(reservation: Reservation, ttlMs: number): string {
    const id = `reservation-${crypto.randomUUID()}`;
    this.#items.set(id, { reservation, ttlMs, timer: this.#endLater(id, ttlMs) });
    return id;
  }

  /**
   * Lets a permit or a reservation live on for its time to live, from now.
   *
   * @returns That time, in milliseconds.
   * @throws {Problem} If nothing is held under the id.
   */
  renew(id: string): number {
    const held = this.#items.get(id) ?? notHeld(id);
    held.timer.cancel();
    held.timer = this.#endLater(id, held.ttlMs);
    return held.ttlMs;
  }

  /** Takes a reservation out. It must be settled by the caller. */
  takeReservation(id: string): Reservation {
    const { reservation } = this.#items.get(id) ?? notHeld(id);
    if (reservation === undefined) {
      throw new Problem("NOT_HELD", "Cannot settle a permit: it is released, with no cost");
    }
    this.#remove(id);
    return reservation;
  }

  /** Releases a permit, or cancels a reservation. Returns whether it was held. */
  async release(id: string): Promise<boolean> {
    const held = this.#remove(id);
    await held?.permit?.release();
    await held?.reservation?.cancel();
    return held !== undefined;
  }

  /** Releases all permits. Reservations keep their cost, because the server does not know what of it was used. */
  async close(): Promise<void> {
    const permits = [...this.#items].filter(([, { permit }]) => permit !== undefined);
    await Promise.all(permits.map(([id]) => this.release(id)));
    for (const id of [...this.#items.keys()]) this.#remove(id);
  }

  #endLater(id: string, ttlMs: number): Timer {
    const end = () => {
      void this.#remove(id)?.permit?.release();
    };
    return this.#clock.schedule(this.#clock.nowUs() + ttlMs * 1_000, end, { background: true });
  }

  #remove(id: string): Held | undefined {
    const held = this.#items.get(id);
    if (held === undefined) return undefined;
    held.timer.cancel();
    this.#items.delete(id);
    if (this.#items.size === 0) this.onNone?.();
    return held;
  }
}

function notHeld(id: string): never {
  const what = id.startsWith("reservation-")
    ? "settled, or not settled in time"
    : "released, lost, or not renewed in time";
  throw new Problem("NOT_HELD", `Nothing is held under this id: it was ${what}`);
}
