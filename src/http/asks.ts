/**
 * What a guard asks of limiters about one request.
 *
 * @module
 */

import { show } from "../base/text.ts";
import type { AskFor } from "../registry/together.ts";
import { type Identify, type Identity, keysOf, UNIDENTIFIED } from "./identify.ts";
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

/**
 * What rules ask about a request: one ask for each key, of cost 0 where the request costs nothing. At once where no
 * function has to be waited for. Never rejects.
 */
export function asksOf<Raw>(
  rules: readonly CompiledRule<Raw>[],
  request: GuardedRequest<Raw>,
  troubles: Troubles,
): Ask<Raw>[] | Promise<Ask<Raw>[]> {
  const [rule] = rules;
  if (rules.length === 1 && rule?.identify !== undefined && typeof rule.cost === "number") {
    const { identify, cost } = rule;
    const keys = keysFor(identify, request, troubles);
    return keys instanceof Promise ? keys.then((later) => oneForEach(later, rule, cost)) : oneForEach(keys, rule, cost);
  }
  return asksOfMany(rules, request, troubles);
}

async function asksOfMany<Raw>(
  rules: readonly CompiledRule<Raw>[],
  request: GuardedRequest<Raw>,
  troubles: Troubles,
): Promise<Ask<Raw>[]> {
  const identified = new Map<Identify<Raw>, readonly string[]>();
  const asks: Ask<Raw>[] = [];
  for (const rule of rules) {
    const { limiter, identify, cost, settle } = rule;
    const units = await costOf(cost, request, troubles);
    if (identify === undefined) {
      asks.push({ about: { limiter, cost: units }, settle });
      continue;
    }
    const keys = identified.get(identify) ?? await keysFor(identify, request, troubles);
    identified.set(identify, keys);
    asks.push(...oneForEach(keys, rule, units));
  }
  return asks;
}

function oneForEach<Raw>(keys: readonly string[], { limiter, settle }: CompiledRule<Raw>, cost: number): Ask<Raw>[] {
  return keys.map((key) => ({ about: { limiter, key, cost }, settle }));
}

function keysFor<Raw>(
  identify: Identify<Raw>,
  request: GuardedRequest<Raw>,
  troubles: Troubles,
): readonly string[] | Promise<readonly string[]> {
  const failed = (error: unknown) => {
    troubles.tell("key", "a key function failed, the request is limited together with all unidentified ones", error);
    return NOBODY;
  };
  const keysOfIdentity = (identity: Identity) => {
    const keys = keysOf(identity);
    if (keys !== undefined) return keys;
    troubles.tell("key", "nothing identifies a request, it is limited together with all others like it");
    return NOBODY;
  };
  try {
    const identity = identify(request);
    return isPromise(identity)
      ? Promise.resolve(identity).then(keysOfIdentity).catch(failed)
      : keysOfIdentity(identity);
  } catch (error) {
    return failed(error);
  }
}

const NOBODY: readonly string[] = [UNIDENTIFIED];

function isPromise(value: Identity | PromiseLike<Identity>): value is PromiseLike<Identity> {
  return typeof (value as Partial<PromiseLike<Identity>> | null | undefined)?.then === "function";
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
