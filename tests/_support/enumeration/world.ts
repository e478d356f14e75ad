/**
 * The world of one schedule: the states of some limits on one key, the clock, and what was taken and is kept.
 *
 * Every step makes a new world and leaves the old one as it is, so that a search can go on from both.
 *
 * @module
 */

import type { Mark } from "../../../src/algorithms/kernel.ts";
import type { RateLimit, TokenBucketLimit } from "../../../src/algorithms/limit.ts";
import { kernelOf, type RateState } from "../../../src/algorithms/kernels.ts";
import type { SlidingWindowState } from "../../../src/algorithms/sliding_window/kernel.ts";
import { type Debt, debtAfterGiveBack, debtAfterTake, freshDebt, paid } from "../auditor/debt.ts";
import type { Kept } from "../auditor/kept.ts";

/** One step of a schedule. */
export type Step =
  | { readonly do: "take"; readonly cost: number }
  | { readonly do: "giveBack"; readonly take: number; readonly units: number }
  | { readonly do: "pass"; readonly us: number };

/** Where a schedule has led. */
export interface World {
  /** The store's clock. */
  readonly nowUs: number;
  /** The states of the limits. */
  readonly states: readonly RateState[];
  /** What was taken, oldest first, without what can matter no more. */
  readonly kept: readonly Kept[];
  /** For each token bucket, what the documented rule says about its debt; undefined for other algorithms. */
  readonly debts: readonly (Debt | undefined)[];
  /** How many takes there were. */
  readonly takes: number;
}

/** When every schedule begins: a present-day instant, so that instants and counts cannot be mistaken for each other. */
export const START_US = 1_700_000_000_000_000;

/** A key that was never used. */
export function freshWorld(limits: readonly RateLimit[]): World {
  return {
    nowUs: START_US,
    states: limits.map((limit) => kernelOf(limit).fresh()),
    kept: [],
    debts: limits.map((limit) => limit.algorithm === "token_bucket" ? freshDebt(START_US) : undefined),
    takes: 0,
  };
}

/** The earliest instant at which all limits agree to a cost. */
export function earliest(
  limits: readonly RateLimit[],
  world: Pick<World, "nowUs" | "states">,
  cost: number,
): number {
  let atUs = world.nowUs;
  for (let i = 0; i < limits.length; i++) {
    const limit = limits[i] as RateLimit;
    atUs = Math.max(atUs, kernelOf(limit).earliest(world.states[i] as RateState, world.nowUs, cost, limit));
  }
  return atUs;
}

/** The world as every request finds it: its states as the clock can have written them. */
export function settled(limits: readonly RateLimit[], world: World): World {
  const states = limits.map((limit, i) => {
    return kernelOf(limit).settle(world.states[i] as RateState, world.nowUs, limit);
  });
  return { ...world, states };
}

/** The world after a step. */
export function after(limits: readonly RateLimit[], world: World, step: Step): World {
  if (step.do === "pass") return afterTime(limits, world, step.us);
  return step.do === "take" ? afterTake(limits, world, step.cost) : afterGiveBack(limits, world, step);
}

/** The world some microseconds later. */
export function afterTime(limits: readonly RateLimit[], world: World, us: number): World {
  const nowUs = world.nowUs + us;
  const debts = world.debts.map((debt, i) => debt && paid(debt, limits[i] as TokenBucketLimit, nowUs));
  return { ...world, nowUs, debts };
}

function afterTake(limits: readonly RateLimit[], world: World, cost: number): World {
  const { nowUs, takes } = world;
  const atUs = earliest(limits, world, cost);
  const states = limits.map((limit, i) => {
    return kernelOf(limit).take(copyOf(world.states[i] as RateState), nowUs, atUs, cost, limit);
  });
  const marks = limits.map((limit, i): Mark => {
    const kernel = kernelOf(limit);
    const state = states[i] as RateState;
    const trace = kernel.trace?.(world.states[i] as RateState, state, nowUs, atUs);
    return { nowUs, atUs, cost, level: kernel.measure(state, nowUs, limit), trace };
  });
  const number = takes + 1;
  const debts = limits.map((limit, i) => {
    const debt = world.debts[i];
    return debt === undefined || limit.algorithm !== "token_bucket"
      ? undefined
      : debtAfterTake(debt, limit, { nowUs, atUs, units: cost, number });
  });
  const kept = [...world.kept, { number, atUs, taken: cost, units: cost, settled: false, marks }];
  return { nowUs, states, kept, debts, takes: number };
}

function afterGiveBack(limits: readonly RateLimit[], world: World, { take, units }: Step & { do: "giveBack" }): World {
  const { nowUs, takes } = world;
  const states = statesWithout(limits, world, world.kept.find(({ number }) => number === take) as Kept, units);
  const debts = limits.map((limit, i) => {
    const debt = world.debts[i];
    return debt === undefined || limit.algorithm !== "token_bucket"
      ? undefined
      : debtAfterGiveBack(debt, limit, { nowUs, units, number: take });
  });
  const kept = world.kept.map((each) => {
    return each.number === take ? { ...each, units: each.units - units, settled: true } : each;
  }).filter(({ units }) => units > 0);
  return { nowUs, states, kept, debts, takes };
}

/** The states after units of a take are given back now. */
export function statesWithout(
  limits: readonly RateLimit[],
  { nowUs, states }: Pick<World, "nowUs" | "states">,
  { marks }: Kept,
  units: number,
): RateState[] {
  return limits.map((limit, i) => {
    return kernelOf(limit).giveBack(copyOf(states[i] as RateState), nowUs, units, marks[i] as Mark, limit);
  });
}

/** The span after which nothing of a take can matter, but for being given back late. */
export function spanUs(limits: readonly RateLimit[]): number {
  let span = 0;
  for (const limit of limits) {
    span = Math.max(span, limit.algorithm === "token_bucket" ? limit.burstUs : limit.windowUs);
  }
  return span;
}

/** A copy of a state: kernels may reuse what they are given. */
export function copyOf(state: RateState): RateState {
  if ("pages" in state) {
    const { pages: old, total, promisedUs } = state as SlidingWindowState;
    const pages = old.map(({ stampsUs, units, from, to, sum }) => {
      return { stampsUs: stampsUs.slice(), units: units.slice(), from, to, sum };
    });
    return { pages, total, promisedUs };
  }
  return copyOfAll(state);
}

function copyOfAll<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => copyOfAll(each)) as Value;
  const copy = { ...value }; // with the shape of the original, which kernels then read as fast as that
  for (const name in copy) if (typeof copy[name] === "object") copy[name] = copyOfAll(copy[name]);
  return copy;
}
