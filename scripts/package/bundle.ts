/**
 * What npm publishes: one CommonJS build, and ES modules that export the same objects by name.
 *
 * There is one copy of the code, so a class is the same class for `import` and for `require`, and the package stays small
 * although its files can be read: statements have lines, names of variables and functions are kept, spaces are not. Comments
 * are in the declarations. Names are short in files that no service runs: of the program `ratesync`, of the page of the
 * dashboard, of the conformance suite. What several entries need is in files that they share, one of which is all that the main
 * entry loads, because each file costs a program time at its start.
 *
 * @module
 */

import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import { type CodeSplittingGroup, type OutputChunk, type Plugin, rolldown } from "rolldown";

import { withoutSpaces } from "./lines.ts";
import { type Load, loadOf } from "./load.ts";
import type { Manifests } from "./manifests.ts";

const FOLDER = "dist/bundle";

/** The main entry, as `tsc` has compiled it. */
const MAIN = "dist/mod.js";

/**
 * Files that others require where they call them, not at their start: for the options of a Redis store, for the wording of
 * some errors, for explanations, for observers, for calls over several limiters, for how an instance is closed and for
 * headers of HTTP. Each has the module at which it begins; what only that module imports goes into it too.
 */
const LATE_FILES: Readonly<Record<string, string>> = {
  close_options: "dist/src/registry/close_options.js",
  combined_call: "dist/src/registry/combined_call.js",
  explain: "dist/src/decision/explain/of_decision.js",
  observing: "dist/src/observe/observing.js",
  foreign_words: "dist/src/base/foreign_words.js",
  headers: "dist/src/policy/headers.js",
  nats_options: "dist/src/stores/nats/settings/place.js",
  redis_options: "dist/src/stores/redis/connections/place.js",
  postgres_options: "dist/src/stores/postgres/connections/place.js",
  engine_at: "dist/src/registry/engine_at.js", // behind the options, which it reaches
};

/** Files of the same kind that are imported as usual. Each store outside of the process loads the memory store. */
const OTHER_FILES: Readonly<Record<string, string>> = {
  memory_store: "dist/src/stores/memory/mod.js",
  page: "dist/src/dashboard/page.gen.js",
};

/** The name of a late file with what the options of more than one store need. */
const OPTIONS = "store_options";

/** What lies below all stores, and what guards need too, so that these load no store for it. */
const BASE_MODULE = /\/dist\/src\/base\//;

/** What lies beside the folders of stores. */
const COMMON_MODULE = /\/dist\/src\/stores\/\w+\.js$/;

/** What more than one of these stores needs is in a file that they share, so that none of them loads another. */
const STORE_FILES: Readonly<Record<string, string>> = {
  nats_store: "dist/src/stores/nats/mod.js",
  redis_store: "dist/src/stores/redis/mod.js",
  postgres_store: "dist/src/stores/postgres/mod.js",
};

/** The program, as `tsc` has compiled it. */
const PROGRAM = "dist/src/cli/bin.js";

/** A module that only the program uses, or the page of the dashboard. The doctor alone inspects stores. */
const PROGRAM_MODULE =
  /\/dist\/src\/(?:(?:cli|doctor|fleet|serve|simulate)\/|dashboard\/page\.gen\.js$|stores\/(?:look|\w+\/inspect\w*)\.js$)/;

/** A module into which no stack trace of a service leads: of tests, what explains a decision, and what reports to watchers. */
const ASIDE_MODULE =
  /\/dist\/src\/(?:(?:dashboard|testing|decision\/explain|registry\/reports)\/|[\w/]*words\.js$|policy\/rules_text\.js$)/;

