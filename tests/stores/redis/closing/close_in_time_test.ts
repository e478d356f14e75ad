import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type RedisStoreOptions } from "../../../../mod.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { type RedisProcess, startRedis } from "../_servers.ts";
import { startCluster, startSentinels } from "../_topologies.ts";

/** How long `close()` may take, with what a busy machine adds. */
const CLOSE_MS = 1_000 + 300;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

interface Place extends AsyncDisposable {
  readonly store: RedisStoreOptions;
  /** Every process that can be asked. */
  readonly processes: readonly RedisProcess[];
}

const PLACES: readonly [name: string, open: () => Promise<Place>][] = [
  ["one Redis", async () => {
    const server = await startRedis();
    return { store: { url: server.url }, processes: [server], [Symbol.asyncDispose]: () => server.stop() };
  }],
  ["a Redis Cluster", async () => {
    const cluster = await startCluster();
    const { urls, nodes } = cluster;
    return { store: { cluster: urls }, processes: nodes, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() };
  }],
  ["Redis behind Sentinels", async () => {
    const place = await startSentinels();
    const { urls, masterName, servers, sentinels } = place;
    return {
      store: { sentinels: urls, masterName },
      processes: [...servers, ...sentinels],
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    };
  }],
];

// Each place has servers of its own, and mostly waits.
describe("A store whose servers stop", { concurrency: PLACES.length }, () => {
  for (const [name, open] of PLACES) {
    describe(`RateSync.close() on ${name} that is stopped`, { concurrency: 1 }, () => {
      let place: Place;
      before(async () => {
        place = await open();
      });
      after(() => place[Symbol.asyncDispose]());

      const newInstance = () =>
        createRateSync({
          logger: quiet,
          stores: { main: { engine: "redis", ...place.store, keyPrefix: freshPrefix(), decisionTimeoutMs: 4_000 } },
          limiters: {
            api: { ratePerSecond: 1_000, burst: 1_000 },
            paced: { ratePerSecond: 0.01, timeoutMs: Infinity },
            slot: { maxConcurrent: 1, timeoutMs: Infinity },
          },
        });

      /** Stops the servers, closes, and tells how long that took. The servers go on afterwards. */
      async function closeStopped(rs: ReturnType<typeof newInstance>, ask: () => Promise<unknown>[]): Promise<number> {
        try {
          for (const server of place.processes) server.signal("SIGSTOP");
          const asked = Promise.allSettled(ask());
          await sleep(20);
          const startMs = performance.now();
          await rs.close();
          const tookMs = performance.now() - startMs;
          await asked; // nothing hangs on
          return tookMs;
        } finally {
          for (const server of place.processes) server.signal("SIGCONT");
          await sleep(1_500); // elections that have begun are over
        }
      }

      it("returns within 1 s when nothing is in flight", async () => {
        const rs = newInstance();
        await rs.tryAcquire("api");
        const ms = await closeStopped(rs, () => []);
        assert.ok(ms < CLOSE_MS, `${ms} ms`);
      });

      it("returns within 1 s with calls in flight, calls that wait, a permit, and a connection that listens", async () => {
        const rs = newInstance();
        await rs.acquire("paced");
        await rs.acquire("slot");
        const waiting = [rs.acquire("paced"), rs.acquire("slot")];
        await sleep(200);
        const ms = await closeStopped(
          rs,
          () => [...waiting, rs.tryAcquire("api"), rs.reset("api"), rs.acquire("slot")],
        );
        assert.ok(ms < CLOSE_MS, `${ms} ms`);
      });

      it("returns within 1 s while it connects", async () => {
        const rs = newInstance();
        const ms = await closeStopped(rs, () => [rs.connect(), rs.tryAcquire("api")]);
        assert.ok(ms < CLOSE_MS, `${ms} ms`);
      });
    });
  }
});
