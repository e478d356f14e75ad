import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import { createRateSync, type Decision, type LimiterOptions, type RateSync } from "../../../../mod.ts";
import type { ClusterView, RedisConnection } from "../../../../src/stores/redis/connections/connection.ts";
import { openNodeRedis } from "../../../../src/stores/redis/connections/node_redis.ts";
import { RedisStore, type RedisStoreSettings } from "../../../../src/stores/redis/mod.ts";
import type { Script } from "../../../../src/stores/redis/script.ts";
import { FakeClock } from "../../../../src/testing/fake_clock.ts";
import { runs } from "../../../_support/arbitraries.ts";
import { hashSlot } from "../../../_support/hash_slot.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { scriptOf, until } from "../_servers.ts";
import { startCluster, type TestCluster } from "../_topologies.ts";
import { OPENERS } from "./_openers.ts";

const HOUR_MS = 3_600_000;

const LIMITERS = {
  bucket: { limit: 5, windowMs: HOUR_MS },
  fixed: { algorithm: "fixed_window", limit: 5, windowMs: HOUR_MS },
  counter: { algorithm: "sliding_window_counter", limit: 5, windowMs: HOUR_MS },
  exact: { algorithm: "sliding_window", limit: 5, windowMs: HOUR_MS },
  several: {
    limits: [{ limit: 5, windowMs: HOUR_MS }, { algorithm: "fixed_window", limit: 9, windowMs: 9 * HOUR_MS }],
  },
} as const satisfies Record<string, LimiterOptions>;

type Id = keyof typeof LIMITERS;
const IDS = Object.keys(LIMITERS) as Id[];

/** An instance over a connection that counts and may be tampered with. */
interface Bench extends AsyncDisposable {
  readonly rs: RateSync<Id>;
  readonly store: RedisStore;
  readonly keyPrefix: string;
  /** Script calls so far: about keys of one slot, and of several. */
  readonly calls: { one: number; across: number };
  /** Changes a script before it is sent to a node. */
  change: (script: Script) => Script;
}

const unchanged = (script: Script) => script;

