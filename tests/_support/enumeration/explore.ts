/**
 * Every schedule of some limits up to a depth, the short ones first. Worlds that cannot be told apart are followed once.
 *
 * @module
 */

import type { RateLimit } from "../../../src/algorithms/limit.ts";
import { tooMuch } from "../auditor/too_much.ts";
import { fingerprint } from "./fingerprint.ts";
import { brokenState, tooLate } from "./laws.ts";
import { restoresLess } from "./restores.ts";
import { after, earliest, freshWorld, spanUs, type Step, type World } from "./world.ts";

/**
 * That not too much is admitted, no call is allowed too late, a take given back at once leaves no trace, and the states of
 * kernels are what they must be.
 */
export type Law = "too much" | "too late" | "restores" | "invariants";

/** What is searched. */
export interface Search {
  /** The limits that decide together. */
  readonly limits: readonly RateLimit[];
  /** The costs of takes. */
  readonly costs: readonly number[];
  /** How far one step moves the clock, in microseconds. */
  readonly passUs: number;
  /** The longest schedule. */
  readonly depth: number;
  /** The laws that are checked. @default all of them */
  readonly laws?: readonly Law[];
  /** Called for schedules that together contain every schedule: none of them is the beginning of another one. */
  readonly onSchedule?: (schedule: readonly Step[]) => void;
}

/** What a search has found. */
export interface Found {
  /** How many schedules were tried, counting those with the same outcome once. */
  readonly tried: number;
  /** How many different worlds there were. */
  readonly worlds: number;
  /** The shortest schedule that breaks a law, and how; undefined if none does. */
  readonly violation: string | undefined;
}

const LAWS: readonly Law[] = ["too much", "too late", "restores", "invariants"];

interface Node {
  readonly world: World;
  readonly parent: Node | undefined;
  readonly step: Step | undefined;
}

/** Tries every schedule. Ends at the first one that breaks a law. */
export function explore(search: Search): Found {
  const { limits, depth, onSchedule } = search;
  const seen = new Set<number>();
  let level: Node[] = [{ world: freshWorld(limits), parent: undefined, step: undefined }];
  let tried = 0;
  for (let length = 1; length <= depth; length++) {
    const next: Node[] = [];
    for (const node of level) {
      for (const step of stepsFrom(search, node.world)) {
        tried++;
        const world = forget(limits, after(limits, node.world, step));
        const isKnown = !isNew(seen, fingerprint(limits, world));
        const problem = isKnown ? undefined : problemOf(search, node.world, step, world);
        if (problem !== undefined) {
          const violation = `${scheduleText([...scheduleOf(node), step])}: ${problem}`;
          return { tried, worlds: seen.size, violation };
        }
        if (isKnown || length === depth) onSchedule?.([...scheduleOf(node), step]);
        else next.push({ world, parent: node, step });
      }
    }
    level = next;
  }
  return { tried, worlds: seen.size, violation: undefined };
}

/** A schedule as a person reads it. */
export function scheduleText(schedule: readonly Step[]): string {
  return schedule.map((step) => {
    if (step.do === "pass") return `+${step.us} µs`;
    return step.do === "take" ? `take ${step.cost}` : `give back ${step.units} of #${step.take}`;
  }).join("; ");
}

function stepsFrom({ limits, costs, passUs }: Search, world: World): Step[] {
  const steps: Step[] = [];
  const latestUs = world.nowUs + 2 * spanUs(limits);
  for (const cost of costs) if (earliest(limits, world, cost) <= latestUs) steps.push({ do: "take", cost });
  for (const { number, units, settled } of world.kept) {
    if (settled) continue;
    steps.push({ do: "giveBack", take: number, units });
    if (units > 1) steps.push({ do: "giveBack", take: number, units: 1 });
  }
  steps.push({ do: "pass", us: passUs });
  return steps;
}

function problemOf(search: Search, before: World, step: Step, world: World): string | undefined {
  const { limits, laws = LAWS } = search;
  const isTaken = step.do === "take";
  return (isTaken && laws.includes("too much") ? tooMuch(limits, world.kept) : undefined) ??
    (isTaken && laws.includes("restores") ? restoresLess(search, before, world) : undefined) ??
    (laws.includes("too late") ? tooLate(limits, world, askedCosts(search)) : undefined) ??
    (laws.includes("invariants") ? brokenState(limits, world) : undefined);
}

/** The costs that are asked for in every world, each once: those of takes, and all that may be taken at once. */
function askedCosts({ limits, costs }: Search): readonly number[] {
  const most = Math.min(...limits.map(({ capacity }) => capacity));
  return costs.includes(most) ? costs : [...costs, most];
}

/** Leaves out what was taken so long ago that no law and no kernel can ask for it. */
function forget(limits: readonly RateLimit[], world: World): World {
  const beforeUs = world.nowUs - 2 * spanUs(limits) - 1;
  if (world.kept.every(({ atUs }) => atUs >= beforeUs)) return world;
  return { ...world, kept: world.kept.filter(({ atUs }) => atUs >= beforeUs) };
}

function isNew(seen: Set<number>, world: number): boolean {
  const { size } = seen;
  return seen.add(world).size > size;
}

function scheduleOf(node: Node): Step[] {
  const steps: Step[] = [];
  for (let at: Node | undefined = node; at?.step !== undefined; at = at.parent) steps.push(at.step);
  return steps.toReversed();
}
