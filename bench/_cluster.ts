/**
 * A Redis Cluster of a bench: three primaries on one core, which lose what they hold when they end.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";

import { findServer, startServer } from "../scripts/redis/server.ts";
import { pinRedis } from "./_apart.ts";
import { openProbe, type Probe } from "./_probe.ts";

const PRIMARIES = 3;
const SLOTS = 16_384;
/** How long the nodes get to hear of each other. */
const PATIENCE_MS = 20_000;

/** A cluster. */
export interface BenchCluster {
  /** The store's URL. */
  readonly url: string;
  /** What all nodes count together. */
  readonly probe: Pick<Probe, "reset" | "read" | "flush">;
  /** Why its nodes have no core of their own; undefined where they have. */
  readonly unpinned: string | undefined;
  /** Ends it. */
  close(): Promise<void>;
}

/**
 * Starts one.
 *
 * @throws {Error} If there is no program to start, or the nodes do not find each other.
 */
export async function startBenchCluster(): Promise<BenchCluster> {
  const path = findServer();
  if (path === undefined) throw new Error("there is no redis-server on the PATH");
  const servers = await Promise.all(
    Array.from({ length: PRIMARIES }, () => startServer(path, { "cluster-enabled": "yes" })),
  );
  const probes = await Promise.all(servers.map(({ url }) => openProbe(url)));
  const close = async () => {
    await Promise.all(probes.map((probe) => probe.close()));
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    await join(probes, servers.map(({ url }) => new URL(url).port));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url: `redis+cluster://${servers.map(({ url }) => new URL(url).host).join(",")}`,
    probe: {
      reset: async () => void await Promise.all(probes.map((probe) => probe.reset())),
      read: async (others) => {
        const all = await Promise.all(probes.map((probe) => probe.read(others)));
        return all.reduce((sum, one) => ({
          commands: sum.commands + one.commands,
          commandUs: sum.commandUs + one.commandUs,
          cpuUs: sum.cpuUs + one.cpuUs,
        }));
      },
      flush: async () => void await Promise.all(probes.map((probe) => probe.flush())),
    },
    unpinned: (await Promise.all(probes.map(pinRedis))).find((note) => note !== undefined),
    close,
  };
}

/** Gives each node its part of the slots, and has them meet. */
async function join(probes: readonly Probe[], ports: readonly string[]): Promise<void> {
  for (const [i, probe] of probes.entries()) {
    const [from, to] = [i, i + 1].map((part) => Math.ceil(part * SLOTS / PRIMARIES)) as [number, number];
    await probe.send("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1));
    await probe.send("CLUSTER", "ADDSLOTS", ...Array.from({ length: to - from }, (_, slot) => String(from + slot)));
  }
  const [first] = probes as [Probe];
  for (const [i, port] of ports.entries()) {
    if (i > 0) await first.send("CLUSTER", "MEET", "127.0.0.1", port);
  }
  const isWell = async (probe: Probe) =>
    /cluster_state:ok[^]*cluster_known_nodes:3/.test(String(await probe.send("CLUSTER", "INFO")));
  for (let waitedMs = 0; !(await Promise.all(probes.map(isWell))).every(Boolean); waitedMs += 100) {
    if (waitedMs > PATIENCE_MS) throw new Error("the nodes of a cluster do not find each other");
    await sleep(100);
  }
}
