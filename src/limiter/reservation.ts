/**
 * Cost that is taken now for a later instant.
 *
 * @module
 */

import { sleepUntil } from "../base/clock.ts";
import { CostExceedsLimitError } from "../base/errors.ts";
import type { Decision } from "./decision.ts";
import { marksOf, type StoreRequest, type TakeReply, type Target } from "../stores/store.ts";
import { checkUnits } from "./call_options.ts";
import type { StoreClient } from "./store_client.ts";

/** How many times its capacity a limit can be overdrawn by one correction. */
const MOST_PIECES = 1_000;

/** Cost taken for a stated instant. It counts from then on, used or not, until it is settled or cancelled. */
export interface Reservation {
  /** The decision that took it. */
  readonly decision: Decision;
  /** How long until its instant, counted from when it was made, in milliseconds. */
  readonly waitMs: number;
  /** Its instant by this process' clock, in milliseconds since the Unix epoch. */
  readonly readyAtMs: number;
  /** Waits for the instant. Rejects with the signal's reason; the cost stays taken then. */
  ready(signal?: AbortSignal): Promise<void>;
  /**
   * Says what was really used: less gives the rest back, more takes the difference, whatever the limit says.
   * Only the first of `settle` and `cancel` does anything.
   *
   * @param actualCost Units used, a whole number from 0.
   * @throws {RangeError} If it is not a whole number from 0.
   */
  settle(actualCost: number): Promise<void>;
  /** Gives everything back, as far as nobody else already counts on its place. */
  cancel(): Promise<void>;
}

/** Makes a reservation from the reply that took it. */
export function newReservation(
  target: Target,
  decision: Decision,
  source: { readonly client: StoreClient; readonly reply: TakeReply } | undefined,
  nowMs: number,
): Reservation {
  const waitUs = source?.reply.waitUs ?? 0;
  const readyAtUs = Math.ceil(nowMs * 1_000) + waitUs;
  let settled: Promise<void> | undefined;
  const settle = async (used: number) => {
    if (source === undefined || used === target.cost) return;
    const { client, reply } = source;
    if (used < target.cost) {
      const targets = [{ ...target, cost: target.cost - used }];
      await client.ask({ op: "giveBack", targets, marks: marksOf(reply) });
    } else await penalize(client, target, used - target.cost);
  };
  return Object.freeze({
    decision,
    waitMs: waitUs / 1_000,
    readyAtMs: readyAtUs / 1_000,
    ready: async (signal?: AbortSignal) => {
      if (source !== undefined) await sleepUntil(source.client.clock, readyAtUs, signal);
    },
    settle: (actualCost: number) => {
      if (actualCost !== 0) checkUnits("actual cost", target.limiter, actualCost);
      return settled ??= settle(actualCost);
    },
    cancel: () => settled ??= settle(0),
  });
}

/**
 * Takes units whatever the limit says, in pieces that the limit can hold.
 *
 * @throws {CostExceedsLimitError} If it is more than a thousand times what the limit holds.
 */
export async function penalize(client: StoreClient, target: Target, units: number): Promise<void> {
  const { capacity } = target.policy;
  if (units > capacity * MOST_PIECES) throw new CostExceedsLimitError(target.limiter, units, capacity * MOST_PIECES);
  const pieces = Array.from({ length: Math.ceil(units / capacity) }, (_, i): StoreRequest => {
    return { op: "penalize", targets: [{ ...target, cost: Math.min(units - i * capacity, capacity) }] };
  });
  await Promise.all(pieces.map((piece) => client.ask(piece)));
}
