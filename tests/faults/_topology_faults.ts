/**
 * What can happen to the primaries of a cluster, and to one with Sentinels.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";

import { freshPrefix } from "../_support/redis.ts";
import { countConnections, type RedisProcess, until } from "../stores/redis/_servers.ts";
import { keysOn, type TestCluster, type TestSentinels } from "../stores/redis/_topologies.ts";
import { type Fault, LIMITERS, type Place } from "./_traffic.ts";

/** A lease outlasts the choice of a new primary. */
const LEASE_TTL_MS = 10_000;

/** So long that nothing comes back by the end of a command's time, where a primary is silent. */
const SOCKET_TIMEOUT_MS = 20_000;

/** How long the old primary is there again, before it hears that it is a replica. */
const STALE_MS = 300;

/** A cluster, one primary of which has all that the traffic is about, in several slots. */
export interface ClusterPlace extends Place {
  /** The cluster. */
  readonly cluster: TestCluster;
  /** That primary. */
  readonly owner: RedisProcess;
  /** The slots, one for each limiter. */
  readonly slots: readonly number[];
}

/** Prepares a cluster for the next fault. */
export async function placeIn(cluster: TestCluster): Promise<ClusterPlace> {
  await cluster.settled();
  const owner = await cluster.ownerOf(0);
  const prefix = freshPrefix();
  const { i, slots } = await keysOn(cluster, owner, (i) => LIMITERS.map((limiter) => `${prefix}:${i}:${limiter}`));
  const store = { cluster: cluster.urls, keyPrefix: `${prefix}:${i}`, socketTimeoutMs: SOCKET_TIMEOUT_MS };
  return { store, leaseTtlMs: LEASE_TTL_MS, cluster, owner, slots };
}

/** The faults of a cluster, in the order of the table. */
export const CLUSTER_FAULTS: readonly Fault<ClusterPlace>[] = [
  {
    name: "Cluster: CLUSTER FAILOVER",
    lastsMs: 0,
    begin: ({ cluster, slots }) => cluster.failOver(slots[0] as number),
  },
  {
    name: "Cluster: slots move",
    lastsMs: 0,
    async begin({ cluster, slots }) {
      for (const slot of slots) await cluster.moveSlot(slot, () => sleep(150));
    },
  },
  {
    name: "Cluster: SIGKILL of the primary",
    loses: "last writes",
    lastsMs: 0,
    begin: ({ owner }) => owner.stop(),
    end: isTakenOver,
    after: ({ owner }) => owner.start(),
  },
  {
    name: "Cluster: SIGSTOP of the primary",
    loses: "last writes",
    lastsMs: 0,
    begin: ({ owner }) => owner.signal("SIGSTOP"),
    end: isTakenOver,
    async after({ owner }) {
      owner.signal("SIGCONT");
      await sleep(STALE_MS);
    },
  },
];

async function isTakenOver({ cluster, owner, slots }: ClusterPlace): Promise<void> {
  await until(async () => (await cluster.ownerOf(slots[0] as number)).port !== owner.port, 20_000);
}

/** A primary with Sentinels. */
export interface SentinelPlace extends Place {
  /** The Sentinels, and the servers. */
  readonly sentinels: TestSentinels;
  /** The primary. */
  readonly primary: RedisProcess;
}

/** Prepares a primary with Sentinels for the next fault. */
export async function placeBehind(sentinels: TestSentinels): Promise<SentinelPlace> {
  await sentinels.settled();
  const { urls, masterName } = sentinels;
  const store = { sentinels: urls, masterName, keyPrefix: freshPrefix(), socketTimeoutMs: SOCKET_TIMEOUT_MS };
  return { store, leaseTtlMs: LEASE_TTL_MS, sentinels, primary: await sentinels.primary() };
}

/**
 * The faults of a primary with Sentinels, in the order of the table. Two Sentinels that see it go at the same time may be
 * elected one after the other, and promote one replica each: the second one does not know what the first has counted.
 */
export const SENTINEL_FAULTS: readonly Fault<SentinelPlace>[] = [
  {
    name: "Sentinel: SENTINEL FAILOVER",
    // The old primary goes on until the Sentinels tell of the new one.
    loses: "writes meanwhile",
    lastsMs: 0,
    begin: ({ sentinels }) =>
      (sentinels.sentinels[0] as RedisProcess).command("SENTINEL", "FAILOVER", sentinels.masterName),
    end: isReplaced,
    leave: ({ primary }) => until(async () => await countConnections(primary) === 0, 20_000),
    async after(place) {
      await sleep(STALE_MS);
      await demote(place);
    },
  },
  {
    name: "Sentinel: SIGKILL of the primary",
    loses: "writes meanwhile",
    lastsMs: 0,
    begin: ({ primary }) => primary.stop(),
    end: isReplaced,
    async after(place) {
      await place.primary.start();
      await sleep(STALE_MS);
      await demote(place);
    },
  },
  {
    name: "Sentinel: SIGSTOP of the primary",
    loses: "writes meanwhile",
    lastsMs: 0,
    begin: ({ primary }) => primary.signal("SIGSTOP"),
    end: isReplaced,
    async after(place) {
      place.primary.signal("SIGCONT");
      await sleep(STALE_MS);
      await demote(place);
    },
  },
];

/** When a client of one of the Sentinels may hear of a new primary. */
async function isReplaced({ sentinels, primary }: SentinelPlace): Promise<void> {
  const { masterName } = sentinels;
  await until(async () => {
    const addresses = await Promise.all(sentinels.sentinels.map((sentinel) => {
      return sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName) as Promise<[string, string]>;
    }));
    return addresses.some(([, port]) => port !== String(primary.port));
  }, 20_000);
}

/** The Sentinels would do it some seconds later. Two of them may have led a failover each, one after the other. */
async function demote({ sentinels }: SentinelPlace): Promise<void> {
  const { port } = await sentinels.primary();
  const others = sentinels.servers.filter((server) => server.port !== port);
  await Promise.all(others.map((server) => server.command("REPLICAOF", "127.0.0.1", String(port))));
  await sentinels.settled();
}
