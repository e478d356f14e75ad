/**
 * Ways in which a real server refuses what the store asks, and how each ends.
 *
 * @module
 */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "redis";

import { freePort } from "../../../../scripts/_free_port.ts";
import type { StoreErrorReason } from "../../../../mod.ts";
import { type RedisProcess, startRedis, startRedisAt, until } from "../_servers.ts";

const SECRET = "s3cr3t-of-the-test";

/** A server that refuses. */
export interface RefusingServer extends AsyncDisposable {
  /** The URL that a store is given. */
  readonly url: string;
  /** A secret that no message may hold. */
  readonly secret: string;
  /** Makes the server refuse; absent where it does so from the start. */
  begin?(): Promise<unknown>;
  /** Makes it serve again; absent where only another configuration can. */
  end?(): Promise<unknown>;
}

/** One way to be refused. */
export interface Refusal {
  /** What is wrong, in words. */
  readonly what: string;
  /** What errors must say. */
  readonly reason: StoreErrorReason;
  /** What to do about it, as messages must say. */
  readonly advice: RegExp;
  /** Only these kinds of limiters need what is refused; absent for all. */
  readonly only?: RegExp;
  /** Starts the server. */
  start(): Promise<RefusingServer>;
}

async function own(
  args: readonly string[],
  rest: (server: RedisProcess) => Omit<RefusingServer, "url" | "secret" | typeof Symbol.asyncDispose> & {
    url?: string;
    [Symbol.asyncDispose]?: () => Promise<void>;
  },
  password?: string,
): Promise<RefusingServer> {
  const server = await startRedis(...args);
  if (password !== undefined) {
    await server.command("ACL", "SETUSER", "limits", "on", `>${password}`, "~*", "&*", "+@all");
  }
  const { [Symbol.asyncDispose]: more, ...others } = rest(server);
  return {
    url: server.url,
    secret: SECRET,
    ...others,
    async [Symbol.asyncDispose]() {
      await more?.();
      await server.stop();
    },
  };
}

function setting(name: string, bad: string, good: string): () => Promise<RefusingServer> {
  return () =>
    own([], (server) => ({
      begin: () => server.command("CONFIG", "SET", name, bad),
      end: () => server.command("CONFIG", "SET", name, good),
    }));
}

/** A user with all rights, from whom some are taken. */
function withoutRights(...rights: string[]): () => Promise<RefusingServer> {
  return () =>
    own([], (server) => ({
      url: server.url.replace("//", `//limits:${SECRET}@`),
      begin: () => server.command("ACL", "SETUSER", "limits", ...rights),
      end: () => server.command("ACL", "SETUSER", "limits", "+@all"),
    }), SECRET);
}

function withoutCommands(...commands: string[]): () => Promise<RefusingServer> {
  return () => own(commands.flatMap((command) => ["--rename-command", command, ""]), () => ({}));
}

function replica(more: Readonly<Record<string, string>>): () => Promise<RefusingServer> {
  return () =>
    own([], (server) => ({
      async begin() {
        for (const [name, value] of Object.entries(more)) await server.command("CONFIG", "SET", name, value);
        await server.command("REPLICAOF", "127.0.0.1", String(await freePort()));
      },
      end: () => server.command("REPLICAOF", "NO", "ONE"),
    }));
}

