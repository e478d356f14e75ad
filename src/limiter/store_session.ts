/**
 * One process at one store: asks it, waits at it, keeps leases in it. Loaded with the first store that is used.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { withTimeout } from "../base/deadline.ts";
import { ClosedError, type StoreError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { correctedName, staysUs } from "../stores/correction.ts";
import type {
  BlockRequest,
  Correction,
  CorrectRequest,
  DoneReply,
  ReleaseRequest,
  ReplySink,
  ReplyTo,
  Store,
  StoreRequest,
  TakeReply,
  TakeRequest,
  Target,
} from "../stores/store.ts";
import type { Policy } from "../policy/policy.ts";
import type { Shortcuts } from "../shortcut/shortcuts.ts";
import { isOutage, isStoreError } from "../resilience/failure.ts";
import { PendingRelease } from "../resilience/pending_release.ts";
import type { StoreHealth } from "../resilience/store_health.ts";
import { type HeldLease, LeaseRenewal } from "./result/lease_renewal.ts";
import { ChangedRules } from "../waiting/changed_rules.ts";
import { giveBackOf } from "../waiting/give_backs.ts";
import { TimedQueue } from "../waiting/timed_queue.ts";
import { StoreListener } from "../waiting/store_listener.ts";
import { WaitCounts } from "../waiting/wait_counts.ts";
import { PermitQueue } from "../waiting/permit_queue.ts";

/** How long those who wait may take to give their places back when the store is closed, in milliseconds. */
const LEAVE_MS = 300;

/** What several limiters on one store share in a process. */
export class StoreSession {
  /** The store's id in the configuration. */
  readonly id: string;
  /** The store itself. */
  readonly store: Store;
  /** Whether the store is in this process and answers before it returns. */
  readonly answersAtOnce: boolean;
  /** What waits are measured by. */
  readonly clock: Clock;
  /** Calls that wait for an instant. */
  readonly turns: TimedQueue;
  /** Calls that wait for a permit. */
  readonly room: PermitQueue;
  /** What need not be asked; undefined for a store inside this process. */
  readonly shortcuts: Shortcuts | undefined;
  /** Keeps callers from waiting for it; undefined for a store inside this process. */
  readonly health: StoreHealth | undefined;
  /** Leases that are held. */
  readonly leases: LeaseRenewal;
  /** Calls that wait for a rate, for limiters that bound how many may. */
  readonly waits: WaitCounts = new WaitCounts();
  /** Limiters whose rules have changed while calls waited or permits were held. */
  readonly changed: ChangedRules = new ChangedRules();
  /** Hears what the store sends by itself. */
  readonly listener: StoreListener;
  #closing: Promise<void> | undefined;

  constructor(id: string, store: Store, clock: Clock, remote?: { shortcuts: Shortcuts; health: StoreHealth }) {
    this.id = id;
    this.store = store;
    this.clock = clock;
    this.turns = new TimedQueue(clock);
    const instance = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
    this.room = new PermitQueue(instance, clock, ({ id, reply }, targets) => {
      this.undoQuietly({ op: "take", targets, mode: "wait", maxWaitUs: 0, id, arrivalUs: 0 }, reply);
    });
    this.shortcuts = remote?.shortcuts;
    this.health = remote?.health;
    this.listener = new StoreListener(store, this);
    this.answersAtOnce = remote === undefined && store.answersAtOnce === true;
    this.leases = new LeaseRenewal(clock, (held) => this.#renew(held), (targets) => this.changed.heldAll(targets));
  }

  /** What `submit` of a store does, for a store that has none, and for a request with a signal. */
  execute<Request extends TakeRequest | ReleaseRequest>(
    request: Request,
    sink: ReplySink<ReplyTo<Request>>,
    signal?: AbortSignal,
  ): void {
    try {
      const reply = this.store.execute(request, signal);
      if (reply instanceof Promise) reply.then((later) => sink.answered(later), (error) => sink.failed(error));
      else sink.answered(reply);
    } catch (error) {
      sink.failed(error);
    }
  }

  /** The rules of a limiter have changed: from now on its waiters and its permits go by the new ones. */
  adopt(limiter: string, policy: Policy): void {
    this.changed.adopt(limiter, policy);
    this.room.adopt(limiter);
    this.turns.adopt(limiter);
  }

  /** A call has been answered by rules that have changed since: it asks again, with all that wait beside it. */
  adoptLate(targets: readonly Target[]): void {
    this.changed.adoptLate(targets, (limiter) => {
      this.room.adopt(limiter);
      this.turns.adopt(limiter);
    });
  }

  /**
   * Gives back what a reply granted to a caller who is no longer there, but from a key that was forgotten since. What is
   * undone in one turn goes to the store in that order.
   */
  async undo(request: TakeRequest, reply: TakeReply, forgotten?: string): Promise<void> {
    const { targets, id, mode } = request;
    if (mode === "peek" || (reply.status !== "allowed" && reply.status !== "queued")) return;
    if (id !== "") await this.leave(targets, id);
    const giveBack = giveBackOf(targets, reply, forgotten);
    if (giveBack === undefined) return;
    if (this.answersAtOnce && this.store.giveBackSoon !== undefined) this.store.giveBackSoon(giveBack);
    else await this.ask(giveBack);
  }

  /** The same, as far as the store hears of it. */
  undoQuietly(request: TakeRequest, reply: TakeReply): void {
    this.undo(request, reply).catch(() => {});
  }

  /** Ends the leases of a call, and its places in queues. */
  async leave(targets: readonly Target[], id: string): Promise<void> {
    const holders = this.#holders(targets);
    if (holders.length === 0) return;
    try {
      await this.ask({ op: "release", id, targets: holders });
    } catch (error) {
      this.room.lost(id, targets);
      throw error;
    }
  }

  /** A request without an answer may have been queued or granted all the same, and its caller has gone. */
  abandon({ targets, id }: TakeRequest, error: unknown): void {
    if (isStoreError(error) && isOutage(error) && error.code !== "STORE_REFUSED") {
      this.leave(targets, id).catch(() => {});
    }
  }

  #holders(targets: readonly Target[]): Target[] {
    return targets.filter(({ permits }) => permits > 0).map((target) => this.changed.held(target));
  }

