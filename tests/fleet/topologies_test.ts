import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { StoreConfig } from "../../mod.ts";
import { examine } from "../../src/doctor/examine.ts";
import { FleetReader } from "../../src/fleet/fleet_reader.ts";
import { freshPrefix } from "../_support/redis.ts";
import { startRestRedis, TOKEN } from "../_support/rest_redis.ts";
import { startCluster, startSentinels } from "../stores/redis/_topologies.ts";
import { callingProcess, instance, readUntil } from "./_processes.ts";

/** A place of a store, what ends it, and how many servers it has. */
interface Place {
  readonly store: StoreConfig;
  readonly servers: number;
  end(): PromiseLike<void>;
}

const PLACES: Readonly<Record<string, () => Promise<Place>>> = {
  "a cluster": async () => {
    const cluster = await startCluster();
    const end = () => cluster[Symbol.asyncDispose]();
    return { store: { engine: "redis", cluster: cluster.urls, keyPrefix: "p" }, servers: 3, end };
  },
  "Sentinels": async () => {
    const sentinels = await startSentinels();
    const { urls, masterName } = sentinels;
    const end = () => sentinels[Symbol.asyncDispose]();
    return { store: { engine: "redis", sentinels: urls, masterName, keyPrefix: "p" }, servers: 1, end };
  },
  "REST": async () => {
    const rest = await startRestRedis();
    const end = () => rest[Symbol.asyncDispose]();
    return { store: { engine: "redis", url: rest.url, token: TOKEN, keyPrefix: freshPrefix() }, servers: 1, end };
  },
};

describe("Two processes that disagree about a limiter", { timeout: 90_000, concurrency: true }, () => {
  for (const [name, open] of Object.entries(PLACES)) {
    it(`are seen in the fleet, and found by the doctor, over ${name}`, async () => {
      const { store, servers, end } = await open();
      try {
        await using _one = callingProcess(store, { limit: 5, windowMs: 60_000 });
        await using _two = callingProcess(store, { limit: 6, windowMs: 60_000 });
        await using watcher = instance(store, { api: { limit: 5, windowMs: 60_000 } });
        const { stores, limiters } = await readUntil(new FleetReader(watcher), ({ limiters: [api] }) => {
          return api?.processes === 2 && api.perSecond > 20;
        }, 30_000);
        assert.deepEqual(limiters.map(({ rules }) => rules.map((each) => each.rules).sort()), [[
          "token_bucket 5 in 60000 ms, burst 5",
          "token_bucket 6 in 60000 ms, burst 6",
        ]]);
        assert.deepEqual(stores.map(({ problem, unreadable }) => [problem, unreadable]), [[undefined, 0]]);
        const [found] = await examine(watcher, { watchMs: 1_500 });
        const of = (what: string) => found?.findings.filter((finding) => finding.what === what) ?? [];
        const [rules] = of("rules");
        assert.equal(rules?.level, "error", JSON.stringify(found));
        assert.match(
          rules?.detail ?? "",
          /^limiter "api" has different rules in different processes: token_bucket [56].*\(".*"\) and token_bucket [56].*\(".*"\)$/,
        );
        assert.equal(found?.ok, true);
        const expected = { reachability: "ok", rights: "ok", version: "ok", keys: "ok", processes: "ok" };
        assert.deepEqual(Object.fromEntries(Object.keys(expected).map((what) => [what, of(what)[0]?.level])), expected);
        assert.equal(of("persistence").length, servers);
        assert.deepEqual(of("unknown"), []);
        if (name === "Sentinels") assert.match(of("replicas")[0]?.detail ?? "", /^2 replicas connected/);
      } finally {
        await end();
      }
    });
  }
});
