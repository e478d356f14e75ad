/**
 * The packed package in a real Next.js application, examples/next: built as its users build it, and asked over HTTP.
 *
 * @module
 */

import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";

import { run, tool } from "../_process.ts";
import { TemporaryFolder } from "../_temporary.ts";
import { obtainRedis } from "../redis/obtain.ts";
import { installPackage } from "./tarball.ts";
import { FIVE_OF_SEVEN, type Server, someone, startServer, statuses, unless, visit } from "./visits.ts";

const NEXT = "node_modules/next/dist/bin/next";
const ADDRESS = "X-Forwarded-For";

/** What is wrong with it, one line or output each; none when all is well. */
export async function nextAppProblems(): Promise<string[]> {
  using folder = new TemporaryFolder("next");
  await cp("examples/next", folder.path, { recursive: true });
  const failure = await installPackage(folder.path) ?? await build(folder.path);
  if (failure) return [failure];
  const redis = await obtainRedis();
  try {
    return [
      ...await deployment(folder.path),
      ...await alone(folder.path),
      ...await together(folder.path, redis.url),
    ];
  } finally {
    await redis.stop();
  }
}

/** What Next.js copies for a deployment: the configuration too. */
async function deployment(folder: string): Promise<string[]> {
  const trace = await readFile(join(folder, ".next/server/app/api/hello/route.js.nft.json"), "utf8");
  const { files } = JSON.parse(trace) as { files: readonly string[] };
  return unless(files.some((file) => file.endsWith("/rate-sync.toml")), "a deployment has no rate-sync.toml");
}

/** One process, which counts in memory: a route handler, and the proxy in front of a page. */
async function alone(folder: string): Promise<string[]> {
  await using server = await start(folder, "");
  const [ada, bob] = [someone(), someone()];
  const api = await visit(`${server.url}/api/hello`, ADDRESS, ada, 7);
  const pages = await visit(`${server.url}/members`, ADDRESS, ada, 4);
  const [other] = await visit(`${server.url}/api/hello`, ADDRESS, bob, 1);
  const denied = api.at(-1);
  return [
    ...unless(statuses(api) === FIVE_OF_SEVEN, `the route handler answered ${statuses(api)}`),
    ...unless(statuses(pages) === "200 200 200 429", `the proxy let through ${statuses(pages)}`),
    ...unless(other?.status === 200, `another address was answered ${other?.status}`),
    ...unless(/"api";r=0;t=\d/.test(denied?.headers.get("RateLimit") ?? ""), `no RateLimit header on ${denied?.url}`),
    ...unless(Number(denied?.headers.get("Retry-After")) >= 1, `no Retry-After on ${denied?.url}`),
    ...unless(/"pages";r=2;/.test(pages[0]?.headers.get("RateLimit") ?? ""), "no RateLimit header on the page"),
    ...unless(pages[0]?.text.includes("Members") === true, "the page is not there"),
  ];
}

/** Two processes on one Redis: exactly the limit between them. */
async function together(folder: string, redisUrl: string): Promise<string[]> {
  await using first = await start(folder, redisUrl);
  await using second = await start(folder, redisUrl);
  const ada = someone();
  const answers = [
    ...await visit(`${first.url}/api/hello`, ADDRESS, ada, 3),
    ...await visit(`${second.url}/api/hello`, ADDRESS, ada, 4),
  ];
  return unless(statuses(answers) === FIVE_OF_SEVEN, `two processes answered ${statuses(answers)}`);
}

/** Builds it. Resolves to the output of what failed. */
async function build(folder: string): Promise<string | undefined> {
  const { code, output } = await run(tool("node"), [NEXT, "build"], { cwd: folder, env: environment("") });
  return code === 0 ? undefined : output;
}

function start(folder: string, redisUrl: string): Promise<Server> {
  const args = [NEXT, "start", "--port", "0", "--hostname", "127.0.0.1"];
  const options = { cwd: folder, env: environment(redisUrl) };
  return startServer(tool("node"), args, options, /http:\/\/127\.0\.0\.1:(\d+)/);
}

function environment(redisUrl: string): NodeJS.ProcessEnv {
  return { ...process.env, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1", REDIS_URL: redisUrl };
}
