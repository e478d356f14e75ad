/**
 * The limiters and keys that one request is checked against.
 *
 * @module
 */

import { kindOf, show } from "../base/text.ts";
import type { CompiledRule } from "./compiled_rule.ts";
import type { ErrorReporter } from "./error_reporter.ts";
import { type Identify, type Identity, isKey, keysOf } from "./identify.ts";
import { classOfKey, UNIDENTIFIED } from "./key_class.ts";
import type { Cost } from "./options.ts";
import type { GuardedRequest } from "./request.ts";
import type { Settle } from "./settle.ts";
import type { Charge } from "./source.ts";

/** One limiter and key that a request is checked against, and what it is charged there if it is allowed. */
export interface LimitCheck<Raw> extends Charge {
  /** Returns the real cost after the answer. */
  readonly settle: Settle<Raw> | undefined;
}

/**
 * The checks of a request: one for each key of each rule. Without a promise where no function returns one. Never rejects:
 * where a key function fails, the key is `unidentified`; where a cost function fails, the cost is 1. Both are reported.
 */
export function checksOf<Raw>(
  rules: readonly CompiledRule<Raw>[],
  request: GuardedRequest<Raw>,
  errors: ErrorReporter,
): LimitCheck<Raw>[] | Promise<LimitCheck<Raw>[]> {
  const [rule] = rules;
  if (rules.length !== 1 || rule === undefined || typeof rule.cost !== "number") {
    return checksOfMany(rules, request, errors);
  }
  const { cost } = rule;
  const keys = keysFor(rule, request, errors);
  if (typeof keys === "string") return [checkOf(rule, keys, cost)];
  return keys instanceof Promise ? keys.then((later) => checksFor(rule, later, cost)) : checksFor(rule, keys, cost);
}

async function checksOfMany<Raw>(
  rules: readonly CompiledRule<Raw>[],
  request: GuardedRequest<Raw>,
  errors: ErrorReporter,
): Promise<LimitCheck<Raw>[]> {
  const identified = new Map<Identify<Raw> | undefined, string | readonly string[] | undefined>();
  const checks: LimitCheck<Raw>[] = [];
  for (const rule of rules) {
    const cost = await costOf(rule.cost, rule, request, errors);
    const keys = identified.get(rule.identify) ?? await keysFor(rule, request, errors);
    identified.set(rule.identify, keys);
    checks.push(...checksFor(rule, keys, cost));
  }
  return checks;
}

/** A check for each key; without keys, one of the limiter as a whole. */
function checksFor<Raw>(
  rule: CompiledRule<Raw>,
  keys: string | readonly string[] | undefined,
  cost: number,
): LimitCheck<Raw>[] {
  return keys === undefined || typeof keys === "string"
    ? [checkOf(rule, keys, cost)]
    : keys.map((key) => checkOf(rule, key, cost));
}

function checkOf<Raw>(
  { limiter, settle, keyClass, keyPrefixes }: CompiledRule<Raw>,
  key: string | undefined,
  cost: number,
): LimitCheck<Raw> {
  const known = keyClass ?? (key === undefined ? undefined : classOfKey(key, keyPrefixes));
  return { limiter, key, keyClass: known, cost, settle };
}

function keysFor<Raw>(
  rule: CompiledRule<Raw>,
  request: GuardedRequest<Raw>,
  errors: ErrorReporter,
): string | readonly string[] | undefined | Promise<string | readonly string[]> {
  const { identify } = rule;
  if (identify === undefined) return undefined;
  try {
    const identity = identify(request);
    if (typeof identity === "string" && isKey(identity)) return identity;
    if (!isPromise(identity)) return keysOrUnidentified(identity, rule, errors);
    return Promise.resolve(identity).then((later) => keysOrUnidentified(later, rule, errors))
      .catch((error) => unidentified("failed", rule, errors, error));
  } catch (error) {
    return unidentified("failed", rule, errors, error);
  }
}

function keysOrUnidentified<Raw>(
  identity: Identity,
  rule: CompiledRule<Raw>,
  errors: ErrorReporter,
): string | readonly string[] {
  return keysOf(identity) ?? unidentified(`returned ${emptyOf(identity)}`, rule, errors);
}

function unidentified<Raw>(
  what: string,
  { path, limiter }: CompiledRule<Raw>,
  errors: ErrorReporter,
  error?: unknown,
): string {
  const rule = `${path}key of limiter ${show(limiter)}`;
  errors.report("key", `${rule} ${what}: the request shares the limit of all that are ${UNIDENTIFIED}`, error, rule);
  return UNIDENTIFIED;
}

/** What a key function returned, without the value, which may be a secret. */
function emptyOf(identity: unknown): string {
  if (identity === undefined || identity === null || identity === "") return `no key (${show(identity)})`;
  if (Array.isArray(identity)) return `no key (${kindOf(identity)})`;
  if (typeof identity === "string") return "a key that is too long";
  return `${kindOf(identity)} in place of a string`;
}

function isPromise(value: Identity | PromiseLike<Identity>): value is PromiseLike<Identity> {
  return typeof value === "object" && typeof (value as Partial<PromiseLike<Identity>> | null)?.then === "function";
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
