/**
 * The npm package as its users get it: packed, installed elsewhere, imported by each runtime.
 *
 * @module
 */

import { mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import { filesUnder } from "../_files.ts";
import { run, tool } from "../_process.ts";
import { TemporaryFolder } from "../_temporary.ts";
import { mainEntryProblems } from "./load.ts";
import type { Manifests } from "./manifests.ts";

/** The most that what a service with stores of one kind loads may take on a disk, with its types, in bytes. */
const MAX_LIBRARY_BYTES = 1_003_000;

/** What belongs to one kind of store outside of the process. A service mostly has one. */
const ENGINE = /\/(?:bundle|chunks|stores)\/(redis|postgres|nats|log)[_./]/;

/**
 * What no service loads: the program `ratesync`, the page of the dashboard, the conformance suite with its types, and texts
 * for people.
 */
const ASIDE = /^(?:README\.md|LICENSE)$|^dist\/(?:bundle\/(?:program\/|testing\.cjs$)|types\/src\/testing\/)/;

/** The most that all of it may take. Programs come with the library so that a fleet and its operators have one version. */
const MAX_ALL_BYTES = 1_600_000;

/** The longest line of code: what Node prints of an error begins with the line that threw it. */
const MAX_LINE_LENGTH = 700;

/** What is wrong with the package, one line or output each; none when all is well. */
export async function packageProblems({ name, exports, peerDependencies }: Manifests["npm"]): Promise<string[]> {
  using folder = new TemporaryFolder("package");
  await writeFile(join(folder.path, "package.json"), `{ "name": "consumer", "private": true, "type": "module" }\n`);
  const failure = await installPackage(folder.path);
  if (failure) return [failure];
  const installed = join(folder.path, "node_modules", name);
  const files = (await filesUnder(installed)).map((file) => file.slice(installed.length + 1));
  const entries = Object.keys(exports).map((entry) => join(name, entry));
  return [
    ...strayFiles(files),
    ...await unpackedProblems(installed, files),
    ...await mainEntryProblems(join(installed, exports["."]?.import.default ?? "no main entry")),
    ...await consume(folder.path, entries, Object.keys(peerDependencies)),
    ...await runProgram(folder.path),
    ...await publint(installed),
  ];
}

/** Packs this repository and installs the tarball into the project at `folder`. Resolves to the output of what failed. */
export async function installPackage(folder: string): Promise<string | undefined> {
  const packed = await run("npm", ["pack", "--silent", "--pack-destination", folder]);
  if (packed.code !== 0) return packed.output;
  const tarball = (await filesUnder(folder)).find((file) => file.endsWith(".tgz")) ?? "no tarball";
  const args = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--silent", tarball];
  const installed = await run("npm", args, { cwd: folder });
  return installed.code === 0 ? undefined : installed.output;
}

/** The files of a package that do not serve its users, one line each. */
export function strayFiles(files: readonly string[]): string[] {
  const wanted = /^(dist\/(bundle\/.*\.c?js|types\/.*\.d\.c?ts)|README\.md|LICENSE|package\.json)$/;
  const strays = files.filter((file) => !wanted.test(file) || file.includes("_test."));
  return strays.map((file) => `the package must not hold ${file}`);
}

/** Sizes in bytes. */
export interface SizeLimits {
  /** The most of what a service with stores of one kind loads. */
  readonly library: number;
  /** The most of all. */
  readonly all: number;
}

/** What makes the files of a package too large, or its code hard to read; one line each. */
export async function unpackedProblems(
  folder: string,
  files: readonly string[],
  most: SizeLimits = { library: MAX_LIBRARY_BYTES, all: MAX_ALL_BYTES },
): Promise<string[]> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
  const sum = (isCounted: (file: string) => boolean) =>
    sizes.reduce((bytes, size, i) => isCounted(files[i] as string) ? bytes + size : bytes, 0);
  const shared = sum((file) => !ASIDE.test(file) && !ENGINE.test(file));
  const engines = [...new Set(files.map(engineOf))].map((engine) => {
    return sum((file) => !ASIDE.test(file) && engineOf(file) !== undefined && engineOf(file) === engine);
  });
  const library = shared + Math.max(0, ...engines);
  const all = sum(() => true);
  const code = files.filter((file) => /\.c?js$/.test(file) && !ASIDE.test(file));
  const texts = await Promise.all(code.map((file) => readFile(join(folder, file), "utf8")));
  const lines = texts.map((text) => text.split("\n"));
  const long = code.filter((_, i) => lines[i]?.some((line) => line.length > MAX_LINE_LENGTH));
  return [
    ...(library > most.library ? [`what a service loads is ${library} bytes, more than ${most.library}`] : []),
    ...(all > most.all ? [`the package unpacks to ${all} bytes, more than ${most.all}`] : []),
    ...long.map((file) => `${file} has a line of more than ${MAX_LINE_LENGTH} characters`),
    ...code.flatMap((file, i) => strangersIn(file, texts[i] as string)),
  ];
}