/** Bundles what `tsc` has compiled into dist/, to the files that the `exports` of package.json name. */
export async function writeBundle({ exports, bin }: Pick<Manifests["npm"], "exports" | "bin">): Promise<void> {
  const inputs: (readonly [name: string, source: string])[] = Object.values(exports).map((
    { require: { types, default: file } },
  ) =>
    [
      nameOf(file),
      types.replace("./dist/types/", "./dist/").replace(/\.d\.cts$/, ".js"),
    ] as const
  );
  for (const file of Object.values(bin)) inputs.push([nameOf(file), PROGRAM]);
  const entries = inputs.map(([, file]) => resolve(file));
  const late = Object.values(LATE_FILES).map((file) => resolve(file));
  const groups = [group("main", await loadOf(resolve(MAIN), late), entries)];
  const loadsOf = (files: readonly string[]) => Promise.all(files.map((file) => loadOf(resolve(file))));
  const options = await loadsOf(Object.keys(LATE_FILES).filter(isOptions).map((name) => LATE_FILES[name] as string));
  groups.push({ name: OPTIONS, test: (path) => usersOf(path, options) > 1 });
  for (const [name, file] of Object.entries(LATE_FILES)) groups.push(group(name, await loadOf(resolve(file)), entries));
  const stores = await loadsOf(Object.values(STORE_FILES));
  groups.push({ name: "base", test: (path) => BASE_MODULE.test(path) && usersOf(path, stores) > 0 });
  for (const [name, file] of Object.entries(OTHER_FILES)) {
    groups.push(group(name, await loadOf(resolve(file)), entries));
  }
  const isShared = (path: string) => usersOf(path, stores) > (COMMON_MODULE.test(path) ? 0 : 1);
  groups.push({ name: "stores", test: (path) => isShared(path) && !entries.includes(path) });
  for (const [i, name] of Object.keys(STORE_FILES).entries()) groups.push(group(name, stores[i] as Load, entries));
  await rm(FOLDER, { recursive: true, force: true });
  const bundle = await rolldown({
    input: Object.fromEntries(inputs),
    external: /^(node:|[@\w][^:\\]*$)/, // anything but a path
    platform: "neutral",
    preserveEntrySignatures: "allow-extension",
    plugins: [plainCommonJs],
    onLog: (_level, { message }) => {
      throw new Error(message);
    },
  });
  const { output } = await bundle.write({
    dir: FOLDER,
    format: "cjs",
    comments: false,
    generatedCode: { symbols: false },
    dynamicImportInCjs: false,
    entryFileNames: "[name].cjs",
    chunkFileNames: ({ moduleIds }) => `${isProgram(moduleIds) ? "program" : "chunks"}/[name].cjs`,
    // A module goes into the first group that has it, alone.
    codeSplitting: { includeDependenciesRecursively: false, groups },
  });
  await bundle.close();
  for (const file of output) {
    if (file.type !== "chunk") continue;
    const isAside = file.moduleIds.every((id) => PROGRAM_MODULE.test(id) || ASIDE_MODULE.test(id));
    await writeFile(join(FOLDER, file.fileName), await withoutSpaces(file.fileName, file.code, isAside));
    if (file.isEntry && file.facadeModuleId !== resolve(PROGRAM)) await writeModule(file);
  }
}

/** Whether a late file is for the options of a store. */
function isOptions(name: string): boolean {
  return name.endsWith("_options");
}

/** How many of these load a file. */
function usersOf(path: string, loads: readonly Load[]): number {
  return loads.filter(({ files }) => files.has(path)).length;
}

function isProgram(moduleIds: readonly string[]): boolean {
  return moduleIds.length > 0 && moduleIds.every((id) => PROGRAM_MODULE.test(id));
}

/** The name of an entry, from the file that a manifest names. */
function nameOf(file: string): string {
  return file.slice(`./${FOLDER}/`.length, -".cjs".length);
}

function group(name: string, { files }: Load, entries: readonly string[]): CodeSplittingGroup {
  return { name, test: (path) => files.has(path) && !entries.includes(path) };
}

/**
 * Writes the ES module of an entry: the names that its CommonJS file exports, found by Node and bundlers alike. Node reads
 * the whole text of a CommonJS file that an ES module imports, to find its exports, which takes it 50 ms for the chunk of
 * the main entry. So the module imports the small file of the entry, which requires that chunk.
 */
