/**
 * A memory store that checks every state it has written.
 *
 * @module
 */

import { stateProblem } from "../../algorithms/kernels.ts";
import type { RateState } from "../../algorithms/kernels.ts";
import { show } from "../../base/text.ts";
import type { NamedPolicy } from "../../policy/policy.ts";
import type { LevelLeft, ReplyTo, StoreRequest, TakeReply, Target } from "../store.ts";
import { MemoryStore } from "./memory_store.ts";

/** As `MemoryStore`, but a state that cannot be right is an error at the request that made it. For finding mistakes. */
export class CheckedMemoryStore extends MemoryStore {
  /**
   * Runs a request at once, and checks what it has left behind.
   *
   * @throws {Error} If a state cannot be right: this is a mistake of the package.
   */
  override execute<Request extends StoreRequest>(request: Request): ReplyTo<Request> | Promise<ReplyTo<Request>> {
    const reply = super.execute(request);
    for (const target of request.targets) this.#check(target);
    return reply;
  }

  /** Decides for a key that is a token bucket and nothing else, and checks what is left. */
  override takeAtOnce(
    limiter: NamedPolicy,
    key: string | undefined,
    cost: number,
    left?: LevelLeft,
  ): TakeReply | true | undefined {
    const reply = super.takeAtOnce(limiter, key, cost, left);
    if (reply !== undefined) this.#check({ limiter: limiter.limiter, policy: limiter.policy, key, cost, slots: 0 });
    return reply;
  }

  #check(target: Target): void {
    const states = this.statesOf(target);
    target.policy.rates.forEach((rate, i) => {
      const problem = stateProblem(rate, states[i] as RateState);
      if (problem === undefined) return;
      throw new Error(`Cannot trust the ${rate.algorithm} of limiter ${show(target.limiter)}: ${problem}`);
    });
  }
}
