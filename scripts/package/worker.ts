/**
 * The packed package in a worker, examples/workers, bundled and run by the runtime of such workers, without any of
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
import { installPackage } from "./tarball.ts";
import { FIVE_OF_SEVEN, someone, startServer, statuses, unless, visit } from "./visits.ts";

const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "bundle.js")],
  compatibilityDate = "2026-01-01",
);
`;

/** What is wrong with it, one line or output each; none when all is well. */
export async function workerProblems(): Promise<string[]> {
  using folder = new TemporaryFolder("worker");
  await cp("examples/workers", folder.path, { recursive: true });
  await writeFile(join(folder.path, "package.json"), `{ "private": true, "type": "module" }\n`);
  const failure = await installPackage(folder.path) ?? await installRuntime(folder.path);
  if (failure) return [failure];
  await bundle(folder.path);
  await writeFile(join(folder.path, "config.capnp"), CONFIG);

  const { default: workerd } = createRequire(join(folder.path, "package.json"))("workerd") as { default: string };
  const args = ["serve", "config.capnp", "--control-fd=1"];
  await using server = await startServer(workerd, args, { cwd: folder.path }, /"port":(\d+)/);
  const answers = await visit(server.url, "CF-Connecting-IP", someone(), 7);
  const denied = answers.at(-1)?.headers.get("RateLimit");
  return [
    ...unless(statuses(answers) === FIVE_OF_SEVEN, `the worker answered ${statuses(answers)}`),
    ...unless(/^"api";r=0;t=\d+$/.test(denied ?? ""), `the worker said RateLimit: ${denied}`),
  ];
}

/** Resolves to the output of what failed. */
async function installRuntime(folder: string): Promise<string | undefined> {
  const args = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--silent", "workerd@^1.20261117.1"];
  const { code, output } = await run("npm", args, { cwd: folder });
  return code === 0 ? undefined : output;
}

/** One file, as tools for workers make it. Drivers are not for workers. */
async function bundle(folder: string): Promise<void> {
  const bundled = await rolldown({ input: join(folder, "worker.js"), external: ["redis", "smol-toml", /^node:/] });
  await bundled.write({ file: join(folder, "bundle.js"), format: "esm", codeSplitting: false });
  await bundled.close();
}
