/**
 * A permit that a store holds for its caller.
 *
 * @module
 */

import { LeaseLostError } from "../../base/errors.ts";
import { showAs } from "../../base/inspect.ts";
import type { LocalLease, TakeReply, Target } from "../../stores/store.ts";
import { Decision, type Permit } from "../../decision/decision.ts";
import type { HeldLease, LeaseLine } from "./lease_renewal.ts";
import type { StoreSession } from "../store_session.ts";
import type { LimiterTarget } from "../target.ts";

const DONE = Promise.resolve();

/** A permit that can be lost, and hears of it; the session that took it renews its lease. */
export class HeldPermit implements Permit, HeldLease {
  /** How long the caller waited for it, in milliseconds. */
  readonly waitedMs: number;
  /** The id of its leases, or its lease in this process. */
  readonly lease: string | LocalLease;
  /** The targets of which it is. */
  readonly targets: readonly LimiterTarget[];
  /** When its lease is renewed. */
  dueUs: number;
  /** Where it waits for that. */
  line: LeaseLine | undefined;
  /** The one before it there. */
  before: HeldLease | undefined;
  /** The one behind it there. */
  after: HeldLease | undefined;
  /** The renewal that asked last about its lease. */
  asked: readonly HeldLease[] | undefined;
  readonly #session: StoreSession;
  readonly #reply: TakeReply;
  /** Since when it is held, where that is observed; else NaN. */
  readonly #sinceUs: number;
  #decision: Decision | undefined;
  #lost: AbortController | undefined;
  #released: Promise<void> | undefined;

  constructor(
    session: StoreSession,
    holders: readonly LimiterTarget[],
    decision: Decision | undefined,
    waitedMs: number,
    reply: TakeReply,
    lease: string | LocalLease,
  ) {
    this.waitedMs = waitedMs;
    this.lease = lease;
    this.targets = holders;
    this.dueUs = 0;
    this.line = undefined;
    this.before = this.after = undefined;
    this.asked = undefined;
    this.#session = session;
    this.#reply = reply;
    this.#sinceUs = holders[0]?.recorder.observers.methods.released === undefined
      ? NaN
      : typeof lease === "string"
      ? session.clock.nowUs()
      : reply.nowUs;
    this.#decision = decision;
    this.#lost = this.#released = undefined;
    for (let i = 0; i < holders.length; i++) holders[i]?.recorder.held();
    session.leases.keep(this, typeof lease === "string" ? undefined : reply.nowUs);
  }

  /** The decision that granted it. */
  get decision(): Decision {
    if (this.#decision !== undefined) return this.#decision;
    const [{ limiter, key, cost }] = this.targets as readonly [LimiterTarget];
    return this.#decision = new Decision(limiter, key, cost, this.targets, this.#reply, false);
  }

  /** The fencing token of the first of its permits. */
  get fencingToken(): number | undefined {
    return this.#reply.fence ?? this.#reply.levels.find((level) => level.permits !== undefined)?.permits?.fence;
  }

  /** Aborted if the permit is lost. */
  get lost(): AbortSignal {
    return (this.#lost ??= new AbortController()).signal;
  }

  /** Gives the permit back, once. */
  release(): Promise<void> {
    return this.#released ??= this.#giveBack();
  }

  /** Gives the permit back at the end of a block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  #giveBack(): Promise<void> {
    this.#session.leases.drop(this);
    const heldMs = this.#heldMs();
    for (let i = 0; i < this.targets.length; i++) this.targets[i]?.recorder.freed("release", heldMs);
    const { lease } = this;
    const targets = this.#session.changed.heldAll(this.targets);
    // Whatever keeps the store from hearing it, the lease ends by itself.
    if (typeof lease === "string") return this.#session.release(lease, targets);
    lease.release(targets[0] as Target);
    return DONE;
  }

  /** The store no longer knows the lease. */
  lose(): void {
    if (this.#released !== undefined) return;
    this.#released = Promise.resolve();
    (this.#lost ??= new AbortController()).abort(new LeaseLostError(this.decision.limiter));
    const heldMs = this.#heldMs();
    for (const { recorder } of this.targets) recorder.freed("lease_lost", heldMs);
    this.#session.room.doubt(this.targets);
  }

  #heldMs(): number {
    return Number.isNaN(this.#sinceUs) ? NaN : (this.#session.clock.nowUs() - this.#sinceUs) / 1_000;
  }
}

showAs<Permit>(HeldPermit.prototype, "Permit", ({ waitedMs, fencingToken, decision }) => {
  return { waitedMs, fencingToken, decision };
});
