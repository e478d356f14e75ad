/**
 * What a guard checks of limiters about one request.
 *
 * @module
 */

import { kindOf, show } from "../base/text.ts";
import type { AskFor } from "../registry/combined_call.ts";
import { type Identify, type Identity, keysOf, UNIDENTIFIED } from "./identify.ts";
import type { CompiledRule } from "./compile_guard.ts";
import type { Cost } from "./options.ts";
import type { GuardedRequest } from "./request.ts";
import type { Settle } from "./settle.ts";
import type { ErrorReporter } from "./error_reporter.ts";

/** One limiter and key that a request must pass. */
export interface LimitCheck<Raw> {
  /** What the limiter is told. */
  readonly about: AskFor & { readonly cost: number };
  /** What it has cost, when it has been answered. */
  readonly settle: Settle<Raw> | undefined;
}

/**
 * What rules ask about a request: one ask for each key, of cost 0 where the request costs nothing. At once where no
 * function has to be waited for. Never rejects.
 */
export function checksOf<Raw>(
  rules: readonly CompiledRule<Raw>[],
  request: GuardedRequest<Raw>,
  errors: ErrorReporter,
): LimitCheck<Raw>[] | Promise<LimitCheck<Raw>[]> {
  const [rule] = rules;
  if (rules.length === 1 && rule?.identify !== undefined && typeof rule.cost === "number") {
    const { identify, cost } = rule;
    const keys = keysFor(identify, rule, request, errors);
    return keys instanceof Promise ? keys.then((later) => oneForEach(later, rule, cost)) : oneForEach(keys, rule, cost);
  }
  return checksOfMany(rules, request, errors);
}

async function checksOfMany<Raw>(
  rules: readonly CompiledRule<Raw>[],
  request: GuardedRequest<Raw>,
  errors: ErrorReporter,
): Promise<LimitCheck<Raw>[]> {
  const identified = new Map<Identify<Raw>, readonly string[]>();
  const checks: LimitCheck<Raw>[] = [];
  for (const rule of rules) {
    const { limiter, identify, cost, settle } = rule;
    const units = await costOf(cost, rule, request, errors);
    if (identify === undefined) {
      checks.push({ about: { limiter, cost: units }, settle });
      continue;
    }
    const keys = identified.get(identify) ?? await keysFor(identify, rule, request, errors);
    identified.set(identify, keys);
    checks.push(...oneForEach(keys, rule, units));
  }
  return checks;
}

function oneForEach<Raw>(
  keys: readonly string[],
  { limiter, settle }: CompiledRule<Raw>,
  cost: number,
): LimitCheck<Raw>[] {
  return keys.map((key) => ({ about: { limiter, key, cost }, settle }));
}

function keysFor<Raw>(
  identify: Identify<Raw>,
  { path, limiter }: CompiledRule<Raw>,
  request: GuardedRequest<Raw>,
  errors: ErrorReporter,
): readonly string[] | Promise<readonly string[]> {
  const unidentified = (what: string, error?: unknown) => {
    const rule = `${path}key of limiter ${show(limiter)}`;
    errors.report("key", `${rule} ${what}: the request shares the limit of all that are ${UNIDENTIFIED}`, error, rule);
    return NOBODY;
  };
  const failed = (error: unknown) => unidentified("failed", error);
  const keysOfIdentity = (identity: Identity) => keysOf(identity) ?? unidentified(`returned ${emptyOf(identity)}`);
  try {
    const identity = identify(request);
    return isPromise(identity)
      ? Promise.resolve(identity).then(keysOfIdentity).catch(failed)
      : keysOfIdentity(identity);
  } catch (error) {
    return failed(error);
  }
}

/** What a key function returned, in words that tell no secret. */
function emptyOf(identity: unknown): string {
  if (identity === undefined || identity === null || identity === "") return `no key (${show(identity)})`;
  if (Array.isArray(identity)) return `no key (${kindOf(identity)})`;
  if (typeof identity === "string") return "a key that is too long";
  return `${kindOf(identity)} in place of a string`;
}

const NOBODY: readonly string[] = [UNIDENTIFIED];

function isPromise(value: Identity | PromiseLike<Identity>): value is PromiseLike<Identity> {
  return typeof (value as Partial<PromiseLike<Identity>> | null | undefined)?.then === "function";
}

async function costOf<Raw>(
  cost: Cost<Raw>,
  { path, limiter }: CompiledRule<Raw>,
  request: GuardedRequest<Raw>,
  errors: ErrorReporter,
): Promise<number> {
  if (typeof cost === "number") return cost;
  const rule = `${path}cost of limiter ${show(limiter)}`;
  try {
    const units = await cost(request);
    if (typeof units === "number" && units >= 0 && units <= Number.MAX_SAFE_INTEGER) return Math.ceil(units);
    const problem = `${rule} returned ${show(units)} in place of a number from 0: the request costs 1`;
    errors.report("cost", problem, undefined, rule);
  } catch (error) {
    errors.report("cost", `${rule} failed: the request costs 1`, error, rule);
  }
  return 1;
}
