/**
 * Contenders in processes of their own, on a processor of their own: so that none of them shares a heap, a compiler or a
 * core with another, or with Redis.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { extname } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { run } from "../scripts/_process.ts";
import type { Contender, Round } from "./_load.ts";
import type { Probe } from "./_probe.ts";
import type { Subject } from "./_subjects.ts";

/** Which core is whose. */
const REDIS_CORE = "0";
const CONTENDER_CORE = "1";

/**
 * Gives Redis a core of its own, which contenders stay away from.
 *
 * @returns Why that is not possible here; undefined where it was done.
 */
export async function pinRedis(probe: Probe): Promise<string | undefined> {
  if (process.platform !== "linux" || availableParallelism() < 2) return "There are no two cores to pin to.";
  const [, pid = ""] = /^process_id:(\d+)/m.exec(String(await probe.send("INFO", "server"))) ?? [];
  const { code, output } = await run("taskset", ["-acp", REDIS_CORE, pid], { limitMs: 5_000 });
  return code === 0 ? undefined : `Redis could not be pinned to a core: ${output.trim()}`;
}

/** Options of {@linkcode openApart}. */
export interface ApartOptions {
  /** The module of this folder that opens the contender (`Opens`), without its ending. */
  readonly program: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Whether it gets a core that Redis has not. */
  readonly isPinned: boolean;
  /** Whether tiny counts will do: it then runs in this process, which takes less time to start. @default {false} */
  readonly quick?: boolean;
}

/** What a module exports that opens a contender. */
export interface Opens {
  /** Opens it. */
  open(args: readonly string[]): Promise<Contender>;
}

/** What a program is to do, and what it answers, one line each. */
type Answer = Round | { readonly least: number; readonly commands: readonly string[] } | { readonly error: string };

/** Starts a contender in a process of its own. */
export async function openApart(
  name: string,
  { program, args, isPinned, quick = false }: ApartOptions,
): Promise<Contender> {
  if (quick) return await opens(program).then(({ open }) => open(args));
  const worker = fileURLToPath(new URL(`./_worker${extname(import.meta.url)}`, import.meta.url));
  const deno = "deno" in process.versions ? ["run", "--allow-all", "--no-check"] : [];
  const command = [process.execPath, ...deno, worker, program];
  const [first = "", ...rest] = isPinned ? ["taskset", "-c", CONTENDER_CORE, ...command] : command;
  const child = spawn(first, [...rest, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  async function read<Wanted extends Answer>(): Promise<Wanted> {
    const { value, done } = await lines.next();
    const answer = JSON.parse(done ? `{"error":"it has ended"}` : value as string) as Answer;
    if ("error" in answer) throw new Error(`Cannot measure ${name}: ${answer.error}`);
    return answer as Wanted;
  }
  const { least, commands } = await read<{ readonly least: number; readonly commands: readonly string[] }>();
  return {
    name,
    least,
    commands,
    async round(calls) {
      child.stdin.write(`${calls}\n`);
      return await read<Round>();
    },
    close() {
      child.kill("SIGKILL");
      return Promise.resolve();
    },
  };
}

/** How {@linkcode openOnRedis} starts a contender. */
export type OnRedisOptions = Pick<ApartOptions, "isPinned" | "quick">;

/** Starts a contender on Redis in a process of its own. */
export function openOnRedis(name: string, subject: Subject, options: OnRedisOptions): Promise<Contender> {
  return openApart(name, { program: "_subjects", args: [JSON.stringify(subject)], ...options });
}

/** The module of a program. */
export async function opens(program: string): Promise<Opens> {
  return await import(new URL(`./${program}${extname(import.meta.url)}`, import.meta.url).href) as Opens;
}

/** Serves a contender to the process that has started this one. Never returns. */
export async function serveRounds(open: () => Promise<Contender>): Promise<never> {
  const say = (answer: Answer) => console.log(JSON.stringify(answer));
  try {
    const contender = await open();
    say({ least: contender.least, commands: contender.commands });
    for await (const line of createInterface({ input: process.stdin })) say(await contender.round(Number(line)));
  } catch (error) {
    say({ error: error instanceof Error ? error.message : String(error) });
  }
  process.exit(0);
}
