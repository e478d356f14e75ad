/**
 * Runs the programs among the code blocks in one process, of whichever runtime. It is copied beside them, so it imports
 * the packed package, as they do.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync } from "@ratesync/core";

/** One block. */
interface Program {
  /** Where it stands. */
  readonly name: string;
  /** Its file, without the extension. */
  readonly file: string;
  readonly language: string;
  /** The port at which it serves, if it does. */
  readonly port?: number;
}

/** How long one block may take. */
const LIMIT_MS = 20_000;

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
const failed: string[] = [];
let current = "";

// What blocks print is of no interest here.
for (const name of ["debug", "info", "log", "warn", "error"] as const) console[name] = () => {};

process.on("unhandledRejection", (error) => fail(error));
process.on("uncaughtException", (error) => fail(error));
for (const program of JSON.parse(await readFile("programs.json", "utf8")) as Program[]) {
  current = program.name;
  const late = new AbortController();
  const limit = sleep(LIMIT_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`It takes more than ${LIMIT_MS} ms`);
  });
  await Promise.race([runOne(program), limit]).catch(fail);
  late.abort();
  await limit.catch(() => {});
}
process.exit(failed.length === 0 ? 0 : 1);

function fail(error: unknown): void {
  if (failed.includes(current)) return;
  failed.push(current);
  process.stdout.write(`${current}: ${error instanceof Error ? error.stack ?? error.message : String(error)}\n`);
}

async function runOne({ file, language, port }: Program): Promise<void> {
  if (language === "toml") {
    const rs = createRateSync();
    await rs.loadConfig(`${file}.toml`);
    return await rs.close();
  }
  const module = await import(`./${file}.${language === "js" ? "js" : extension}`);
  if (port !== undefined) await visit(port);
  const app = module.default;
  for (const handler of [module.GET, module.middleware, app?.fetch?.bind(app)]) {
    if (typeof handler !== "function") continue;
    const context = { ...process.env, params: Promise.resolve({ id: "7" }) };
    const answer: Response | undefined = await handler(new Request("http://127.0.0.1/"), context);
    if (answer !== undefined && answer.status >= 500) {
      throw new Error(`It answers ${answer.status}: ${await answer.text()}`);
    }
  }
}

/** A server that was started must answer. */
async function visit(port: number): Promise<void> {
  for (let tries = 0;; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch((error: Error) => error);
    if (answer instanceof Response) {
      const text = await answer.text();
      if (answer.status < 500) return;
      throw new Error(`It answers ${answer.status}: ${text}`);
    }
    if (tries > 20) throw answer;
    await sleep(100);
  }
}
