/**
 * Corrections by operators. Loaded with the first store that is used.
 *
 * @module
 */

import { ConfigError, CostExceedsLimitError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import type { StoreRequest, Target } from "../stores/store.ts";
import { checkUnits } from "./call_options.ts";
import type { StoreClient } from "./store_client.ts";

/** How many times its capacity a limit can be overdrawn by one correction. */
const MOST_PIECES = 1_000;

/** The longest block: 35 years, in milliseconds. */
const MOST_BLOCK_MS = 1.1e12;

/**
 * Forgives units.
 *
 * @throws {ConfigError | RangeError} If the limiter has no rate, or it is not a whole number from 1.
 */
export async function refund(client: StoreClient, target: Target, units: number): Promise<void> {
  mustHaveRates(target, "refund");
  checkUnits("units", target.limiter, units);
  await client.ask({ op: "refund", targets: [{ ...target, cost: units }] });
}

/**
 * Takes units whatever the limit says, in pieces that the limit can hold.
 *
 * @throws {ConfigError | RangeError} If the limiter has no rate, or it is not a whole number from 1.
 * @throws {CostExceedsLimitError} If it is more than a thousand times what the limit holds.
 */
export async function penalize(client: StoreClient, target: Target, units: number): Promise<void> {
  mustHaveRates(target, "penalize");
  checkUnits("units", target.limiter, units);
  const { capacity } = target.policy;
  if (units > capacity * MOST_PIECES) throw new CostExceedsLimitError(target.limiter, units, capacity * MOST_PIECES);
  const pieces = Array.from({ length: Math.ceil(units / capacity) }, (_, i): StoreRequest => {
    return { op: "penalize", targets: [{ ...target, cost: Math.min(units - i * capacity, capacity) }] };
  });
  await Promise.all(pieces.map((piece) => client.ask(piece)));
}

/**
 * Denies everything for a while; 0 lifts a block.
 *
 * @throws {RangeError} If it is no such time.
 */
export async function block(
  client: StoreClient,
  target: Target,
  durationMs: number,
  keepLonger: boolean | undefined,
): Promise<void> {
  if (!(typeof durationMs === "number" && durationMs >= 0 && durationMs <= MOST_BLOCK_MS)) {
    throw new RangeError(`Cannot block: durationMs must be a number from 0 to 35 years, received ${show(durationMs)}`);
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
