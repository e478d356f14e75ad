/**
 * Servers that the connection tests start and stop themselves: Redis with options of its own, and things that are not
 * Redis. All listen on free loopback ports.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

import { freePort } from "../../../scripts/_free_port.ts";
import { startServerProcess } from "../../../scripts/_server_process.ts";
import type { Script } from "../../../src/stores/redis/script.ts";
import { sendCommand } from "../../_support/raw_command.ts";

/** The server's program: of Redis, or of Valkey. */
const program = ["redis-server", "valkey-server"].find((name) => spawnSync(name, ["--version"]).status === 0);

/** A Redis of one test. Disposing it kills it. */
export interface RedisProcess extends AsyncDisposable {
  /** Its port, which stays the same over restarts. */
  readonly port: number;
  /** Its URL, without credentials. */
  readonly url: string;
  /** Sends it a signal. */
  signal(name: NodeJS.Signals): void;
  /** Kills it, and waits for its end. */
  stop(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** Runs one command through a connection of its own. */
  command(...args: string[]): Promise<unknown>;
}

/**
 * Starts a Redis that saves nothing.
 *
 * @throws {Error} If there is no program to start.
 */
export async function startRedis(...args: string[]): Promise<RedisProcess> {
  return await startRedisAt(await freePort(), ...args);
}

/** Starts one on a port that the caller knows to be free. */
export function startRedisAt(port: number, ...args: string[]): Promise<RedisProcess> {
  const fixed = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  return startProgram(port, [...fixed, "--dbfilename", `${crypto.randomUUID()}.rdb`, "--dir", tmpdir(), ...args]);
}

/** Starts the program with arguments that make it listen on the port. */
export async function startProgram(port: number, args: readonly string[]): Promise<RedisProcess> {
  if (program === undefined) {
    throw new Error(
      "Cannot start a Redis: there is no redis-server on the PATH. Tests that stop, pause or configure their server " +
        "need one beside the one of `npm test`; install it (Debian: apt-get install redis-server; macOS: brew install redis)",
    );
  }
  const child = await startServerProcess({
    what: "a Redis",
    program,
    args,
    port,
    // It may want a password first, or be loading.
    isReady: () => sendCommand(port, ["PING"]).then(() => true, (error) => /NOAUTH|LOADING/.test(String(error))),
  });
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    signal: (name) => child.signal(name),
    stop: () => child.kill(),
    start: () => child.start(),
    command: (...command) => sendCommand(port, command),
    [Symbol.asyncDispose]: () => child.kill(),
  };
}

/** How many connections of this package a server has. */
export async function countConnections(server: RedisProcess): Promise<number> {
  return String(await server.command("CLIENT", "LIST")).split("name=ratesync ").length - 1;
}

/** Something that accepts connections and is not Redis. Disposing it closes it. */
export interface FakeServer extends AsyncDisposable {
  /** Its port. */
  readonly port: number;
  /** How many connections it has accepted. */
  readonly accepted: number;
}

/** Starts a server that hands every connection to `onSocket`. */
export async function startServer(
  onSocket: (socket: Socket) => void,
  port = 0,
): Promise<FakeServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer((socket) => {
    accepted++;
    sockets.add(socket);
    socket.on("error", () => {});
    onSocket(socket);
  });
  await listen(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Waits until `holds` does. */
export async function until(holds: () => unknown, ms = 5_000): Promise<void> {
  for (let waited = 0; !(await holds()); waited += 10) {
    if (waited > ms) throw new Error(`Cannot wait any longer: ${holds} does not hold`);
    await sleep(10);
  }
}

/** A script of one test. */
export function scriptOf(source: string): Script {
  return { name: "test", source, sha1: createHash("sha1").update(source).digest("hex") };
}

async function listen(server: ReturnType<typeof createServer>, port: number): Promise<void> {
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
}
