/**
 * Checks the shape of the source: who imports whom, what loading the package loads, and who looks at the clock.
 *
 * @module
 */

import { importProblem } from "./rules.ts";
import { importsOf, resolveImport, withoutText } from "./source.ts";
import type { Sources } from "./sources.ts";

/** Every offence against the layers, one line each. */
export function layerProblems(sources: Sources): string[] {
  return Array.from(sources, ([path, text]) => [
    ...importsOf(text).flatMap((entry) => {
      const target = resolveImport(path, entry);
      const problem = target && (sources.has(target) ? importProblem(path, target) : `there is no ${target}`);
      return problem ? [`${path}: ${problem}`] : [];
    }),
    ...clockProblems(path, text),
  ]).flat();
}

/** What importing `entry` would load that it must not: `node:` modules and packages, each with the way to it. */
export function loadProblems(entry: string, sources: Sources): string[] {
  const problems: string[] = [];
  const ways = new Map([[entry, entry]]); // in order of discovery, while it grows
  for (const [path, way] of ways) {
    for (const found of importsOf(sources.get(path) ?? "").filter(({ kind }) => kind === "static")) {
      const target = resolveImport(path, found);
      if (target === undefined) problems.push(`${entry} loads ${found.specifier}: ${way}`);
      else if (!ways.has(target)) ways.set(target, `${way} -> ${target}`);
    }
  }
  return problems;
}

const CLOCK =
  /(?<![.\w])(?:globalThis\.)?(?:Date\.now|performance\.now|set(?:Timeout|Interval|Immediate)|new Date\(\))(?!\w)/g;

/** Time is injected: only base/ looks at the clock, and the page of the dashboard, which runs in a browser. */
function clockProblems(path: string, text: string): string[] {
  if (path.startsWith("src/base/") || path.startsWith("src/dashboard/page/")) return [];
  const code = withoutText(text);
  return Array.from(code.matchAll(CLOCK), ({ 0: name, index }) => {
    const line = code.slice(0, index).split("\n").length;
    return `${path}:${line}: ${name} belongs in src/base/`;
  });
}
