/**
 * Mistakes in the configuration of a Redis store, on real servers, and how each is put right.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePort } from "../../scripts/_free_port.ts";
import type { RedisStoreOptions, StoreErrorReason } from "../../mod.ts";
import { Authority } from "../stores/redis/_certificates.ts";
import { startLoneSentinel } from "../stores/redis/_topologies.ts";
import { type RedisProcess, startRedis, startRedisAt, until } from "../stores/redis/_servers.ts";

/** What no message may hold. */
export const SECRET = "hunter2-s3cr3t";

/** A store that is configured wrongly. */
export interface Mistake extends AsyncDisposable {
  /** What is configured; as TOML it has the same options. */
  readonly options: RedisStoreOptions;
  /** Brings a server to where the store looks for it, as the store expects it; absent where only a name server could. */
  repair?(): Promise<unknown>;
}

/** A mistake, and what the one warning has to say of it. */
export interface MistakeKind {
  readonly what: string;
  readonly reason: StoreErrorReason | readonly StoreErrorReason[];
  readonly advice: RegExp;
  make(): Promise<Mistake>;
}

class Servers implements AsyncDisposable {
  readonly #running: RedisProcess[] = [];
  readonly #folder: string = mkdtempSync(join(tmpdir(), "ratesync-mistake-"));

