/**
 * A Redis Cluster, and a primary with Sentinels, of one test file. Both fail over within about a second.
 *
 * @module
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { freePort } from "../../../scripts/_free_port.ts";
import { hashSlot } from "../../_support/hash_slot.ts";
import { type RedisProcess, startProgram, startRedisAt, until } from "./_servers.ts";

const SLOTS = 16_384;
const NODE_TIMEOUT_MS = 800;

/** A cluster of three primaries and three replicas. Disposing it kills it. */
export interface TestCluster extends AsyncDisposable {
  /** All nodes, the first three of which began as primaries. */
  readonly nodes: readonly RedisProcess[];
  /** The nodes' URLs. */
  readonly urls: readonly string[];
  /** The node that has a slot, as the nodes that are up agree. */
  ownerOf(slot: number): Promise<RedisProcess>;
  /** The node with an address' port. */
  at(port: number): RedisProcess;
  /** Makes a replica of a slot's owner the new owner, while both are up. */
  failOver(slot: number): Promise<RedisProcess>;
  /** Moves a slot with all its keys to another primary. `during` runs while it lies on two nodes. */
  moveSlot(slot: number, during?: () => Promise<unknown>): Promise<RedisProcess>;
  /** Waits until every node that runs says that the cluster is well, with all slots. */
  settled(): Promise<void>;
  /** Every key of the cluster that matches. */
  keys(pattern: string): Promise<string[]>;
}

/** One line of `CLUSTER NODES`. */
interface NodeLine {
  readonly id: string;
  readonly port: number;
  readonly flags: readonly string[];
  readonly primary: string;
  readonly isLinked: boolean;
  readonly ranges: readonly (readonly [from: number, to: number])[];
}

