/**
 * What a store and a limiter say of failures.
 *
 * @module
 */

import { listWords } from "../../base/text.ts";
import type { FailureOptions, StoreErrorPolicy } from "../../policy/options.ts";
import { type Defined, defined } from "./defined.ts";
import type { Section } from "./section.ts";

const POLICIES: readonly StoreErrorPolicy[] = ["local", "allow", "deny", "throw"];

/** The options. */
export const FAILURE_KEYS: readonly string[] = ["fail_closed", "on_store_error", "decision_timeout", "local_share"];

/**
 * Reads them: names and types only, and whether the two ways to name a policy agree.
 *
 * @param section The table of a store or a limiter.
 * @throws {ConfigError} If an option is of the wrong type, or contradicts another one.
 */
export function readFailure(section: Section): Defined<FailureOptions> {
  return defined({
    ...readPolicy(section),
    decisionTimeoutMs: section.durationMs("decision_timeout", { positive: true, infinite: true }),
    localShare: section.number("local_share"),
  });
}

function readPolicy(section: Section): Defined<Pick<FailureOptions, "onStoreError" | "failClosed">> {
  const onStoreError = section.choice("on_store_error", POLICIES);
  const failClosed = section.boolean("fail_closed");
  if (onStoreError === undefined) return defined({ failClosed });
  const agreeing = failClosed ? ["deny"] : POLICIES.filter((policy) => policy !== "deny");
  if (failClosed !== undefined && !agreeing.includes(onStoreError)) {
    section.fail("on_store_error", `${listWords(agreeing)}, as fail_closed = ${failClosed} says`);
  }
  return { onStoreError };
}
