import assert from "node:assert/strict";
import { describe, it } from "node:test";

import {
  ClosedError,
  ConfigError,
  configureLimiter,
  CostExceedsLimitError,
  createRateSync,
  type Decision,
  type LimiterOptions,
  tryAcquire,
  tryAcquireSync,
} from "@ratesync/core";

import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import type { ReplyTo, StoreRequest } from "../../src/stores/store.ts";
import { FakeClock, nextTurn } from "../../src/testing/fake_clock.ts";
import { Remote } from "./_remote.ts";

/** One of each kind of limit. */
const LIMITERS: Readonly<Record<string, LimiterOptions>> = {
  token_bucket: { ratePerSecond: 2, burst: 3 },
  fraction: { limit: 3, windowMs: 1_001 },
  fixed_window: { algorithm: "fixed_window", limit: 3, windowMs: 1_000 },
  sliding_window: { algorithm: "sliding_window", limit: 3, windowMs: 1_000 },
  counter: { algorithm: "sliding_window_counter", limit: 3, windowMs: 1_000 },
  several: { limits: [{ ratePerSecond: 2, burst: 3 }, { algorithm: "fixed_window", limit: 4, windowMs: 1_000 }] },
  permits: { maxConcurrent: 3 },
  both: { ratePerSecond: 2, burst: 3, maxConcurrent: 2 },
};

/** Says late what it has decided, although it promises to answer at once. */
class LateStore extends MemoryStore {
  override execute<Request extends StoreRequest>(request: Request): Promise<ReplyTo<Request>> {
    return Promise.resolve(super.execute(request));
  }
}

