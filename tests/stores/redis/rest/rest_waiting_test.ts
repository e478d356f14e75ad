import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { createRateSync, type RateSync } from "../../../../mod.ts";
import { createRedisStore } from "../../../../src/stores/redis/mod.ts";
import { openRawRedis, type RawRedis } from "../../../_support/raw_redis.ts";
import { freshPrefix, redisUrl } from "../../../_support/redis.ts";
import { type RestRedis, startRestRedis, TOKEN } from "../../../_support/rest_redis.ts";
import { until } from "../_servers.ts";

/** No lease ends while a test looks: what is handed over, is handed over by its holder. */
const SLOTS = { slots: { maxConcurrent: 1, leaseTtlMs: 600_000, timeoutMs: 60_000, onStoreError: "throw" } } as const;

describe("waiting for a slot over REST", () => {
  let endpoint: RestRedis;
  let raw: RawRedis;
  before(async () => {
    endpoint = await startRestRedis();
    raw = await openRawRedis();
  });
  after(async () => {
    await endpoint[Symbol.asyncDispose]();
    await raw.close();
  });

  /** A process of its own, as far as Redis can tell. */
  function instance(keyPrefix: string, place: "rest" | "redis" = "rest"): RateSync<"slots"> {
    const url = place === "rest" ? { url: endpoint.url, token: TOKEN } : { url: redisUrl() };
    return createRateSync({ stores: { shared: createRedisStore({ ...url, keyPrefix }) }, limiters: SLOTS });
  }

  async function withInstances(
    kinds: readonly ("rest" | "redis")[],
    body: (instances: RateSync<"slots">[], prefix: string) => Promise<void>,
  ): Promise<void> {
    const prefix = freshPrefix();
    const instances = kinds.map((kind) => instance(prefix, kind));
    try {
      await body(instances, prefix);
    } finally {
      endpoint.misbehave = endpoint.afterwards = undefined;
      await Promise.all(instances.map((each) => each.close()));
      const left = await raw.keys(`*${prefix}*`);
      if (left.length > 0) await raw.send("UNLINK", ...left);
    }
  }

  const queueLength = async (prefix: string) => Number(await raw.send("ZCARD", `{${prefix}:slots}:waiters`));

  for (const kinds of [["rest", "rest"], ["redis", "rest"], ["rest", "redis"]] as const) {
    it(`hands a slot from a process on ${kinds[0]} to one that waits on ${kinds[1]}`, () =>
      withInstances(kinds, async ([holder, waiter], prefix) => {
        const held = await (holder as RateSync<"slots">).acquire("slots");
        const waiting = (waiter as RateSync<"slots">).acquire("slots");
        await until(async () => await queueLength(prefix) === 1);
        await held.release();
        const permit = await waiting;
        assert.ok(permit.waitedMs < 10_000);
        assert.ok(Number(permit.fencingToken) > Number(held.fencingToken));
        await permit.release();
      }));
  }

  it("serves processes in the order in which they came, however they are connected", () =>
    withInstances(["rest", "redis", "rest"], async (instances, prefix) => {
      const order: number[] = [];
      let holder = await (instances[0] as RateSync<"slots">).acquire("slots");
      const served: Promise<void>[] = [];
      for (let i = 0; i < 9; i++) {
        const waiting = (instances[i % 3] as RateSync<"slots">).acquire("slots");
        served.push(waiting.then((permit) => {
          order.push(i);
          holder = permit;
        }));
        await until(async () => await queueLength(prefix) === i + 1);
      }
      for (const next of served) {
        await holder.release();
        await next;
      }
      assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
      await holder.release();
    }));

  it("skips a process that no longer reads its messages", () =>
    withInstances(["redis", "rest", "redis"], async ([holder, gone, next], prefix) => {
      const held = await (holder as RateSync<"slots">).acquire("slots");
      const controller = new AbortController();
      const lost = (gone as RateSync<"slots">).acquire("slots", { signal: controller.signal });
      lost.catch(() => {});
      await until(async () => await queueLength(prefix) === 1);
      const waiting = (next as RateSync<"slots">).acquire("slots");
      await until(async () => await queueLength(prefix) === 2);
      // It is frozen: nothing of it arrives. Its inbox ends within five seconds; here, now.
      endpoint.misbehave = () => true;
      const [box] = await raw.keys(`${prefix}:wake:*`) as [string];
      const ttl = Number(await raw.send("PTTL", box));
      assert.ok(ttl > 0 && ttl <= 5_000, `${ttl} ms`);
      await raw.send("DEL", box);
      await held.release();
      const permit = await waiting;
      await permit.release();
      controller.abort();
    }));

  it("keeps the place of a process whose inbox has ended while it was away, and that came back in time", () =>
    withInstances(["redis", "rest", "redis"], async ([holder, away, next], prefix) => {
      const held = await (holder as RateSync<"slots">).acquire("slots");
      const order: string[] = [];
      const first = (away as RateSync<"slots">).acquire("slots").then((permit) => (order.push("away"), permit));
      await until(async () => await queueLength(prefix) === 1);
      const second = (next as RateSync<"slots">).acquire("slots").then((permit) => (order.push("next"), permit));
      await until(async () => await queueLength(prefix) === 2);
      const [box] = await raw.keys(`${prefix}:wake:*`) as [string];
      // In this order: an inbox that ends first may be missed, and asked about, before the place is gone.
      await raw.send("ZREMRANGEBYRANK", `{${prefix}:slots}:waiters`, "0", "0");
      await raw.send("DEL", box);
      await until(async () => await queueLength(prefix) === 2);
      await held.release();
      await (await first).release();
      await (await second).release();
      assert.deepEqual(order, ["away", "next"]);
    }));

  it("finds a slot that was granted in an answer which was lost", () =>
    withInstances(["redis", "rest"], async ([holder, waiter], prefix) => {
      const held = await (holder as RateSync<"slots">).acquire("slots");
      const waiting = (waiter as RateSync<"slots">).acquire("slots");
      await until(async () => await queueLength(prefix) === 1);
      const [box] = await raw.keys(`${prefix}:wake:*`) as [string];
      let lost = 0;
      endpoint.afterwards = async (request) => {
        // The answer that empties the inbox is the one that gets lost.
        if (lost > 0 || await queueLength(prefix) > 0 || Number(await raw.send("LLEN", box)) > 1) return false;
        lost++;
        request.socket.destroy();
        return true;
      };
      await held.release();
      await (await waiting).release();
      assert.equal(lost, 1);
    }));

  it("polls at growing intervals, and not at all while no call waits", () =>
    withInstances(["rest"], async ([only], prefix) => {
      const rs = only as RateSync<"slots">;
      const held = await rs.acquire("slots");
      const before = endpoint.bodies.length;
      const startMs = performance.now();
      const waiting = rs.acquire("slots");
      await until(async () => await queueLength(prefix) === 1);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      // After 25 ms, then half as much later each time, up to 500 ms: seven polls before that.
      const most = 8 + (performance.now() - startMs) / 500;
      const asked = endpoint.bodies.length - before;
      assert.ok(asked <= most, `${asked} requests, where at most ${most} were expected`);
      await held.release();
      await (await waiting).release();
      const after = endpoint.bodies.length;
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(endpoint.bodies.length, after);
    }));

  it("serves 200 calls of one process and 5 slots with few requests at a time", () =>
    withInstances(["rest"], async ([only]) => {
      let [most, under, inside, mostInside] = [0, 0, 0, 0];
      endpoint.misbehave = (_, response) => {
        most = Math.max(most, ++under);
        response.on("close", () => under--);
        return false;
      };
      const rs = only as RateSync<string>;
      rs.configureLimiter("five", { maxConcurrent: 5, timeoutMs: 60_000, onStoreError: "throw" });
      await Promise.all(Array.from({ length: 200 }, () =>
        rs.run("five", async () => {
          mostInside = Math.max(mostInside, ++inside);
          await new Promise((resolve) => setTimeout(resolve, 1));
          inside--;
        })));
      assert.equal(mostInside, 5);
      // One for slots, one for messages; more only where the machine is so slow that one counts as hanging.
      assert.ok(most <= 4, `${most} at a time`);
    }));
});
