/**
 * One process at one store: asks it, waits at it, keeps leases in it. Loaded with the first store that is used.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { withTimeout } from "../base/deadline.ts";
import { ClosedError, type StoreError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { inMicrotask } from "../base/turn.ts";
import { correctedName, staysUs } from "../stores/correction.ts";
import {
  type BlockRequest,
  type Correction,
  type CorrectRequest,
  type LocalLease,
  type ReleaseRequest,
  type ReplyTo,
  type Store,
  type StoreRequest,
  type TakeReply,
  type TakeRequest,
  type Target,
  waiterId,
} from "../stores/store.ts";
import type { Policy } from "../policy/policy.ts";
import type { Decision } from "./result/decision.ts";
import type { Shortcuts } from "./shortcut/shortcuts.ts";
import { HeldPermit } from "./result/held_permit.ts";
import type { Party } from "./party.ts";
import type { Permit } from "./result/permit.ts";
import { PermitCall, type PermitOutcome } from "./permit_call.ts";
import type { StoreHealth } from "./resilience/store_health.ts";
import { type HeldLease, LeaseRenewal } from "./result/lease_renewal.ts";
import { TimedQueue } from "./waiting/timed_queue.ts";
import { StoreListener } from "./waiting/store_listener.ts";
import { takeInTurn } from "./take.ts";
import type { Taken, TakeOptions } from "./take_options.ts";
import { undoQuietly } from "./undo.ts";
import * as verbs from "./verbs.ts";
import { WaitCounts } from "./waiting/wait_counts.ts";
import { PermitQueue } from "./waiting/permit_queue.ts";

const DONE = Promise.resolve();

/** How long those who wait may take to give their places back when the store is closed, in milliseconds. */
const LEAVE_MS = 300;

/** Calls that wait less than this for a rate need not hear of corrections by other processes, in microseconds. */
const HEAR_US = 250_000;

/** What several limiters on one store share in a process. */
export class StoreSession {
  /** The store's id in the configuration. */
  readonly id: string;
  /** The store itself. */
  readonly store: Store;
  /** What waits are measured by. */
  readonly clock: Clock;
  /** Calls that wait for an instant. */
  readonly turns: TimedQueue;
  /** Calls that wait for a slot. */
  readonly room: PermitQueue;
  /** What need not be asked; undefined for a store inside this process. */
  readonly shortcuts: Shortcuts | undefined;
  /** Keeps callers from waiting for it; undefined for a store inside this process. */
  readonly health: StoreHealth | undefined;
  /** Leases that are held. */
  readonly leases: LeaseRenewal;
  /** What limiters do at a store beside deciding. */
  readonly verbs: typeof verbs = verbs;
  /** Calls that wait for a rate, for limiters that bound how many may. */
  readonly waits: WaitCounts = new WaitCounts();
  /** Rules that have changed since the store was opened, by limiter. */
  readonly #adopted = new Map<string, Policy>();
  /** Limiters for which calls have been answered in this turn by rules that have changed since. */
  readonly #late = new Set<string>();
  readonly #undone: [request: TakeRequest, reply: TakeReply][] = [];
  #sequence = 0;
  readonly #listener: StoreListener = new StoreListener(this);
  #listening: Promise<void> | undefined;
  #subscribed: Promise<void> | undefined;
  #mustListen = false;
  /** Whether messages about slots reach this process. */
  #hears = false;
  #closing: Promise<void> | undefined;

