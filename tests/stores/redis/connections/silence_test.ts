import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type RateSync } from "../../../../mod.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { ahead } from "../../../_support/together.ts";
import { type ForgetfulProxy, startForgetfulProxy } from "./_forgetful_proxy.ts";
import { type RedisProcess, startRedis, until } from "../_servers.ts";

/** How long a decision may take. */
const DECISION_MS = 800;
/** What the machine that runs the tests may be late. */
const LATE_MS = 400;
/** Within this time Redis decides again. */
const BACK_MS = 1_000;
const LIMIT = 1_000_000;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

interface Outcome {
  /** The longest time that a decision took, in milliseconds. */
  readonly longestMs: number;
  /** From the first decision to the first one by Redis after the last degraded one, in milliseconds. */
  readonly backMs: number;
  readonly degraded: number;
  /** How many decisions Redis made. */
  readonly byRedis: number;
}

/** Decides in `callers` loops, until every one of them has had ten decisions of Redis in a row. */
async function decide(rs: RateSync<"api">, callers: number): Promise<Outcome> {
  const startMs = performance.now();
  let [longestMs, backMs, degraded, byRedis] = [0, 0, 0, 0];
  await Promise.all(Array.from({ length: callers }, async () => {
    for (let inRow = 0; inRow < 10 && performance.now() - startMs < 10_000;) {
      const askedMs = performance.now();
      const decision = await rs.tryAcquire("api");
      longestMs = Math.max(longestMs, performance.now() - askedMs);
      if (decision.degraded) {
        degraded++;
        inRow = 0;
        await sleep(5);
        continue;
      }
      byRedis++;
      if (inRow++ === 0) backMs = Math.max(backMs, performance.now() - startMs);
    }
  }));
  return { longestMs, backMs, degraded, byRedis };
}

const FORGETS: readonly [name: string, forget: (proxy: ForgetfulProxy) => void][] = [
  ["the connection that carries the calls", (proxy) => proxy.forgetBusiest()],
  ["every connection", (proxy) => proxy.forgetAll()],
  ["every connection but the one that carries the calls", (proxy) => proxy.forgetOthers()],
];

describe("A Redis store behind something that forgets connections in silence", () => {
  let server: RedisProcess;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());

  async function open(poolMinSize: number, more: { denyCacheMs?: number } = {}) {
    const proxy = await startForgetfulProxy(server.port);
    const prefix = freshPrefix();
    const rs = createRateSync({
      logger: quiet,
      stores: { main: { engine: "redis", url: proxy.url, poolMinSize, keyPrefix: prefix } },
      limiters: {
        api: { algorithm: "fixed_window", limit: LIMIT, windowMs: 3_600_000, decisionTimeoutMs: DECISION_MS, ...more },
      },
    });
    await decide(rs, 1);
    return {
      proxy,
      rs,
      /** How many units Redis has counted. */
      counted: async () => LIMIT - (await rs.peek("api")).remaining,
      async [Symbol.asyncDispose]() {
        await rs.close();
        await proxy[Symbol.asyncDispose]();
      },
    };
  }

  // Each has a proxy and connections of its own.
  const losses: { title: string; lose: () => Promise<void> }[] = [];
  for (const poolMinSize of [1, 2, 5]) {
    for (const [name, forget] of FORGETS) {
      for (const callers of [1, 20]) {
        const title =
          `decides again within 1 s, with ${poolMinSize} connections and ${callers} callers, when ${name} is forgotten`;
        const lose = async () => {
          await using place = await open(poolMinSize);
          const before = await place.counted();
          forget(place.proxy);
          const outcome = await decide(place.rs, callers);
          assert.ok(outcome.longestMs < DECISION_MS + LATE_MS, `a decision took ${outcome.longestMs} ms`);
          assert.ok(outcome.backMs < BACK_MS, `Redis decided again after ${outcome.backMs} ms`);
          const counted = await place.counted() - before;
          assert.ok(
            counted >= outcome.byRedis && counted <= outcome.byRedis + outcome.degraded,
            `${counted} units counted for ${outcome.byRedis} decisions of Redis and ${outcome.degraded} others`,
          );
          // The forgotten ones are replaced; a spare when it is needed.
          if (forget !== FORGETS[2]?.[1]) await until(() => place.proxy.open === poolMinSize);
        };
        losses.push({ title, lose });
      }
    }
  }

  for (const [name, forget] of FORGETS) {
    const title = `leaves no decision to the failure policy when ${name} is forgotten while nothing is asked`;
    const lose = async () => {
      await using place = await open(2);
      forget(place.proxy);
      await sleep(1_200);
      const before = await place.counted();
      const outcome = await decide(place.rs, 5);
      assert.equal(outcome.degraded, 0);
      assert.ok(outcome.longestMs < DECISION_MS, `a decision took ${outcome.longestMs} ms`);
      assert.equal(await place.counted() - before, outcome.byRedis);
    };
    losses.push({ title, lose });
  }

  const outcomeOf = ahead(losses.map(({ lose }) => lose));
  for (const [i, { title }] of losses.entries()) it(title, () => outcomeOf(i));

  it("leaves no decision to the failure policy when the server has closed the connections while nothing was asked", async () => {
    await using place = await open(2);
    place.proxy.hangUp();
    await sleep(300);
    const outcome = await decide(place.rs, 5);
    assert.equal(outcome.degraded, 0);
  });

  it("asks an idle connection first, and never one that is in use", async () => {
    await using place = await open(1);
    const evals = async () => {
      const stats = String(await server.command("INFO", "commandstats"));
      return Number(/cmdstat_eval:calls=(\d+)/.exec(stats)?.[1]);
    };
    const before = await evals();
    let pauses = 0;
    for (let i = 0; i < 20; i++) {
      const askedMs = performance.now();
      await place.rs.tryAcquire("api");
      await sleep(20);
      if (performance.now() - askedMs > 200) pauses++; // the machine was busy
    }
    assert.ok(await evals() - before <= pauses, "a connection in use was asked first");
    const later = await evals();
    await sleep(1_100);
    await place.rs.tryAcquire("api");
    assert.equal(await evals(), later + 1);
  });

  it("keeps a connection that is slow because the server is", async () => {
    await using place = await open(2);
    const { accepted } = place.proxy;
    await server.command("CLIENT", "PAUSE", "600", "WRITE");
    const outcome = await decide(place.rs, 5);
    assert.equal(outcome.degraded, 0);
    await sleep(300);
    // At most one was opened to find out, and it was not needed.
    assert.ok(place.proxy.accepted - accepted <= 1, `${place.proxy.accepted - accepted} new connections`);
    await until(() => place.proxy.open === 2);
  });

  it("serves a call that waits for a permit within 2 s when the connection that listens is forgotten", async () => {
    await using proxy = await startForgetfulProxy(server.port);
    const stores = (url: string) => ({ main: { engine: "redis", url, keyPrefix } } as const);
    const keyPrefix = freshPrefix();
    const limiters = { slot: { maxConcurrent: 1, leaseTtlMs: 60_000 } };
    await using holder = createRateSync({ stores: stores(server.url), limiters });
    await using rs = createRateSync({ logger: quiet, stores: stores(proxy.url), limiters });
    const permit = await holder.acquire("slot");
    const waiting = rs.acquire("slot");
    await until(() => proxy.open === 3);
    await sleep(100);
    proxy.forgetAll();
    await permit.release();
    const releasedMs = performance.now();
    await (await waiting).release();
    assert.ok(performance.now() - releasedMs < 2_000, `${performance.now() - releasedMs} ms`);
  });
});