/** The stores that a file loads without being for them: only the file that opens a store may load one, when it is opened. */
function strangersIn(file: string, text: string): string[] {
  if (/\/open\d*\.cjs$/.test(file)) return [];
  const loaded = [...text.matchAll(/^(?:const \$?\w+=)?require\("(.*)"\);$/gm)].map(([, path = ""]) =>
    join(file, "..", path)
  );
  const strangers = loaded.filter((path) => engineOf(path) !== undefined && engineOf(path) !== engineOf(file));
  return strangers.map((path) => `${file} loads ${path}, which is for one kind of store`);
}

/** The kind of store that a file is for; undefined for those of all kinds. The store in a log is for NATS. */
function engineOf(file: string): string | undefined {
  return ENGINE.exec(file)?.[1]?.replace("log", "nats");
}

/** Imports every entry on every runtime and tries it, and compiles the same program against the declarations. */
async function consume(folder: string, entries: readonly string[], peers: readonly string[]): Promise<string[]> {
  const imports = entries.map((entry, index) => `import * as entry${index} from "${entry}";\n`).join("");
  const names = entries.map((_, index) => `entry${index}`).join(", ");
  const program = `${imports}
for (const entry of [${names}]) if (Object.keys(entry).length === 0) throw new Error("an entry exports nothing");
${CONSUMER}`;
  await writeFile(join(folder, "rate-sync.toml"), "[limiters.api]\nlimit = 1\nwindow_seconds = 60\n");
  await writeFile(join(folder, "consumer.ts"), program);
  await writeFile(join(folder, "consumer.js"), program);
  for (const needed of ["@types/node", ...peers]) {
    const place = join(folder, "node_modules", needed);
    await mkdir(dirname(place), { recursive: true });
    await symlink(resolve("node_modules", needed), place, "junction").catch(() => {}); // a dependency may have brought it
  }

  const compile = "--noEmit --strict --module nodenext --target es2022 --lib es2023,esnext.disposable,dom --types node";
  const commands: [string, string[]][] = [
    [tool("node"), ["consumer.js"]],
    [tool("deno"), ["run", "--allow-all", "--no-check", "consumer.js"]],
    [tool("bun"), ["consumer.js"]],
    [tool("tsc"), [...compile.split(" "), "consumer.ts"]],
  ];
  const problems: string[] = [];
  for (const [program, args] of commands) {
    const { code, output } = await run(program, args, { cwd: folder });
    if (code !== 0) problems.push(`${program} ${args.join(" ")}\n${output}`);
  }
  return problems;
}