/** Starts a cluster. */
export async function startCluster(): Promise<TestCluster> {
  const folder = mkdtempSync(join(tmpdir(), "ratesync-cluster-"));
  const nodes = await startNodes(6, [
    ...["--cluster-enabled", "yes", "--cluster-node-timeout", String(NODE_TIMEOUT_MS)],
    ...["--repl-diskless-sync-delay", "0", "--dir", folder],
    ...["--cluster-replica-validity-factor", "0", "--cluster-allow-replica-migration", "no"],
  ]);
  const running = new Set(nodes);
  const primaries = nodes.slice(0, 3);
  await Promise.all(nodes.map((node, i) => node.command("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1))));
  await Promise.all(primaries.map(async (node, i) => {
    const from = Math.ceil(i * SLOTS / 3);
    const to = Math.ceil((i + 1) * SLOTS / 3);
    await node.command("CLUSTER", "ADDSLOTS", ...Array.from({ length: to - from }, (_, slot) => String(from + slot)));
  }));
  const [first] = nodes as [RedisProcess];
  for (const node of nodes.slice(1)) await first.command("CLUSTER", "MEET", "127.0.0.1", String(node.port));
  await Promise.all(
    nodes.slice(3).map(async (node, i) => {
      const id = String(await (primaries[i] as RedisProcess).command("CLUSTER", "MYID"));
      await until(async () => (await lines(node)).some((line) => line.id === id), 20_000);
      await node.command("CLUSTER", "REPLICATE", id);
    }),
  );

  const cluster: TestCluster = {
    nodes: nodes.map((node) => ({
      ...node,
      signal(name) {
        if (name === "SIGSTOP") running.delete(node);
        node.signal(name);
        if (name === "SIGCONT") running.add(node);
      },
      async stop() {
        running.delete(node);
        await node.stop();
      },
      async start() {
        await node.start();
        running.add(node);
      },
    })),
    urls: nodes.map(({ url }) => url),
    at: (port) => cluster.nodes.find((node) => node.port === port) as RedisProcess,
    async ownerOf(slot) {
      let owner: RedisProcess | undefined;
      await until(async () => {
        const owners = new Set(
          (await Promise.all([...running].map(lines))).map((all) => ownerIn(all, slot)?.port),
        );
        const [port] = owners;
        owner = port === undefined || owners.size > 1 ? undefined : cluster.at(port);
        return owner !== undefined && [...running].some((node) => node.port === port);
      }, 20_000);
      return owner as RedisProcess;
    },
    async failOver(slot) {
      let replica: NodeLine | undefined;
      // After another failover, the node that was the primary is not known as a replica at once.
      await until(async () => {
        const known = await lines(await cluster.ownerOf(slot));
        const id = ownerIn(known, slot)?.id;
        replica = known.find(({ primary, flags }) => primary === id && !flags.includes("fail"));
        return replica !== undefined;
      }, 20_000);
      const next = cluster.at((replica as unknown as NodeLine).port);
      const isOver = async () => (await cluster.ownerOf(slot)).port === next.port;
      await until(async () => {
        // Primaries vote once in twice the node timeout about the same one: a replica that loses gives up without a word.
        await next.command("CLUSTER", "FAILOVER").catch(() => {}); // refused where it is over
        return await until(isOver, 2 * NODE_TIMEOUT_MS).then(() => true, () => false);
      }, 20_000);
      return next;
    },
    async moveSlot(slot, during) {
      const source = await cluster.ownerOf(slot);
      const all = await lines(source);
      const sourceId = ownerIn(all, slot)?.id as string;
      const other = all.find(({ id, flags, ranges }) => {
        return id !== sourceId && flags.includes("master") && !flags.includes("fail") && ranges.length > 0;
      }) as NodeLine;
      const target = cluster.at(other.port);
      await target.command("CLUSTER", "SETSLOT", String(slot), "IMPORTING", sourceId);
      await source.command("CLUSTER", "SETSLOT", String(slot), "MIGRATING", other.id);
      await during?.();
      for (;;) {
        const keys = await source.command("CLUSTER", "GETKEYSINSLOT", String(slot), "100") as string[];
        if (keys.length === 0) break;
        await source.command("MIGRATE", "127.0.0.1", String(other.port), "", "0", "5000", "KEYS", ...keys);
      }
      await target.command("CLUSTER", "SETSLOT", String(slot), "NODE", other.id);
      await source.command("CLUSTER", "SETSLOT", String(slot), "NODE", other.id);
      return target;
    },
    async settled() {
      const isWell = async (node: RedisProcess) =>
        /cluster_state:ok[^]*cluster_slots_ok:16384/.test(String(await node.command("CLUSTER", "INFO"))) &&
        (await lines(node)).every(({ port, flags, isLinked, primary }) => {
          const isUp = [...running].some((each) => each.port === port);
          return !isUp || (isLinked && !flags.some((flag) => flag.startsWith("fail") || flag === "handshake") &&
            (flags.includes("master") || primary !== "-"));
        });
      await until(async () => (await Promise.all([...running].map(isWell))).every(Boolean), 20_000);
      await untilFollowed([...running], async (node) => (await keysOn(cluster, node, (i) => [`settled:${i}`])).i);
    },
    async keys(pattern) {
      const found = await Promise.all([...running].map(async (node) => {
        const [role] = await node.command("ROLE") as [string];
        return role === "master" ? await node.command("KEYS", pattern) as string[] : [];
      }));
      return found.flat();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await cluster.settled();
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
  return cluster;
}

/** A primary, two replicas and three Sentinels. Disposing it kills them. */
export interface TestSentinels extends AsyncDisposable {
  /** What the Sentinels call the primary. */
  readonly masterName: string;
  /** The servers, the first of which began as the primary. */
  readonly servers: readonly RedisProcess[];
  /** The Sentinels. */
  readonly sentinels: readonly RedisProcess[];
  /** The Sentinels' URLs. */
  readonly urls: readonly string[];
  /** The primary, as the Sentinels agree. */
  primary(): Promise<RedisProcess>;
  /** Waits until every Sentinel knows the others and two replicas that follow. */
  settled(replicas?: number): Promise<void>;
}

/** Starts a Sentinel that knows no other one, and what it takes for the primary. Its folder is removed by the caller. */
export async function startLoneSentinel(folder: string, masterName: string, primary: number): Promise<RedisProcess> {
  const port = await freePort();
  const file = join(folder, `lone-sentinel-${port}.conf`);
  const monitor = `sentinel monitor ${masterName} 127.0.0.1 ${primary} 3`;
  const downAfter = `sentinel down-after-milliseconds ${masterName} 3600000`;
  writeFileSync(file, [`port ${port}`, "bind 127.0.0.1", `dir ${folder}`, monitor, downAfter, ""].join("\n"));
  return await startProgram(port, [file, "--sentinel"]);
}

/** Starts one. */
export async function startSentinels(): Promise<TestSentinels> {
  const folder = mkdtempSync(join(tmpdir(), "ratesync-sentinel-"));
  const masterName = "mymaster";
  const common = ["--dir", folder, "--repl-diskless-sync-delay", "0"];
  const primary = await startRedisAt(await freePort(), ...common);
  const replicas = await Promise.all([1, 2].map(async () => {
    return await startRedisAt(await freePort(), ...common, "--replicaof", "127.0.0.1", String(primary.port));
  }));
  const servers = [primary, ...replicas];
  const sentinels = await Promise.all([1, 2, 3].map(async () => {
    const port = await freePort();
    const file = join(folder, `sentinel-${port}.conf`);
    writeFileSync(
      file,
      [
        `port ${port}`,
        "bind 127.0.0.1",
        `dir ${folder}`,
        `sentinel monitor ${masterName} 127.0.0.1 ${primary.port} 2`,
        `sentinel down-after-milliseconds ${masterName} 500`,
        `sentinel failover-timeout ${masterName} 3000`,
        "",
      ].join("\n"),
    );
    return await startProgram(port, [file, "--sentinel"]);
  }));
  const addressFrom = async (sentinel: RedisProcess) => {
    return (await sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName) as [string, string])[1];
  };
  const test: TestSentinels = {
    masterName,
    servers,
    sentinels,
    urls: sentinels.map(({ url }) => url),
    async primary() {
      let port = "";
      await until(async () => {
        const ports = new Set(await Promise.all(sentinels.map(addressFrom)));
        port = [...ports][0] as string;
        return ports.size === 1;
      }, 20_000);
      return servers.find((server) => String(server.port) === port) as RedisProcess;
    },
    async settled(expected = 2) {
      await until(async () => {
        const masters = await Promise.all(
          sentinels.map(async (sentinel) => fieldsOf(await sentinel.command("SENTINEL", "MASTER", masterName))),
        );
        return masters.every((master) =>
          master.get("num-other-sentinels") === "2" && Number(master.get("num-slaves")) >= expected &&
          master.get("flags") === "master"
        );
      }, 20_000);
      const now = await test.primary();
      await until(async () => {
        const role = await now.command("ROLE") as [string, number, unknown[]];
        return role[0] === "master" && role[2].length >= expected;
      }, 20_000);
      const followers = (await now.command("ROLE") as [string, number, [string, string][]])[2];
      const ports = new Set(followers.map(([, port]) => Number(port)));
      await untilFollowed([now, ...servers.filter(({ port }) => ports.has(port))], () => Promise.resolve(0));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...sentinels, ...servers].map((server) => server.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await test.settled();
  } catch (error) {
    await test[Symbol.asyncDispose]();
    throw error;
  }
  return test;
}

/**
 * Waits until replicas have what is written to their primaries now. One that is connected may still wait, for a second, for
 * the first of it.
 *
 * @param nodes Primaries and replicas.
 * @param keyOn Makes a key that a primary may write: the number behind `settled:`.
 */
async function untilFollowed(
  nodes: readonly RedisProcess[],
  keyOn: (primary: RedisProcess) => Promise<number>,
): Promise<void> {
  const offsets = new Map<number, number>();
  for (const node of nodes) {
    if ((await node.command("ROLE") as [string])[0] !== "master") continue;
    const key = `settled:${await keyOn(node)}`;
    await node.command("SET", key, "1");
    await node.command("DEL", key);
    offsets.set(node.port, (await node.command("ROLE") as [string, number])[1]);
  }
  await until(async () => {
    const roles = await Promise.all(nodes.map((node) => node.command("ROLE") as Promise<Role>));
    return roles.every((role) => {
      if (role[0] === "master") return true;
      const [, , port, state, offset] = role;
      return state === "connected" && Number(offset) >= (offsets.get(Number(port)) ?? Infinity);
    });
  }, 20_000);
}

type Role =
  | readonly ["master", offset: number, replicas: readonly unknown[]]
  | readonly ["slave", host: string, port: number, state: string, offset: number];

/** The first number whose keys all have their slots on a node. */
export async function keysOn(
  cluster: TestCluster,
  node: RedisProcess,
  keysOf: (i: number) => readonly string[],
): Promise<{ i: number; slots: readonly number[] }> {
  const all = await lines(node);
  for (let i = 0; i < 10_000; i++) {
    const slots = keysOf(i).map(hashSlot);
    if (slots.every((slot) => cluster.at(ownerIn(all, slot)?.port ?? 0)?.port === node.port)) return { i, slots };
  }
  throw new Error(`Cannot find keys on port ${node.port}: it has no slots`);
}

function fieldsOf(reply: unknown): Map<string, string> {
  if (!Array.isArray(reply)) return new Map(Object.entries(reply as Record<string, string>));
  const fields = new Map<string, string>();
  for (let i = 0; i < reply.length; i += 2) fields.set(String(reply[i]), String(reply[i + 1]));
  return fields;
}

async function lines(node: RedisProcess): Promise<NodeLine[]> {
  return String(await node.command("CLUSTER", "NODES")).trim().split("\n").map((line) => {
    const [id = "", address = "", flags = "", primary = "", , , , link = "", ...ranges] = line.split(" ");
    return {
      id,
      port: Number(/:(\d+)/.exec(address)?.[1]),
      flags: flags.split(","),
      primary,
      isLinked: link === "connected",
      ranges: ranges.filter((range) => !range.startsWith("[")).map((range) => {
        const [from = "", to = from] = range.split("-");
        return [Number(from), Number(to)] as const;
      }),
    };
  });
}

function ownerIn(all: readonly NodeLine[], slot: number): NodeLine | undefined {
  return all.find(({ flags, ranges }) => {
    return flags.includes("master") && ranges.some(([from, to]) => from <= slot && slot <= to);
  });
}

/** Starts servers. Where another program takes a port meanwhile, all of them are started again on others. */
async function startNodes(count: number, args: readonly string[], attempts = 3): Promise<RedisProcess[]> {
  const ports = await clusterPorts(count);
  const started = await Promise.allSettled(
    ports.map((port) => startRedisAt(port, "--cluster-config-file", `nodes-${port}.conf`, ...args)),
  );
  const failed = started.find(({ status }) => status === "rejected");
  const nodes = started.flatMap((each) => each.status === "fulfilled" ? [each.value] : []);
  if (failed === undefined) return nodes;
  await Promise.all(nodes.map((node) => node.stop()));
  if (attempts === 1) throw (failed as PromiseRejectedResult).reason;
  return await startNodes(count, args, attempts - 1);
}

/** Ports whose bus ports, 10 000 above, are free as well; no connection gets one of them, because these begin at 32 768. */
async function clusterPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = 10_001 + Math.floor(Math.random() * 12_000);
    if (!ports.includes(port) && await isFree(port) && await isFree(port + 10_000)) ports.push(port);
    else await sleep(1);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(port, "127.0.0.1", resolve);
    });
    return true;
  } catch {
    return false;
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
