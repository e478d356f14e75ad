/**
 * A guard whose clock stands still, and a request to it.
 *
 * @module
 */

import { createRateSync, type LimiterOptions, type RateSync } from "@ratesync/core";
import {
  createGuard,
  type Guard,
  type GuardErrorKind,
  type GuardOptions,
  type GuardReport,
  type RequestFacts,
} from "@ratesync/core/http";
import { FakeClock } from "@ratesync/core/testing";

/** The address of the client. */
export const CLIENT = "203.0.113.7";

/** A request of that client. */
export function request(facts: Partial<RequestFacts> = {}): RequestFacts {
  return { method: "GET", url: "/", headers: {}, peer: CLIENT, ...facts };
}

/** Five requests a minute. */
export const FIVE: LimiterOptions = { limit: 5, windowMs: 60_000, algorithm: "sliding_window" };

/** A guard on limiters of its own, with everything that it tells. */
export class Lab implements AsyncDisposable {
  readonly clock: FakeClock = new FakeClock();
  readonly rs: RateSync;
  readonly guard: Guard;
  readonly logged: string[] = [];
  readonly errors: [kind: GuardErrorKind, message: string][] = [];
  readonly reports: GuardReport[] = [];

  constructor(limiters: Record<string, LimiterOptions>, options: Partial<GuardOptions> = {}) {
    this.rs = createRateSync({ clock: this.clock, limiters });
    this.guard = createGuard({
      limiter: Object.keys(limiters)[0] as string,
      rateSync: this.rs,
      logger: { warn: (message) => this.logged.push(message) },
      onError: (error, kind) => this.errors.push([kind, error instanceof Error ? error.message : String(error)]),
      onDecision: (report) => this.reports.push(report),
      ...options,
    });
  }

  /** Units that are used up. */
  async used(limiter: string, key = `ip:${CLIENT}`): Promise<number> {
    const { limit, remaining } = await this.rs.peek(limiter, { key });
    return limit - remaining;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rs.close();
  }
}
