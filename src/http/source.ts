/**
 * Where a guard's limiters come from: an instance, the default instance, or one limiter alone.
 *
 * @module
 */

import { maxWaitUs } from "../limiter/call_options.ts";
import type { Decision } from "../limiter/decision.ts";
import { decideInTurn, decideNow } from "../limiter/engine.ts";
import type { Limiter } from "../limiter/limiter.ts";
import type { Permit } from "../limiter/permit.ts";
import type { WaitOptions } from "../limiter/rate_limited.ts";
import * as byDefault from "../registry/default_instance.ts";
import type { HttpConfig } from "../registry/options.ts";
import type { RateSync } from "../registry/rate_sync.ts";
import type { AskFor } from "../registry/combined_call.ts";

/** What a guard asks. */
export interface LimiterSource {
  /** A limiter, by its id. */
  limiter(id: string): Limiter | Promise<Limiter>;
  /** Decides now: takes from all, or from none. */
  take(asks: readonly AskFor[]): Promise<Decision>;
  /** Waits its turn. */
  wait(asks: readonly AskFor[], options: WaitOptions): Promise<Permit>;
  /** What the configuration says about HTTP. */
  http(): HttpConfig | Promise<HttpConfig>;
}

/** The limiters of an instance. */
export function fromInstance(instance: RateSync): LimiterSource {
  return {
    limiter: (id) => instance.limiter(id),
    take: (asks) => {
      const [first] = asks;
      return asks.length === 1 && first ? instance.tryAcquire(first.limiter, first) : instance.tryAcquireAll(asks);
    },
    wait: (asks, options) => instance.acquireAll(asks, options),
    http: () => instance.http,
  };
}

/** The limiters of the default instance, which looks for its configuration at the first request. */
export function fromDefault(): LimiterSource {
  return {
    limiter: async (id) => (await byDefault.ready(id)).limiter(id),
    take: (asks) => {
      const [first] = asks;
      return asks.length === 1 && first ? byDefault.tryAcquire(first.limiter, first) : byDefault.tryAcquireAll(asks);
    },
    wait: byDefault.acquireAll,
    http: byDefault.httpConfig,
  };
}

/** One limiter. */
export function fromLimiter(limiter: Limiter): LimiterSource {
  return {
    limiter: () => limiter,
    take: async (asks) => await decideNow(asks.map((ask) => limiter.party(ask)), limiter.route),
    wait: async (asks, { timeoutMs, signal }) => {
      const how = { maxWaitUs: maxWaitUs(timeoutMs, [limiter.policy]), signal };
      signal?.throwIfAborted();
      return (await decideInTurn(asks.map((ask) => limiter.party(ask)), limiter.route, how)).permit;
    },
    http: () => ({}),
  };
}
