/**
 * The declarations, as versions of TypeScript and kinds of projects see them.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { run, tool } from "../_process.ts";
import { type Cell, failureOf, runCommand } from "./cells.ts";
import type { Workshop } from "./workshop.ts";

/** One program to compile. */
interface Compilation {
  readonly name: string;
  readonly files: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** Versions of TypeScript: the package of each in node_modules, and the resolutions that it has. */
const VERSIONS: Readonly<Record<string, { readonly name: string; readonly resolutions: readonly string[] }>> = {
  "5.2": { name: "typescript-5.2", resolutions: ["node10", "node16", "nodenext", "bundler"] },
  "5.9": { name: "typescript", resolutions: ["node10", "node16", "nodenext", "bundler"] },
  "6.0": { name: "typescript-6", resolutions: ["node10", "node16", "nodenext", "bundler"] },
  "7.0": { name: "typescript-7", resolutions: ["node16", "nodenext", "bundler"] },
};

/** What a project can have of the runtime's types, and the programs that need no more. */
const SURROUNDINGS = {
  "@types/node": { types: ["node"], lib: ["es2022"], files: ["use.ts", "use_fetch.ts", "use_node.ts"] },
  "the DOM": { types: [], lib: ["es2022", "dom", "dom.iterable"], files: ["use.ts", "use_fetch.ts"] },
  "neither DOM nor @types/node": { types: [], lib: ["es2022"], files: ["use.ts"] },
  "@types/bun": { types: ["bun"], lib: ["esnext"], files: ["use.ts", "use_fetch.ts"] },
} as const;

type Surroundings = keyof typeof SURROUNDINGS;

/** The formats from which a package can be imported under a resolution, and what they are compiled to. */
const MODULES: Readonly<Record<string, readonly (readonly [format: "cjs" | "esm", module: string])[]>> = {
  node10: [["cjs", "commonjs"]],
  node16: [["cjs", "node16"], ["esm", "node16"]],
  nodenext: [["cjs", "nodenext"], ["esm", "nodenext"]],
  bundler: [["esm", "esnext"]],
};

/** Every version of TypeScript. */
export function typeCells(workshop: Workshop): Cell[] {
  return Object.entries(VERSIONS).map(([version, { name, resolutions }]) => {
    const compilations = resolutions.flatMap((resolution) => compilationsOf(version, resolution));
    const folder = join(workshop.folder, "node_modules", name);
    const compile = existsSync(join(folder, "lib/typescript.js")) ? compileTogether : compileEach;
    return {
      name: `TypeScript ${version}, ${compilations.length} projects`,
      try: () => compile(workshop, folder, compilations),
    };
  });
}

function compilationsOf(version: string, resolution: string): Compilation[] {
  const surroundings: [Surroundings, skipLibCheck: boolean][] = [
    ["@types/node", true],
    ["neither DOM nor @types/node", false],
    // What these find does not depend on the resolution.
    ...(resolution === "node16" ? [] : [["@types/node", false], ["the DOM", false]] as [Surroundings, boolean][]),
    // Its declarations are written for the newest TypeScript.
    ...(version === "5.2" || resolution !== "bundler" ? [] : [["@types/bun", true] as [Surroundings, boolean]]),
  ];
  return (MODULES[resolution] ?? []).flatMap(([format, module]) =>
    surroundings.map(([surrounding, skipLibCheck]) => {
      const { types, lib, files } = SURROUNDINGS[surrounding];
      return {
        name: `${resolution} from ${format}, ${surrounding}, skipLibCheck ${skipLibCheck}`,
        files: files.map((file) => `${format}/${file}`),
        options: {
          ...{ module, moduleResolution: resolution, types, lib, skipLibCheck },
          ...{ target: "es2022", strict: true, noEmit: true, exactOptionalPropertyTypes: true },
          ...(version === "6.0" && resolution === "node10" ? { ignoreDeprecations: "6.0" } : {}),
        },
      };
    })
  );
}

/** All of them in one process, by the interface of TypeScript, which reads its own declarations once. */
async function compileTogether(
  workshop: Workshop,
  typescript: string,
  all: readonly Compilation[],
): Promise<string | undefined> {
  const command = [tool("node"), "compile.cjs", typescript, JSON.stringify(all)];
  return failureOf(await runCommand(command, { cwd: join(workshop.folder, "types"), env: workshop.env }));
}

/** Each in a process of its own, because TypeScript 7 has no interface for programs yet. */
async function compileEach(
  workshop: Workshop,
  typescript: string,
  all: readonly Compilation[],
): Promise<string | undefined> {
  const cwd = join(workshop.folder, "types");
  const problems: string[] = [];
  for (const { name, files, options } of all) {
    const project = join(cwd, "tsconfig.json");
    await writeFile(project, JSON.stringify({ files, compilerOptions: options }));
    const { code, output } = await run(tool("node"), [join(typescript, "bin/tsc"), "-p", project], { cwd });
    if (code !== 0) problems.push(`${name}\n${output}`);
  }
  return problems.length === 0 ? undefined : problems.join("\n");
}
