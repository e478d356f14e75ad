import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { StoreConfig } from "../../mod.ts";
import { examine } from "../../src/doctor/examine.ts";
import { FleetReader } from "../../src/fleet/fleet_reader.ts";
import { ConfigFile } from "../cli/_places.ts";
import { runWorker } from "../_support/processes.ts";
import { freshPrefix } from "../_support/redis.ts";
import { startRestRedis, TOKEN } from "../_support/rest_redis.ts";
import { type RedisProcess, until } from "../stores/redis/_servers.ts";
import { startCluster, startSentinels } from "../stores/redis/_topologies.ts";
import { callingProcess, instance, readUntil } from "./_processes.ts";

/** The program, from the folder of the tests. */
const PROGRAM = "../src/cli/bin";

/** A place of a store, the same in TOML, what ends it, and how many servers it has. */
interface Place {
  readonly store: StoreConfig;
  readonly lines: string;
  readonly servers: number;
  /** Ends a server that decisions do not need. Resolves to what is said of that. */
  lose?(): Promise<string>;
  end(): PromiseLike<void>;
}

const PLACES: Readonly<Record<string, () => Promise<Place>>> = {
  "a cluster": async () => {
    const cluster = await startCluster();
    const end = () => cluster[Symbol.asyncDispose]();
    const lines = `cluster = ${JSON.stringify(cluster.urls)}\nkey_prefix = "p"`;
    const lose = async () => {
      const [first, , , replica] = cluster.nodes as [RedisProcess, unknown, unknown, RedisProcess];
      await replica.stop();
      const failed = new RegExp(`:${replica.port}@\\S+ \\S*\\bfail\\b(?!\\?)`);
      await until(async () => failed.test(String(await first.command("CLUSTER", "NODES"))), 20_000);
      return `1 of the cluster's 6 nodes has failed: 127.0.0.1:${replica.port}`;
    };
    return { store: { engine: "redis", cluster: cluster.urls, keyPrefix: "p" }, lines, servers: 3, lose, end };
  },
  "Sentinels": async () => {
    const sentinels = await startSentinels();
    const { urls, masterName } = sentinels;
    const end = () => sentinels[Symbol.asyncDispose]();
    const lines = `sentinels = ${JSON.stringify(urls)}\nmaster_name = "${masterName}"\nkey_prefix = "p"`;
    const lose = async () => {
      await sentinels.sentinels[0]?.stop();
      return `1 of 3 Sentinels does not answer, or does not know the primary: ${urls[0]}`;
    };
    return { store: { engine: "redis", sentinels: urls, masterName, keyPrefix: "p" }, lines, servers: 1, lose, end };
  },
  "REST": async () => {
    const rest = await startRestRedis();
    const end = () => rest[Symbol.asyncDispose]();
    const keyPrefix = freshPrefix();
    const lines = `url = "${rest.url}"\ntoken = "${TOKEN}"\nkey_prefix = "${keyPrefix}"`;
    return { store: { engine: "redis", url: rest.url, token: TOKEN, keyPrefix }, lines, servers: 1, end };
  },
};

describe("Two processes that disagree about a limiter", { timeout: 90_000, concurrency: true }, () => {
  for (const [name, open] of Object.entries(PLACES)) {
    it(`are seen in the fleet, and found by the doctor, over ${name}`, async () => {
      const { store, lines, servers, lose, end } = await open();
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
        assert.deepEqual(of("failover"), []);
        await commandsFind(lines, servers);
        const lost = await lose?.();
        const [examined] = await examine(watcher, { watchMs: 0 });
        const [failover] = examined?.findings.filter(({ what }) => what === "failover") ?? [];
        assert.deepEqual(
          [failover?.level, failover?.detail],
          lost === undefined ? [undefined, undefined] : [
            "warning",
            lost,
          ],
        );
      } finally {
        await end();
      }
    });
  }
});

/** `ratesync top` and `ratesync doctor`, as programs, find the same. */
async function commandsFind(lines: string, servers: number): Promise<void> {
  const text = `[stores.s]\n${lines}\ndecision_timeout = "20s"\n[limiters.api]\nlimit = 5\nwindow = "1m"\n`;
  using file = new ConfigFile(text);
  const run = async (...words: string[]) => {
    const { code, stdout, stderr } = await runWorker(PROGRAM, [...words, "--json", "--config", file.path]);
    assert.equal(stderr, "", words.join(" "));
    return { code, told: JSON.parse(stdout) };
  };
  const [top, doctor] = await Promise.all([run("top", "--once", "--wait", "12s"), run("doctor", "--wait", "1500ms")]);
  assert.equal(top.code, 0);
  const [{ id, processes, rules }] = top.told.limiters;
  assert.deepEqual([id, processes], ["api", 2]);
  assert.deepEqual(rules.map(({ rules }: { rules: string }) => rules).sort(), [
    "token_bucket 5 in 60000 ms, burst 5",
    "token_bucket 6 in 60000 ms, burst 6",
  ]);
  assert.equal(doctor.code, 1);
  const found: { what: string; level: string }[] = doctor.told.stores[0].findings;
  assert.deepEqual(found.filter(({ level }) => level === "error").map(({ what }) => what), ["rules"]);
  assert.equal(found.filter(({ what }) => what === "persistence").length, servers);
}
