import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { StoreError } from "../../../../src/base/errors.ts";
import type { RedisConnection } from "../../../../src/stores/redis/connections/connection.ts";
import { openNodeRedis } from "../../../../src/stores/redis/connections/node_redis.ts";
import { createRateSync, type RateSync } from "../../../../src/registry/rate_sync.ts";
import type { LimiterOptions } from "../../../../src/policy/options.ts";
import { createRedisStore, RedisStore } from "../../../../src/stores/redis/mod.ts";
import { hashSlot } from "../../../_support/hash_slot.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { scriptOf, until } from "../_servers.ts";
import { startCluster, type TestCluster } from "../_topologies.ts";
import { type Opened, OPENERS } from "./_openers.ts";

const increment = scriptOf("return redis.call('INCR', KEYS[1])");
const add = scriptOf("return redis.call('INCRBY', KEYS[1], ARGV[1])");
const publish = scriptOf("return redis.call('PUBLISH', ARGV[1], ARGV[2])");

describe("A Redis Cluster", { timeout: 180_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  for (const [how, open] of Object.entries(OPENERS)) {
    describe(how, () => {
      let opened: Opened;
      let connection: RedisConnection;
      before(async () => {
        opened = await open(cluster);
        connection = opened.connection;
      });
      after(async () => {
        await connection?.close();
        await opened?.close();
      });

      it("runs scripts where their keys are, in order", async () => {
        const prefix = freshPrefix();
        const keyOf = (i: number) => `${prefix}:${i % 30}`;
        const replies = await Promise.all(
          Array.from({ length: 300 }, (_, i) => connection.run(increment, [keyOf(i)], [])),
        );
        assert.deepEqual(replies, Array.from({ length: 300 }, (_, i) => Math.floor(i / 30) + 1));
        const nodes = new Set(Array.from({ length: 30 }, (_, i) => connection.cluster?.nodeOf(hashSlot(keyOf(i)))));
        assert.equal(nodes.size, 3);
      });

      it("runs a script once that the nodes have forgotten", async () => {
        const key = freshPrefix();
        assert.equal(await connection.run(increment, [key], []), 1);
        await (await cluster.ownerOf(hashSlot(key))).command("SCRIPT", "FLUSH");
        assert.equal(await connection.run(increment, [key], []), 2);
      });

      it("delivers a message once, whichever node it is published at", async () => {
        const channel = freshPrefix();
        const messages: string[] = [];
        await connection.subscribe(channel, (message) => messages.push(message), () => {});
        for (let i = 0; i < 20; i++) await connection.run(publish, [`${channel}:${i}`], [channel, String(i)]);
        await until(() => messages.length >= 20);
        await connection.run(publish, [channel], [channel, "end"]);
        await until(() => messages.includes("end"));
        const sent = [...Array.from({ length: 20 }, (_, i) => String(i)), "end"];
        assert.deepEqual(messages.toSorted(), sent.toSorted());
      });

      it("deletes by prefix on every node", async () => {
        const prefix = freshPrefix();
        await Promise.all(Array.from({ length: 200 }, (_, i) => connection.run(increment, [`${prefix}:${i}`], [])));
        await connection.run(increment, [`other:${prefix}`], []);
        assert.equal(await connection.deleteByPrefix(`${prefix}:`), 200);
        assert.deepEqual(await cluster.keys(`*${prefix}*`), [`other:${prefix}`]);
      });

      it("follows a slot that is moved under load: nothing is lost or counted twice", async () => {
        const key = freshPrefix();
        const slot = hashSlot(key);
        await connection.run(increment, [key], []);
        await using counting = new Counting(connection, [key]);
        const target = await cluster.moveSlot(slot, async () => {
          // The key is still at the source, and one that is not there is asked for at the target.
          assert.equal(await connection.run(add, [`{${key}}:new`], ["7"]), 7);
          await counting.someMore();
        });
        await counting.someMore();
        const { admitted, failed } = await counting.stop();
        assert.deepEqual(failed, []);
        assert.equal(await connection.run(increment, [key], []), admitted + 2);
        assert.equal(await connection.run(add, [`{${key}}:new`], ["1"]), 8);
        assert.equal(await cluster.ownerOf(slot), target);
      });

      it("follows a failover under load: nothing is lost or counted twice", async () => {
        const keys = Array.from({ length: 20 }, () => freshPrefix());
        await using counting = new Counting(connection, keys);
        await counting.someMore();
        await cluster.failOver(hashSlot(keys[0] as string));
        await counting.someMore();
        const { admitted, failed } = await counting.stop();
        assert.ok(failed.every((code) => code === "STORE_UNAVAILABLE"), failed.join());
        const left = await Promise.all(keys.map((each) => connection.run(add, [each], ["0"])));
        const counted = left.reduce<number>((total, count) => total + Number(count), 0);
        // What was cut off without an answer may have run or not.
        const range = `${admitted}, ${counted}, ${failed.length}`;
        assert.ok(admitted <= counted && counted <= admitted + failed.length, range);
        await cluster.settled();
      });
    });
  }

  describe("through connections of its own", () => {
    let connection: RedisConnection;
    before(() => void (connection = openNodeRedis({ cluster: cluster.urls })));
    after(() => connection.close());

    it("waits for a key with several parts while they lie on two nodes", async () => {
      const keyPrefix = freshPrefix();
      const store = createRedisStore({ cluster: cluster.urls, keyPrefix });
      const rs = createRateSync({ stores: { shared: store }, limiters: throwing({ few: { maxConcurrent: 2 } }) });
      const held = await rs.acquire("few");
      let isOver = false;
      let asked: Promise<boolean> | undefined;
      await cluster.moveSlot(hashSlot(`${keyPrefix}:few`), async () => {
        asked = rs.tryAcquire("few").then(({ allowed }) => {
          isOver = true;
          return allowed;
        });
        await new Promise((resolve) => setTimeout(resolve, 200));
        assert.equal(isOver, false);
      });
      assert.equal(await asked, true);
      assert.equal((await rs.peek("few")).remaining, 0);
      await held.release();
      await rs.close();
    });

    it("goes on when a primary dies and a replica takes over", async () => {
      const key = freshPrefix();
      const channel = freshPrefix();
      const lost = await cluster.ownerOf(hashSlot(key));
      let gaps = 0;
      await connection.subscribe(channel, () => {}, () => gaps++);
      await connection.run(increment, [key], []);
      await lost.stop();
      let isThere = 0;
      const took = until(async () => (await cluster.ownerOf(hashSlot(key))).port !== lost.port, 20_000).then(() => {
        isThere = Date.now();
      });
      const slowest = Promise.all(Array.from({ length: 20 }, async () => {
        const began = Date.now();
        await codeOf(connection.run(increment, [key], []));
        return Date.now() - began;
      }));
      await took;
      await until(async () => await codeOf(connection.run(increment, [key], [])) === "none", 10_000);
      assert.ok(Date.now() - isThere < 2_000, `${Date.now() - isThere} ms after the replica took over`);
      for (const ms of await slowest) assert.ok(ms < 8_000, `a call took ${ms} ms`);
      await until(() => gaps > 0);
      const now = await cluster.ownerOf(hashSlot(key));
      await until(async () => String(await now.command("PUBSUB", "NUMSUB", channel)) === `${channel},1`);
      await lost.start();
      await cluster.settled();
    });
  });

  describe("under several limiters at once", () => {
    const limiters: Record<string, LimiterOptions> = {
      wide: { algorithm: "fixed_window", limit: 50, windowMs: 3_600_000 },
      narrow: { algorithm: "fixed_window", limit: 30, windowMs: 3_600_000 },
      bucket: { ratePerSecond: 0.001, burst: 40 },
      few: { maxConcurrent: 3 },
      several: { maxConcurrent: 5 },
      x: { maxConcurrent: 1, leaseTtlMs: 300 },
      y: { maxConcurrent: 1, leaseTtlMs: 300 },
    };
    const instances: RateSync[] = [];
    let keyPrefix = "";
    before(() => {
      keyPrefix = freshPrefix();
      for (let i = 0; i < 3; i++) {
        const stores = { shared: createRedisStore({ cluster: cluster.urls, keyPrefix }) };
        instances.push(createRateSync({ stores, limiters: throwing(limiters) }));
      }
    });
    after(() => Promise.all(instances.map((rs) => rs.close())));

    it("all or none is charged, and never more than each allows", async () => {
      const asks = ["wide", "narrow", "bucket"].map((limiter) => ({ limiter, key: "user:42" }));
      const decisions = await Promise.all(
        Array.from({ length: 120 }, (_, i) => (instances[i % 3] as RateSync).tryAcquireAll(asks)),
      );
      let admitted = decisions.filter(({ allowed }) => allowed).length;
      assert.ok(admitted <= 30, `${admitted} of 30`);
      const [rs] = instances as [RateSync];
      const left = async () =>
        (await Promise.all(asks.map(({ limiter, key }) => rs.peek(limiter, { key })))).map(({ remaining }) =>
          remaining
        );
      assert.deepEqual(await left(), [50 - admitted, 30 - admitted, 40 - admitted]);
      while ((await rs.tryAcquireAll(asks)).allowed) admitted++;
      assert.equal(admitted, 30);
      assert.deepEqual(await left(), [20, 0, 10]);
    });

    it("slots are held together, by no more than there are, and all who wait get them", async () => {
      const asks = [{ limiter: "several", key: "a" }, { limiter: "few", key: "b" }, { limiter: "wide", key: "c" }];
      let [inside, most] = [0, 0];
      await Promise.all(Array.from({ length: 24 }, async (_, i) => {
        const permit = await (instances[i % 3] as RateSync).acquireAll(asks, { timeoutMs: 20_000 });
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setTimeout(resolve, 5));
        inside--;
        await permit.release();
      }));
      assert.ok(most <= 3, `${most} were inside`);
      const [rs] = instances as [RateSync];
      assert.equal((await rs.peek("several", { key: "a" })).remaining, 5);
      assert.equal((await rs.peek("few", { key: "b" })).remaining, 3);
      assert.equal((await rs.peek("wide", { key: "c" })).remaining, 26);
    });

    it("a holder keeps the slots that it holds in several places", async () => {
      const [rs] = instances as [RateSync];
      const permit = await rs.acquireAll([{ limiter: "x" }, { limiter: "y" }]);
      await new Promise((resolve) => setTimeout(resolve, 700));
      assert.equal(permit.lost.aborted, false);
      assert.equal((await rs.tryAcquire("x")).allowed, false);
      await permit.release();
      assert.deepEqual([(await rs.peek("x")).remaining, (await rs.peek("y")).remaining], [1, 1]);
    });
  });

  it("has few calls by slot for many keys that have key shards", async () => {
    const connection = openNodeRedis({ cluster: cluster.urls });
    let calls = 0;
    const counted: RedisConnection = {
      ...connection,
      run: (...call) => (calls++, connection.run(...call)),
    };
    const store = new RedisStore(counted, { keyPrefix: freshPrefix(), clusterBatch: "slot" });
    await store.connect();
    const limiters = { spread: { ratePerSecond: 1 }, sharded: { ratePerSecond: 1, keyShards: 6 } };
    const rs = createRateSync({ stores: { shared: store }, limiters: throwing(limiters) });
    const ask = async (limiter: "spread" | "sharded") => {
      calls = 0;
      await Promise.all(Array.from({ length: 60 }, (_, i) => rs.tryAcquire(limiter, { key: `user:${i}` })));
      return calls;
    };
    assert.ok(await ask("spread") > 50);
    assert.ok(await ask("sharded") <= 12);
    await rs.close();
  });

  it("is checked as a whole by check()", async () => {
    const store = createRedisStore({ cluster: cluster.urls.slice(1), keyPrefix: freshPrefix() });
    await store.connect();
    const report = await store.check();
    assert.equal(report.ok, true, JSON.stringify(report.problems));
    assert.equal(report.role, "primary");
    assert.equal(report.canRunScripts, true);
    assert.match(report.url ?? "", /^redis\+cluster:\/\/127\.0\.0\.1:\d+,127/);
    const full = await cluster.ownerOf(0);
    await full.command("CONFIG", "SET", "maxmemory", "1");
    const { ok, problems } = await store.check();
    assert.equal(ok, false);
    assert.match(problems[0]?.message ?? "", new RegExp(`^Node redis://127.0.0.1:${full.port}: .*memory is full`));
    await full.command("CONFIG", "SET", "maxmemory", "0");
    await store.close();
  });

  it("says that it is a cluster if a url is given", async () => {
    const [, , , replica] = cluster.urls;
    for (const url of [cluster.urls[0], replica]) {
      const connection = openNodeRedis({ url: url as string });
      await assert.rejects(
        Promise.all(Array.from({ length: 20 }, (_, i) => connection.run(increment, [`k${i}`], []))),
        /it is a node of a Redis Cluster \(MOVED .*\); this will not heal by itself: give cluster = \["redis:\/\/127/,
      );
      await connection.close();
    }
  });
});

