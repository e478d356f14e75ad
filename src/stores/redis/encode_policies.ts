/**
 * Policies as scripts read them, with what is known of other rules of their limiters.
 *
 * @module
 */

import type { Policy } from "../../policy/policy.ts";
import type { Target } from "../store.ts";
import { encodePolicy } from "./encode_several.ts";
import type { KeyNames } from "./keys.ts";
import { isPlain, placesOf, type RuleState } from "./rules.ts";

/** The policies of a call: each once. */
export class EncodedPolicies {
  readonly #indexes = new Map<string, string>();
  readonly #args: string[] = [];

  /** How many there are, and all of them. */
  get args(): readonly string[] {
    return [String(this.#indexes.size), ...this.#args];
  }

  /** The number by which requests name a policy. */
  index(policy: Policy, rules: RuleState): string {
    const args = encodePolicy(policy);
    if (policy.rates.length > 0) args.push(...this.#others(rules));
    return this.#add(args);
  }

  #others(rules: RuleState): string[] {
    const { form, plainForm, nextForm, nextFromUs, aloneUs } = rules;
    const alone = (kind: number) => aloneUs > 0 ? [String(2 + kind), String(aloneUs)] : [String(kind)];
    if (isPlain(rules)) return alone(0);
    const index = (other: string) => other === form ? "0" : this.#add(["0", "0", "-1", ...other.split(" "), "0"]);
    const places = morePlacesOf(rules);
    const next = nextForm === "" ? "" : index(nextForm);
    return [
      ...alone(1),
      index(plainForm),
      next,
      String(nextFromUs),
      String(places.length),
      ...places.map((place) => String(place + 1)),
    ];
  }

  #add(args: readonly string[]): string {
    const name = args.join(" ");
    let index = this.#indexes.get(name);
    if (index === undefined) {
      this.#indexes.set(name, index = String(this.#indexes.size + 1));
      this.#args.push(...args);
    }
    return index;
  }
}

/** The places of limits whose logs have keys of their own by other rules of the limiter, and not by these. */
export function morePlacesOf(rules: RuleState): number[] {
  if (isPlain(rules)) return [];
  const own = placesOf(rules.form);
  const others = new Set([rules.plainForm, rules.nextForm].flatMap(placesOf));
  return [...others].filter((place) => !own.includes(place)).sort((a, b) => a - b);
}

/** The keys of a target, and those of logs by other rules. */
export function keysBeside(target: Target, rules: RuleState, names: KeyNames): string[] {
  return [...names.of(target), ...names.logsOf(target, morePlacesOf(rules))];
}
