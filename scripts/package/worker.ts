/**
 * The packed package in the workers of examples/workers, bundled and run by the runtime of such workers, without any of
 * Node's modules.
 *
 * @module
 */

import { cp, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

import { rolldown } from "rolldown";

import { run } from "../_process.ts";
import { TemporaryFolder } from "../_temporary.ts";
import { startRestRedis, TOKEN } from "../../tests/_support/rest_redis.ts";
import { obtainRedis } from "../redis/obtain.ts";
import { installPackage } from "./tarball.ts";
import { FIVE_OF_SEVEN, type Server, someone, startServer, statuses, unless, visit } from "./visits.ts";

const ADDRESS = "CF-Connecting-IP";

/** What the runtime runs: a file, and its environment. */
function configOf(bundle: string, environment: Readonly<Record<string, string>>): string {
  const bindings = Object.entries(environment).map(([name, text]) => `(name = "${name}", text = "${text}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "${bundle}")],
  bindings = [${bindings.join(", ")}],
  compatibilityDate = "2026-01-01",
);
`;
}

/** What is wrong with it, one line or output each; none when all is well. */
export async function workerProblems(): Promise<string[]> {
  using folder = new TemporaryFolder("worker");
  await cp("examples/workers", folder.path, { recursive: true });
  await writeFile(join(folder.path, "package.json"), `{ "private": true, "type": "module" }\n`);
  const failure = await installPackage(folder.path) ?? await installRuntime(folder.path);
  if (failure) return [failure];
  const redis = await obtainRedis();
  try {
    await using rest = await startRestRedis(redis.url);
    const shared = { UPSTASH_REDIS_REST_URL: rest.url, UPSTASH_REDIS_REST_TOKEN: TOKEN };
    return [...await problemsOf("worker", folder.path, {}), ...await problemsOf("shared", folder.path, shared)];
  } finally {
    await redis.stop();
  }
}

/** Asks one of the workers: one client more often than it may, then many clients at the same time. */
async function problemsOf(
  name: string,
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<string[]> {
  await using server = await start(name, folder, environment);
  const answers = await visit(server.url, ADDRESS, someone(), 7);
  const denied = answers.at(-1)?.headers.get("RateLimit");
  const many = await Promise.all(Array.from({ length: 30 }, () => visit(server.url, ADDRESS, someone(), 1)));
  const refused = many.flat().filter(({ status }) => status !== 200);
  return [
    ...unless(statuses(answers) === FIVE_OF_SEVEN, `${name} answered ${statuses(answers)}`),
    ...unless(/^"api";r=0;t=\d+$/.test(denied ?? ""), `${name} said RateLimit: ${denied}`),
    ...unless(refused.length === 0, `${name} answered many at the same time ${statuses(refused)}`),
  ];
}

async function start(name: string, folder: string, environment: Readonly<Record<string, string>>): Promise<Server> {
  await bundle(folder, name);
  await writeFile(join(folder, `${name}.capnp`), configOf(`${name}.bundle.js`, environment));
  const { default: workerd } = createRequire(join(folder, "package.json"))("workerd") as { default: string };
  return await startServer(workerd, ["serve", `${name}.capnp`, "--control-fd=1"], { cwd: folder }, /"port":(\d+)/);
}

/** Resolves to the output of what failed. */
async function installRuntime(folder: string): Promise<string | undefined> {
  const args = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--silent", "workerd@^1.20261117.1"];
  const { code, output } = await run("npm", args, { cwd: folder });
  return code === 0 ? undefined : output;
}

/** One file, as tools for workers make it. Drivers are not for workers. */
async function bundle(folder: string, name: string): Promise<void> {
  const external = ["@redis/client", "smol-toml", /^node:/];
  const bundled = await rolldown({ input: join(folder, `${name}.js`), external });
  await bundled.write({ file: join(folder, `${name}.bundle.js`), format: "esm", codeSplitting: false });
  await bundled.close();
}
