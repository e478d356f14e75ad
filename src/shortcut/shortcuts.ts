/**
 * What a process can decide without asking a store that is not inside it. Loaded with the first such store.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Store, StoreRequest, TakeReply, TakeRequest, Target } from "../stores/store.ts";
import { DenyCache } from "./deny_cache.ts";
import type { TokenSource } from "./token_lease.ts";
import { TokenLeases } from "./token_leases.ts";

/** What one process knows of one store. */
export class Shortcuts {
  /** Denials that still hold. A field, as the next: each call reads it. */
  readonly denials: DenyCache = new DenyCache();
  /** Units that were leased. */
  readonly tokens: TokenLeases;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock, take: TokenSource["take"] = async (request) => await store.execute(request)) {
    this.#clock = clock;
    this.tokens = new TokenLeases(clock, {
      take,
      giveBack: async (request) => await store.execute(request),
    });
  }

  /**
   * Decides on one target, if this process knows enough: from units that it has leased, or from a denial that still
   * holds for calls that wait at most `maxWaitUs`.
   */
  decide(
    target: Target,
    mode: TakeRequest["mode"],
    maxWaitUs: number,
    signal?: AbortSignal,
  ): TakeReply | Promise<TakeReply> | undefined {
    if (target.policy.tokenLeaseUs === 0) return this.denied(target, maxWaitUs);
    return mode === "peek" ? this.tokens.peek(target) : this.tokens.take(target, signal);
  }

  /** A denial that still holds for calls that wait at most `maxWaitUs`; undefined where none is known. */
  denied(target: Target, maxWaitUs: number): TakeReply | undefined {
    return this.denials.isEmpty ? undefined : this.denials.find(target, this.#clock.nowUs(), maxWaitUs);
  }

  /** Leases units for later calls on a target, if its limiter leases any. */
  begin(target: Target): void {
    if (target.policy.tokenLeaseUs > 0) this.tokens.begin(target);
  }

  /**
   * Remembers what the store said, if that spares asking it again. `askedUs` is when it was asked. A reply that allows a call
   * now changes nothing as long as `denials` is empty.
   */
  remember({ targets }: TakeRequest, reply: TakeReply, askedUs: number): void {
    const [target] = targets;
    if (target === undefined) return;
    if (targets.length > 1) this.denials.forget(targets);
    else if (target.policy.tokenLeaseUs === 0) this.denials.remember(target, reply, askedUs);
    else this.tokens.learn(target, reply, askedUs);
  }

  /**
   * A request is about to be sent. From now on the store is asked what it changes: calls that are made before its answer
   * come behind it.
   */
  sending(request: StoreRequest): void {
    const { op, targets } = request;
    if (op === "reset" || op === "block" || op === "penalize") this.tokens.drop(targets);
    this.sent(request);
  }

  /** A request was answered: what is known of its targets may have changed for the better. */
  sent({ op, targets }: StoreRequest): void {
    // A release changes no rate, and nothing is remembered of limiters with permits.
    if (op === "take" || op === "renew" || op === "release") return;
    this.denials.forget(targets, this.#clock.nowUs());
    this.tokens.recheck(targets);
  }

  /** Forgets everything, units too. */
  clear(): void {
    this.tokens.clear();
    this.denials.clear(this.#clock.nowUs());
  }

  /** Gives back what was leased. Resolves when the store knows. */
  close(): Promise<void> {
    return this.tokens.close();
  }
}
