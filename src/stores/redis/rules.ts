/**
 * The rules of a limiter as its register in Redis knows them.
 *
 * @module
 */

import { algorithmOf } from "../../algorithms/mod.ts";
import type { RateLimit } from "../../algorithms/limit.ts";
import type { Policy } from "../../policy/policy.ts";

/** How scripts are sent rules, and which rules wrote the values that do not name theirs. */
export interface RuleState {
  /** These rules as scripts are sent them, without what values do not depend on; empty where there are no rates. */
  readonly form: string;
  /** The plain rules: what wrote values that do not name their rules. */
  readonly plainForm: string;
  /** The rules that will be plain; empty for none. */
  readonly nextForm: string;
  /** From when on, in microseconds of the store's clock. */
  readonly nextFromUs: number;
  /** Whether other rules are in use whose values are different ones. */
  readonly isMixed: boolean;
  /** Whether the values of these rules name them. */
  readonly isNamed: boolean;
  /** When no others were in use, in microseconds of the store's clock; 0 where they are, or that is not known. */
  readonly aloneUs: number;
}

/** The state of rules that no others have to do with. */
export function aloneWith(policy: Policy): RuleState {
  const form = formOf(policy);
  return { form, plainForm: form, nextForm: "", nextFromUs: 0, isMixed: false, isNamed: isNamed(form), aloneUs: 0 };
}

/** Whether values are read and written in the plain form of these rules. */
export function isPlain({ form, plainForm, nextForm }: RuleState): boolean {
  return form === "" || (form === plainForm && nextForm === "");
}

/** Whether values of a form tell which rules wrote them, so that the scripts that decide fast recognise others. */
export function isNamed(form: string): boolean {
  return /^1 [cfs] /.test(form);
}

/** Whether `take_mixed.lua` decides by these rules: a single token bucket, or a fixed window. */
export function isKnownMixed({ form }: Pick<RuleState, "form">): boolean {
  return /^1 [ft] /.test(form);
}

/** Rules as scripts are sent them. The capacity of a window is no part of what is stored: it stands as 1. */
export function formOf({ rates }: Policy): string {
  if (rates.length === 0) return "";
  return [rates.length, ...rates.flatMap(argsOf)].join(" ");
}

function argsOf(rate: RateLimit): readonly (number | string)[] {
  const { letter, numbers } = algorithmOf(rate.algorithm);
  const own = numbers(rate);
  return [letter, ...(rate.algorithm === "token_bucket" ? own : [1, ...own.slice(1)])];
}

/** The places of the limits of a form whose states have keys of their own. */
export function placesOf(form: string): number[] {
  const letters = form.split(" ").filter((word) => /^[a-z]$/.test(word));
  return letters.length < 2 ? [] : [...letters.keys()].filter((place) => letters[place] === "s");
}

/** Keys may matter longer than their limits say, by the waits of calls, in microseconds. */
const WAITS_US = 60_000_000;

/** How long what these rules store can matter, in microseconds. */
export function mattersUs({ rates, timeoutMs = 0 }: Policy): number {
  const spans = rates.map((rate) => rate.algorithm === "token_bucket" ? rate.burstUs : 2 * rate.windowUs);
  return Math.max(0, ...spans) + Math.max(WAITS_US, Math.min(timeoutMs, 1e9) * 1_000);
}