describe("Limiter.tryAcquireSync()", () => {
  it("decides as tryAcquire() does, for each kind of limit, at each time", async () => {
    const clock = new FakeClock();
    const [one, other] = [createRateSync({ clock, limiters: LIMITERS }), createRateSync({ clock, limiters: LIMITERS })];
    await Promise.all([one.connect(), other.connect()]);
    for (const id of Object.keys(LIMITERS)) {
      for (
        const [key, cost, waitMs] of [["a", 1, 0], ["a", 2, 0], ["b", 3, 100], ["a", 1, 0], ["a", 1, 700]] as const
      ) {
        await clock.advance(waitMs);
        const asked = { key, ...(id === "both" ? {} : { cost }) };
        const now: Decision | undefined = one.limiter(id).tryAcquireSync(asked);
        assert.ok(now !== undefined && !(now instanceof Promise), id);
        const later = await other.tryAcquire(id, asked);
        assert.deepEqual(now.toJSON(), later.toJSON(), `${id}, ${key}, ${cost}`);
        await Promise.all([now.permit?.release(), later.permit?.release()]);
      }
      assert.equal(one.metrics(id).totalDenials, other.metrics(id).totalDenials, id);
      assert.equal(one.metrics(id).totalAcquisitions, other.metrics(id).totalAcquisitions, id);
    }
  });

  it("takes a key, the options of tryAcquire(), or nothing", async () => {
    const rs = createRateSync({ limiters: { api: { ratePerSecond: 1, burst: 10 } } });
    await rs.connect();
    const api = rs.limiter("api");
    assert.equal(api.tryAcquireSync("user:1")?.key, "user:1");
    assert.deepEqual([api.tryAcquireSync({ key: "user:1", cost: 2 })?.remaining], [7]);
    assert.equal(api.tryAcquireSync()?.key, undefined);
    const denied = api.tryAcquireSync({ key: "user:1", cost: 8, keyClass: "user" });
    assert.equal(denied?.deniedBy?.keyClass, "user");
    assert.equal(api.for("user:1").tryAcquireSync({ cost: 3 })?.remaining, 4);
    assert.equal(rs.tryAcquireSync("api", "user:1")?.remaining, 3);
  });

  it("refuses what tryAcquire() refuses, by throwing", async () => {
    const rs = createRateSync({ limiters: { api: { ratePerSecond: 1, burst: 10 } } });
    await rs.connect();
    const api = rs.limiter("api");
    assert.throws(() => api.tryAcquireSync(""), /key must be a string of 1 to 65536 characters/);
    assert.throws(() => api.tryAcquireSync({ key: "a", costs: 2 } as never), /there is no option "costs"/);
    assert.throws(() => api.tryAcquireSync(42 as never), TypeError);
    assert.throws(() => api.tryAcquireSync({ cost: 0 }), RangeError);
    assert.throws(() => api.tryAcquireSync({ cost: 11 }), CostExceedsLimitError);
    assert.throws(() => api.for("a").tryAcquireSync({ costs: 2 } as never), /there is no option "costs"/);
    assert.throws(() => rs.tryAcquireSync("app" as never), /Cannot find limiter "app": known: "api"/);
  });

  it("returns undefined while the store is not open yet, and takes nothing", async () => {
    const rs = createRateSync({ limiters: { api: { ratePerSecond: 1, burst: 10 } } });
    assert.equal(rs.tryAcquireSync("api", "a"), undefined);
    assert.equal((rs.tryAcquireSync("api", "a") ?? await rs.tryAcquire("api", { key: "a" })).remaining, 9);
    assert.equal(rs.tryAcquireSync("api", "a")?.remaining, 8);
  });

  it("throws a ConfigError that names the store, if the store is outside this process and nothing is leased", async () => {
    const url = "redis://:hidden@127.0.0.1:1";
    const rs = createRateSync({
      stores: { shared: { engine: "redis", url } },
      limiters: { api: { ratePerSecond: 1 } },
    });
    const says = (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /limiters\.api\b.*tokenLeaseMs.*tryAcquire\(\).*store "shared" of engine "redis"/);
      assert.doesNotMatch(error.message, /hidden/);
      return true;
    };
    assert.throws(() => rs.limiter("api").tryAcquireSync("a"), says);
    await rs.close();
    const clock = new FakeClock();
    const own = createRateSync({ clock, stores: { wire: new Remote(clock) }, limiters: { api: { ratePerSecond: 1 } } });
    assert.throws(() => own.tryAcquireSync("api"), /store "wire" of engine "remote"/);
    await own.tryAcquire("api");
    assert.throws(() => own.tryAcquireSync("api"), /store "wire" of engine "remote"/, "also when it is open");
  });

  it("throws a ClosedError after close()", async () => {
    const rs = createRateSync({ limiters: { api: { ratePerSecond: 1 } } });
    await rs.connect();
    const api = rs.limiter("api");
    await rs.close();
    assert.throws(() => api.tryAcquireSync(), ClosedError);
  });

  it("follows new rules from the next call on", async () => {
    const rs = createRateSync({ limiters: { api: { algorithm: "fixed_window", limit: 2, windowMs: 60_000 } } });
    await rs.connect();
    const api = rs.limiter("api");
    assert.equal(api.tryAcquireSync("a")?.remaining, 1);
    rs.configureLimiter("api", { algorithm: "fixed_window", limit: 5, windowMs: 60_000 });
    assert.equal(api.tryAcquireSync("a")?.remaining, 3);
  });

  it("tells subscribers, and grants permits that count", async () => {
    const rs = createRateSync({ limiters: { jobs: { maxConcurrent: 1 } } });
    await rs.connect();
    const seen: string[] = [];
    rs.subscribe("jobs", ({ type }) => void seen.push(type));
    const first = rs.tryAcquireSync("jobs");
    assert.equal(rs.tryAcquireSync("jobs")?.reason, "concurrency");
    await first?.permit?.release();
    assert.equal(rs.tryAcquireSync("jobs")?.allowed, true);
    assert.deepEqual(seen, ["decision", "decision", "release", "decision"]);
  });

  it("gives back what a store has taken that answers late after all", async () => {
    const clock = new FakeClock();
    const rs = createRateSync({
      clock,
      stores: { late: new LateStore({ clock }) },
      limiters: { api: { ratePerSecond: 1, burst: 5 } },
    });
    await rs.connect();
    assert.equal(rs.tryAcquireSync("api"), undefined);
    await nextTurn();
    assert.equal((await rs.peek("api")).remaining, 5);
    assert.equal(rs.metrics("api").totalAcquisitions, 0);
    assert.deepEqual((await rs.tryAcquire("api")).limits.map(({ remaining }) => remaining), [4]);
    assert.equal((await rs.acquire("api")).decision.remaining, 3);
  });
});

describe("tryAcquireSync() of the default instance", () => {
  it("decides once a limiter was configured and asked for", async () => {
    configureLimiter("sync", { ratePerSecond: 1, burst: 3 });
    assert.equal((await tryAcquire("sync")).remaining, 2);
    assert.equal(tryAcquireSync("sync")?.remaining, 1);
  });
});
