/**
 * One decision about permits in memory, at one time: what `_queue.lua` and `_take_permits.lua` do, line by line.
 *
 * @module
 */

import type { PollRequest, TakeReply, TakeRequest, TakeStatus, Target } from "../store.ts";
import { FRONT, type Head, PermitState } from "./permit_state.ts";
import { RateTransaction, type Traces } from "./rate_transaction.ts";
import type { Entries, RunContext } from "./run_context.ts";

/** Decides at one reading of the clock. */
export class MemoryTransaction {
  readonly #context: RunContext;
  readonly #table: Entries;
  readonly #nowUs: number;
  readonly #rates: RateTransaction;
  readonly #permits: PermitState;

  /**
   * @param context What it runs on.
   * @param peeks Whether nothing may be written.
   */
  constructor(context: RunContext, peeks: boolean) {
    const { entries, listeners, nowUs } = context;
    this.#context = context;
    this.#table = entries;
    this.#nowUs = nowUs;
    this.#rates = new RateTransaction(entries, nowUs, peeks);
    this.#permits = new PermitState(entries, listeners, nowUs, this.#rates);
  }

  /** Takes a target's units whatever its rates say. Returns whether it has. */
  penalize(target: Target): boolean {
    return this.#rates.penalize(target);
  }

  /** Takes from all targets or from none. */
  take(request: TakeRequest): TakeReply {
    const { targets } = request;
    for (const target of targets) if (target.policy.maxConcurrent > 0) return this.#takePermits(request);
    return this.#rates.take(request);
  }