describe("Batches by node in a Redis Cluster", { timeout: 180_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  async function openBench(
    settings: RedisStoreSettings = {},
    connection = openNodeRedis({ cluster: cluster.urls }),
  ): Promise<Bench> {
    const view = connection.cluster as ClusterView;
    const calls = { one: 0, across: 0 };
    const bench: Pick<Bench, "change"> = { change: unchanged };
    const keyPrefix = settings.keyPrefix ?? freshPrefix();
    const counting: RedisConnection = {
      ...connection,
      run: (script, ...rest) => {
        if (!/register|check/.test(script.name)) calls.one++;
        return connection.run(script, ...rest);
      },
      cluster: {
        ...view,
        runAt: async (slot, script, ...rest) => {
          if (script.name !== "check") calls.across++;
          return await view.runAt?.(slot, bench.change(script), ...rest);
        },
      },
    };
    const store = new RedisStore(counting, { ...settings, keyPrefix });
    const limiters = Object.fromEntries(
      IDS.map((id) => [id, { ...LIMITERS[id], onStoreError: "throw", denyCacheMs: 0, decisionTimeoutMs: 20_000 }]),
    ) as Record<Id, LimiterOptions>;
    const { testClock } = settings;
    const rs = createRateSync({ stores: { shared: store }, limiters, ...(testClock ? { clock: testClock } : {}) });
    await store.connect();
    return Object.assign(bench, { rs, store, keyPrefix, calls, [Symbol.asyncDispose]: () => rs.close() });
  }

  /** Asks for many keys in one turn. */
  function askAll(rs: RateSync<Id>, id: Id, keys: readonly string[]): Promise<Decision[]> {
    return Promise.all(keys.map((key) => rs.tryAcquire(id, { key })));
  }

  /** Has every node asked whether it lets a script touch keys of several slots, and waits for the answers. */
  async function settle({ rs, calls }: Bench): Promise<void> {
    const keys = keysUpTo(40, "settle");
    await until(async () => {
      Object.assign(calls, { one: 0, across: 0 });
      await Promise.all(IDS.map((id) => rs.peek(id, { key: "settle" })));
      await Promise.all(keys.map((key) => rs.peek("bucket", { key })));
      return calls.across === 3 && calls.one <= IDS.length;
    });
    Object.assign(calls, { one: 0, across: 0 });
  }

  for (const id of IDS) {
    it(`are one call for each node, with what the limit says on each key: ${id}`, async () => {
      await using bench = await openBench();
      await settle(bench);
      const keys = keysUpTo(60);
      for (let round = 0; round < 5; round++) {
        for (const decision of await askAll(bench.rs, id, keys)) assert.equal(decision.allowed, true);
      }
      for (const { allowed } of await askAll(bench.rs, id, [...keys, ...keys])) assert.equal(allowed, false);
      assert.deepEqual(bench.calls, { one: 0, across: 3 * 6 });
    });
  }

  for (const [how, open] of Object.entries(OPENERS)) {
    it(`are one call for each node ${how}`, async () => {
      const opened = await open(cluster);
      try {
        await using bench = await openBench({}, opened.connection);
        await settle(bench);
        await askAll(bench.rs, "bucket", keysUpTo(60));
        assert.deepEqual(bench.calls, { one: 0, across: 3 });
      } finally {
        await opened.close();
      }
    });
  }

  it("are one call for each slot where that is asked for", async () => {
    await using bench = await openBench({ clusterBatch: "slot" });
    const keys = keysUpTo(60);
    await askAll(bench.rs, "bucket", keys);
    bench.calls.one = 0;
    await askAll(bench.rs, "bucket", keys);
    assert.deepEqual(bench.calls, { one: new Set(keys.map((key) => slotOf(bench, "bucket", key))).size, across: 0 });
  });

  it("decide and store what batches by slot do", async () => {
    const connection = openNodeRedis({ cluster: cluster.urls });
    const ask = fc.record({
      id: fc.constantFrom(...IDS),
      key: fc.integer({ min: 0, max: 11 }).map((i) => `k${i}`),
      cost: fc.integer({ min: 1, max: 3 }),
      verb: fc.constantFrom("tryAcquire", "tryAcquire", "tryAcquire", "peek"),
    });
    let across = 0;
    const turn = fc.record({
      asks: fc.array(ask, { minLength: 1, maxLength: 40 }),
      afterMs: fc.constantFrom(0, 1, 700_000, HOUR_MS, 3 * HOUR_MS),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 6 }), async (turns) => {
        const told: unknown[] = [];
        for (const clusterBatch of ["node", "slot"] as const) {
          const testClock = new FakeClock();
          await using bench = await openBench({ clusterBatch, testClock, timingMarginMs: 60_000 });
          if (clusterBatch === "node") await settle(bench);
          const decisions: unknown[] = [];
          for (const { asks, afterMs } of turns) {
            const all = asks.map(({ id, key, cost, verb }) =>
              bench.rs[verb as "peek" | "tryAcquire"](id, { key, cost })
            );
            decisions.push((await Promise.all(all)).map(({ allowed, remaining, retryAfterMs, resetAfterMs }) => {
              return { allowed, remaining, retryAfterMs, resetAfterMs };
            }));
            await testClock.advance(afterMs);
          }
          across += bench.calls.across;
          const stored = IDS.flatMap((id) => keysUpTo(12, "k").map((key) => `${bench.keyPrefix}:${id}:${key}`));
          told.push({ decisions, stored: await Promise.all(stored.map((key) => connection.run(digest, [key], []))) });
        }
        assert.deepEqual(told[0], told[1]);
      }),
      { numRuns: runs(15) },
    );
    assert.ok(across > 15, `${across} calls were about several slots`);
    await connection.close();
  });

  it("lose and repeat nothing while slots move and after that, and are few calls again", async () => {
    await using bench = await openBench();
    await settle(bench);
    const keys = keysUpTo(30);
    const slots = [0, 1, 2].map((i) => slotOf(bench, "bucket", keys[i] as string));
    const counts = new Map<string, number>();
    const ask = async (wanted: readonly string[]) => {
      for (const [i, { allowed }] of (await askAll(bench.rs, "bucket", wanted)).entries()) {
        const key = wanted[i] as string;
        counts.set(key, (counts.get(key) ?? 0) + 1);
        assert.equal(allowed, (counts.get(key) ?? 0) <= LIMITERS.bucket.limit, `${key}, ${counts.get(key)}`);
      }
    };
    await ask(keys.slice(1)); // the first one is absent where its slot moves from
    for (const slot of slots) await cluster.moveSlot(slot, () => ask(keys));
    await ask(keys);
    await until(async () => {
      Object.assign(bench.calls, { one: 0, across: 0 });
      await Promise.all(keys.map((key) => bench.rs.peek("bucket", { key })));
      return bench.calls.across === 3 && bench.calls.one === 0;
    });
    await ask(keys);
    await ask(keys);
  });

  it("are not led to where one of several slots moves to: the others' keys may be there only in part", async () => {
    await using bench = await openBench();
    await settle(bench);
    const [source, target] = [await cluster.ownerOf(0), await cluster.ownerOf(16_383)];
    const [first, second] = await keysAt(bench, source, 2) as [string, string];
    await bench.rs.tryAcquire("fixed", { key: second, cost: 2 });
    const slots = [first, second].map((key) => slotOf(bench, "fixed", key));
    const ids = [String(await source.command("CLUSTER", "MYID")), String(await target.command("CLUSTER", "MYID"))];
    for (const slot of slots) {
      await target.command("CLUSTER", "SETSLOT", String(slot), "IMPORTING", ids[0] as string);
      await source.command("CLUSTER", "SETSLOT", String(slot), "MIGRATING", ids[1] as string);
    }
    const [one, other] = await askAll(bench.rs, "fixed", [first, second]);
    assert.deepEqual([one?.remaining, other?.remaining], [4, 2]);
    const nodesOf = async (key: string) => {
      const slot = String(slotOf(bench, "fixed", key));
      const found = [source, target].map((node) => node.command("CLUSTER", "GETKEYSINSLOT", slot, "99"));
      return (await Promise.all(found)).map((names) => (names as string[]).includes(`${bench.keyPrefix}:fixed:${key}`));
    };
    assert.deepEqual([await nodesOf(first), await nodesOf(second)], [[false, true], [true, false]]);
    for (const slot of slots) {
      // Keys of other cases may lie there too.
      for (const name of await source.command("CLUSTER", "GETKEYSINSLOT", String(slot), "99") as string[]) {
        await source.command("MIGRATE", "127.0.0.1", String(target.port), name, "0", "5000");
      }
      for (const node of [target, source]) {
        await node.command("CLUSTER", "SETSLOT", String(slot), "NODE", ids[1] as string);
      }
    }
    assert.deepEqual((await askAll(bench.rs, "fixed", [first, second])).map(({ remaining }) => remaining), [3, 1]);
    await cluster.settled();
  });

  it("go on after a failover", async () => {
    await using bench = await openBench();
    await settle(bench);
    const keys = keysUpTo(60);
    await askAll(bench.rs, "counter", keys);
    await cluster.settled();
    await cluster.failOver(0);
    await until(() => askAll(bench.rs, "counter", ["probe"]).then(() => true, () => false), 10_000);
    const decisions = await askAll(bench.rs, "counter", keys);
    for (const { remaining } of decisions) assert.equal(remaining, 3);
    await settle(bench);
    await cluster.settled();
  });

  it("leave a key that the user may not touch to fail alone", async () => {
    const keyPrefix = freshPrefix();
    for (const node of cluster.nodes) {
      await node.command(
        ...["ACL", "SETUSER", "some", "reset", "on", ">PASSWORD", "+@all"],
        ...[`~${keyPrefix}:*user*`, `~${keyPrefix}:*settle*`, `~${keyPrefix}:%*`, "&*"],
      );
    }
    const urls = cluster.urls.map((url) => url.replace("//", "//some:PASSWORD@"));
    await using bench = await openBench({ keyPrefix }, openNodeRedis({ cluster: urls }));
    await settle(bench);
    // It is the first key, which a call declares, and another one.
    for (const place of [0, 39]) {
      const keys = keysUpTo(40, `user:${place}:`);
      keys[place] = "admin";
      const outcomes = await Promise.allSettled(keys.map((key) => bench.rs.tryAcquire("fixed", { key })));
      for (const [i, outcome] of outcomes.entries()) {
        if (i !== place) assert.equal(outcome.status === "fulfilled" && outcome.value.allowed, true, keys[i]);
        else assert.match(String(outcome.status === "rejected" && outcome.reason), /permission/i);
      }
    }
    assert.equal(bench.calls.across, 6);
  });

  describe("where nodes let a script touch keys of one slot only", () => {
    // Redis 7 and later, and Valkey, hold scripts with flags to that, and only those.
    const strict = ({ name, source }: Script): Script => ({ ...scriptOf(`#!lua\n${source}`), name });

    it("are calls by slot, and check() says so", async () => {
      await using bench = await openBench();
      bench.change = strict;
      const keys = keysUpTo(60);
      for (let round = 0; round < 5; round++) {
        for (const decision of await askAll(bench.rs, "fixed", keys)) assert.equal(decision.allowed, true);
      }
      assert.equal(bench.calls.across, 0);
      await until(async () =>
        (await bench.store.check()).advice.some((text) => /several.*slots.*same slot/i.test(text))
      );
    });

    it("decide right while that is not known yet", async () => {
      await using bench = await openBench();
      await settle(bench);
      bench.change = strict;
      const keys = keysUpTo(60);
      for (let round = 0; round < 5; round++) {
        for (const decision of await askAll(bench.rs, "exact", keys)) assert.equal(decision.allowed, true);
      }
      assert.equal(bench.calls.across, 3);
      for (const { allowed } of await askAll(bench.rs, "exact", keys)) assert.equal(allowed, false);
    });
  });

  /** Keys of the limiter `fixed` whose slots, all different ones, are on a node. */
  async function keysAt(bench: Bench, node: { readonly port: number }, count: number): Promise<string[]> {
    const keys = new Map<number, string>();
    for (let i = 0; keys.size < count; i++) {
      const slot = slotOf(bench, "fixed", `at:${i}`);
      if ((await cluster.ownerOf(slot)).port === node.port) keys.set(slot, `at:${i}`);
    }
    return [...keys.values()];
  }
});

const digest = scriptOf("return redis.sha1hex(redis.call('GET', KEYS[1]) or '')");

function keysUpTo(count: number, name = "user:"): string[] {
  return Array.from({ length: count }, (_, i) => `${name}${i}`);
}

function slotOf({ keyPrefix }: Bench, id: Id, key: string): number {
  return hashSlot(`${keyPrefix}:${id}:${key}`);
}
