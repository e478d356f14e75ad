import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync, type LimiterOptions, type RateSync } from "../../mod.ts";
import { countConnections, type RedisProcess, startRedis } from "../stores/redis/_servers.ts";

const CALLS = 200;
const HOUR_MS = 3_600_000;

function instance(server: RedisProcess, api: LimiterOptions): RateSync<"api"> {
  return createRateSync({
    stores: { shared: { engine: "redis", url: server.url, poolMaxSize: 2 } },
    limiters: { api: { onStoreError: "throw", ...api } },
  });
}

function concurrently<T>(count: number, call: (i: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => call(i)));
}

describe(`${CALLS} concurrent calls over a pool of 2 connections`, () => {
  it("admit exactly what the law allows, and open no third", async () => {
    await using server = await startRedis();
    await using rs = instance(server, { algorithm: "sliding_window", limit: 50, windowMs: HOUR_MS });
    const decisions = await concurrently(CALLS, () => rs.tryAcquire("api"));
    assert.equal(decisions.filter((decision) => decision.allowed).length, 50);
    assert.ok(decisions.every((decision) => !decision.degraded));
    assert.ok(await countConnections(server) <= 2);
  });

  it("admit exactly what the law allows on as many keys", async () => {
    await using server = await startRedis();
    await using rs = instance(server, { limit: 2, windowMs: HOUR_MS });
    const decisions = await concurrently(CALLS * 3, (i) => rs.tryAcquire("api", { key: `user:${i % CALLS}` }));
    assert.equal(decisions.filter((decision) => decision.allowed).length, CALLS * 2);
    assert.ok(await countConnections(server) <= 2);
  });

  it("all wait for their rate, with one connection more to hear of corrections", async () => {
    await using server = await startRedis();
    await using rs = instance(server, { ratePerSecond: 400 });
    const permits = await concurrently(CALLS, () => rs.acquire("api"));
    assert.equal(permits.length, CALLS);
    assert.ok(await countConnections(server) <= 3);
  });

  it("all get a slot, with one connection more to hear of it", async () => {
    await using server = await startRedis();
    await using rs = instance(server, { maxConcurrent: 5 });
    let inside = 0;
    let mostInside = 0;
    await concurrently(CALLS, () =>
      rs.run("api", async () => {
        mostInside = Math.max(mostInside, ++inside);
        await new Promise((resolve) => setTimeout(resolve, 1));
        inside--;
      }));
    assert.equal(mostInside, 5);
    assert.ok(await countConnections(server) <= 3);
    assert.equal((await rs.peek("api")).remaining, 5);
  });
});

describe("a small plan", () => {
  it("serves 200 limiters and 100 000 keys over the connections that one store was told to open", async () => {
    await using server = await startRedis();
    const limiters = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`api${i}`, { limit: 1, windowMs: HOUR_MS }]),
    );
    await using rs = createRateSync<string>({
      // Ten thousand decisions at once take longer than a second on a busy machine.
      stores: {
        shared: { engine: "redis", url: server.url, poolMinSize: 2, poolMaxSize: 2, decisionTimeoutMs: 60_000 },
      },
      limiters,
    });
    let allowed = 0;
    for (let from = 0; from < 100_000; from += 10_000) {
      const decisions = await concurrently(10_000, (i) => {
        return rs.tryAcquire(`api${(from + i) % 200}`, { key: `user:${from + i}` });
      });
      allowed += decisions.filter((decision) => decision.allowed && !decision.degraded).length;
      assert.ok(await countConnections(server) <= 2);
    }
    assert.equal(allowed, 100_000);
    assert.equal(Number(await server.command("DBSIZE")), 100_000 + 200, "each limiter has a register of its rules");
  });

  it("of 20 connections serves six instances that wait for slots, each with three", async () => {
    // One of the twenty is left for the test itself.
    await using server = await startRedis("--maxclients", "20");
    const api: LimiterOptions = { maxConcurrent: 5, onStoreError: "throw" };
    const instances = await concurrently(6, () => Promise.resolve(instance(server, api)));
    let [inside, mostInside] = [0, 0];
    await Promise.all(instances.map((rs) =>
      concurrently(30, () =>
        rs.run("api", async () => {
          mostInside = Math.max(mostInside, ++inside);
          await new Promise((resolve) => setTimeout(resolve, 1));
          inside--;
        }))
    ));
    assert.equal(mostInside, 5);
    assert.ok(await countConnections(server) <= 18);
    assert.match(String(await server.command("INFO", "stats")), /rejected_connections:0\b/);
    await Promise.all(instances.map((rs) => rs.close()));
  });
});
