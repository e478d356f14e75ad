/**
 * Checks the shape of the source: who imports whom, what loading the package loads, and what only base/ may use.
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
    ...baseProblems(path, text),
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

/** What only base/ may use. Time is injected; `AbortSignal.any` is missing in Node 20.0, and slow in Node 22. */
const OF_BASE =
  /(?<![.\w])(?:globalThis\.)?(?:Date\.now|performance\.now|set(?:Timeout|Interval|Immediate)|new Date\(\)|AbortSignal\.any)(?!\w)/g;

/** What belongs in base/. The page of the dashboard runs in a browser. */
function baseProblems(path: string, text: string): string[] {
  if (path.startsWith("src/base/") || path.startsWith("src/dashboard/page/")) return [];
  const code = withoutText(text);
  return Array.from(code.matchAll(OF_BASE), ({ 0: name, index }) => {
    const line = code.slice(0, index).split("\n").length;
    return `${path}:${line}: ${name} belongs in src/base/`;
  });
}
