/**
 * What can happen to one Redis, and to the way there: each fault, how it begins and how it ends.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { createClient } from "redis";

import { type FakeServer, type RedisProcess, startRedis, startServer, until } from "../stores/redis/_servers.ts";
import type { Fault, Place } from "./_traffic.ts";

/** A Redis behind a proxy, with a connection for the code that causes faults. */
export interface Victim extends Place, AsyncDisposable {
  /** The server itself. */
  readonly server: RedisProcess;
  /** What the way there does: hands everything on, holds replies back, cuts, or loses replies. */
  mode: "open" | "slow" | "cut" | "deaf";
  /** Forgets every connection that is open now, or the one that has carried most: there is no error, and new ones work. */
  forget(which: "all" | "busiest"): void;
  /** Ends every connection through the proxy. */
  hangUp(): void;
  /** Runs a command over a connection that stays open. */
  admin(...command: string[]): Promise<unknown>;
  /** Opens that connection anew. */
  renewAdmin(): Promise<void>;
}

/** One fault of it. */
export interface VictimFault extends Fault<Victim> {
  /** Options of the server. */
  readonly args?: readonly string[];
}

/** How much later replies come on the slow way, in milliseconds. */
const SLOW_MS = 3_000;

/** Starts a Redis, and a proxy in front of it. */
export async function startVictim(args: readonly string[] = [], leaseTtlMs?: number): Promise<Victim> {
  const server = await startRedis(...args);
  const sockets = new Set<Socket>();
  const forgotten = new Set<Socket>();
  const proxy: FakeServer = await startServer((socket) => {
    if (victim.mode === "cut") return void socket.destroy();
    const way = connect(server.port, "127.0.0.1");
    sockets.add(socket);
    const end = () => {
      socket.destroy();
      way.destroy();
      sockets.delete(socket);
    };
    way.on("error", end).on("close", end);
    socket.on("close", end);
    socket.on("data", (data) => forgotten.has(socket) || way.write(data));
    way.on("data", (data) => {
      if (victim.mode === "deaf" || forgotten.has(socket)) return;
      if (victim.mode === "open") return void socket.write(data);
      setTimeout(() => socket.destroyed || socket.write(data), SLOW_MS).unref();
    });
  });
  let admin = await openAdmin(server.url);
  const victim: Victim = {
    store: { url: `redis://127.0.0.1:${proxy.port}`, socketTimeoutMs: 2_000, socketConnectTimeoutMs: 2_000 },
    ...leaseTtlMs === undefined ? {} : { leaseTtlMs },
    server,
    mode: "open",
    forget(which) {
      const open = [...sockets].sort((a, b) => b.bytesRead - a.bytesRead);
      for (const socket of which === "all" ? open : open.slice(0, 1)) forgotten.add(socket);
    },
    hangUp() {
      for (const socket of sockets) socket.destroy();
    },
    admin: (...command) => admin.sendCommand(command),
    async renewAdmin() {
      admin.destroy();
      admin = await openAdmin(server.url);
    },
    async [Symbol.asyncDispose]() {
      admin.destroy();
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
  return victim;
}

async function openAdmin(url: string) {
  const client = createClient({ url, socket: { reconnectStrategy: false } });
  client.on("error", () => {});
  await client.connect();
  return client;
}

/** Every fault, in the order of the table. */
export const FAULTS: readonly VictimFault[] = [
  {
    name: "SIGKILL and restart",
    loses: "all",
    lastsMs: 600,
    begin: ({ server }) => server.stop(),
    async end(victim) {
      await victim.server.start();
      await victim.renewAdmin();
    },
  },
  {
    name: "SIGSTOP and SIGCONT",
    lastsMs: 1_500,
    begin: ({ server }) => server.signal("SIGSTOP"),
    end: ({ server }) => server.signal("SIGCONT"),
  },
  { name: "SCRIPT FLUSH", lastsMs: 200, begin: ({ admin }) => admin("SCRIPT", "FLUSH") },
  { name: "CLIENT KILL", lastsMs: 200, begin: ({ admin }) => admin("CLIENT", "KILL", "TYPE", "normal") },
  {
    name: "READONLY",
    lastsMs: 600,
    // Its primary is not there, and it keeps what it has.
    begin: ({ admin }) => admin("REPLICAOF", "127.0.0.1", "1"),
    end: ({ admin }) => admin("REPLICAOF", "NO", "ONE"),
  },
  {
    name: "MASTERDOWN",
    args: ["--replica-serve-stale-data", "no"],
    lastsMs: 600,
    begin: ({ admin }) => admin("REPLICAOF", "127.0.0.1", "1"),
    end: ({ admin }) => admin("REPLICAOF", "NO", "ONE"),
  },
  {
    name: "LOADING",
    args: ["--dbfilename", `${crypto.randomUUID()}.rdb`, "--dir", tmpdir(), "--key-load-delay", "1000"],
    loses: "all",
    lastsMs: 0,
    async begin(victim) {
      await victim.admin("EVAL", "for i = 1, 700 do redis.call('SET', 'filler:' .. i, i) end", "0");
      await victim.admin("CONFIG", "SET", "loading-process-events-interval-bytes", "1024");
      await victim.admin("SAVE");
      await victim.server.stop();
      await victim.server.start();
      await victim.renewAdmin();
    },
    end: ({ admin }) => until(async () => /\r\nloading:0/.test(String(await admin("INFO", "persistence"))), 20_000),
  },
  {
    name: "BUSY",
    args: ["--lua-time-limit", "20"],
    lastsMs: 700,
    begin({ server }) {
      server.command("EVAL", "while true do end", "0").catch(() => {});
    },
    end: ({ admin }) => until(async () => await admin("SCRIPT", "KILL").then(() => true, () => false)),
  },
  {
    name: "OOM, noeviction",
    lastsMs: 600,
    begin: ({ admin }) => admin("CONFIG", "SET", "maxmemory", "1"),
    end: ({ admin }) => admin("CONFIG", "SET", "maxmemory", "0"),
  },
  {
    name: "eviction of keys",
    loses: "all",
    lastsMs: 300,
    async begin({ admin }) {
      await admin("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
      await admin("CONFIG", "SET", "maxmemory", "1");
    },
    end: ({ admin }) => admin("CONFIG", "SET", "maxmemory", "0"),
  },
  {
    name: "wrong password after rotation",
    isMistake: true,
    lastsMs: 600,
    async begin({ admin }) {
      await admin("CONFIG", "SET", "requirepass", "new");
      await admin("CLIENT", "KILL", "TYPE", "normal");
    },
    end: ({ admin }) => admin("CONFIG", "SET", "requirepass", ""),
  },
  {
    name: "the network is slow",
    lastsMs: 1_200,
    begin: (victim) => void (victim.mode = "slow"),
    end(victim) {
      victim.mode = "open";
      victim.hangUp(); // what comes now would overtake what is held back
    },
  },
  {
    name: "the network is cut",
    lastsMs: 600,
    begin(victim) {
      victim.mode = "cut";
      victim.hangUp();
    },
    end: (victim) => void (victim.mode = "open"),
  },
  {
    name: "replies are lost",
    lastsMs: 1_200,
    begin: (victim) => void (victim.mode = "deaf"),
    end(victim) {
      victim.mode = "open";
      victim.hangUp(); // a connection that has lost bytes is no connection
    },
  },
  { name: "one connection falls silent", lastsMs: 0, begin: (victim) => victim.forget("busiest") },
  { name: "all connections fall silent", lastsMs: 0, begin: (victim) => victim.forget("all") },
];