async function writeModule({ fileName, exports }: OutputChunk): Promise<void> {
  const file = join(FOLDER, fileName.replace(/\.cjs$/, ".js"));
  const names = exports.map((name) => `  ${name},\n`).join("");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `export {\n${names}} from "./${fileName.split("/").at(-1)}";\n`);
}

/** A package that is imported when it is needed, as the bundler writes it. */
const LATE =
  /Promise\.resolve\(\)\.then\(\(\) => ((?:\/\* @__PURE__ \*\/ )?[\w.]*__toESM\(require\("[^."][^"]*"\)(?:, 1)?\))\)/g;

/** An export of a chunk, as the bundler writes it: a getter. */
const GETTER =
  /Object\.defineProperty\(exports, "?'?(\w+)'?"?, \{\s*enumerable: true,\s*get: function\s*\(\)\s*\{\s*return ([\w$]+);?\s*\}\s*\}\);/g;

/** The exports of a chunk that others require: several lines. */
const EXPORTS = /^exports\.\w+ = [\w$]+;(?:\nexports\.\w+ = [\w$]+;)+$/m;

/** The name of a chunk in another one. */
const CHUNK = /\brequire_(?=\w+\b)/g;

/** A module of Node, as the bundler takes it: `require` gives what an ES module has as its default. */
const NODE_MODULE = /^let (node_(\w+?)(?:_strict)?) = (require\("node:[\w/]+"\));\n\1 = .*__toESM\(\1, 1\);$/gm;

/** Chunks require these files where they call them, not at their start. */
const LATE_CHUNK = new RegExp(
  `^const (\\$(?:${[OPTIONS, ...Object.keys(LATE_FILES)].join("|")})) = (require\\(".*"\\));$`,
  "gm",
);

/** The line in front of each module, which names a file that is not published. */
const ORIGIN = /^\/\/ dist\/.*\n/gm;

/**
 * Calls `require` for a package directly in the function that imports it: bundlers let a package be missing where the call
 * stands inside of `try`, but not where it stands in a function inside of `try`. Exports what never changes as a value, in a
 * sixth of the characters, and names chunks and modules of Node shortly: `$main.StoreError`, `$assert.equal`.
 */
const plainCommonJs: Plugin = {
  name: "plain-commonjs",
  renderChunk: (code, { isEntry }) => {
    const text = code.replace(ORIGIN, "").replace(LATE, "$1").replace(GETTER, "exports.$1 = $2;").replace(CHUNK, "$$");
    return withNodeModules(withLateChunks(isEntry ? text : withOneExport(text)));
  },
};

/** Exports all at once, in half of the characters. Those of entries stay apart: Node and bundlers read their names. */
function withOneExport(code: string): string {
  return code.replace(EXPORTS, (lines) => {
    const parts = Array.from(
      lines.matchAll(/exports\.(\w+) = (\w+);/g),
      ([, name, value]) => name === value ? name : `${name}: ${value}`,
    );
    return `Object.assign(exports, { ${parts.join(", ")} });`;
  });
}

/**
 * Requires late files where they are first used. They are kept then: `require` takes half a microsecond to find a file again,
 * and headers are written for each request. The call is in parentheses behind `new`, which would make an object of the
 * function that requires, and not of the class.
 */
export function withLateChunks(code: string): string {
  let text = code;
  for (const [all, name = "", required = ""] of code.matchAll(LATE_CHUNK)) {
    const late = `let $${name};\nconst ${name} = () => $${name} ??= ${required};`;
    text = text.replaceAll(`new ${name}.`, `new (${name}()).`).replaceAll(`${name}.`, `${name}().`).replace(
      all,
      () => late,
    );
  }
  return text;
}

function withNodeModules(code: string): string {
  let text = code;
  for (const [all, name, short, required] of code.matchAll(NODE_MODULE)) {
    text = text.replace(all, `const $${short} = ${required};`).replaceAll(`${name}.default`, `$${short}`);
  }
  return text;
}
