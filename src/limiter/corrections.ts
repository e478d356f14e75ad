/**
 * Corrections by operators. Loaded with the first store that is used.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import type { Target } from "../stores/store.ts";
import { checkUnits } from "./call_options.ts";
import type { StoreSession } from "./store_session.ts";

/** How many times its capacity a limit can be overdrawn by one correction. */
const MOST_PIECES = 100;

/** What a correction has charged. */
export interface Charge {
  /** Units that were taken, or that a reservation has cost in all. */
  readonly charged: number;
  /**
   * Units that were not: one call charges at most a hundred times what the limit holds, nothing is charged for a time after
   * the year 2184, and no store was charged where the failure policy had decided. 0 nearly always.
   */
  readonly uncharged: number;
}

/** The longest block: 35 years, in milliseconds. */
const MOST_BLOCK_MS = 1.1e12;

/**
 * Forgives units.
 *
 * @throws {ConfigError | RangeError} If the limiter has no rate, or it is not a whole number from 1.
 * @internal
 */
export async function refund(client: StoreSession, target: Target, units: number): Promise<void> {
  mustHaveRates(target, "refund");
  checkUnits("units", target.limiter, units);
  await client.ask({ op: "refund", targets: [{ ...target, cost: units }] });
}

/**
 * Takes units whatever the limit says, in pieces that the limit can hold.
 *
 * @returns What was taken: at most a hundred times what the limit holds.
 * @throws {ConfigError | RangeError} If the limiter has no rate, or it is not a whole number from 1.
 * @internal
 */
export async function penalize(client: StoreSession, target: Target, units: number): Promise<Charge> {
  mustHaveRates(target, "penalize");
  checkUnits("units", target.limiter, units);
  const { capacity } = target.policy;
  const most = Math.min(units, capacity * MOST_PIECES);
  const pieces = Array.from({ length: Math.ceil(most / capacity) }, async (_, i): Promise<number> => {
    const cost = Math.min(most - i * capacity, capacity);
    const { counts } = await client.ask({ op: "penalize", targets: [{ ...target, cost }] });
    return counts[0] === 0 ? 0 : cost;
  });
  const charged = (await Promise.all(pieces)).reduce((sum, cost) => sum + cost, 0);
  return { charged, uncharged: units - charged };
}

/**
 * Denies everything for a while; 0 lifts a block.
 *
 * @throws {RangeError | TypeError} If it is no such time, or `keepLonger` is no boolean.
 * @internal
 */
export async function block(
  client: StoreSession,
  target: Target,
  durationMs: number,
  keepLonger: boolean | undefined,
): Promise<void> {
  if (!(typeof durationMs === "number" && durationMs >= 0 && durationMs <= MOST_BLOCK_MS)) {
    throw new RangeError(`Cannot block: durationMs must be a number from 0 to 35 years, received ${show(durationMs)}`);
  }
  if (keepLonger !== undefined && typeof keepLonger !== "boolean") {
    throw new TypeError(`Cannot block: keepLonger must be true or false, received ${show(keepLonger)}`);
  }
  await client.correct({ op: "block", durationUs: Math.round(durationMs * 1_000), keepLonger, targets: [target] });
}

/** @throws {ConfigError} If a limiter has no rate. */
export function mustHaveRates({ limiter, policy }: Target, verb: string): void {
  if (policy.rates.length > 0) return;
  throw new ConfigError({
    path: `limiters.${limiter}`,
    expected: `a limiter with a rate, to ${verb} it`,
    received: "one that has only maxConcurrent",
  });
}
