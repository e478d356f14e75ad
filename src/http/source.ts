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

/** What a guard checks. */
export interface LimiterSource {
  /** A limiter, by its id. */
  limiter(id: string): Limiter | Promise<Limiter>;
  /** Decides now: takes from all, or from none. */
  take(checks: readonly AskFor[]): Promise<Decision>;
  /** Waits its turn. */
  wait(checks: readonly AskFor[], options: WaitOptions): Promise<Permit>;
  /** What the configuration says about HTTP. */
  http(): HttpConfig | Promise<HttpConfig>;
}

/** The limiters of an instance. */
export function fromInstance(instance: RateSync): LimiterSource {
  return {
    limiter: (id) => instance.limiter(id),
    take: (checks) => {
      const [first] = checks;
      return checks.length === 1 && first ? instance.tryAcquire(first.limiter, first) : instance.tryAcquireAll(checks);
    },
    wait: (checks, options) => instance.acquireAll(checks, options),
    http: () => instance.http,
  };
}

/** The limiters of the default instance, which looks for its configuration at the first request. */
export function fromDefault(): LimiterSource {
  return {
    limiter: async (id) => (await byDefault.ready(id)).limiter(id),
    take: (checks) => {
      const [first] = checks;
      return checks.length === 1 && first
        ? byDefault.tryAcquire(first.limiter, first)
        : byDefault.tryAcquireAll(checks);
    },
    wait: byDefault.acquireAll,
    http: byDefault.httpConfig,
  };
}

/** One limiter. */
export function fromLimiter(limiter: Limiter): LimiterSource {
  return {
    limiter: () => limiter,
    take: async (checks) => await decideNow(checks.map((check) => limiter.party(check)), limiter.route),
    wait: async (checks, { timeoutMs, signal }) => {
      const how = { maxWaitUs: maxWaitUs(timeoutMs, [limiter.policy]), signal };
      signal?.throwIfAborted();
      return (await decideInTurn(checks.map((check) => limiter.party(check)), limiter.route, how)).permit;
    },
    http: () => ({}),
  };
}
