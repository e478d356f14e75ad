/**
 * The code blocks of README, docs and doc comments, run on the packed package by each runtime.
 *
 * @module
 */

import { cp, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";

import { freePort } from "../_free_port.ts";
import { run, tool } from "../_process.ts";
import { TemporaryFolder } from "../_temporary.ts";
import { installPackage } from "../package/tarball.ts";
import { type Block, readBlocks } from "./blocks.ts";
import { type Services, startServices, substitute } from "./services.ts";

/** Other packages that blocks import; they come from this repository. */
const FRAMEWORKS = ["elysia", "express", "express-rate-limit", "fastify", "hono", "koa", "@types"];

/** Packages that the guides in `docs/migrating/` lead away from, clients that an application gives to a store, and libraries for metrics. */
const PEERS = [
  "@nats-io",
  "@opentelemetry",
  "@upstash",
  "bottleneck",
  "ioredis",
  "pg",
  "postgres",
  "prom-client",
  "rate-limit-redis",
  "rate-limiter-flexible",
  "redis",
];

/** `rate-sync.toml` of the blocks that use the default instance: the limiters that they name. */
const LIMITERS = ["api", "login", "login_account", "login_ip", "pages", "partner", "search", "upload", "user"];

/** What the test runners print of tests that pass. */
const PASSED = /^.*(?:\(pass\)|✔|\.\.\. .*ok ).*\n/gm;

const LIMIT_MS = 120_000;

/** A block as a file of the folder. */
interface Written extends Block {
  /** `README.md:12` */
  readonly name: string;
  /** Its file, without the extension. */
  readonly id: string;
  /** Whether it is a test, which the test runner of each runtime runs. */
  readonly isTest: boolean;
  /** The port at which it serves, if it does. */
  readonly port?: number;
}

/** What is wrong with the blocks, one line or output each; none when all is well. Prints which are not run, and why. */
export async function blockProblems(): Promise<string[]> {
  const blocks = await readBlocks();
  for (const { file, line, language, skip } of blocks) {
    if (skip !== undefined) console.log(`       not run: ${file}:${line} (${language}): ${skip}`);
  }
  using folder = new TemporaryFolder("blocks");
  await writeFile(join(folder.path, "package.json"), `{ "name": "reader", "private": true, "type": "module" }\n`);
  const failure = await installPackage(folder.path);
  if (failure) return [failure];
  for (const name of ["ts", "sh"]) await mkdir(join(folder.path, name));
  await using services = await startServices(folder.path);
  const written: Written[] = [];
  for (const block of blocks.filter(({ skip }) => skip === undefined)) {
    written.push(await write(block, folder.path, services));
  }
  await prepare(folder.path, written);
  return await problemsOf(folder.path, written, services);
}

/** Writes a block to a file. Every name that stands for a service is replaced. */
async function write(block: Block, folder: string, services: Services): Promise<Written> {
  const { file, line, language, before, code, after } = block;
  const isTest = /from "node:test"/.test(code);
  const id = `${file.replace(/\W+/g, "_")}_${line}${isTest ? "_test" : ""}`;
  const port = await freePort();
  const text = substitute([before, code, after].filter((part) => part !== "").join("\n"), language, services, port);
  const isModule = language === "ts" || language === "js";
  const path = join(folder, isModule ? "ts" : language === "sh" ? "sh" : ".", `${id}.${language}`);
  await writeFile(path, isModule ? `${text}\nexport {};\n` : text);
  const serves = isModule && text.split("\n").some((row) => !/^ *\/\//.test(row) && row.includes(String(port)));
  return { ...block, name: `${file}:${line}`, id, isTest, ...serves ? { port } : {} };
}

/** What the files need beside them. */
async function prepare(folder: string, written: readonly Written[]): Promise<void> {
  const limiters = LIMITERS.map((id) => `[limiters.${id}]\nlimit = 1000\nwindow = "1m"\n`).join("\n");
  await writeFile(join(folder, "rate-sync.toml"), limiters);
  await cp("scripts/docs/runner.ts", join(folder, "ts", "runner.ts"));
  const programs = written.filter(({ language, isTest }) => language !== "sh" && !isTest)
    .map(({ name, id: file, language, port }) => ({ name, file, language, port }));
  await writeFile(join(folder, "programs.json"), JSON.stringify(programs));
  for (const name of [...FRAMEWORKS, ...PEERS]) {
    await symlink(resolve("node_modules", name), join(folder, "node_modules", name), "junction").catch(() => {});
  }
}

async function problemsOf(folder: string, written: readonly Written[], services: Services): Promise<string[]> {
  const options = { cwd: folder, env: { ...process.env, ...services.environment, NO_COLOR: "1" }, limitMs: LIMIT_MS };
  const problems: string[] = [];
  const attempt = async (program: string, ...args: string[]) => {
    const { code, output } = await run(program, args, options);
    if (code !== 0) problems.push(`${program} ${args.slice(0, 3).join(" ")}\n${output.replace(PASSED, "").trimEnd()}`);
  };

  // The types of the packed package, and JavaScript for Node.
  const compile =
    "--strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --skipLibCheck --allowJs --module nodenext --target es2022 --types node --pretty false";
  const lib = ["--lib", "es2023,esnext.disposable,dom"];
  const modules = (await readdir(join(folder, "ts"))).map((name) => `ts/${name}`);
  await attempt(tool("tsc"), ...compile.split(" "), ...lib, "--rootDir", "ts", "--outDir", "js", ...modules);

  const tests = written.filter(({ isTest }) => isTest).map(({ id }) => id);
  const inFolder = (extension: "ts" | "js") => tests.map((id) => `./${extension}/${id}.${extension}`);
  await attempt(tool("node"), "js/runner.js");
  await attempt(tool("node"), "--test", "--test-concurrency=1", "--test-reporter=spec", ...inFolder("js"));
  await attempt(tool("deno"), "run", "--allow-all", "--no-check", "ts/runner.ts");
  await attempt(tool("deno"), "test", "--allow-all", "--no-check", ...inFolder("ts"));
  await attempt(tool("bun"), "ts/runner.ts");
  await attempt(tool("bun"), "test", ...inFolder("ts"));

  for (const { id, name, language } of written) {
    if (language !== "sh") continue;
    // In a folder without packages: a command such as `npm install` would follow the links in node_modules.
    const { code, output } = await run("bash", ["-euo", "pipefail", `${id}.sh`], {
      ...options,
      cwd: join(folder, "sh"),
      group: true,
    });
    if (code !== 0) problems.push(`${name} ends with ${code}\n${output}`);
  }
  return problems;
}