/** Runs the program `ratesync` as each runtime finds it, in the folder with the rate-sync.toml of the consumer. */
async function runProgram(folder: string): Promise<string[]> {
  const program = join("node_modules", ".bin", "ratesync");
  const commands: [string, string[]][] = [
    ["npx", ["--no-install", "ratesync"]],
    [tool("bun"), ["x", "--no-install", "ratesync"]],
    [tool("bun"), [program]],
    [tool("deno"), ["run", "--allow-all", program]],
  ];
  const problems: string[] = [];
  for (const [runtime, args] of commands) {
    for (const [words, expected] of PROGRAM_CALLS) {
      const { code, output } = await run(runtime, [...args, ...words], { cwd: folder });
      if (`${code} ${output}`.startsWith(expected)) continue;
      problems.push(`${runtime} ${[...args, ...words].join(" ")}: expected ${expected}, received ${code} ${output}`);
    }
  }
  return problems;
}

/** Calls of the program, and what the exit code and the output begin with. */
const PROGRAM_CALLS: readonly (readonly [words: readonly string[], expected: string])[] = [
  [["check"], "0 STORE   ENGINE  URL  STATE"],
  [["chek"], '2 error: Unknown command "chek": did you mean "check"?'],
];

/** Looks for what bundling could break: names, classes that entries share, and what is loaded when it is needed. */
const CONSUMER = `
import assert from "node:assert/strict";
import { close, ConfigError, createRateSync, Decision, StoreError, tryAcquire } from "@ratesync/core";
import { createDashboard } from "@ratesync/core/dashboard";
import { createNatsStore } from "@ratesync/core/nats";
import { createPostgresStore } from "@ratesync/core/postgres";
import { createRedisStore } from "@ratesync/core/redis";
import { FakeClock } from "@ratesync/core/testing";

await tryAcquire("api");
const denial = await tryAcquire("api"); // of rate-sync.toml
assert(denial instanceof Decision && !denial.allowed);
await close();

const clock = new FakeClock();
const rs = createRateSync({ clock, limiters: { api: { ratePerSecond: 1 } } });
await rs.acquire("api");
const second = rs.acquire("api");
await clock.advance(1_000);
await second;
await rs.close();

assert.throws(() => createRedisStore({ url: "" }), ConfigError);
const url = "//127.0.0.1:1/"; // no server listens there
const stores = [
  createRedisStore({ url: "redis:" + url }),
  createPostgresStore({ url: "postgres:" + url }),
  createNatsStore({ url: "nats:" + url }),
];
for (const store of stores) {
  const error = await store.connect().catch((reason) => reason);
  assert(error instanceof StoreError);
  assert.deepEqual([error.name, error.reason], ["StoreError", "connection_refused"], error.message);
  await store.close();
}

// Each file that is required where it is called.
const watched = createRateSync({ limiters: { api: { ratePerSecond: 1 } } });
watched.heavyHitters("api");
await watched.tryAcquire("api", { key: "user:42" });
const refused = await watched.tryAcquire("api", { key: "user:42" });
assert.match(refused.explain().summary, /^Denied by limiter "api"/);
assert.match(refused.headers()["RateLimit"] ?? "", /r=0/);
assert.deepEqual(watched.heavyHitters("api").byRequests, [{ key: "user:42", count: 2, error: 0 }]);
const { body } = await createDashboard(watched)(new Request("http://localhost/events"));
assert(body);
const events = body.getReader();
const awake = setInterval(() => void watched.tryAcquire("api", { key: "user:42" }), 100); // nothing else keeps the process
for (let seen = "", reads = 0; !seen.includes("user:42"); reads++) {
  const { value } = await events.read();
  assert(value && reads < 10, "the dashboard does not show the key");
  seen += new TextDecoder().decode(value);
}
clearInterval(awake);
await events.cancel();
await watched.close();
for (const engine of ["redis", "postgres", "nats"]) {
  const misspelt = JSON.parse('{ "main": { "engine": "' + engine + '", "urll": "" } }');
  assert.throws(() => createRateSync({ stores: misspelt }), /did you mean "url"/);
}
`;

async function publint(installed: string): Promise<string[]> {
  const { code, output } = await run(tool("publint"), ["run", installed, "--pack", "false", "--strict"]);
  return code === 0 ? [] : [output];
}
