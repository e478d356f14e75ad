/**
 * A memory store that checks every state it has written.
 *
 * @module
 */

import { type RateState, stateProblem } from "../../algorithms/kernels.ts";
import { show } from "../../base/text.ts";
import type { ReplyTo, StoreRequest, Target } from "../store.ts";
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

  #check(target: Target): void {
    const states = this.statesOf(target);
    target.policy.rates.forEach((rate, i) => {
      const problem = stateProblem(rate, states[i] as RateState);
      if (problem === undefined) return;
      throw new Error(`Cannot trust the ${rate.algorithm} of limiter ${show(target.limiter)}: ${problem}`);
    });
  }
}
