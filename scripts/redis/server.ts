/**
 * A redis-server of our own on a free loopback port. It keeps nothing and ends with this process.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { findProgram } from "../_find_program.ts";
import { freePort } from "../_free_port.ts";
import { TemporaryFolder } from "../_temporary.ts";
import type { TestRedis } from "./test_redis.ts";

const START_LIMIT_MS = 10_000;

/** The path of redis-server, or of Valkey's, if the PATH has one. */
export function findServer(): string | undefined {
  return findProgram(["redis-server", "valkey-server"]);
}

/**
 * Starts the server at `path`, with settings beside the usual ones.
 *
 * @throws {Error} If it ends or does not answer in time; the message holds what it printed.
 */
export async function startServer(path: string, more: Readonly<Record<string, string>> = {}): Promise<TestRedis> {
  const port = await freePort();
  const folder = new TemporaryFolder("redis");
  const settings = { port, bind: "127.0.0.1", dir: folder.path, save: "", appendonly: "no", ...more };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(path, args, { stdio: ["ignore", "pipe", "pipe"] });

  const kill = () => void child.kill("SIGKILL"); // it holds nothing worth a farewell
  process.once("exit", kill);
  const ended = once(child, "close").catch(() => {}); // an error when it could not be started
  async function stop(): Promise<void> {
    kill();
    await ended;
    process.off("exit", kill);
    folder[Symbol.dispose]();
  }

  try {
    await answering(child, port);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    origin: `${path} on port ${port}`,
    clear: async () => void (await ask(port, "FLUSHALL")),
    stop,
  };
}

async function answering(child: ChildProcess, port: number): Promise<void> {
  let printed = "";
  let failed = false;
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => printed += chunk);
  child.once("error", (error) => (failed = true, printed += error.message));
  child.once("exit", () => failed = true);

  for (let waitedMs = 0; waitedMs < START_LIMIT_MS && !failed; waitedMs += 50) {
    if ((await ask(port, "PING"))?.startsWith("+PONG")) return;
    await sleep(50);
  }
  throw new Error(`Cannot start redis-server on port ${port}: it does not answer\n${printed}`);
}

/** What the Redis on the loopback port answers to a command of one word; `undefined` if it does not. */
async function ask(port: number, command: string): Promise<string | undefined> {
  const socket = connect(port, "127.0.0.1").setTimeout(1_000, () => socket.destroy());
  try {
    socket.on("error", () => {}).write(`${command}\r\n`);
    for await (const chunk of socket) return String(chunk);
    return undefined;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}
