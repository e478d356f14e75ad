/**
 * What a limiter, and its store, say of failures, checked.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { unknownWord } from "../base/unknown_options.ts";
import type { FailureOptions, StoreErrorPolicy } from "./options.ts";

/** The options that a limiter and a store have in common. */
export const FAILURE_KEYS = ["onStoreError", "failClosed", "decisionTimeoutMs", "localShare"] as const;

const POLICIES: readonly string[] = ["local", "allow", "deny", "throw"] satisfies StoreErrorPolicy[];

const DEFAULT_DECISION_TIMEOUT_MS = 1_000;

/** The failure policy of a limiter. */
export interface FailurePolicy {
  /** What happens when the store cannot decide. */
  readonly onStoreError: StoreErrorPolicy;
  /** How long the store may take to decide, in microseconds; may be Infinity. */
  readonly decisionTimeoutUs: number;
  /** The share of the limits that this process applies alone. */
  readonly localShare: number;
}

/**
 * Checks what a limiter says of failures, and takes what it does not say from its store.
 *
 * @throws {ConfigError} If an option of the limiter is contradictory or out of range.
 */
export function compileFailure(options: FailureOptions, store: FailureOptions): FailurePolicy {
  checkFailureOptions(options);
  const timeoutMs = options.decisionTimeoutMs ?? store.decisionTimeoutMs ?? DEFAULT_DECISION_TIMEOUT_MS;
  return {
    onStoreError: policyOf(options) ?? policyOf(store) ?? "local",
    decisionTimeoutUs: Math.max(Math.round(timeoutMs * 1_000), 1),
    localShare: options.localShare ?? store.localShare ?? 1,
  };
}

/**
 * Checks options of a limiter or a store.
 *
 * @throws {ConfigError} If one is contradictory or out of range; `path` names it.
 */
export function checkFailureOptions(options: FailureOptions): void {
  const { onStoreError, failClosed, decisionTimeoutMs = 1, localShare = 1 } = options;
  if (failClosed !== undefined && typeof failClosed !== "boolean") {
    throw new ConfigError({ path: "failClosed", expected: "true or false", received: show(failClosed) });
  }
  if (onStoreError !== undefined && !POLICIES.includes(onStoreError)) {
    throw unknownWord("onStoreError", POLICIES, onStoreError);
  }
  if (failClosed !== undefined && onStoreError !== undefined && failClosed !== (onStoreError === "deny")) {
    throw new ConfigError({
      path: "failClosed",
      expected: `nothing that contradicts onStoreError ${show(onStoreError)}`,
      received: show(failClosed),
    });
  }
  if (!(typeof decisionTimeoutMs === "number" && decisionTimeoutMs > 0)) {
    const expected = "milliseconds above 0, or Infinity";
    throw new ConfigError({ path: "decisionTimeoutMs", expected, received: show(decisionTimeoutMs) });
  }
  if (!(typeof localShare === "number" && localShare > 0 && localShare <= 1)) {
    const expected = "a number above 0, at most 1";
    throw new ConfigError({ path: "localShare", expected, received: show(localShare) });
  }
}

/** The policy that options name, if they do. */
function policyOf({ onStoreError, failClosed }: FailureOptions): StoreErrorPolicy | undefined {
  if (onStoreError !== undefined || failClosed === undefined) return onStoreError;
  return failClosed ? "deny" : "local";
}

/** Takes the options out of a store's configuration: those of failures, and the rest. */
export function splitFailureOptions<Config extends FailureOptions>(
  config: Config,
): readonly [failure: FailureOptions, rest: WithoutFailure<Config>] {
  const { onStoreError, failClosed, decisionTimeoutMs, localShare, ...rest } = config;
  const all = { onStoreError, failClosed, decisionTimeoutMs, localShare };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return [given as FailureOptions, rest as unknown as WithoutFailure<Config>];
}

/** A configuration without the options of failures; of a union, each part by itself. */
type WithoutFailure<Config> = Config extends unknown ? Omit<Config, keyof FailureOptions> : never;
