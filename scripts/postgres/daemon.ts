/**
 * A server in the foreground, as a process that ends with this one.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";

import { asServerUser } from "./programs.ts";

/** How a server says that it is ready, and how it is ended. */
export interface DaemonOptions {
  /** What it prints once it is ready. */
  readonly ready: RegExp;
  /** What errors call it. */
  readonly title: string;
  /** The signal that ends it when this process ends. */
  readonly last: NodeJS.Signals;
}

/** A server that is ready. */
export interface Daemon {
  /** Its process id. */
  readonly pid: number;
  /** Sends it a signal, and resolves once it has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
}

const START_LIMIT_MS = 20_000;

/**
 * Starts a program as the user who may run it.
 *
 * @throws {Error} If it ends, or is not ready in time. The message holds what it printed.
 */
export async function startDaemon(
  program: string,
  args: readonly string[],
  { ready, title, last }: DaemonOptions,
): Promise<Daemon> {
  const child = spawn(...asServerUser(program, args), { stdio: ["ignore", "pipe", "pipe"], cwd: "/" });
  const kill = () => void child.kill(last);
  process.once("exit", kill);
  let hasEnded = false;
  const ended = once(child, "close").catch(() => {}).then(() => {
    hasEnded = true;
    process.off("exit", kill);
  });
  async function end(signal: NodeJS.Signals): Promise<void> {
    if (!hasEnded) child.kill(signal);
    await ended;
  }

  let printed = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  const isReady = await new Promise<boolean>((resolve) => {
    const collect = (chunk: unknown) => {
      if (printed.length < 100_000) printed += chunk;
      if (ready.test(printed)) resolve(true);
    };
    child.stdout?.on("data", collect);
    child.stderr?.on("data", collect);
    child.once("error", (error) => (printed += error.message, resolve(false)));
    child.once("exit", () => resolve(false));
    timer = setTimeout(() => resolve(false), START_LIMIT_MS);
  });
  clearTimeout(timer);
  if (!isReady) {
    await end("SIGKILL");
    throw new Error(`Cannot start ${title}: it is not ready\n${printed}`);
  }
  return { pid: child.pid as number, end };
}
