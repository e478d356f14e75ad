/**
 * One call of the limited fetch, and its permits.
 *
 * @module
 */

import { type Clock, sleepUntil } from "../../base/clock.ts";
import { RateLimitedError } from "../../decision/rate_limited_error.ts";
import type { Limiter } from "../../limiter/limiter.ts";
import type { Permit } from "../../decision/decision.ts";
import type { OutboundCall } from "./outbound_call.ts";
import type { PauseState } from "./pause_state.ts";

/** One call of the limited fetch, with its limiter and its deadline. */
export interface CallState {
  /** The request. */
  readonly call: OutboundCall;
  /** The limiter. */
  readonly limiter: Limiter;
  /** The clock of its store. */
  readonly clock: Clock;
  /** The key; `undefined` for the limiter as a whole. */
  readonly key: string | undefined;
  /** Units that it takes. */
  readonly cost: number;
  /** The pauses of its key. */
  readonly pauses: PauseState;
  /** The deadline, in milliseconds by the clock. */
  readonly deadlineMs: number;
}

/**
 * Acquires a permit, and waits again if a pause began meanwhile.
 *
 * @throws {RateLimitedError} If the deadline cannot be met.
 */
export async function acquirePermit(
  { call, limiter, clock, key, cost, pauses, deadlineMs }: CallState,
): Promise<Permit> {
  const { signal } = call;
  for (;;) {
    const askedMs = clock.nowUs() / 1_000;
    const permit = await limiter.acquire({
      ...(key === undefined ? {} : { key }),
      cost,
      timeoutMs: Math.max(deadlineMs - askedMs, 0),
      signal,
    });
    const { ms, shared } = await pauses.leftMs(permit, askedMs, key);
    if (ms === 0) return permit;
    await permit.release();
    const nowMs = clock.nowUs() / 1_000;
    if (nowMs + ms > deadlineMs) throw new RateLimitedError(permit.decision.denied(ms));
    // After a shared pause, the store itself holds the next permit back.
    if (!shared) await sleepUntil(clock, (nowMs + ms) * 1_000, signal);
  }
}
