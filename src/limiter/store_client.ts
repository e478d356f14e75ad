/**
 * One process at one store: asks it, waits at it, keeps leases in it.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { ClosedError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import type { ReplyTo, Store, StoreRequest } from "../stores/store.ts";
import type { Foresight } from "./foresight.ts";
import { LeaseKeeper } from "./lease_keeper.ts";
import { Seats } from "./seats.ts";
import { WaitingRoom } from "./waiting_room.ts";

/** What several limiters on one store share in a process. */
export class StoreClient {
  /** The store's id in the configuration. */
  readonly id: string;
  /** The store itself. */
  readonly store: Store;
  /** What waits are measured by. */
  readonly clock: Clock;
  /** Calls that wait for an instant. */
  readonly seats: Seats;
  /** Calls that wait for a slot. */
  readonly room: WaitingRoom;
  /** What need not be asked; undefined for a store inside this process. */
  readonly foresight: Foresight | undefined;
  /** Leases that are held. */
  readonly leases: LeaseKeeper;
  #sequence = 0;
  #listening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Makes one.
   *
   * @param id The store's id in the configuration.
   * @param store The store.
   * @param clock What waits are measured by.
   * @param foresight What need not be asked, for a store that is not inside this process.
   */
  constructor(id: string, store: Store, clock: Clock, foresight?: Foresight) {
    this.id = id;
    this.store = store;
    this.clock = clock;
    this.seats = new Seats(clock);
    this.room = new WaitingRoom(crypto.randomUUID().replaceAll("-", "").slice(0, 16), clock);
    this.foresight = foresight;
    this.leases = new LeaseKeeper(clock, (held) => this.#renew(held));
  }

  /** A number that this process has not used before. */
  nextSequence(): number {
    return ++this.#sequence;
  }

  /**
   * Asks the store one thing.
   *
   * @throws {StoreError} If the store cannot tell.
   */
  async ask<Request extends StoreRequest>(request: Request, signal?: AbortSignal): Promise<ReplyTo<Request>> {
    this.foresight?.sending(request);
    try {
      return await this.store.execute(request, signal);
    } finally {
      this.foresight?.sent(request); // also where no reply came
    }
  }

  /** Forgets every key of the store. */
  async resetAll(): Promise<void> {
    this.foresight?.clear();
    try {
      await this.store.resetAll();
    } finally {
      this.foresight?.clear();
    }
  }

  /** Makes sure that word of slots reaches this process. Tried again after a failure. */
  listen(): Promise<void> {
    this.#listening ??= this.store.listen(this.room).catch((error) => {
      this.#listening = undefined;
      throw error;
    });
    return this.#listening;
  }

  /** Stops renewing, sends everybody who waits away with a `ClosedError`, gives their places back, closes the store. */
  close(): Promise<void> {
    return this.#closing ??= this.#shutDown(new ClosedError(`store ${show(this.id)}`));
  }

  async #shutDown(error: ClosedError): Promise<void> {
    this.leases.close();
    await Promise.all([this.seats.close(error), this.room.close(error), this.foresight?.close()]);
    await this.store.close();
  }

  async #renew(held: readonly { id: string; targets: StoreRequest["targets"] }[]): Promise<boolean[]> {
    const replies = await Promise.all(held.map(({ id, targets }) => {
      return this.ask({ op: "renew", id, targets: targets.filter((target) => target.slots > 0) });
    }));
    return replies.map((reply) => reply.counts.every((count) => count === 1));
  }
}
