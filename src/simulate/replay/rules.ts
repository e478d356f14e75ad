/**
 * Which limiters are replayed, under which rules.
 *
 * @module
 */

import { ConfigError, NotFoundError } from "../../base/errors.ts";
import { show } from "../../base/text.ts";
import { sameLimits } from "../../algorithms/take_over.ts";
import { compilePolicy } from "../../policy/compile_policy.ts";
import type { LimiterOptions } from "../../policy/options.ts";
import type { Policy } from "../../policy/policy.ts";

/** Limiters by id. */
export type Limiters = Readonly<Record<string, LimiterOptions>>;

/** What became of a limiter between two configurations. */
export type RuleChange = "same" | "changed" | "added" | "removed";

/** A limiter under its rules, and under those that it is compared with. */
export interface ReplayRules {
  /** The limiter's id. */
  readonly limiter: string;
  /** Its rules; undefined where it was removed. */
  readonly policy: Policy | undefined;
  /** The rules that it is compared with; undefined where it was added, and where nothing is compared. */
  readonly oldPolicy: Policy | undefined;
  /** What became of it; undefined where nothing is compared. */
  readonly change: RuleChange | undefined;
}

/** The limiters to replay, and what has to be said of others. */
export interface RuleSet {
  /** Those whose rates can be replayed. */
  readonly rules: readonly ReplayRules[];
  /** What cannot be replayed. */
  readonly warnings: readonly string[];
}

/**
 * Chooses limiters.
 *
 * @param limiters The rules.
 * @param against The rules to compare with; undefined to compare nothing.
 * @param only The ids of limiters to replay; none for all.
 * @throws {NotFoundError | ConfigError} If there is no such limiter, or none that can be replayed.
 */
export function chooseRules(limiters: Limiters, against: Limiters | undefined, only: readonly string[]): RuleSet {
  const ids = [...new Set([...Object.keys(limiters), ...Object.keys(against ?? {})])];
  for (const id of only) if (!ids.includes(id)) throw new NotFoundError("limiter", id, ids);
  const warnings: string[] = [];
  const rules: ReplayRules[] = [];
  for (const limiter of ids.filter((id) => only.length === 0 || only.includes(id))) {
    const policy = ratesOf(limiters, limiter);
    const oldPolicy = against && ratesOf(against, limiter);
    for (const one of [policy, oldPolicy]) {
      if (one === undefined || one.maxConcurrent === 0) continue;
      warnings.push(
        `limiter ${
          show(limiter)
        } has max_concurrent, which is not replayed: a log does not say when permits are released`,
      );
      break;
    }
    const [now, before] = [withoutPermits(policy), withoutPermits(oldPolicy)];
    if (now === undefined && before === undefined) continue;
    rules.push({ limiter, policy: now, oldPolicy: before, change: against && changeOf(now, before) });
  }
  if (rules.length > 0) return { rules, warnings };
  const received = ids.length === 0
    ? "no limiters"
    : `only limiters without a rate: ${ids.map((id) => show(id)).join(", ")}`;
  throw new ConfigError({ path: "limiters", expected: "a limiter with a rate", received });
}

function ratesOf(limiters: Limiters, id: string): Policy | undefined {
  return Object.hasOwn(limiters, id) ? compilePolicy(limiters[id] as LimiterOptions) : undefined;
}

function withoutPermits(policy: Policy | undefined): Policy | undefined {
  return policy === undefined || policy.rates.length === 0 ? undefined : { ...policy, maxConcurrent: 0 };
}

function changeOf(policy: Policy | undefined, oldPolicy: Policy | undefined): RuleChange {
  if (policy === undefined) return "removed";
  if (oldPolicy === undefined) return "added";
  return sameLimits(policy.rates, oldPolicy.rates) ? "same" : "changed";
}
