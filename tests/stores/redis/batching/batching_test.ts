import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import { createRateSync, type LimiterOptions, type RateSync } from "../../../../mod.ts";
import { StoreError } from "../../../../src/base/errors.ts";
import type { RedisConnection } from "../../../../src/stores/redis/connections/connection.ts";
import { openNodeRedis } from "../../../../src/stores/redis/connections/node_redis.ts";
import { KeyNames } from "../../../../src/stores/redis/keys.ts";
import { RedisStore } from "../../../../src/stores/redis/redis_store.ts";
import type { StoreRequest, Target } from "../../../../src/stores/store.ts";
import { FakeClock } from "../../../../src/testing/fake_clock.ts";
import { runs } from "../../../_support/arbitraries.ts";
import { plain } from "../../../_support/store_parity.ts";
import { openRawRedis, type RawRedis } from "../../../_support/raw_redis.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { forbidUnhandledRejections } from "../../../limiter/_unhandled.ts";
import { BAD_KEY, TARGETS, turnsArb, Wishes } from "./_mixed_requests.ts";
import { type RedisProcess, startRedis } from "../_servers.ts";

const HOUR_MS = 3_600_000;
const MAX_BATCH = 128;

let server: RedisProcess;
let raw: RawRedis;
before(async () => {
  server = await startRedis();
  raw = await openRawRedis(server.url);
});
after(async () => {
  await raw?.close();
  await server?.[Symbol.asyncDispose]();
});

async function instance(api: LimiterOptions): Promise<RateSync<"api">> {
  const rs = createRateSync({
    stores: { shared: { engine: "redis", url: server.url, keyPrefix: freshPrefix() } },
    limiters: { api: { onStoreError: "throw", denyCacheMs: 0, ...api } },
  });
  await rs.tryAcquire("api", { key: "warm" });
  return rs;
}

/** How many scripts were called meanwhile. */
async function callsDuring(act: () => Promise<unknown>): Promise<number> {
  await raw.send("CONFIG", "RESETSTAT");
  await act();
  assert.equal(await raw.calls("eval"), 0);
  return await raw.calls("evalsha");
}

const LIMITS: Record<string, LimiterOptions> = {
  "a token bucket": { limit: 123, windowMs: HOUR_MS },
  "a sliding window": { algorithm: "sliding_window", limit: 123, windowMs: HOUR_MS },
  slots: { maxConcurrent: 123, leaseTtlMs: HOUR_MS },
};

describe("Requests of one turn", () => {
  forbidUnhandledRejections();

  for (const [name, limit] of Object.entries(LIMITS)) {
    for (const count of [1, 2, MAX_BATCH, MAX_BATCH + 1, 1_000]) {
      it(`for ${count} keys with ${name} are as few commands as possible`, async () => {
        await using rs = await instance(limit);
        const keys = Array.from({ length: count }, (_, i) => `user:${i}`);
        const calls = await callsDuring(() => Promise.all(keys.map((key) => rs.tryAcquire("api", { key }))));
        assert.equal(calls, Math.ceil(count / MAX_BATCH));
      });
    }

    it(`of one key with ${name} admits exactly what the limit says, in few commands`, async () => {
      await using rs = await instance(limit);
      let decisions: boolean[] = [];
      const calls = await callsDuring(async () => {
        const asked = Array.from({ length: 500 }, () => rs.tryAcquire("api", { key: "hot" }));
        decisions = (await Promise.all(asked)).map(({ allowed }) => allowed);
      });
      assert.equal(calls, ["a token bucket", "a sliding window"].includes(name) ? 1 : 4);
      assert.deepEqual(decisions, decisions.map((_, i) => i < 123), "the first of them");
    });
  }

  it("of several limiters, with slots and without, is one command", async () => {
    await using rs = createRateSync({
      stores: { shared: { engine: "redis", url: server.url, keyPrefix: freshPrefix() } },
      limiters: { rate: { limit: 10, windowMs: HOUR_MS }, slot: { maxConcurrent: 50 } },
    });
    const ask = () => rs.tryAcquireAll([{ limiter: "rate" }, { limiter: "slot" }]);
    await ask();
    let allowed = 0;
    const calls = await callsDuring(async () => {
      for (const decision of await Promise.all(Array.from({ length: 30 }, ask))) if (decision.allowed) allowed++;
    });
    assert.equal(calls, 1);
    assert.equal(allowed, 9);
  });
});