/** Adds one again and again, from ten sides, until it is stopped or disposed of. */
class Counting implements AsyncDisposable {
  admitted = 0;
  readonly failed: string[] = [];
  readonly #sides: Promise<void>[];
  #isOver = false;

  constructor(connection: RedisConnection, keys: readonly string[]) {
    this.#sides = Array.from({ length: 10 }, async (_, side) => {
      for (let i = side; !this.#isOver; i++) {
        try {
          await connection.run(increment, [keys[i % keys.length] as string], []);
          this.admitted++;
        } catch (error) {
          this.failed.push((error as StoreError).code);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    });
  }

  /** Waits until some more were admitted. */
  async someMore(): Promise<void> {
    const before = this.admitted;
    await until(() => this.admitted > before + 100);
  }

  async stop(): Promise<this> {
    this.#isOver = true;
    await Promise.all(this.#sides);
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Limiters whose failures are seen; the machine may be busy. */
function throwing<Id extends string>(limiters: Record<Id, LimiterOptions>): Record<Id, LimiterOptions> {
  const all = Object.entries<LimiterOptions>(limiters);
  return Object.fromEntries(
    all.map(([id, each]) => [id, { ...each, onStoreError: "throw", decisionTimeoutMs: 20_000 }]),
  ) as Record<
    Id,
    LimiterOptions
  >;
}

function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(() => "none", (error: StoreError) => error.code);
}
