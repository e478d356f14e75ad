/**
 * A server's program as a process of this one: it is started, waited for, killed and started again. It ends with this process.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** What is started. */
export interface ServerProgram {
  /** What it is called in errors: `a Redis`. */
  readonly what: string;
  /** The path of the program, or its name on the PATH. */
  readonly program: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** The port that it listens on. */
  readonly port: number;
  /** Whether it answers. */
  isReady(): Promise<boolean>;
}

/** A process that answers. */
export interface ServerProcess {
  /** Its id. */
  readonly pid: number;
  /** Sends it a signal. */
  signal(name: NodeJS.Signals): void;
  /** Kills it, and waits for its end. */
  kill(): Promise<void>;
  /** Starts it again, and waits until it answers. */
  start(): Promise<void>;
}

const START_LIMIT_MS = 15_000;

/** What ends with this process, however it ends. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/**
 * Starts a server.
 *
 * @throws {Error} If it ends or does not answer in time; the message holds what it wrote to standard error.
 */
export async function startServerProcess(server: ServerProgram): Promise<ServerProcess> {
  let child = await launch(server);
  return {
    get pid() {
      return child.pid as number;
    },
    // Not child.kill: on Deno that takes a stopped process for an ended one.
    signal: (name) => void process.kill(child.pid as number, name),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
    async start() {
      child = await launch(server);
    },
  };
}

async function launch({ what, program, args, port, isReady }: ServerProgram): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  running.add(child);
  let printed = "";
  child.stderr.on("data", (chunk) => printed = `${printed}${chunk}`.slice(-4_000));
  child.once("error", (error) => {
    printed += error.message;
    running.delete(child);
  });
  child.once("exit", () => running.delete(child));
  try {
    // Another program may have taken the port meanwhile, and answer in its place.
    for (let waitedMs = 0; waitedMs < START_LIMIT_MS && running.has(child); waitedMs += 10) {
      if (await isReady() && running.has(child)) return child;
      await sleep(10);
    }
    throw new Error(`Cannot start ${what} on port ${port}: it has ended or does not answer\n${printed}`);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}