describe("500 callers who ask one after the other", () => {
  forbidUnhandledRejections();

  it("on one key need far fewer commands than decisions, and get exactly what the limit says", async (t) => {
    await using rs = await instance({ limit: 4_321, windowMs: 10_000 * HOUR_MS });
    await using other = await instance({ limit: 4_321, windowMs: 10_000 * HOUR_MS });
    const allowed = [0, 0];
    const calls = await callsDuring(() =>
      Promise.all([rs, other].flatMap((one, i) =>
        Array.from({ length: 500 }, async () => {
          for (let left = 20; left > 0; left--) {
            const decision = await one.tryAcquire("api", { key: "hot" });
            if (decision.allowed) allowed[i] = (allowed[i] as number) + 1;
          }
        })
      ))
    );
    t.diagnostic(`20000 decisions: ${calls} commands`);
    assert.ok(calls < 2_000, `${calls} commands`);
    assert.deepEqual(allowed, [4_321, 4_321]);
  });
});

const TAKE = { op: "take", mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0 } as const;

describe("Requests of all kinds", () => {
  forbidUnhandledRejections();
  let connection: RedisConnection;
  before(() => void (connection = openNodeRedis({ url: server.url })));
  after(() => connection?.close());

  async function outcome(store: RedisStore, request: StoreRequest): Promise<unknown> {
    try {
      return plain(await store.execute(request));
    } catch (error) {
      assert.ok(error instanceof StoreError);
      return error.code;
    }
  }

  /** A store of its own, with a value of the wrong type in it, and a look at all that it holds. */
  async function openStore(testClock: FakeClock) {
    const keyPrefix = freshPrefix();
    const names = new KeyNames(keyPrefix);
    const keys = (await Promise.all(TARGETS.map((target) => names.of(target)))).flat();
    for (const key of keys.filter((name) => name.endsWith(`:${BAD_KEY}`))) await raw.send("HSET", key, "a", "b");
    const store = new RedisStore(connection, { keyPrefix, timingMarginMs: 60_000, testClock });
    await store.listen({ instance: "i", targetOf: () => undefined, wakeup: () => {}, missed: () => {} });
    return { store, dump: () => raw.dump(keys) };
  }

  it("are answered in one turn as they are one by one, and leave the same", { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(turnsArb, async (turns) => {
        const clock = new FakeClock();
        const [together, alone] = await Promise.all([openStore(clock), openStore(clock)]);
        const wishes = new Wishes();
        for (const turn of turns) {
          clock.set(clock.nowUs() + turn.passUs);
          const requests = turn.wishes.map((wish) => wishes.requestOf(wish)).filter((request) => request !== undefined);
          const expected: unknown[] = [];
          for (const request of requests) expected.push(await outcome(alone.store, request));
          const actual = await Promise.all(requests.map((request) => outcome(together.store, request)));
          assert.deepEqual(actual, expected);
          for (const [i, request] of requests.entries()) wishes.remember(request, expected[i]);
        }
        assert.equal(await together.dump(), await alone.dump());
      }),
      { numRuns: runs(200) },
    );
  });

  it("of one turn take effect in order where one of them has a name that is hashed", async () => {
    const { store } = await openStore(new FakeClock());
    const [one] = TARGETS as [Target];
    const [short, long] = [{ ...one, key: "short" }, { ...one, key: "long ".repeat(100) }];
    const take = (...targets: Target[]) => store.execute({ ...TAKE, targets });
    const both = take(short, long);
    const then = take(short);
    const hashed = take(long);
    await both.catch(() => {});
    const last = take(short);
    const levels = (await Promise.all([both, then, hashed, last])).map((reply) => reply.levels[0]?.rates[0]);
    assert.deepEqual(levels, [[333_333, 1], [666_666, 2], [666_666, 2], [1_000_000, 0]]);
  });

  for (const key of ["short", "long ".repeat(100)]) {
    it(`of one turn take effect in order with a key of ${key.length} characters`, async () => {
      const { store } = await openStore(new FakeClock());
      const targets = [{ ...TARGETS[0] as Target, key }];
      const take: StoreRequest = { ...TAKE, targets };
      const block = (durationUs: number): StoreRequest => ({ op: "block", targets, durationUs });
      const asked = [take, block(1_000_000), take, block(0), take, { op: "reset", targets } as const, take, take];
      const replies = await Promise.all(asked.map((request) => store.execute(request)));
      const told = replies.map((reply) => "status" in reply ? reply.status : "-");
      assert.deepEqual(told, ["allowed", "-", "blocked", "-", "allowed", "-", "allowed", "allowed"]);
      assert.deepEqual(replies.at(-1)?.levels[0]?.rates, [[666_666, 2]], "two of three were taken since the reset");
    });
  }
});
