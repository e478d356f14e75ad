/**
 * Other operating system processes on the runtime that runs the test, for races and crashes.
 *
 * A worker is a module under tests/ that reads its arguments from `process.argv.slice(2)`.
 *
 * @module
 */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { extname, join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** How a worker ended. */
export interface WorkerExit {
  /** The exit code; `null` when a signal ended it. */
  readonly code: number | null;
  /** The signal that ended it; `null` when it exited by itself. */
  readonly signal: NodeJS.Signals | null;
  /** Everything it wrote to standard output. */
  readonly stdout: string;
  /** Everything it wrote to standard error. */
  readonly stderr: string;
}

/** A running worker. Disposing it kills it and waits for its end. */
export interface Worker extends AsyncDisposable {
  /** The process id. */
  readonly pid: number;
  /** How it ended, once it has. Never rejects. */
  readonly exited: Promise<WorkerExit>;
  /**
   * The next line of its standard output, without the line break.
   *
   * @throws {Error} If it ends before writing one.
   */
  readLine(): Promise<string>;
  /** Writes a line to its standard input. */
  writeLine(line: string): void;
  /** Ends its standard input. */
  endInput(): void;
  /** Sends it a signal. @default {"SIGKILL"} */
  kill(signal?: NodeJS.Signals): void;
}

/** Starts the worker `path` (under tests/, without ending: `"race/worker"`) and leaves it running. */
export function startWorker(path: string, args: readonly string[] = []): Worker {
  const child = spawn(process.execPath, [...runtimeArgs(), workerFile(path), ...args]);
  const exited = watch(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  return {
    pid: child.pid ?? -1,
    exited,
    async readLine(): Promise<string> {
      const { done, value } = await lines.next();
      if (!done) return value;
      const { code, signal, stderr } = await exited;
      throw new Error(`Cannot read a line of worker ${path}: it ended with ${signal ?? code}\n${stderr}`);
    },
    writeLine(line: string): void {
      child.stdin.write(`${line}\n`);
    },
    endInput(): void {
      child.stdin.end();
    },
    kill(signal: NodeJS.Signals = "SIGKILL"): void {
      child.kill(signal);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** The program and the arguments that start the worker `path`. */
export function commandOf(path: string, args: readonly string[]): [program: string, args: string[]] {
  return [process.execPath, [...runtimeArgs(), workerFile(path), ...args]];
}

/** Runs the worker `path` (as for {@linkcode startWorker}) to its end. */
export function runWorker(path: string, args: readonly string[] = []): Promise<WorkerExit> {
  const child = spawn(process.execPath, [...runtimeArgs(), workerFile(path), ...args]);
  child.stdin.end();
  return watch(child);
}

async function watch(child: ChildProcessWithoutNullStreams): Promise<WorkerExit> {
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => stdout += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text);
  child.stdin.on("error", () => {}); // a worker may end before it reads what it is sent
  try {
    const [code, signal] = await once(child, "close");
    return { code, signal, stdout, stderr };
  } catch (error) {
    return { code: null, signal: null, stdout, stderr: String(error) };
  }
}

/**
 * A worker runs as `npm test` has bundled it. One that is in no bundle runs in the form this module runs in: compiled on
 * Node, as source on Deno and Bun.
 */
function workerFile(path: string): string {
  const bundles = process.env["RATESYNC_TEST_WORKERS"];
  const bundled = bundles === undefined ? undefined : join(bundles, `${path}.js`);
  if (bundled !== undefined && existsSync(bundled)) return bundled;
  return fileURLToPath(new URL(`../${path}${extname(import.meta.url)}`, import.meta.url));
}

/** Without source maps: Node would read those of every module of the driver, a fifth of what a worker costs. */
function runtimeArgs(): string[] {
  return "deno" in process.versions ? ["run", "--allow-all", "--no-check"] : [];
}
