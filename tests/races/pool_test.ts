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

  it("do so on as many keys", async () => {
    await using server = await startRedis();
    await using rs = instance(server, { limit: 2, windowMs: HOUR_MS });
    const decisions = await concurrently(CALLS * 3, (i) => rs.tryAcquire("api", { key: `user:${i % CALLS}` }));
    assert.equal(decisions.filter((decision) => decision.allowed).length, CALLS * 2);
    assert.ok(await countConnections(server) <= 2);
  });

  it("all wait for their rate without a third connection", async () => {
    await using server = await startRedis();
    await using rs = instance(server, { ratePerSecond: 400 });
    const permits = await concurrently(CALLS, () => rs.acquire("api"));
    assert.equal(permits.length, CALLS);
    assert.ok(await countConnections(server) <= 2);
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
