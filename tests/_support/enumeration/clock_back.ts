/**
 * Every schedule of takes, waits, give-backs and time in which the store's clock steps back.
 *
 * Callers sleep by clocks of their own: the unit of one that waits is used when the wait it was told has really passed.
 *
 * @module
 */

import type { RateLimit } from "../../../src/algorithms/limit.ts";
import { type RateState, stateProblem } from "../../../src/algorithms/kernels.ts";
import { boundIn } from "../auditor/bounds.ts";
import { unitsIn } from "../auditor/kept.ts";
import { fingerprint } from "./fingerprint.ts";
import { after, earliest, freshWorld, settled, spanUs, type Step, type World } from "./world.ts";

/** A step of such a schedule: the clock steps back, or a call is denied, which corrects what the clock made wrong. */
type ClockStep = Step | { readonly do: "back"; readonly us: number } | { readonly do: "denied" };

/** What is searched. */
export interface ClockBackSearch {
  /** The limit. */
  readonly limit: RateLimit;
  /** How far one step moves the clock on, in microseconds. */
  readonly passUs: number;
  /** How far the clock steps back. */
  readonly backsUs: readonly number[];
  /** How often it does, at most. */
  readonly maxBacks: number;
  /** The longest schedule. */
  readonly depth: number;
}

interface Node {
  /** Its `kept` has the store's instants. */
  readonly world: World;
  /** The store's clock, had it never stepped. */
  readonly realUs: number;
  readonly backs: number;
  /** When each take is really used, by its number. */
  readonly usedUs: ReadonlyMap<number, number>;
  /** The latest instant that was ever promised, by the store's clock. */
  readonly promisedUs: number;
  readonly path: readonly ClockStep[];
}

/** Tries every schedule. Returns the shortest that breaks the law, and how many different worlds there were. */
export function exploreClockBack(search: ClockBackSearch): { violation: string | undefined; worlds: number } {
  const { limit, depth } = search;
  const world = freshWorld([limit]);
  let level: Node[] = [{ world, realUs: world.nowUs, backs: 0, usedUs: new Map(), promisedUs: 0, path: [] }];
  const seen = new Set<string>();
  for (let length = 1; length <= depth; length++) {
    const next: Node[] = [];
    for (const node of level.flatMap((each) => stepsFrom(search, each))) {
      const text = textOf(limit, node);
      if (seen.has(text)) continue;
      seen.add(text);
      const problem = problemOf(limit, node);
      if (problem !== undefined) return { violation: `${pathText(node.path)}: ${problem}`, worlds: seen.size };
      next.push(node);
    }
    level = next;
  }
  return { violation: undefined, worlds: seen.size };
}

/** A schedule as a person reads it. */
function pathText(path: readonly ClockStep[]): string {
  return path.map((step) => {
    if (step.do === "pass") return `+${step.us} µs`;
    if (step.do === "back") return `the clock steps back ${step.us} µs`;
    if (step.do === "denied") return "a call is denied";
    return step.do === "take" ? `take ${step.cost}` : `give back ${step.units} of #${step.take}`;
  }).join("; ");
}

function stepsFrom({ limit, passUs, backsUs, maxBacks }: ClockBackSearch, node: Node): Node[] {
  const { world, backs, path } = node;
  const found = settled([limit], world);
  const steps: ClockStep[] = [{ do: "pass", us: passUs }];
  for (const cost of [1, 2]) {
    if (earliest([limit], found, cost) <= world.nowUs + 2 * spanOf(limit)) steps.push({ do: "take", cost });
  }
  for (const { number, units, settled: isSettled } of world.kept) {
    if (!isSettled) steps.push({ do: "giveBack", take: number, units });
  }
  if (backs < maxBacks && path.at(-1)?.do !== "back") { for (const us of backsUs) steps.push({ do: "back", us }); }
  if (found.states[0] !== world.states[0]) steps.push({ do: "denied" });
  return steps.map((step) => afterStep(limit, node, found, step));
}

