/**
 * Runs one bench in this process, prints what it found and writes it to a file. Its arguments: the bench's name, the
 * URL of a Redis whose data may be thrown away, and the file; without a file, tiny counts will do.
 *
 * @module
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname } from "node:path";
import process from "node:process";

import { openProbe } from "./_probe.ts";
import { BENCHES, reportText } from "./mod.ts";

const PACKAGES = [
  "redis",
  "rate-limiter-flexible",
  "ioredis",
  "rate-limit-redis",
  "@upstash/ratelimit",
  "bottleneck",
  "redis-semaphore",
  "express-rate-limit",
  "@fastify/rate-limit",
  "hono-rate-limiter",
  "express",
  "fastify",
  "hono",
];

const [name = "", url = "", file] = process.argv.slice(2);
const bench = BENCHES[name];
if (bench === undefined) {
  throw new Error(`Cannot run a bench: expected one of ${Object.keys(BENCHES)}, received ${name}`);
}
const report = await bench({ url, quick: file === undefined });
console.log(reportText(report));
if (file !== undefined) {
  const result = { name, ran: await surroundings(), ...report };
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(result, null, 2) + "\n");
}
process.exit(0); // a peer may hold this process alive

async function surroundings(): Promise<Record<string, string>> {
  const probe = await openProbe(url);
  await probe.close();
  const [first] = cpus();
  const versions = await Promise.all(PACKAGES.map(async (name) => {
    const { version } = JSON.parse(await readFile(`node_modules/${name}/package.json`, "utf8")) as { version: string };
    return [name, version] as const;
  }));
  return {
    runtime: runtimeVersion(),
    Redis: probe.version,
    processors: `${cpus().length} of ${first?.model ?? "an unknown kind"}`,
    ...Object.fromEntries(versions),
  };
}

function runtimeVersion(): string {
  const { bun, deno, node } = process.versions as Record<string, string | undefined>;
  return bun !== undefined ? `Bun ${bun}` : deno !== undefined ? `Deno ${deno}` : `Node ${node}`;
}
