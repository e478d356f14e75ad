/**
 * Files that import each other in a circle. Imports of types count: a type that ties two files needs a file of its own.
 *
 * @module
 */

import { importsOf, resolveImport } from "./source.ts";
import type { Sources } from "./sources.ts";

/** Folders whose circles are known, and are to be cut. */
export const ALLOWED_CIRCLES: readonly string[] = [];

/**
 * Every circle of imports, one line each, and every allowance that is not needed any more.
 *
 * @param sources The files to look at. An import that leads to another file is not followed.
 * @param allowed Folders in which circles are allowed.
 */
export function circleProblems(sources: Sources, allowed: readonly string[] = ALLOWED_CIRCLES): string[] {
  const circles = circlesOf(sources);
  const isWithin = (circle: readonly string[], folder: string) => circle.every((path) => path.startsWith(folder));
  return [
    ...circles.filter((circle) => !allowed.some((folder) => isWithin(circle, folder)))
      .map((circle) => `circle: ${[...circle, circle[0]].join(" -> ")}`),
    ...allowed.filter((folder) => !circles.some((circle) => isWithin(circle, folder)))
      .map((folder) => `${folder} has no circle any more: take it off the list in scripts/layers/circles.ts`),
  ];
}

/** The shortest circle through each file that is in one. Each begins at the first of its files. */
function circlesOf(sources: Sources): string[][] {
  const targets = new Map(Array.from(sources, ([path, text]) => [
    path,
    importsOf(text).map((found) => resolveImport(path, found)).filter((target) => target !== undefined),
  ]));
  const circles = new Map<string, string[]>();
  for (const path of [...sources.keys()].sort()) {
    const circle = shortestCircle(path, targets);
    const name = circle.toSorted().join();
    if (circle.length > 0 && !circles.has(name)) circles.set(name, circle);
  }
  return [...circles.values()];
}

/** The files on the shortest way from `start` back to it; none where no way leads back. */
function shortestCircle(start: string, targets: ReadonlyMap<string, readonly string[]>): string[] {
  const ways = new Map<string, string[]>([[start, [start]]]); // in order of distance, while it grows
  for (const [path, way] of ways) {
    for (const target of targets.get(path) ?? []) {
      if (target === start) return way;
      if (!ways.has(target)) ways.set(target, [...way, target]);
    }
  }
  return [];
}
