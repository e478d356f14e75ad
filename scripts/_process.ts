/**
 * Running other programs.
 *
 * @module
 */

import { spawn, type SpawnOptions } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";

/** What became of a program. */
export interface Outcome {
  /** Its exit code; 124 when its time was up, 127 when it could not be started, 128 when a signal ended it. */
  readonly code: number;
  /** What it wrote, standard output and error as they came. Empty unless captured. */
  readonly output: string;
}

/** Options of {@linkcode run}. */
export interface RunOptions extends Pick<SpawnOptions, "cwd" | "env"> {
  /** Whether the program writes to this process's own terminal instead of into `output`. @default {false} */
  readonly live?: boolean;
  /** After how many milliseconds it is ended. @default {Infinity} */
  readonly limitMs?: number;
  /** Whether everything that it has started is killed with it, when its time is up or this process ends. @default {false} */
  readonly group?: boolean;
}

/** How long a program whose time is up may take to end. */
const GRACE_MS = 5_000;

/** Runs a program to its end. Never rejects. It ends with this process, whatever ends it. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { live = false, limitMs = Infinity, group = false, ...spawnOptions } = options;
  const stdio: SpawnOptions["stdio"] = live ? ["ignore", "inherit", "inherit"] : "pipe";
  const child = spawn(program, args, { ...spawnOptions, stdio, detached: group });
  const kill = () => group ? killGroup(child.pid) : void child.kill();
  process.once("exit", kill);
  let late = false;
  const limits = Number.isFinite(limitMs)
    ? [setTimeout(() => (late = true, kill()), limitMs), setTimeout(() => child.kill("SIGKILL"), limitMs + GRACE_MS)]
    : [];

  let output = "";
  const collect = (text: string) => output += text;
  child.stdin?.end();
  child.stdout?.setEncoding("utf8").on("data", collect);
  child.stderr?.setEncoding("utf8").on("data", collect);

  return new Promise<Outcome>((resolve) => {
    child.once("error", (error) => resolve({ code: 127, output: `Cannot run ${program}: ${error.message}\n` }));
    child.once("close", (code) => resolve({ code: late ? 124 : code ?? 128, output }));
  }).finally(() => {
    limits.forEach(clearTimeout);
    process.off("exit", kill);
  });
}

/** Kills the process group that `pid` leads: a server that a test has stopped would not hear a gentler signal. */
function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // all of them have ended
  }
}

/** Lets Ctrl-C and SIGTERM end this process by way of its `exit` listeners, which stop what it started. */
export function exitOnSignals(): void {
  process.on("SIGINT", () => process.exit(130)); // on, not once: npm sends a second one
  process.on("SIGTERM", () => process.exit(143));
}

/** The programs themselves, where `.bin` has a wrapper that would outlive a kill. */
const PROGRAMS: Readonly<Record<string, string>> = {
  bun: "node_modules/bun/bin/bun.exe",
  deno: "node_modules/deno/deno",
};

/** The path of a tool that `npm ci` brought, or of Node. */
export function tool(name: "bun" | "deno" | "node" | "publint" | "tsc"): string {
  if (name === "node") return runsOnNode() ? process.execPath : "node";
  const program = PROGRAMS[name];
  return resolve(program && existsSync(program) ? program : `node_modules/.bin/${name}`);
}

function runsOnNode(): boolean {
  return !("deno" in process.versions || "bun" in process.versions);
}
