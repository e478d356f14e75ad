/**
 * One process at one store: asks it, waits at it, keeps leases in it.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { ClosedError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import type { ReplyTo, Store, StoreRequest, TakeReply, TakeRequest, Target } from "../stores/store.ts";
import { Denials } from "./denials.ts";
import { LeaseKeeper } from "./lease_keeper.ts";
import { Seats } from "./seats.ts";
import { TokenLeases } from "./token_leases.ts";
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
  /** Leases that are held. */
  readonly leases: LeaseKeeper;
  readonly #denials = new Denials();
  readonly #tokens: TokenLeases;
  #sequence = 0;
  #listening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Makes one.
   *
   * @param id The store's id in the configuration.
   * @param store The store.
   * @param clock What waits are measured by.
   */
  constructor(id: string, store: Store, clock: Clock) {
    this.id = id;
    this.store = store;
    this.clock = clock;
    this.seats = new Seats(clock);
    this.room = new WaitingRoom(crypto.randomUUID().replaceAll("-", "").slice(0, 16), clock);
    this.#tokens = new TokenLeases(clock, {
      take: async (request) => await store.execute(request),
      giveBack: async (request) => await store.execute(request),
    });
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
    const { op, targets } = request;
    if (op === "reset" || op === "block" || op === "penalize") this.#tokens.drop(targets);
    if (op === "take" || op === "renew") return await this.store.execute(request, signal);
    try {
      return await this.store.execute(request, signal);
    } finally {
      // What was known of the targets may have changed for the better; also where no reply came.
      this.#denials.forget(targets, this.clock.nowUs());
      this.#tokens.recheck(targets);
    }
  }

  /** Whether `foresee` may know anything of a target. Cheaper to ask. */
  foresees({ policy }: Target): boolean {
    return !this.store.isLocal && (policy.tokenLeaseUs > 0 || this.#denials.any);
  }

  /**
   * Decides on one target without asking the store, if this process knows enough: from units that it has leased, or from
   * a denial that still holds for whoever waits at most `maxWaitUs`.
   */
  foresee(
    target: Target,
    mode: TakeRequest["mode"],
    maxWaitUs: number,
    signal?: AbortSignal,
  ): TakeReply | Promise<TakeReply> | undefined {
    if (target.policy.tokenLeaseUs === 0) return this.#denials.find(target, this.clock.nowUs(), maxWaitUs);
    return mode === "peek" ? this.#tokens.peek(target) : this.#tokens.take(target, signal);
  }

  /** Remembers what the store said, if that spares asking it again. `askedUs` is when it was asked. */
  remember({ targets }: TakeRequest, reply: TakeReply, askedUs: number): void {
    const [target] = targets;
    if (target === undefined || this.store.isLocal) return;
    if (targets.length > 1) this.#denials.forget(targets);
    else if (target.policy.tokenLeaseUs === 0) this.#denials.remember(target, reply, askedUs);
  }

  /** Forgets every key of the store. */
  async resetAll(): Promise<void> {
    this.#tokens.clear();
    try {
      await this.store.resetAll();
    } finally {
      this.#denials.clear(this.clock.nowUs());
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
    await Promise.all([this.seats.close(error), this.room.close(error), this.#tokens.close()]);
    await this.store.close();
  }

  async #renew(held: readonly { id: string; targets: StoreRequest["targets"] }[]): Promise<boolean[]> {
    const replies = await Promise.all(held.map(({ id, targets }) => {
      return this.ask({ op: "renew", id, targets: targets.filter((target) => target.slots > 0) });
    }));
    return replies.map((reply) => reply.counts.every((count) => count === 1));
  }
}