  /**
   * Asks the store one thing.
   *
   * @throws {StoreError} If the store cannot tell.
   */
  async ask<Request extends StoreRequest>(request: Request, signal?: AbortSignal): Promise<ReplyTo<Request>> {
    this.shortcuts?.sending(request);
    try {
      const { health } = this;
      if (health === undefined) return await this.store.execute(request, signal);
      return await health.count(() => this.store.execute(request, signal), request.targets);
    } finally {
      this.shortcuts?.sent(request); // also where no reply came
    }
  }

  /**
   * Resets or blocks, and has the calls of this process that wait for the targets ask again.
   *
   * @throws {StoreError} If the store cannot tell.
   */
  async correct(request: BlockRequest | CorrectRequest): Promise<void> {
    const { nowUs } = await this.ask({ ...request, from: this.room.instance });
    const { op, targets } = request;
    const durationUs = staysUs(request);
    for (const target of targets) {
      this.corrected({ name: correctedName(target), op: op === "block" ? op : "reset", nowUs, durationUs });
    }
  }

  /** A key was corrected, here or elsewhere: the calls of this process that wait for it ask again. */
  corrected({ name, op, nowUs, durationUs }: Correction): void {
    const forgottenUs = op === "reset" ? nowUs : -Infinity;
    this.turns.move({ name, forgottenUs, untilUs: this.clock.nowUs() + durationUs });
  }

  /**
   * Ends leases that are not needed any more. Resolves when the store knows, or when that takes too long; never rejects.
   * While the store is unreachable it is tried all the same, and no call waits.
   */
  release(id: string, targets: readonly Target[]): Promise<void> {
    const request: ReleaseRequest = { op: "release", id, targets };
    const { health, store } = this;
    return new Promise((resolve) => {
      const done = (reply?: DoneReply) => {
        if (reply?.counts[0] === 0) this.room.doubt(targets); // it knew nothing of the lease
        resolve();
      };
      const sink = health === undefined
        ? { answered: done, failed: () => done() }
        : new PendingRelease(health, request, done);
      if (store.submit === undefined) this.execute(request, sink);
      else store.submit(request, sink);
    });
  }

  /** What keeps the store from serving a call that queues: it is away, or could not tell when it was asked last. */
  troubleOf(id: string): StoreError | undefined {
    return this.health?.breaker.error ?? this.room.troubleOf(id);
  }

  /** The store decides again: leases are renewed, and waiting calls ask, before their time. */
  recovered(): void {
    this.leases.hurry();
    this.room.missed();
  }

  /** Forgets every key of the store. */
  async resetAll(): Promise<void> {
    this.shortcuts?.clear();
    try {
      await this.store.resetAll();
    } finally {
      this.shortcuts?.clear();
    }
    this.turns.moveAll();
  }

  /** Whether no call waits or is in flight. Permits may be held. */
  get isIdle(): boolean {
    const { queued, calls } = this.store.load ?? { queued: 0, calls: 0 };
    return this.turns.isEmpty && !this.room.isAwaited && queued + calls === 0;
  }

  /** Stops renewing, rejects all waiting calls with a `ClosedError`, gives their places back, closes the store. */
  close(): Promise<void> {
    return this.#closing ??= this.#shutDown(new ClosedError(`store ${show(this.id)}`));
  }

  async #shutDown(error: ClosedError): Promise<void> {
    this.leases.close();
    this.health?.close();
    // A store that hangs does not delay the end: what it does not hear of in time ends by itself.
    const left = Promise.all([this.turns.close(error), this.room.close(error), this.shortcuts?.close()]);
    await withTimeout(left, LEAVE_MS, () => error).catch(() => {});
    await this.store.close();
  }

  async #renew(held: readonly HeldLease[]): Promise<boolean[]> {
    return await Promise.all(held.map(async ({ lease, targets }) => {
      const holders = this.#holders(targets);
      if (typeof lease !== "string") return lease.renew(holders[0] as Target);
      const { counts } = await this.ask({ op: "renew", id: lease, targets: holders });
      return counts.every((count) => count === 1);
    }));
  }
}