  /** Where the servers may write. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  async start(port: number, ...args: string[]): Promise<RedisProcess> {
    const server = await startRedisAt(port, ...args);
    this.#running.push(server);
    return server;
  }

  /** Starts a server that speaks TLS on this port. */
  async startTls(port: number): Promise<void> {
    const authority = new Authority(this.#folder, "authority");
    authority.sign("here", { name: "IP:127.0.0.1" });
    const files = ["--tls-cert-file", "here.pem", "--tls-key-file", "here.key", "--tls-ca-cert-file", "authority.pem"];
    const paths = files.map((word) => word.startsWith("--") ? word : authority.path(word));
    this.#running.push(await startRedis("--tls-port", String(port), ...paths, "--tls-auth-clients", "no"));
  }

  async startSentinel(masterName: string, primary: number): Promise<RedisProcess> {
    const sentinel = await startLoneSentinel(this.#folder, masterName, primary);
    this.#running.push(sentinel);
    return sentinel;
  }

  async stop(): Promise<void> {
    for (const server of this.#running.splice(0)) await server.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function mistake(servers: Servers, options: RedisStoreOptions, repair?: () => Promise<unknown>): Mistake {
  return {
    options,
    ...(repair === undefined ? {} : { repair }),
    [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose](),
  };
}

/** Another port of a node of a cluster is this one and 10 000. */
async function nodePort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port < 55_000) return port;
  }
}

/** Two nodes of one cluster; the first has half of the slots. Returns where the first is. */
async function startNodes(servers: Servers): Promise<number> {
  const ports = [await nodePort(), await nodePort()] as const;
  const nodes = await Promise.all(ports.map((port) =>
    servers.start(
      port,
      ...["--cluster-enabled", "yes", "--dir", servers.path("."), "--cluster-config-file", `nodes-${port}.conf`],
      ...["--dbfilename", `${port}.rdb`],
    )
  ));
  const [first, second] = nodes as [RedisProcess, RedisProcess];
  const slots = (from: number) => Array.from({ length: 8_192 }, (_, i) => String(from + i));
  await first.command("CLUSTER", "ADDSLOTS", ...slots(0));
  await second.command("CLUSTER", "ADDSLOTS", ...slots(8_192));
  await second.command("CLUSTER", "SET-CONFIG-EPOCH", "2");
  await first.command("CLUSTER", "MEET", "127.0.0.1", String(ports[1]));
  for (const node of nodes) {
    await until(async () => /cluster_state:ok/.test(String(await node.command("CLUSTER", "INFO"))), 20_000);
  }
  return ports[0];
}

/** Every kind of mistake. */
export const MISTAKES: readonly MistakeKind[] = [
  {
    what: "a host that does not exist",
    reason: "host_unknown",
    advice: /correct the host name/,
    make: () => Promise.resolve(mistake(new Servers(), { url: `redis://:${SECRET}@no-such-host.invalid:6379` })),
  },
  {
    what: "a port that nothing listens on",
    reason: "connection_refused",
    advice: /correct host and port/,
    async make() {
      const [servers, port] = [new Servers(), await freePort()];
      return mistake(servers, { url: `redis://127.0.0.1:${port}` }, () => servers.start(port));
    },
  },
  {
    what: "a wrong password",
    reason: "authentication",
    advice: /this will not heal by itself: check username and password/,
    async make() {
      const [servers, port] = [new Servers(), await freePort()];
      const server = await servers.start(port);
      await server.command("ACL", "SETUSER", "limits", "on", ">another", "~*", "&*", "+@all");
      return mistake(
        servers,
        { url: `redis://limits:${SECRET}@127.0.0.1:${port}` },
        () => server.command("ACL", "SETUSER", "limits", `>${SECRET}`),
      );
    },
  },
  {
    what: "a password where the server wants one and none is given",
    reason: "authentication",
    advice: /this will not heal by itself: check username and password/,
    async make() {
      const [servers, port] = [new Servers(), await freePort()];
      await servers.start(port, "--requirepass", SECRET);
      return mistake(servers, { url: `redis://127.0.0.1:${port}` }, async () => {
        await servers.stop();
        await servers.start(port);
      });
    },
  },
  {
    what: "a database that does not exist",
    reason: "wrong_database",
    advice: /this will not heal by itself: choose a db/,
    async make() {
      const [servers, port] = [new Servers(), await freePort()];
      await servers.start(port);
      return mistake(servers, { url: `redis://127.0.0.1:${port}/99` }, async () => {
        await servers.stop();
        await servers.start(port, "--databases", "100");
      });
    },
  },
  {
    what: "TLS at a server without",
    // Redis waits for the end of a line, which the greeting of TLS may or may not hold.
    reason: ["not_redis", "connect_timeout"],
    advice: /it may not speak TLS|this will not heal by itself: correct host, port and scheme/,
    async make() {
      const [servers, port] = [new Servers(), await freePort()];
      await servers.start(port);
      return mistake(servers, { url: `rediss://127.0.0.1:${port}`, tlsInsecure: true }, async () => {
        await servers.stop();
        await servers.startTls(port);
      });
    },
  },
  {
    what: "no TLS at a server with",
    reason: "not_redis",
    advice: /this will not heal by itself: correct host, port and scheme/,
    async make() {
      const [servers, port] = [new Servers(), await freePort()];
      await servers.startTls(port);
      return mistake(servers, { url: `redis://127.0.0.1:${port}` }, async () => {
        await servers.stop();
        await servers.start(port);
      });
    },
  },
  {
    what: "a node of a cluster as url",
    reason: "cluster_node",
    advice: /this will not heal by itself: give cluster = \["redis:\/\/127\.0\.0\.1:\d+"\] in place of the url/,
    async make() {
      const servers = new Servers();
      const port = await startNodes(servers);
      return mistake(servers, { url: `redis://127.0.0.1:${port}` }, async () => {
        await servers.stop();
        await servers.start(port);
      });
    },
  },
  {
    what: "a single server as a cluster",
    reason: "not_cluster",
    advice: /this will not heal by itself: give url = "redis:\/\/127\.0\.0\.1:\d+" in place of cluster/,
    async make() {
      const [servers, port] = [new Servers(), await nodePort()];
      await servers.start(port);
      return mistake(servers, { cluster: [`redis://127.0.0.1:${port}`] }, async () => {
        await servers.stop();
        const node = await servers.start(port, "--cluster-enabled", "yes", "--dir", servers.path("."));
        await node.command("CLUSTER", "ADDSLOTS", ...Array.from({ length: 16_384 }, (_, slot) => String(slot)));
      });
    },
  },
  {
    what: "a primary that the Sentinel does not know",
    reason: "primary_unknown",
    advice: /knows only "other"; this will not heal by itself: check masterName/,
    async make() {
      const servers = new Servers();
      const primary = await servers.start(await freePort());
      const sentinel = await servers.startSentinel("other", primary.port);
      return mistake(
        servers,
        { sentinels: [sentinel.url], masterName: "mymaster" },
        () => sentinel.command("SENTINEL", "MONITOR", "mymaster", "127.0.0.1", String(primary.port), "1"),
      );
    },
  },
  {
    what: "a socket that does not exist",
    reason: "connection_refused",
    advice: /start the server, or correct the path of its socket/,
    async make() {
      const [servers, port] = [new Servers(), await freePort()];
      const path = servers.path("redis.sock");
      return mistake(servers, { url: `unix://${path}` }, () => servers.start(port, "--unixsocket", path));
    },
  },
  {
    what: "a user who may not do what the scripts do",
    reason: "permission",
    advice: /grant this user eval, evalsha and what the scripts call/,
    async make() {
      const [servers, port] = [new Servers(), await freePort()];
      const server = await servers.start(port);
      const rules = ["~*", "&*", "+@all", "-set", "-incrby", "-zadd"];
      await server.command("ACL", "SETUSER", "limits", "on", `>${SECRET}`, ...rules);
      return mistake(
        servers,
        { url: `redis://limits:${SECRET}@127.0.0.1:${port}` },
        () => server.command("ACL", "SETUSER", "limits", "+@all"),
      );
    },
  },
];
