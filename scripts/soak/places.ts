/**
 * Where the soak's callers go, and what happens to it: one Redis, and a cluster.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type RateSync, type StoreConfig } from "@ratesync/core";

import { type RedisProcess, startRedis, until } from "../../tests/stores/redis/_servers.ts";
import { startCluster } from "../../tests/stores/redis/_topologies.ts";

/** The limiters of each place. */
export type Ids = "rate" | "window" | "slot";

/** A slot ends by itself so long after its holder has gone, in milliseconds. */
export const LEASE_TTL_MS = 2_000;

/** A store under load. */
export interface Place extends AsyncDisposable {
  /** The instance on it. */
  readonly rs: RateSync<Ids>;
  /** Every server, up or not counted on. */
  readonly servers: readonly RedisProcess[];
  /** Those that have keys now. */
  primaries(): Promise<readonly RedisProcess[]>;
  /** What goes wrong in a round. Afterwards all is well. */
  harm(round: number): Promise<void>;
}

/** One Redis, which is killed, paused, cut off from its clients and flushed of scripts. */
export async function onOneRedis(): Promise<Place> {
  const server = await startRedis();
  const rs = instance({ url: server.url });
  return {
    rs,
    servers: [server],
    primaries: () => Promise.resolve([server]),
    async harm(round) {
      switch (round % 4) {
        case 0:
          await server.stop();
          await sleep(500);
          return await server.start();
        case 1:
          server.signal("SIGSTOP");
          await sleep(1_200);
          return server.signal("SIGCONT");
        case 2:
          await server.command("CLIENT", "KILL", "TYPE", "normal");
          await server.command("CLIENT", "KILL", "TYPE", "pubsub");
          return;
        default:
          await server.command("SCRIPT", "FLUSH");
      }
    },
    async [Symbol.asyncDispose]() {
      await rs.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A cluster, whose primaries are replaced in peace, killed and paused, and whose slots move. */
export async function onCluster(): Promise<Place> {
  const cluster = await startCluster();
  const rs = instance({ cluster: [...cluster.urls] });
  return {
    rs,
    servers: cluster.nodes,
    async primaries() {
      const slots = [0, 5_461, 10_923, 16_383]; // of all thirds: one slot of the first may have moved
      return [...new Set(await Promise.all(slots.map((slot) => cluster.ownerOf(slot))))];
    },
    async harm(round) {
      const slot = round * 4_099 % 16_384;
      const owner = await cluster.ownerOf(slot);
      const isTakenOver = () => until(async () => (await cluster.ownerOf(slot)).port !== owner.port, 20_000);
      switch (round % 4) {
        case 0:
          await cluster.failOver(slot);
          break;
        case 1:
          await owner.stop();
          await isTakenOver();
          await owner.start();
          break;
        case 2:
          owner.signal("SIGSTOP");
          await isTakenOver();
          owner.signal("SIGCONT");
          break;
        default:
          await cluster.moveSlot(slot);
      }
      await cluster.settled();
    },
    async [Symbol.asyncDispose]() {
      await rs.close();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

function instance(where: Partial<StoreConfig>): RateSync<Ids> {
  return createRateSync<Ids>({
    stores: {
      main: {
        engine: "redis",
        socketTimeoutMs: 2_000,
        decisionTimeoutMs: 500,
        localShare: 0.5,
        ...where,
      } as StoreConfig,
    },
    limiters: {
      rate: { ratePerSecond: 1_000, burst: 1_000 },
      window: { algorithm: "sliding_window", limit: 20, windowMs: 2_000 },
      slot: { maxConcurrent: 5, leaseTtlMs: LEASE_TTL_MS, timeoutMs: 1_000 },
    },
  });
}