function afterStep(limit: RateLimit, node: Node, found: World, step: ClockStep): Node {
  const { world, realUs, backs } = node;
  const path = [...node.path, step];
  switch (step.do) {
    case "back":
      return { ...node, world: { ...world, nowUs: world.nowUs - step.us }, backs: backs + 1, path };
    case "denied":
      return { ...node, world: found, path };
    case "pass":
      return { ...node, world: { ...world, nowUs: world.nowUs + step.us }, realUs: realUs + step.us, path };
    case "giveBack":
      return { ...node, world: afterIn(limit, found, step), path };
    case "take": {
      const next = afterIn(limit, found, step);
      const atUs = earliest([limit], found, step.cost);
      const usedUs = new Map([...node.usedUs, [next.takes, realUs + atUs - world.nowUs]]);
      const promisedUs = atUs > world.nowUs ? Math.max(node.promisedUs, atUs) : node.promisedUs;
      return { ...node, world: next, usedUs, promisedUs, path };
    }
  }
}

/** The debts of buckets are not followed: they are about give-backs under a clock that does not step. */
function afterIn(limit: RateLimit, world: World, step: Step): World {
  return { ...after([limit], { ...world, debts: [undefined] }, step), debts: [undefined] };
}

function problemOf(limit: RateLimit, node: Node): string | undefined {
  const found = settled([limit], node.world);
  return tooLong(limit, node, found) ?? inexact(limit, found) ?? tooMany(limit, node) ??
    stateProblem(limit, found.states[0] as RateState);
}

/**
 * The longest wait: a window or full refill, behind what may be promised. All waits of a schedule are shorter than eight
 * spans, so no promise is believed that is farther away.
 */
function tooLong(limit: RateLimit, { promisedUs }: Node, found: World): string | undefined {
  const span = spanOf(limit);
  const heldUs = Math.min(Math.max(promisedUs - found.nowUs, 0), 8 * span);
  const own = limit.algorithm === "sliding_window_counter" ? 2 * span : span;
  for (let cost = 1; cost <= limit.capacity; cost++) {
    const waitUs = earliest([limit], found, cost) - found.nowUs;
    if (waitUs > heldUs + own) return `a cost of ${cost} waits ${waitUs} µs, ${heldUs} µs of them for others`;
  }
  return undefined;
}

/** Once a denial was written, its wait is exact. */
function inexact(limit: RateLimit, found: World): string | undefined {
  for (let cost = 1; cost <= limit.capacity; cost++) {
    const atUs = earliest([limit], found, cost);
    for (let nowUs = found.nowUs + 1; nowUs <= atUs; nowUs++) {
      const laterUs = earliest([limit], settled([limit], { ...found, nowUs }), cost);
      if (laterUs === atUs) continue;
      return `a cost of ${cost} is let in after ${atUs - found.nowUs} µs, and ${nowUs - found.nowUs} µs later at ` +
        `${laterUs - found.nowUs}`;
    }
  }
  return undefined;
}

/** In every interval of real time at most what the limit admits, and one more full limit for each step back. */
function tooMany(limit: RateLimit, { world, usedUs, backs }: Node): string | undefined {
  const used = world.kept.map((each) => ({ ...each, atUs: usedUs.get(each.number) as number }));
  for (const { atUs: fromUs } of used) {
    for (const { atUs: toUs } of used) {
      if (toUs < fromUs) continue;
      const units = unitsIn(used, fromUs, toUs);
      const most = boundIn(limit, toUs - fromUs) + backs * limit.capacity;
      if (units > most) return `${units} units in ${toUs - fromUs} µs, where ${most} are the most`;
    }
  }
  return undefined;
}

function spanOf(limit: RateLimit): number {
  return spanUs([limit]);
}

function textOf(limit: RateLimit, { world, realUs, backs, usedUs, promisedUs }: Node): string {
  const used = [...usedUs].map(([number, us]) => {
    const kept = world.kept.find((each) => each.number === number);
    return kept === undefined ? "" : us - realUs;
  });
  const number = fingerprint([limit], { ...world, debts: [] });
  return `${number} ${backs} ${used.join()} ${Math.max(promisedUs - world.nowUs, 0)}`;
}
