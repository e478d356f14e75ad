/**
 * What a limiter, and its store, say of failures, checked.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { checkOptions, numberFrom, type OptionRow } from "../base/option_table.ts";
import { show } from "../base/text.ts";
import type { FailureOptions, StoreErrorPolicy } from "./options.ts";

const POLICIES: readonly StoreErrorPolicy[] = ["local", "allow", "deny", "throw"];

/** The options that a limiter and a store have in common: how they are written and checked. */
export const FAILURE_OPTIONS: Readonly<Record<keyof FailureOptions, OptionRow>> = {
  failClosed: { type: "boolean" },
  onStoreError: { type: POLICIES },
  decisionTimeoutMs: {
    type: "duration",
    positive: true,
    infinite: true,
    check: numberFrom("milliseconds above 0, or Infinity", Number.MIN_VALUE, Infinity),
  },
  localShare: { type: "number", check: numberFrom("a number above 0, at most 1", Number.MIN_VALUE, 1) },
};

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
  checkOptions(options, FAILURE_OPTIONS);
  const { onStoreError, failClosed } = options;
  if (failClosed === undefined || onStoreError === undefined || failClosed === (onStoreError === "deny")) return;
  throw new ConfigError({
    path: "failClosed",
    expected: `nothing that contradicts onStoreError ${show(onStoreError)}`,
    received: show(failClosed),
  });
}

/** The policy that options name, if they do. */
function policyOf({ onStoreError, failClosed }: FailureOptions): StoreErrorPolicy | undefined {
  if (onStoreError !== undefined || failClosed === undefined) return onStoreError;
  return failClosed ? "deny" : "local";
}

/** Takes the options out of a store's configuration: those of failures, and the rest. */
export function splitFailureOptions<Config extends object>(config: Config): readonly [FailureOptions, Config] {
  const entries = Object.entries(config).filter(([, value]) => value !== undefined);
  const part = (isFailure: boolean) =>
    Object.fromEntries(entries.filter(([name]) => Object.hasOwn(FAILURE_OPTIONS, name) === isFailure));
  return [part(true), part(false) as Config];
}
