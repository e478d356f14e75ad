/**
 * Calls of this process that queue for permits. They get a message when they are served; they do not poll.
 *
 * @module
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { StoreError } from "../base/errors.ts";
import { shortKey } from "../base/short_key.ts";
import type { TakeReply, Target, Wakeup, WakeupListener } from "../stores/store.ts";
import { waiterId } from "../stores/waiter_id.ts";
import { isOutage, isStoreError } from "../resilience/failure.ts";
import type { QueuedCall } from "./queued_call.ts";
import { UnwantedGrants } from "./unwanted_grants.ts";

/** How long after its supposed instant a question is asked again at the earliest, in microseconds. */
const SHORTEST_RECHECK_US = 1_000;

/** How long after a failure of the store it is asked again, in microseconds. */
const RETRY_US = 250_000;

/** How long a line without permits waits before one asks again, where the store has not said, in microseconds. */
const LONGEST_RECHECK_US = 1_000_000;

interface Waiter {
  readonly call: QueuedCall;
  readonly resolve: (reply: TakeReply | undefined) => void;
  readonly reject: (error: unknown) => void;
  arrivalUs: number;
  /** What the store said when it was asked last, if it could not tell. */
  trouble: StoreError | undefined;
  /** Whether a question is on its way: no two may be, since both may be granted. */
  isAsking: boolean;
  /** Whether to ask once more after that: its answer may be too old. */
  isAskedAgain: boolean;
  /** What this process' clock is ahead of the store's, and how long the first reply took. */
  readonly aheadUs: number;
}

interface Line {
  readonly waiters: Set<Waiter>;
  /** When one of them asks again for all; undefined while it does so. */
  timer: Timer | undefined;
  /** How long a permit of theirs outlives its holder, in microseconds. */
  readonly leaseUs: number;
}