/** A dump that cannot be written, because a folder has its name. */
async function unsaved(): Promise<RefusingServer> {
  const folder = mkdtempSync(join(tmpdir(), "ratesync-unsaved-"));
  const name = join(folder, "dump.rdb");
  return await own(["--dir", folder, "--dbfilename", "dump.rdb", "--save", "3600 1000000"], (server) => ({
    async begin() {
      mkdirSync(join(name, "full"), { recursive: true });
      await server.command("BGSAVE");
      await until(async () => /rdb_last_bgsave_status:err/.test(String(await server.command("INFO", "persistence"))));
    },
    async end() {
      rmSync(name, { recursive: true });
      await server.command("BGSAVE");
      await until(async () => /rdb_last_bgsave_status:ok/.test(String(await server.command("INFO", "persistence"))));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(rmSync(folder, { recursive: true, force: true })),
  }));
}

/** A script that does not end. */
function busy(): Promise<RefusingServer> {
  return own(["--lua-time-limit", "5"], (server) => {
    const client = createClient({ url: server.url, socket: { reconnectStrategy: false } });
    client.on("error", () => {});
    return {
      async begin() {
        await client.connect();
        client.sendCommand(["EVAL", "while true do end", "0"]).catch(() => {});
        await until(() => server.command("PING").then(() => false, (error) => /BUSY/.test(String(error))));
      },
      end: () => server.command("SCRIPT", "KILL"),
      [Symbol.asyncDispose]: () => Promise.resolve(client.destroy()),
    };
  });
}

/** A server that reads its data for seconds, and answers meanwhile. */
async function loading(): Promise<RefusingServer> {
  const primary = await startRedis("--repl-diskless-sync-delay", "0");
  await primary.command("MSET", ...Array.from({ length: 3_000 }, (_, i) => [`key:${i}`, "x".repeat(100)]).flat());
  const folder = mkdtempSync(join(tmpdir(), "ratesync-loading-"));
  const args = ["--dir", folder, "--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"];
  return await own(args, (server) => ({
    async begin() {
      await server.command("REPLICAOF", "127.0.0.1", String(primary.port));
      await until(async () => /\nloading:1/.test(String(await server.command("INFO", "persistence"))));
    },
    async end() {
      await until(async () => /\nloading:0/.test(String(await server.command("INFO", "persistence"))), 20_000);
      await server.command("REPLICAOF", "NO", "ONE");
    },
    async [Symbol.asyncDispose]() {
      await primary.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  }));
}

/** A node of a cluster that has some of the slots. */
async function clusterNode(...ranges: readonly string[]): Promise<RefusingServer> {
  const folder = mkdtempSync(join(tmpdir(), "ratesync-node-"));
  // The second port of a node is its port and 10 000.
  let port: number;
  do port = await freePort(); while (port > 55_000);
  const server = await startRedisAt(
    port,
    "--cluster-enabled",
    "yes",
    "--dir",
    folder,
    "--cluster-config-file",
    "n.conf",
  );
  if (ranges.length > 0) {
    await server.command("CLUSTER", "ADDSLOTSRANGE", ...ranges);
    await server.command("CONFIG", "SET", "cluster-require-full-coverage", "no");
    await until(async () => /cluster_state:ok/.test(String(await server.command("CLUSTER", "INFO"))), 20_000);
  }
  return {
    url: server.url,
    secret: SECRET,
    async [Symbol.asyncDispose]() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Every refusal that a server on this machine can be brought to. */
export const REFUSALS: readonly Refusal[] = [
  {
    what: "the memory is full",
    reason: "out_of_memory",
    advice: /raise .*maxmemory/,
    only: /bucket|counter|fixed|window|several/, // a script that has written already may go on
    start: setting("maxmemory", "1", "0"),
  },
  {
    what: "there are too few replicas",
    reason: "not_writable",
    advice: /see its log/,
    start: setting("min-replicas-to-write", "1", "0"),
  },
  { what: "the data cannot be saved", reason: "not_writable", advice: /see its log/, start: unsaved },
  { what: "it became a replica", reason: "read_only", advice: /address of its primary/, start: replica({}) },
  {
    what: "it follows a primary that is away",
    reason: "primary_down",
    advice: /follows a primary/,
    start: replica({ "replica-serve-stale-data": "no" }),
  },
  { what: "it reads its data", reason: "loading", advice: /once that is done/, start: loading },
  { what: "a script never ends", reason: "busy", advice: /SCRIPT KILL/, start: busy },
  {
    what: "EVALSHA is not granted",
    reason: "permission",
    advice: /grant this user/,
    start: withoutRights("-evalsha"),
  },
  { what: "TIME is not granted", reason: "permission", advice: /grant this user/, start: withoutRights("-time") },
  { what: "no write is granted", reason: "permission", advice: /grant this user/, start: withoutRights("-@write") },
  {
    what: "its keys are not granted",
    reason: "permission",
    advice: /grant this user/,
    start: () =>
      own([], (server) => ({
        url: server.url.replace("//", `//limits:${SECRET}@`),
        begin: () => server.command("ACL", "SETUSER", "limits", "resetkeys", "~other:*"),
        end: () => server.command("ACL", "SETUSER", "limits", "resetkeys", "~*"),
      }), SECRET),
  },
  {
    what: "ZADD is not granted",
    reason: "permission",
    advice: /grant this user/,
    only: /slots/,
    start: withoutRights("-zadd"),
  },
  {
    what: "SET and INCRBY are not granted",
    reason: "permission",
    advice: /grant this user/,
    only: /bucket|counter|fixed/,
    start: withoutRights("-set", "-incrby"),
  },
  { what: "EVALSHA is renamed", reason: "command_missing", advice: /renames/, start: withoutCommands("EVALSHA") },
  { what: "EVAL is renamed", reason: "command_missing", advice: /renames/, start: withoutCommands("EVAL") },
  { what: "TIME is renamed", reason: "command_missing", advice: /renames/, start: withoutCommands("TIME") },
  {
    what: "commands that scripts write with are renamed",
    reason: "command_missing",
    advice: /renames/,
    start: withoutCommands("SET", "INCRBY", "SETRANGE", "ZADD"),
  },
  {
    what: "the password is wrong",
    reason: "authentication",
    advice: /this will not heal by itself: check username and password/,
    start: () =>
      own([], (server) => ({
        url: server.url.replace("//", `//limits:${SECRET}@`),
        end: () => server.command("ACL", "SETUSER", "limits", `>${SECRET}`),
      }), "another"),
  },
  {
    what: "a password is missing",
    reason: "authentication",
    advice: /this will not heal by itself: check username and password/,
    start: () =>
      own(["--requirepass", SECRET], ({ port }) => ({
        async end() {
          const client = createClient({ socket: { port }, password: SECRET });
          await client.connect();
          await client.sendCommand(["CONFIG", "SET", "requirepass", ""]);
          client.destroy();
        },
      })),
  },
  {
    what: "the database does not exist",
    reason: "wrong_database",
    advice: /this will not heal by itself: choose a db/,
    start: () => own([], ({ url }) => ({ url: `${url}/99` })),
  },
  {
    what: "SELECT is renamed",
    reason: "command_missing",
    advice: /renames/,
    start: () => own(["--rename-command", "SELECT", ""], ({ url }) => ({ url: `${url}/1` })),
  },
  {
    what: "a node of a cluster has no slots",
    reason: "cluster_down",
    advice: /CLUSTER INFO/,
    start: () => clusterNode(),
  },
  {
    what: "a node of a cluster has the slots of other keys",
    reason: "cluster_down",
    advice: /CLUSTER INFO/,
    start: () => clusterNode("0", "0"),
  },
];
