/**
 * The packed package in a real Next.js application, examples/next: built as its users build it, and asked over HTTP.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";

import { run, tool } from "../_process.ts";
import { TemporaryFolder } from "../_temporary.ts";
import { obtainRedis } from "../redis/obtain.ts";
import { installPackage } from "./tarball.ts";

/** A client address that nothing has used before. */
const someone = (): string => `2001:db8:${crypto.randomUUID().slice(0, 4)}:${crypto.randomUUID().slice(0, 4)}::1`;

/** A running `next start`. */
interface NextServer extends AsyncDisposable {
  readonly url: string;
}

/** What is wrong with it, one line or output each; none when all is well. */
export async function nextAppProblems(): Promise<string[]> {
  using folder = new TemporaryFolder("next");
  await cp("examples/next", folder.path, { recursive: true });
  const failure = await installPackage(folder.path) ?? await next(folder.path, "build");
  if (failure) return [failure];
  const redis = await obtainRedis();
  try {
    return [...await alone(folder.path), ...await together(folder.path, redis.url)];
  } finally {
    await redis.stop();
  }
}

/** One process, which counts in memory: a route handler, and the proxy in front of a page. */
async function alone(folder: string): Promise<string[]> {
  await using server = await start(folder, "");
  const [ada, bob] = [someone(), someone()];
  const api = await visit(`${server.url}/api/hello`, ada, 7);
  const pages = await visit(`${server.url}/members`, ada, 4);
  const [other] = await visit(`${server.url}/api/hello`, bob, 1);
  const denied = api.at(-1);
  return [
    ...unless(statuses(api) === "200 200 200 200 200 429 429", `the route handler answered ${statuses(api)}`),
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
    ...await visit(`${first.url}/api/hello`, ada, 3),
    ...await visit(`${second.url}/api/hello`, ada, 4),
  ];
  return unless(statuses(answers) === "200 200 200 200 200 429 429", `two processes answered ${statuses(answers)}`);
}

interface Answer {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function visit(url: string, address: string, times: number): Promise<Answer[]> {
  const answers = [];
  for (let i = 0; i < times; i++) {
    const response = await fetch(url, { headers: { "X-Forwarded-For": address } });
    answers.push({ url, status: response.status, headers: response.headers, text: await response.text() });
  }
  return answers;
}

function statuses(answers: readonly Answer[]): string {
  return answers.map(({ status }) => status).join(" ");
}

function unless(holds: boolean, problem: string): string[] {
  return holds ? [] : [problem];
}

const NEXT = "node_modules/next/dist/bin/next";

/** Runs a command of Next.js. Resolves to the output of what failed. */
async function next(folder: string, command: string): Promise<string | undefined> {
  const { code, output } = await run(tool("node"), [NEXT, command], { cwd: folder, env: environment("") });
  return code === 0 ? undefined : output;
}

/** Starts it on a free port. It ends with this process. */
async function start(folder: string, redisUrl: string): Promise<NextServer> {
  const args = [join(folder, NEXT), "start", "--port", "0", "--hostname", "127.0.0.1"];
  const child = spawn(tool("node"), args, {
    cwd: folder,
    env: environment(redisUrl),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  const ended = once(child, "close");
  const stop = async () => {
    kill();
    await ended;
    process.off("exit", kill);
  };
  let printed = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => printed += text);
  for await (const line of createInterface({ input: child.stdout })) {
    printed += `${line}\n`;
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
    if (url !== undefined) return { url, [Symbol.asyncDispose]: stop };
  }
  await stop();
  throw new Error(`Cannot start Next.js:\n${printed}`);
}

function environment(redisUrl: string): NodeJS.ProcessEnv {
  return { ...process.env, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1", REDIS_URL: redisUrl };
}