  /**
   * Makes one.
   *
   * @param id The store's id in the configuration.
   * @param store The store.
   * @param clock What waits are measured by.
   * @param remote What a store needs that is not inside this process.
   */
  constructor(id: string, store: Store, clock: Clock, remote?: { shortcuts: Shortcuts; health: StoreHealth }) {
    this.id = id;
    this.store = store;
    this.clock = clock;
    this.turns = new TimedQueue(clock);
    const instance = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
    this.room = new PermitQueue(instance, clock, ({ id, reply }, targets) => {
      undoQuietly(this, { ...this.request(targets, "wait", 0), id }, reply);
    });
    this.shortcuts = remote?.shortcuts;
    this.health = remote?.health;
    this.leases = new LeaseRenewal(clock, (held) => this.#renew(held));
  }

  /** A request to take. Its id is empty where no slot is taken: nothing has to be found again. */
  request(targets: readonly Target[], mode: TakeRequest["mode"], maxWaitUs: number): TakeRequest {
    const most = (numberOf: (target: Target) => number) =>
      targets.length === 1 ? numberOf(targets[0] as Target) : Math.max(...targets.map(numberOf));
    const slots = most((target) => target.slots);
    const id = slots === 0 ? "" : waiterId({
      instance: this.room.instance,
      sequence: this.nextSequence(),
      direct: targets.length === 1,
      maxWaitUs,
      slots,
      cost: targets[0]?.cost ?? 0,
      leaseTtlUs: most(({ policy }) => policy.leaseTtlUs),
    });
    return new Take(targets, mode, maxWaitUs, id);
  }

  /** Takes at once, or after a fair wait: see `takeInTurn`. */
  take(options: TakeOptions): Taken | Promise<Taken> {
    return takeInTurn(this, options);
  }

  /** Takes permits of one limiter, where the call can be sent at once. Undefined where more is needed: see `take`. */
  takePermits(
    parties: readonly Party[],
    maxWaitUs: number,
    startUs: number,
    outcome: PermitOutcome,
  ): Permit | Promise<Permit> | undefined {
    const { health } = this;
    if (health === undefined || (maxWaitUs > 0 && !this.#hears)) return undefined;
    const [party] = parties as [Party];
    const request = this.request(parties, maxWaitUs > 0 ? "wait" : "now", maxWaitUs);
    this.room.announce(request.id, party);
    return health.decide(this, request, new PermitCall(party, request, startUs, outcome));
  }

  /** Makes a permit, whose lease is renewed from now on; its decision too, if there is none yet. It has an id in the store, or is held in this process. */
  hold(
    holders: readonly Party[],
    decision: Decision | undefined,
    waitedMs: number,
    reply: TakeReply,
    lease: string | LocalLease,
  ): Permit {
    return new HeldPermit(this, holders, decision, waitedMs, reply, lease);
  }

  /** The rules of a limiter have changed: from now on its waiters and its permits go by the new ones. */
  adopt(limiter: string, policy: Policy): void {
    this.#adopted.set(limiter, policy);
    this.room.adopt(limiter);
    this.turns.adopt(limiter);
  }

  /** A call has been answered by rules that have changed since: it asks again, with all that wait beside it. */
  adoptLate(targets: readonly Target[]): void {
    for (const target of targets) {
      if (this.current(target) === target || this.#late.has(target.limiter)) continue;
      this.#late.add(target.limiter);
      inMicrotask(() => {
        this.#late.delete(target.limiter);
        this.turns.adopt(target.limiter);
      });
    }
  }

  /** All of them as `current`. */
  currentAll(targets: readonly Target[]): readonly Target[] {
    return this.#adopted.size === 0 ? targets : targets.map((target) => this.current(target));
  }

  /** A target under the present rules of its limiter, where they name the same keys; else as it is. */
  current<Each extends Target>(target: Each): Each {
    const policy = this.#adopted.get(target.limiter);
    if (policy === undefined || policy === target.policy) return target;
    const isAlike = (policy.maxConcurrent > 0) === (target.policy.maxConcurrent > 0) &&
      policy.keyShards === target.policy.keyShards && target.cost <= policy.capacity;
    return isAlike ? { ...target, policy, slots: Math.min(target.slots, policy.maxConcurrent) } : target;
  }

  /** Gives back what a reply granted to a caller who is no longer there, as far as the store hears of it. */
  undo(request: TakeRequest, reply: TakeReply): void {
    undoQuietly(this, request, reply);
  }

  /**
   * The same for several replies of one turn of the event loop. The newest goes first: while later units are promised, a
   * token bucket could not take the earlier ones back.
   */
  undoTogether(request: TakeRequest, reply: TakeReply): void {
    this.#undone.push([request, reply]);
    if (this.#undone.length > 1) return;
    inMicrotask(() => {
      for (const [each, granted] of this.#undone.splice(0).toReversed()) undoQuietly(this, each, granted);
    });
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

  /** Makes sure that this process hears of corrections by others, as far as that is possible, for a call that waits. */
  hear(waitUs: number): void {
    if (waitUs >= HEAR_US) this.#subscribe().catch(() => {});
  }

  /**
   * Ends leases that nobody needs any more. Resolves when the store knows, or when that takes too long; never rejects.
   * While the store is away it is tried all the same, and nobody waits.
   */
  release(id: string, targets: readonly Target[]): Promise<void> {
    const request: ReleaseRequest = { op: "release", id, targets };
    if (this.health !== undefined) return this.health.release(request) ?? this.#releaseAt(this.health, request);
    try {
      const done = this.store.execute(request);
      return done instanceof Promise ? done.then(() => {}, () => {}) : DONE;
    } catch {
      return DONE; // no call waits for what it says
    }
  }

  async #releaseAt(health: StoreHealth, request: ReleaseRequest): Promise<void> {
    const asked = this.ask(request).then(() => {}, () => {});
    if (health.breaker.error !== undefined) return;
    await health.within(asked, request.targets).catch(() => {});
  }

  /** What keeps the store from serving a call that queues: it is away, or could not tell when it was asked last. */
  troubleOf(id: string): StoreError | undefined {
    return this.health?.breaker.error ?? this.room.troubleOf(id);
  }

  /** The store decides again: leases are renewed, and whoever waits asks, without waiting for their time. */
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

  /** Makes sure that messages about slots reach this process. Tried again after a failure. */
  listen(): Promise<void> {
    this.#mustListen = true;
    const mark = this.health?.breaker.mark ?? 0;
    this.#listening ??= this.#subscribe().then(() => {
      this.#hears = true;
    }).catch((error) => {
      this.#listening = undefined;
      this.health?.partFailed(error, mark);
      throw error;
    });
    return this.#listening;
  }

  #subscribe(): Promise<void> {
    return this.#subscribed ??= this.store.listen(this.#listener).catch((error) => {
      this.#subscribed = undefined;
      throw error;
    });
  }

  /** Tries again to listen, if that has failed; undefined where nothing in this process waits for slots. */
  listenAgain(): Promise<void> | undefined {
    return this.#mustListen ? this.listen() : undefined;
  }

  /** Whether no call waits or is in flight. Permits may be held. */
  get isIdle(): boolean {
    const { queued, calls } = this.store.load ?? { queued: 0, calls: 0 };
    return this.turns.isEmpty && !this.room.isAwaited && queued + calls === 0;
  }

  /** Stops renewing, sends everybody who waits away with a `ClosedError`, gives their places back, closes the store. */
  close(): Promise<void> {
    return this.#closing ??= this.#shutDown(new ClosedError(`store ${show(this.id)}`));
  }

  async #shutDown(error: ClosedError): Promise<void> {
    this.leases.close();
    this.health?.close();
    // A store that hangs keeps nobody from ending: what it does not hear of in time ends by itself.
    const left = Promise.all([this.turns.close(error), this.room.close(error), this.shortcuts?.close()]);
    await withTimeout(left, LEAVE_MS, () => error).catch(() => {});
    await this.store.close();
  }

  async #renew(held: readonly HeldLease[]): Promise<boolean[]> {
    return await Promise.all(held.map(async ({ lease, targets }) => {
      const holders = targets.filter((target) => target.slots > 0).map((target) => this.current(target));
      if (typeof lease !== "string") return lease.renew(holders[0] as Target);
      const { counts } = await this.ask({ op: "renew", id: lease, targets: holders });
      return counts.every((count) => count === 1);
    }));
  }
}

/**
 * A take, of a class as all that is made for each decision: V8 may come to make objects of a literal in the old
 * generation, where everything that they hold grows old with them.
 */
class Take implements TakeRequest {
  readonly op = "take";
  readonly arrivalUs = 0;
  readonly times = undefined;
  readonly targets: readonly Target[];
  readonly mode: TakeRequest["mode"];
  readonly maxWaitUs: number;
  readonly id: string;

  constructor(targets: readonly Target[], mode: TakeRequest["mode"], maxWaitUs: number, id: string) {
    this.targets = targets;
    this.mode = mode;
    this.maxWaitUs = maxWaitUs;
    this.id = id;
  }
}
