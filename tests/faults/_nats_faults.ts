/**
 * What can happen to NATS, alone and as a cluster of three: each fault, how it begins and how it ends.
 *
 * @module
 */

import assert from "node:assert/strict";

import { type NatsCluster, startNatsCluster } from "../../scripts/nats/cluster.ts";
import { type NatsServer, startNats } from "../../scripts/nats/server.ts";
import { createNatsStore } from "../../src/stores/nats/mod.ts";
import { askJetStream, deleteConsumers } from "../stores/nats/_operator.ts";
import { until } from "../stores/redis/_servers.ts";
import type { Fault, Place } from "./_traffic.ts";

/** The stream of the limits. */
const STREAM = "ratesync-0";

/** One server of NATS. */
export interface OneNats extends Place, AsyncDisposable {
  /** The server. */
  readonly server: NatsServer;
}

/** Three servers, each of which keeps the stream. */
export interface ThreeNats extends Place, AsyncDisposable {
  /** The servers. */
  readonly cluster: NatsCluster;
  /** The one that was hit. */
  hit: NatsServer | undefined;
}

/** A server, with what leads a store there. */
export async function oneNats(): Promise<OneNats> {
  const server = await startNats();
  return {
    server,
    store: () => createNatsStore({ url: server.url }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A cluster, with what leads a store there. */
export async function threeNats(): Promise<ThreeNats> {
  const cluster = await startNatsCluster();
  return {
    cluster,
    hit: undefined,
    store: () => createNatsStore({ url: cluster.url, replicas: 3 }),
    // A new leader may take ten seconds.
    leaseTtlMs: 30_000,
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

/** What can happen to one server. */
export const NATS_FAULTS: readonly Fault<OneNats>[] = [
  {
    name: "SIGKILL and restart",
    lastsMs: 500,
    begin: ({ server }) => server.kill(),
    end: ({ server }) => server.start(),
  },
  {
    name: "SIGSTOP and SIGCONT",
    lastsMs: 2_000,
    begin: ({ server }) => server.signal("SIGSTOP"),
    end: ({ server }) => server.signal("SIGCONT"),
  },
  {
    name: "the stream is deleted",
    loses: "all",
    lastsMs: 0,
    begin: ({ server }) => askJetStream(server.url, `STREAM.DELETE.${STREAM}`),
  },
  {
    name: "the stream is full",
    lastsMs: 500,
    begin: ({ server }) => limitTo(server.url, 1),
    end: ({ server }) => limitTo(server.url, -1),
  },
  {
    name: "the consumer is lost",
    lastsMs: 0,
    begin: async ({ server }) => assert.ok(await deleteConsumers(server.url, STREAM) > 0),
  },
];

/** What can happen to three servers. */
export const NATS_CLUSTER_FAULTS: readonly Fault<ThreeNats>[] = [
  {
    name: "Cluster: SIGKILL of the stream's leader",
    lastsMs: 500,
    async begin(place) {
      place.hit = await leaderOf(place.cluster);
      await place.hit?.kill();
    },
    end: async ({ cluster, hit }) =>
      await until(async () => ![undefined, hit].includes(await leaderOf(cluster)), 20_000),
  },
  {
    name: "Cluster: SIGSTOP of the stream's leader",
    lastsMs: 500,
    async begin(place) {
      place.hit = await leaderOf(place.cluster);
      place.hit?.signal("SIGSTOP");
    },
    end: async ({ cluster, hit }) =>
      await until(async () => ![undefined, hit].includes(await leaderOf(cluster)), 20_000),
    after: ({ hit }) => hit?.signal("SIGCONT"),
  },
];

/** The server that leads the stream, as one of the others sees it; undefined while there is none. */
async function leaderOf({ servers }: NatsCluster): Promise<NatsServer | undefined> {
  for (const { url } of servers) {
    const answer = await askJetStream(url, `STREAM.INFO.${STREAM}`).catch(() => undefined);
    const leader = answer?.cluster?.leader;
    if (leader) return servers[Number(leader.slice(1))];
  }
  return undefined;
}

/** Lets the stream take only so many bytes; -1 for any number. */
async function limitTo(url: string, maxBytes: number): Promise<void> {
  const { config } = await askJetStream<{ config: object }>(url, `STREAM.INFO.${STREAM}`);
  await askJetStream(url, `STREAM.UPDATE.${STREAM}`, { ...config, max_bytes: maxBytes });
}
