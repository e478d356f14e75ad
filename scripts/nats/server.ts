/**
 * A nats-server of our own on a free loopback port, with JetStream in a temporary folder. It ends with this process.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { freePort } from "../_free_port.ts";
import { TemporaryFolder } from "../_temporary.ts";
import { obtainNatsServer } from "./obtain.ts";

/** What a server is started with. */
export interface NatsServerOptions {
  /** Lines of its configuration file, beside those for port and JetStream. @default none */
  readonly config?: string;
  /** What stands in the `jetstream` block; undefined for a server without JetStream. @default {""} */
  readonly jetstream?: string | undefined;
  /** The port. @default a free one */
  readonly port?: number;
}

/** A server of one test. Disposing it kills it, and removes its files. */
export interface NatsServer extends AsyncDisposable {
  /** Its port, which stays the same over restarts. */
  readonly port: number;
  /** Its URL, without credentials. */
  readonly url: string;
  /** Its process. */
  readonly pid: number;
  /** Where its files are. */
  readonly folder: string;
  /** Sends it a signal. */
  signal(name: NodeJS.Signals): void;
  /** Kills it, and waits for its end. */
  kill(): Promise<void>;
  /** Starts it again with the files that it has. */
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
 * @throws {Error} If it ends or does not answer in time; the message holds what it printed.
 */
export async function startNats(options: NatsServerOptions = {}): Promise<NatsServer> {
  const { config = "", port = await freePort() } = options;
  const jetstream = "jetstream" in options ? options.jetstream : "";
  const program = await obtainNatsServer();
  const folder = new TemporaryFolder("nats");
  const file = join(folder.path, "server.conf");
  const store = jetstream === undefined
    ? ""
    : `jetstream {\n  store_dir: ${JSON.stringify(folder.path)}\n  ${jetstream}\n}\n`;
  writeFileSync(file, `host: 127.0.0.1\nport: ${port}\n${store}${config}\n`);

  let child = await launch();
  const server: NatsServer = {
    port,
    url: `nats://127.0.0.1:${port}`,
    get pid() {
      return child.pid as number;
    },
    folder: folder.path,
    // Not child.kill: on Deno that takes a stopped process for an ended one.
    signal: (name) => void process.kill(child.pid as number, name),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
    async start() {
      child = await launch();
    },
    async [Symbol.asyncDispose]() {
      await server.kill();
      folder[Symbol.dispose]();
    },
  };
  return server;

  async function launch(): Promise<ChildProcess> {
    const launched = spawn(program, ["-c", file], { stdio: ["ignore", "ignore", "pipe"] });
    running.add(launched);
    launched.once("exit", () => running.delete(launched));
    try {
      await answering(launched, port);
    } catch (error) {
      launched.kill("SIGKILL");
      throw error;
    }
    return launched;
  }
}

async function answering(child: ChildProcess, port: number): Promise<void> {
  let printed = "";
  child.stderr?.on("data", (chunk) => printed = `${printed}${chunk}`.slice(-4_000));
  child.once("error", (error) => printed += error.message);
  for (let waitedMs = 0; waitedMs < START_LIMIT_MS && running.has(child); waitedMs += 20) {
    if (/Server is ready/.test(printed) && await greets(port)) return;
    await sleep(20);
  }
  throw new Error(`Cannot start nats-server on port ${port}: it does not answer\n${printed}`);
}

/** Whether what listens on the loopback port greets as NATS does. */
async function greets(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1").setTimeout(1_000, () => socket.destroy());
  try {
    socket.on("error", () => {});
    for await (const chunk of socket) return String(chunk).startsWith("INFO");
    return false;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
