/**
 * Keys that rules of several kinds have to do with, as in a rolling deploy: what `_mixed.lua` does. Every section counts every
 * unit, by whatever rules it was taken, so all decide by their own rules over all that was taken.
 *
 * @module
 */

import { handoverOf, kernelOf, type RateState } from "../../algorithms/kernels.ts";
import { isSameCount, takeOver } from "../../algorithms/take_over.ts";
import type { Policy } from "../../policy/policy.ts";
import type { Entry, Section } from "./entry.ts";

/** The most rules that a key counts by beside those of the call. */
const MOST_OTHERS = 3;

/** The section by which an entry counts for rules that it is not written under, if it has one: the same states serve both. */
export function sectionFor({ others }: Entry, policy: Policy): Section | undefined {
  return others?.find((section) => isSameCount(section.policy.rates, policy.rates));
}

/** The entry as it stands under other rules, whose turn it is; those it was written under count on. */
export function turned(entry: Entry, policy: Policy, changedUs: number): Entry {
  const { others = [] } = entry;
  const own = sectionFor(entry, policy);
  const states = own?.states ?? takeOver(
    { rates: entry.policy.rates, states: structuredClone(entry.states) },
    policy.rates,
    policy.onChange,
    changedUs,
  );
  const rest: Section[] = isSameCount(entry.policy.rates, policy.rates)
    ? []
    : [{ policy: entry.policy, states: entry.states }];
  for (const section of others) if (section !== own && rest.length < MOST_OTHERS) rest.push(section);
  return { ...entry, policy, states: [...states], others: rest.length === 0 ? undefined : rest };
}

/** The sections as they stand after a step back of the clock; the same where there was none. */
export function settledSections(sections: readonly Section[], nowUs: number): readonly Section[] {
  const settled = changed(sections, (state, rate) => kernelOf(rate).settle(state, nowUs, rate));
  return settled.every(({ states }, i) => states.every((state, j) => state === sections[i]?.states[j]))
    ? sections
    : settled;
}

/** The sections after units were taken by other rules: nothing is asked of them. */
export function alsoTaken(sections: readonly Section[], nowUs: number, atUs: number, units: number): Section[] {
  return changed(sections, (state, rate) => handoverOf(rate).alsoTake(state, nowUs, atUs, units, rate));
}

/** The sections after an operator has forgiven units. */
export function alsoRefunded(sections: readonly Section[], nowUs: number, units: number): Section[] {
  return changed(sections, (state, rate) => kernelOf(rate).refund(state, nowUs, units, rate));
}

/** From this instant on, a section cannot be told from a fresh one. */
export function sectionFreshFromUs({ policy, states }: Section): number {
  const { rates } = policy;
  let latestUs = 0;
  for (let i = 0; i < rates.length; i++) {
    const rate = rates[i] as Policy["rates"][0];
    latestUs = Math.max(latestUs, kernelOf(rate).freshFromUs(states[i] as RateState, rate));
  }
  return latestUs;
}

function changed(
  sections: readonly Section[],
  change: (state: RateState, rate: Policy["rates"][0]) => RateState,
): Section[] {
  return sections.map(({ policy, states }) => {
    return { policy, states: policy.rates.map((rate, i) => change(states[i] as RateState, rate)) };
  });
}