/** The queue of one process at one store. */
export class PermitQueue implements WakeupListener {
  /** The process, as the store knows it. */
  readonly instance: string;
  /** How many calls of this process have been given names. */
  named = 0;
  readonly #clock: Clock;
  readonly #targets = new Map<string, Target>();
  readonly #waiters = new Map<string, Waiter>();
  readonly #lines = new Map<string, Line>();
  /** Wakeups that came before the reply to the call they are about. */
  readonly #early = new Map<string, Wakeup>();
  readonly #unwanted: UnwantedGrants;
  #closed: Error | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(
    instance: string,
    clock: Clock,
    onUnwanted?: (wakeup: Wakeup, targets: readonly Target[]) => void,
  ) {
    this.instance = instance;
    this.#clock = clock;
    this.#unwanted = new UnwantedGrants(onUnwanted);
  }

  /** Names the leases and the place in queues of a call; empty where it takes no permit: nothing has to be found again. */
  idFor(targets: readonly Target[], maxWaitUs: number): string {
    let [permits, leaseTtlUs] = [0, 0];
    for (const target of targets) {
      permits = Math.max(permits, target.permits);
      leaseTtlUs = Math.max(leaseTtlUs, target.policy.leaseTtlUs);
    }
    if (permits === 0) return "";
    const { cost } = targets[0] as Target;
    const direct = targets.length === 1;
    return waiterId({ instance: this.instance, sequence: ++this.named, direct, maxWaitUs, permits, cost, leaseTtlUs });
  }

  /** Whether a call waits, or may have to. */
  get isAwaited(): boolean {
    return this.#targets.size > 0;
  }

  /** The target that an id queues on. */
  targetOf(id: string): Target | undefined {
    return this.#targets.get(id);
  }

  /** Announces a call before it is sent: word of it may come before the reply. */
  announce(id: string, target: Target): void {
    this.#targets.set(id, target);
  }

  /** The call is over. */
  forget(id: string): void {
    this.#targets.delete(id);
    if (this.#early.size > 0) this.#early.delete(id);
    const waiter = this.#waiters.size === 0 ? undefined : this.#waiters.get(id);
    if (waiter !== undefined) this.#remove(waiter);
    if (this.#targets.size === 0) this.#onEmpty?.();
  }

  /** Rejects all calls with an error. Resolves when every call is over. No call can wait any more. */
  async close(error: Error): Promise<void> {
    this.#closed = error;
    for (const waiter of [...this.#waiters.values()]) {
      this.#remove(waiter);
      waiter.reject(error);
    }
    if (this.#targets.size > 0) await new Promise<void>((resolve) => this.#onEmpty = resolve);
  }

  /**
   * Waits until the call is served, which its last reply has queued. Ended early by `forget`. Resolves to undefined if its
   * place is of no use by rules that have changed.
   */
  wait(call: QueuedCall, reply: TakeReply): Promise<TakeReply | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) return reject(this.#closed);
      const aheadUs = this.#clock.nowUs() - reply.nowUs;
      const waiter: Waiter = {
        call,
        resolve,
        reject,
        arrivalUs: reply.arrivalUs,
        trouble: undefined,
        isAsking: false,
        isAskedAgain: false,
        aheadUs,
      };
      this.#waiters.set(call.id, waiter);
      const line = this.#lines.get(call.line) ?? { waiters: new Set(), timer: undefined, leaseUs: leaseUsOf(call) };
      this.#lines.set(call.line, line);
      line.waiters.add(waiter);
      if (line.timer === undefined) this.#recheck(call.line, reply.waitUs);
      const early = this.#early.get(call.id);
      if (early !== undefined) this.wakeup(early);
    });
  }

  /** What the store said when it was asked last for a call that waits, if it could not tell. */
  troubleOf(id: string): StoreError | undefined {
    return this.#waiters.get(id)?.trouble;
  }

  /** The store could not be told that a call is over: it may still be granted what it waited for. */
  lost(id: string, targets: readonly Target[]): void {
    this.#unwanted.expect(id, targets);
  }

  /** The rules of a limiter have changed: its waiters ask again under the new ones, or anew. */
  adopt(limiter: string): void {
    for (const { waiters } of [...this.#lines.values()]) {
      const isOfIt = (waiter: Waiter) => waiter.call.targets.some((target) => target.limiter === limiter);
      for (const waiter of [...waiters]) if (isOfIt(waiter) && waiter.call.endsPlace()) this.#serve(waiter, undefined);
      const [first] = waiters;
      if (first !== undefined && isOfIt(first)) void this.#ask(first);
    }
  }

  /** Takes word from the store. */
  wakeup(wakeup: Wakeup): void {
    const waiter = this.#waiters.get(wakeup.id);
    if (waiter === undefined) {
      if (this.#targets.has(wakeup.id)) this.#early.set(wakeup.id, wakeup);
      else this.#unwanted.refuse(wakeup);
    } else if (wakeup.kind === "granted" && !this.#isLate(waiter, wakeup)) this.#serve(waiter, wakeup.reply);
    else if (wakeup.reply.waitUs === 0) void this.#ask(waiter);
    else this.#recheck(waiter.call.line, wakeup.reply.waitUs);
  }

  /** Messages may have been missed: every call asks again. */
  missed(): void {
    for (const waiter of this.#waiters.values()) void this.#ask(waiter, true);
  }

  /** The store may have lost who queues: one of each line asks; if its place is lost, the others do too. */
  doubt(targets: readonly Target[]): void {
    if (this.#lines.size === 0) return;
    for (const target of targets) {
      const [first] = this.#lines.get(lineOf(target))?.waiters ?? [];
      if (first !== undefined) void this.#ask(first);
    }
  }

  /** After a long pause of this process, the lease may have ended by now: the store knows. */
  #isLate({ call, aheadUs }: Waiter, { reply }: Wakeup): boolean {
    const ageUs = this.#clock.nowUs() - aheadUs - reply.nowUs;
    return call.targets.some((target) => target.permits > 0 && ageUs > target.policy.leaseTtlUs / 3);
  }

  #recheck(name: string, waitUs: number): void {
    const line = this.#lines.get(name);
    if (line === undefined) return;
    line.timer?.cancel();
    const atUs = this.#clock.nowUs() + Math.max(waitUs, SHORTEST_RECHECK_US);
    line.timer = this.#clock.schedule(atUs, () => {
      line.timer = undefined;
      const [first] = line.waiters;
      if (first !== undefined) void this.#ask(first);
    });
  }

  /** Each waiting call asks again at some time, because the holder of its permit may crash at any time. */
  #keepAsking(name: string): void {
    const line = this.#lines.get(name);
    if (line === undefined || line.timer !== undefined) return;
    for (const { isAsking } of line.waiters) if (isAsking) return;
    this.#recheck(name, line.leaseUs);
  }

  /** A call was served because a lease had ended: other leases of that holder end too, and the next call asks when. */
  #askNext(name: string): void {
    for (const { isAsking } of this.#lines.get(name)?.waiters ?? []) if (isAsking) return;
    this.#recheck(name, 0);
  }

  /** Asks for a call; `withOthers` where all of its line ask at this time. */
  async #ask(waiter: Waiter, withOthers = false): Promise<void> {
    if (waiter.isAsking) {
      waiter.isAskedAgain = true;
      return;
    }
    waiter.isAsking = true;
    waiter.isAskedAgain = false;
    try {
      const reply = await waiter.call.ask(waiter.arrivalUs);
      waiter.isAsking = false;
      this.#note(waiter.call.line, undefined);
      if (reply.forgotten === true && !withOthers) {
        for (const other of this.#lines.get(waiter.call.line)?.waiters ?? []) {
          if (!other.isAsking && other !== waiter) void this.#ask(other, true);
        }
      }
      if (this.#waiters.get(waiter.call.id) !== waiter) {
        waiter.call.late?.(reply);
        // The call that asked for all of the line has gone: another one asks in its place.
        if (reply.status === "queued") this.#recheck(waiter.call.line, reply.waitUs);
        else this.#askNext(waiter.call.line);
        return;
      }
      if (reply.status !== "queued") {
        this.#serve(waiter, reply);
        return this.#askNext(waiter.call.line);
      }
      waiter.arrivalUs = reply.arrivalUs;
      if (waiter.isAskedAgain) return await this.#ask(waiter, withOthers);
      this.#recheck(waiter.call.line, reply.waitUs);
    } catch (error) {
      waiter.isAsking = false;
      // A store that is unreachable may come back in time: every call keeps its place.
      if (isStoreError(error) && isOutage(error)) {
        this.#note(waiter.call.line, error);
        return this.#recheck(waiter.call.line, RETRY_US);
      }
      // What the store cannot tell one, it cannot tell the others of the line.
      for (const other of [...this.#lines.get(waiter.call.line)?.waiters ?? []]) {
        this.#remove(other);
        other.reject(error);
      }
    }
  }

  #note(line: string, trouble: StoreError | undefined): void {
    for (const waiter of this.#lines.get(line)?.waiters ?? []) waiter.trouble = trouble;
  }

  #serve(waiter: Waiter, reply: TakeReply | undefined): void {
    this.#remove(waiter);
    waiter.resolve(reply);
  }

  /** The line's next asker takes over: the timer belongs to the line, not to who set it. */
  #remove(waiter: Waiter): void {
    this.#waiters.delete(waiter.call.id);
    const line = this.#lines.get(waiter.call.line);
    if (line === undefined) return;
    line.waiters.delete(waiter);
    if (line.waiters.size > 0) return this.#keepAsking(waiter.call.line);
    line.timer?.cancel();
    this.#lines.delete(waiter.call.line);
  }
}

function leaseUsOf({ targets }: QueuedCall): number {
  let leastUs = Infinity;
  for (const { permits, policy } of targets) if (permits > 0) leastUs = Math.min(leastUs, policy.leaseTtlUs);
  return leastUs === Infinity ? LONGEST_RECHECK_US : leastUs;
}

/** The line of calls that queue for a target alone. */
export function lineOf({ limiter, key }: Target): string {
  return JSON.stringify([limiter, shortKey(key)]);
}
