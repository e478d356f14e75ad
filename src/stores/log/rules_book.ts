/**
 * Rules as messages carry them, and the policies that are made of them: one object for each rules, so that the memory store
 * sees no change of rules where there is none.
 *
 * @module
 */

import type { Policy } from "../../policy/policy.ts";

/** What of a policy decides: all else is about the process that asks. */
type Rules = Pick<Policy, "rates" | "maxConcurrent" | "maxWaiters" | "leaseTtlUs" | "onChange">;

/** How many rules may be added before it is looked for those that nothing refers to. */
const SPARE = 64;

/** Rules by their text. */
export class RulesBook {
  readonly #texts = new WeakMap<Policy, string>();
  readonly #policies = new Map<string, Policy>();
  #most = SPARE;

  /** The rules of a policy as a text: the same for the same rules. */
  textOf(policy: Policy): string {
    let text = this.#texts.get(policy);
    if (text === undefined) {
      const { rates, maxConcurrent, maxWaiters, leaseTtlUs, onChange } = policy;
      const rules: Rules = { rates, maxConcurrent, maxWaiters, leaseTtlUs, onChange };
      // Numbers and names alone: a text without quotation marks takes no more room inside of JSON.
      text = JSON.stringify(rules).replaceAll('"', "'");
      this.#texts.set(policy, text);
    }
    return text;
  }

  /** All policies that were read. */
  policies(): IterableIterator<Policy> {
    return this.#policies.values();
  }

  /**
   * Forgets rules that no key is kept under, now and then: whether it has makes no difference to a decision, so processes may
   * do it at different times. Read again, they are a new policy.
   *
   * @param used The policies that the state refers to.
   */
  tidy(used: () => Iterable<Policy>): void {
    if (this.#policies.size <= this.#most) return;
    const kept = new Set(used());
    for (const [text, policy] of this.#policies) if (!kept.has(policy)) this.#policies.delete(text);
    this.#most = 2 * this.#policies.size + SPARE;
  }

  /** The policy of a text that `textOf` made, in this process or another one. */
  policyOf(text: string): Policy {
    let policy = this.#policies.get(text);
    if (policy === undefined) {
      policy = policyOf(JSON.parse(text.replaceAll("'", '"')) as Rules);
      this.#policies.set(text, policy);
      this.#texts.set(policy, text);
    }
    return policy;
  }
}

/** `JSON` has no Infinity: it writes `null`. */
function policyOf({ rates, maxConcurrent, maxWaiters, leaseTtlUs, onChange }: Rules): Policy {
  return Object.freeze({
    rates: Object.freeze(rates.map((rate) => Object.freeze(rate))),
    maxConcurrent,
    maxWaiters: maxWaiters ?? Infinity,
    leaseTtlUs,
    onChange,
    capacity: Infinity,
    timeoutMs: undefined,
    denyCacheUs: 0,
    tokenLeaseUs: 0,
    keyShards: 0,
    onStoreError: "throw",
    decisionTimeoutUs: Infinity,
    localShare: 1,
  });
}
