/**
 * Cost that is taken now for a later instant.
 *
 * @module
 */

import { sleepUntil, toWallMs } from "../../base/clock.ts";
import { ConfigError } from "../../base/errors.ts";
import { showAs } from "../../base/inspect.ts";
import { marksOf } from "../../stores/store.ts";
import { type AcquireOptions, checkUnits, maxWaitUs } from "../call_options.ts";
import { type Charge, mustHaveRates, penalize } from "../corrections.ts";
import type { Call, CallKind } from "../call.ts";
import type { Decision } from "../../decision/decision.ts";
import { start } from "../pipeline.ts";
import type { StoreAccess } from "../store_access.ts";
import type { StoreSession } from "../store_session.ts";
import type { LimiterTarget } from "../target.ts";
import { allowedOrThrow } from "../verbs.ts";

/** Cost that was charged for a stated time. It counts until it is settled or cancelled, used or not. */
export interface Reservation {
  /** The decision that took it. */
  readonly decision: Decision;
  /** How long until its instant, counted from when it was made, in milliseconds. */
  readonly waitMs: number;
  /**
   * Its instant as this machine's wall clock tells it now, in milliseconds since the Unix epoch: another number where that
   * clock has been set since. To wait, use `ready`.
   */
  readonly readyAtMs: number;
  /** Waits for the instant. Rejects with the signal's reason; the cost stays taken then. */
  ready(signal?: AbortSignal): Promise<void>;
  /**
   * Reports the units that were used. Fewer: the rest is given back. More: the difference is taken, whatever is left.
   * Only the first of `settle` and `cancel` does anything.
   *
   * @param actualCost Units used, a whole number from 0.
   * @returns What the reservation has cost: the difference is charged up to a hundred times what the limit holds.
   * @throws {RangeError} If it is not a whole number from 0.
   */
  settle(actualCost: number): Promise<Charge>;
  /** Gives everything back, except units that later waiting calls count on. */
  cancel(): Promise<void>;
}

/**
 * Takes for the earliest possible instant, without waiting for it.
 *
 * @throws {RateLimitedError} If that is too far away; nothing is taken then.
 * @throws {ConfigError} If the limiter has no rate, or permits.
 * @internal
 */
export async function reserve(
  session: StoreSession,
  access: StoreAccess,
  target: LimiterTarget,
  { timeoutMs, signal }: AcquireOptions,
): Promise<Reservation> {
  mustHaveRates(target, "reserve on");
  if (target.policy.maxConcurrent > 0) {
    throw new ConfigError({
      path: `limiters.${target.limiter}.maxConcurrent`,
      expected: "a limiter without permits, for reserve: a permit cannot be held for later; use acquire",
      received: String(target.policy.maxConcurrent),
    });
  }
  return await start(session, access, [target], RESERVE, { maxWaitUs: maxWaitUs(timeoutMs, [target.policy]), signal });
}

const RESERVE: CallKind<Reservation> = {
  mode: "wait",
  reserves: true,
  answer: (call, outcome) => newReservation(call, allowedOrThrow(call, outcome)),
};

/** Makes a reservation from the reply that took it; without one where no store has decided. */
function newReservation(
  { targets, reply, session, access: { clock } }: Call<Reservation>,
  decision: Decision,
): Reservation {
  const [target] = targets as readonly [LimiterTarget];
  const waitUs = reply?.waitUs ?? 0;
  const readyAtUs = clock.nowUs() + waitUs;
  let settled: Promise<Charge> | undefined;
  const settle = async (used: number): Promise<Charge> => {
    if (reply === undefined) return { charged: 0, uncharged: used };
    if (used === target.cost) return { charged: used, uncharged: 0 };
    if (used < target.cost) {
      const targets = [{ ...target, cost: target.cost - used }];
      await session.ask({ op: "giveBack", targets, marks: marksOf([target], reply) });
      return { charged: used, uncharged: 0 };
    }
    const { charged, uncharged } = await penalize(session, target, used - target.cost);
    return { charged: target.cost + charged, uncharged };
  };
  const reservation: Reservation = {
    decision,
    waitMs: waitUs / 1_000,
    get readyAtMs() {
      return toWallMs(clock, readyAtUs);
    },
    ready: async (signal?: AbortSignal) => {
      if (reply !== undefined) await sleepUntil(session.clock, readyAtUs, signal);
    },
    settle: (actualCost: number) => {
      checkUnits("actual cost", target.limiter, actualCost, 0);
      return settled ??= settle(actualCost);
    },
    cancel: async () => void await (settled ??= settle(0)),
  };
  showAs(reservation, "Reservation", ({ waitMs, readyAtMs }) => ({ waitMs, readyAtMs, decision }));
  return Object.freeze(reservation);
}
