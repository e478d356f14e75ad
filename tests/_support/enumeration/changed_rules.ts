/**
 * Every schedule of takes by two versions of a rule on one key, as in a rolling deploy.
 *
 * @module
 */

import { stateProblem } from "../../../src/algorithms/kernels.ts";
import { kernelOf, type RateState } from "../../../src/algorithms/kernels.ts";
import type { RateLimit } from "../../../src/algorithms/limit.ts";
import { takeOver } from "../../../src/algorithms/take_over.ts";
import type { Kept } from "../auditor/kept.ts";
import { aboveLarger, strictlyLargerIn } from "../auditor/mixed.ts";
import { fingerprint } from "./fingerprint.ts";
import { copyOf, freshWorld, spanUs, type World } from "./world.ts";

/** What is searched. */
export interface ChangedRulesSearch {
  /** The two versions. */
  readonly rules: readonly [RateLimit, RateLimit];
  /** How far one step moves the clock, in microseconds. */
  readonly passUs: number;
  /** Whether callers wait. @default {false} */
  readonly waits?: boolean;
  /** The longest schedule. */
  readonly depth: number;
}

interface Node {
  readonly world: World;
  /** Which version wrote the state. */
  readonly writer: number;
  readonly path: readonly string[];
}

/** Tries every schedule. Returns the shortest that breaks a law, and how many different worlds there were. */
export function exploreChangedRules(search: ChangedRulesSearch): { violation: string | undefined; worlds: number } {
  const { depth } = search;
  const seen = new Set<string>();
  let level: Node[] = [{ world: freshWorld([search.rules[0]]), writer: 0, path: [] }];
  for (let length = 1; length <= depth; length++) {
    const next: Node[] = [];
    for (const node of level.flatMap((each) => stepsFrom(search, each))) {
      const { world, writer, path } = node;
      const text = `${writer} ${fingerprint([search.rules[writer] as RateLimit], { ...world, debts: [] })}`;
      if (seen.has(text)) continue;
      seen.add(text);
      const problem = aboveLarger(search.rules.map((rule) => [rule]), world.kept, [], strictlyLargerIn) ??
        stateProblem(search.rules[writer] as RateLimit, world.states[0] as RateState);
      if (problem !== undefined) return { violation: `${path.join("; ")}: ${problem}`, worlds: seen.size };
      next.push(node);
    }
    level = next;
  }
  return { violation: undefined, worlds: seen.size };
}

function stepsFrom({ rules, passUs, waits = false }: ChangedRulesSearch, { world, writer, path }: Node): Node[] {
  const { nowUs, kept, takes } = world;
  const nodes: Node[] = [];
  for (const [by, rule] of rules.entries()) {
    for (const cost of [1, 2]) {
      const state = stateFor(rules, world, writer, by);
      const kernel = kernelOf(rule);
      const atUs = kernel.earliest(state, nowUs, cost, rule);
      if (atUs > (waits ? nowUs + 2 * spanUs(rules) : nowUs)) continue;
      const taken = kernel.take(state, nowUs, atUs, cost, rule);
      const number = takes + 1;
      // Of what was taken, only when is asked here.
      const mark = { nowUs, atUs, cost, level: [0, 0] as const };
      const one: Kept = { number, atUs, taken: cost, units: cost, settled: true, marks: [mark] };
      const next = { ...world, states: [taken], kept: [...kept, one], takes: number };
      nodes.push({
        world: next,
        writer: by,
        path: [...path, `version ${by + 1} takes ${cost}${atUs > nowUs ? ` for ${atUs - nowUs} µs later` : ""}`],
      });
    }
  }
  const later = nowUs + passUs;
  const recent = kept.filter(({ atUs }) => atUs > later - 3 * spanUs(rules));
  nodes.push({ world: { ...world, nowUs: later, kept: recent }, writer, path: [...path, `+${passUs} µs`] });
  return nodes;
}

/** The state of a key as a version of the rule reads it. */
function stateFor(rules: readonly RateLimit[], { states, nowUs }: World, writer: number, by: number): RateState {
  const state = copyOf(states[0] as RateState);
  if (writer === by) return state;
  const before = { rates: [rules[writer] as RateLimit], states: [state] };
  return takeOver(before, [rules[by] as RateLimit], "keep", nowUs)[0] as RateState;
}