  #takePermits(request: TakeRequest): TakeReply {
    const { targets, mode, id } = request;
    const before = request.arrivalUs > 0 && mode !== "peek" ? this.#takenBefore(request) : undefined;
    if (before !== undefined) return before;
    const nowUs = this.#nowUs;
    let atUs = nowUs;
    let blockedUs = nowUs;
    let full: Target | undefined;
    for (const target of targets) {
      if (target.policy.maxConcurrent > 0 && mode !== "peek") {
        this.promote(target, id);
        this.#permits.cutLeases(target);
      }
      atUs = Math.max(atUs, this.#rates.plan(target));
      blockedUs = Math.max(blockedUs, this.#table.read(target, this.#nowUs).blockedUs);
      if (this.#permits.isFull(target, request) && (full === undefined || isBefore(target, full))) full = target;
    }
    const room = mode === "wait" && atUs - nowUs <= request.maxWaitUs;
    const fences = targets.map(() => 0);
    const traces: Traces[] = [];
    let { arrivalUs } = request;
    let status: TakeStatus = "rate";
    let waitUs = atUs - nowUs;
    if (full === undefined && atUs <= nowUs) {
      status = "allowed";
      if (mode !== "peek") {
        targets.forEach((target, i) => {
          traces[i] = this.#rates.commit(target, atUs);
          if (target.policy.maxConcurrent === 0) return;
          if (arrivalUs > 0) this.#permits.ledger(target).queue.leave(id);
          fences[i] = this.#permits.grant(target, id);
        });
      }
    } else if (room) {
      ({ status, waitUs, arrivalUs } = this.#waitInLine(request, full, waitUs));
    } else if (full !== undefined) {
      status = "permits";
      waitUs = Math.max(waitUs, 1);
    } else if (blockedUs > nowUs) {
      status = "blocked";
    }
    if (status === "permits" || status === "queue_full") {
      for (const target of targets) {
        if (target.policy.maxConcurrent > 0) waitUs = Math.max(waitUs, this.#permits.wait(target, target.permits));
      }
    }
    const levels = targets.map((target, i) => this.#rates.level(target, fences[i] ?? 0, traces[i]));
    const told = status === "blocked" && targets.length > 1 ? this.#rates.withBlocks(targets, levels) : levels;
    return { status, nowUs, waitUs, arrivalUs, levels: told };
  }

  /** The answer to a call that has what it asks for: the reply that told so may be lost. */
  #takenBefore({ targets, id, arrivalUs }: TakeRequest): TakeReply | undefined {
    const nowUs = this.#nowUs;
    const held = targets.filter((target) => target.policy.maxConcurrent > 0);
    if (!held.every((target) => this.#permits.find(target)?.holds(id, nowUs))) return undefined;
    for (const target of held) this.renew(target, id);
    const levels = targets.map((target) =>
      this.#rates.level(target, this.#permits.find(target)?.nextFence(nowUs) ?? 0)
    );
    return { status: "allowed", nowUs, waitUs: 0, arrivalUs, levels, repeated: true };
  }

  /** Queues for the permit that is missing, where `full` says which, and nowhere else. */
  #waitInLine(
    { targets, id, arrivalUs }: TakeRequest,
    full: Target | undefined,
    rateWaitUs: number,
  ): { status: TakeStatus; waitUs: number; arrivalUs: number } {
    const lacksRate = targets.length > 1 && rateWaitUs > 0;
    const queue = lacksRate ? undefined : full ?? targets[0] as Target;
    if (queue !== undefined && arrivalUs === 0 && this.#permits.isQueueFull(queue)) {
      return { status: "queue_full", waitUs: Math.max(rateWaitUs, 1), arrivalUs: 0 };
    }
    for (const target of targets) {
      if (arrivalUs === 0 || target === queue || target.policy.maxConcurrent === 0) continue;
      const places = this.#permits.find(target)?.queue;
      if (queue !== undefined && isBefore(target, queue)) {
        if (places?.has(id)) places.join(id, this.#nowUs, arrivalUs, true);
      } else if (places?.leave(id)) this.promote(target);
    }
    if (queue === undefined) return { status: "queued", waitUs: rateWaitUs, arrivalUs: arrivalUs || this.#nowUs };
    const arrivedUs = this.#permits.ledger(queue).queue.join(id, this.#nowUs, arrivalUs);
    return { status: "queued", waitUs: this.#permits.recheck(queue, id), arrivalUs: arrivedUs };
  }

  /** The same for one that waits already. */
  poll({ id, arrivalUs, targets: [target] }: PollRequest): TakeReply {
    const repeated = this.#permits.find(target)?.holds(id, this.#nowUs) ?? false;
    this.promote(target, id);
    const ledger = this.#permits.ledger(target);
    const forgotten = !ledger.holds(id, this.#nowUs) && !ledger.queue.has(id);
    if (forgotten) {
      ledger.queue.join(id, this.#nowUs, arrivalUs);
      this.promote(target, id);
    }
    const served = ledger.holds(id, this.#nowUs);
    // The message may have been lost long ago: a call that gets it now holds for the full time from now on.
    if (served) this.renew(target, id);
    else this.#permits.cutLeases(target);
    const waitUs = served ? 0 : this.#permits.recheck(target, id);
    const level = this.#rates.level(target, served ? ledger.nextFence(this.#nowUs) : 0);
    const status = served ? "allowed" : "queued";
    const reply: TakeReply = { status, nowUs: this.#nowUs, waitUs, arrivalUs, levels: [level] };
    // The marks of an earlier grant came with word of it.
    return forgotten ? { ...reply, forgotten } : served && repeated ? { ...reply, repeated } : reply;
  }

  /** Ends the leases and the place of an id. Returns how many there were. */
  release(target: Target, id: string): number {
    const ledger = this.#permits.find(target);
    if (ledger === undefined) return 0;
    const ended = ledger.release(id) + (ledger.waiting > 0 && ledger.queue.leave(id) ? 1 : 0);
    if (ended > 0) this.promote(target);
    return ended;
  }

  /** Extends the leases of an id. */
  renew(target: Target, id: string): boolean {
    const { leaseTtlUs, maxConcurrent } = target.policy;
    return this.#permits.find(target)?.renew(id, target.permits, this.#nowUs, leaseTtlUs, maxConcurrent) ?? false;
  }

  /** Starts a key anew; those who wait are served. */
  reset(target: Target): void {
    this.#rates.reset(target);
    this.promote(target);
  }

  /**
   * Serves the queue as far as permits and rates allow. One that waits for several limiters is called: what it
   * needs stays free for it, and those behind it get the rest. The `asking` call is answered anyway.
   */
  promote(target: Target, asking?: string): void {
    let place = 0;
    let reserved = 0;
    while (place < FRONT && this.#permits.wait(target, reserved + 1) === 0) {
      const waiter = this.#permits.waiterAt(target, place);
      if (waiter === undefined || this.#permits.wait(target, reserved + waiter.permits) > 0) return;
      if (!waiter.direct) {
        if (!waiter.isKept && waiter.id !== asking) this.#tell(waiter, "turn", { ...this.#told(0), status: "queued" });
        place++;
        reserved += waiter.permits;
        continue;
      }
      const atUs = this.#rates.plan(waiter);
      if (atUs > this.#nowUs) {
        const turn: TakeReply = { ...this.#told(atUs - this.#nowUs), status: "queued" };
        if (waiter.id !== asking) this.#tell(waiter, "turn", turn);
        return;
      }
      const traces = this.#rates.commit(waiter, this.#nowUs);
      this.#permits.ledger(target).queue.leave(waiter.id);
      const fence = this.#permits.grant(waiter, waiter.id);
      this.#tell(waiter, "granted", { ...this.#told(0), levels: [this.#rates.level(waiter, fence, traces)] });
    }
  }

  #told(waitUs: number): TakeReply {
    return { status: "allowed", nowUs: this.#nowUs, waitUs, arrivalUs: 0, levels: [] };
  }

  #tell({ id, listener }: Head, kind: "granted" | "turn", reply: TakeReply): void {
    this.#context.deliver(() => listener.wakeup({ id, kind, reply }));
  }
}

/**
 * In which order a call over several limiters gets its permits: the scarce ones first. What it has a place for there is
 * kept for it while it waits for the others, never the other way round: so few callers wait for many, and not many for
 * few.
 */
function isBefore(one: Target, other: Target): boolean {
  const [few, many] = [one.policy.maxConcurrent, other.policy.maxConcurrent];
  if (few !== many) return few < many;
  return one.limiter < other.limiter || (one.limiter === other.limiter && (one.key ?? "") < (other.key ?? ""));
}
