/**
 * What a guard asks of limiters about one request.
 *
 * @module
 */

import { show } from "../base/text.ts";
import type { AskFor } from "../registry/together.ts";
import { type Identify, keysOf, UNIDENTIFIED } from "./identify.ts";
import type { CompiledRule } from "./compile_guard.ts";
import type { Cost } from "./options.ts";
import type { GuardedRequest } from "./request.ts";
import type { Settle } from "./settle.ts";
import type { Troubles } from "./trouble.ts";

/** One limiter and key that a request must pass. */
export interface Ask<Raw> {
  /** What the limiter is told. */
  readonly about: AskFor & { readonly cost: number };
  /** What it has cost, when it has been answered. */
  readonly settle: Settle<Raw> | undefined;
}

/** What rules ask about a request: one ask for each key, of cost 0 where the request costs nothing. Never rejects. */
export async function asksOf<Raw>(
  rules: readonly CompiledRule<Raw>[],
  request: GuardedRequest<Raw>,
  troubles: Troubles,
): Promise<Ask<Raw>[]> {
  const identified = new Map<Identify<Raw>, readonly string[]>();
  const asks: Ask<Raw>[] = [];
  for (const { limiter, identify, cost, settle } of rules) {
    const units = await costOf(cost, request, troubles);
    if (identify === undefined) {
      asks.push({ about: { limiter, cost: units }, settle });
      continue;
    }
    const keys = identified.get(identify) ?? await keysFor(identify, request, troubles);
    identified.set(identify, keys);
    for (const key of keys) asks.push({ about: { limiter, key, cost: units }, settle });
  }
  return asks;
}

async function keysFor<Raw>(
  identify: Identify<Raw>,
  request: GuardedRequest<Raw>,
  troubles: Troubles,
): Promise<readonly string[]> {
  try {
    const keys = keysOf(await identify(request));
    if (keys !== undefined) return keys;
    troubles.tell("key", "nothing identifies a request, it is limited together with all others like it");
  } catch (error) {
    troubles.tell("key", "a key function failed, the request is limited together with all unidentified ones", error);
  }
  return [UNIDENTIFIED];
}

async function costOf<Raw>(cost: Cost<Raw>, request: GuardedRequest<Raw>, troubles: Troubles): Promise<number> {
  if (typeof cost === "number") return cost;
  try {
    const units = await cost(request);
    if (typeof units === "number" && units >= 0 && units <= Number.MAX_SAFE_INTEGER) return Math.ceil(units);
    troubles.tell("cost", `a cost function gave ${show(units)} in place of a number from 0, the request costs 1`);
  } catch (error) {
    troubles.tell("cost", "a cost function failed, the request costs 1", error);
  }
  return 1;
}
