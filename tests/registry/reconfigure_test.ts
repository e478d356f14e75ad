import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { writeFileSync } from "node:fs";

import { TemporaryFolder } from "../../scripts/_temporary.ts";
import {
  ConfigError,
  createRateSync,
  type LimiterOptions,
  type RedisStoreConfig,
  type StoreRequest,
} from "../../mod.ts";
import { MemoryStore } from "../../src/stores/memory/mod.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { countConnections, type RedisProcess, startRedis, until } from "../stores/redis/_servers.ts";
import { Remote } from "../limiter/_remote.ts";
import { assertFails } from "./_errors.ts";

const HOUR_MS = 3_600_000;
const LIMIT = { algorithm: "fixed_window", limit: 5, windowMs: HOUR_MS, onStoreError: "throw" } as const;

let server: RedisProcess;
before(async () => void (server = await startRedis()));
after(() => server?.[Symbol.asyncDispose]());

function redis(keyPrefix: string): RedisStoreConfig {
  return { engine: "redis", url: server.url, keyPrefix, poolMinSize: 2 };
}

/** A store outside the process whose replies can be held back. */
class Slow extends Remote {
  gate: Promise<unknown> | undefined;

  override async execute<Request extends StoreRequest>(request: Request) {
    const reply = await super.execute(request);
    await this.gate;
    return reply;
  }
}

describe("RateSync.configureStore()", () => {
  const connectionIds = async () =>
    [...String(await server.command("CLIENT", "LIST")).matchAll(/^id=(\d+) .* name=ratesync /gm)].map(([, id]) => id);

  it("closes the store that it replaces, and limiters follow", async () => {
    await using rs = createRateSync({ stores: { main: redis("one") }, limiters: { api: LIMIT } });
    const held = rs.limiter("api");
    await held.tryAcquire({ cost: 3 });
    assert.equal(await countConnections(server), 2);
    const before = await connectionIds();
    await rs.configureStore("main", redis("two"));
    await until(async () => {
      const now = await connectionIds();
      return now.length === 2 && !now.some((id) => before.includes(id));
    });
    assert.equal((await held.tryAcquire()).remaining, 4, "another prefix, another state");
    assert.equal(await countConnections(server), 2);
    await rs.configureStore("main", { engine: "memory" });
    await until(async () => await countConnections(server) === 0);
    assert.equal((await held.tryAcquire()).remaining, 4);
    await rs.configureStore("main", redis("one"));
    assert.equal((await held.tryAcquire()).remaining, 1, "the state of the first store");
  });

  it("loses no call that is made meanwhile", async () => {
    await using rs = createRateSync({ stores: { main: redis("busy") }, limiters: { api: LIMIT } });
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 20; i++) {
      calls.push(...Array.from({ length: 20 }, (_, key) => rs.acquire("api", { key: `${i}:${key}` })));
      if (i % 5 === 4) calls.push(rs.configureStore("main", redis(`busy:${i}`)));
      await Promise.race(calls.slice(-3));
    }
    await Promise.all(calls);
    assert.ok(await countConnections(server) <= 10);
  });

  it("lets waiting calls go on at the new store", async () => {
    await using rs = createRateSync({
      stores: { main: redis("before") },
      limiters: { slot: { maxConcurrent: 1 }, paced: { limit: 1, windowMs: HOUR_MS, timeoutMs: 2 * HOUR_MS } },
    });
    const permit = await rs.acquire("slot");
    await rs.acquire("paced");
    const forSlot = rs.acquire("slot");
    const forRate = rs.acquire("paced");
    await until(async () => (await server.command("ZCARD", "{before:slot}:waiters")) === 1);
    await rs.configureStore("main", redis("after"));
    await (await forSlot).release();
    await forRate;
    assert.equal(await server.command("ZCARD", "{before:slot}:waiters"), 0, "the place was given back");
    assert.ok(permit.lost.aborted, "its lease is not renewed any more");
    await permit.release();
  });

  it("serves calls that wait for a rate at the new store in their order", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({
      clock,
      stores: { main: new MemoryStore({ clock }) },
      limiters: { paced: { ratePerSecond: 1 } },
    });
    await rs.acquire("paced");
    const served: number[] = [];
    const waiting = [1, 2, 3, 4].map(async (i) => {
      await rs.acquire("paced");
      served.push(i);
    });
    await rs.configureStore("main", new MemoryStore({ clock }));
    await clock.runUntil(Promise.all(waiting));
    assert.deepEqual(served, [1, 2, 3, 4]);
  });

  it("keeps a store that is described as before, with its connections, permits and waiters", async () => {
    const more = { db: 0, socketTimeoutMs: 4_000 } as const;
    await using rs = createRateSync({
      stores: { main: { ...redis("same"), ...more } },
      limiters: { slot: { maxConcurrent: 1, leaseTtlMs: 60_000 }, api: LIMIT },
    });
    const permit = await rs.acquire("slot");
    const waiting = rs.acquire("slot");
    const clients = () =>
      server.command("CLIENT", "LIST").then((list) => String(list).match(/^id=\d+(?=.*ratesync)/gm));
    await until(async () => (await server.command("ZCARD", "{same:slot}:waiters")) === 1);
    const before = await clients();
    for (
      const again of [
        { ...redis("same"), ...more },
        { ...more, ...redis("same") },
        { ...redis("same"), ...more, onStoreError: "deny" },
        { ...redis("same"), ...more, onStoreError: "deny", decisionTimeoutMs: 500 },
        { ...redis("same"), ...more },
      ] as const
    ) {
      await rs.configureStore("main", again);
      rs.configureLimiter("slot", { maxConcurrent: 1, leaseTtlMs: 60_000 });
      const policy = rs.listLimiters().slot?.policy;
      assert.equal(
        policy?.onStoreError,
        "onStoreError" in again ? again.onStoreError : "local",
        "of failures it learns",
      );
    }
    assert.equal(permit.lost.aborted, false);
    assert.deepEqual(await clients(), before);
    await permit.release();
    await (await waiting).release();
    assert.equal(await server.command("ZCOUNT", "{same:slot}:leases", "0", "+inf"), 0, "released where it was taken");
  });

  it("replaces nothing where a file is loaded again as it was", async () => {
    using folder = new TemporaryFolder("again");
    const path = `${folder.path}/rate-sync.toml`;
    writeFileSync(
      path,
      [
        `[stores.main]\nurl = "${server.url}"\nkey_prefix = "again"\non_store_error = "throw"`,
        `[limiters.api]\nlimit = 1\nwindow = "1h"`,
        `[limiters.paced]\nrate_per_second = 2`,
        `[limiters.plan]\nlimits = [{ limit = 5, window = "1s" }, { limit = 50, window = "1m", algorithm = "fixed_window" }]`,
      ].join("\n"),
    );
    await using rs = createRateSync();
    await rs.loadConfig(path);
    const kept = () => (["api", "paced", "plan"] as const).map((id) => [rs.limiter(id), rs.limiter(id).policy]);
    const before = kept();
    await rs.acquire("api", { key: "k" });
    assert.equal((await rs.tryAcquire("api", { key: "k" })).allowed, false);
    await rs.acquire("paced");
    const waiting = rs.acquire("paced");
    const commands = async () =>
      Number(/cmdstat_evalsha:calls=(\d+)/.exec(String(await server.command("INFO", "commandstats")))?.[1]);
    await rs.peek("plan");
    const asked = await commands();
    await rs.loadConfig(path);
    for (const [i, [limiter, policy]] of kept().entries()) {
      assert.equal(limiter, before[i]?.[0]);
      assert.equal(policy, before[i]?.[1]);
    }
    assert.equal((await rs.tryAcquire("api", { key: "k" })).allowed, false);
    assert.equal(await commands(), asked, "the denial is remembered");
    await (await waiting).release();
  });

  it("warns of an empty url when it becomes so, and not each time the file is loaded", async () => {
    using folder = new TemporaryFolder("empty");
    const path = `${folder.path}/rate-sync.toml`;
    const warnings: string[] = [];
    const logger = {
      debug: () => {},
      info: () => {},
      warn: (text: string) => void warnings.push(text),
      error: () => {},
    };
    await using rs = createRateSync({ logger });
    for (const url of ["", "", server.url, "", ""]) {
      writeFileSync(path, `[stores.main]\nurl = "${url}"\n[limiters.api]\nlimit = 1\nwindow = "1h"`);
      await rs.loadConfig(path);
    }
    const warning = 'rate-sync: Redis not configured, using in-memory store: the url of store "main" is empty';
    assert.deepEqual(warnings, [warning, warning]);
  });

  it("keeps a store of one's own that is given again", async () => {
    const store = new MemoryStore({ clock: new FakeClock() });
    await using rs = createRateSync({ stores: { main: store }, limiters: { slot: { maxConcurrent: 1 } } });
    const permit = await rs.acquire("slot");
    await rs.configureStore("main", store);
    assert.equal(permit.lost.aborted, false);
    await rs.configureStore("main", new MemoryStore({ clock: new FakeClock() }));
    assert.equal(permit.lost.aborted, true);
  });

  it("keeps stores that a file describes as before, and replaces others", async () => {
    using folder = new TemporaryFolder("reload");
    const path = `${folder.path}/rate-sync.toml`;
    const write = (limit: number, prefix: string) =>
      writeFileSync(
        path,
        [
          `[stores.kept]\nurl = "${server.url}"\nkey_prefix = "kept"\nsocket_timeout = "4s"`,
          `[stores.changed]\nurl = "${server.url}"\nkey_prefix = "${prefix}"`,
          `[limiters.slot]\nstore = "kept"\nmax_concurrent = 1\nlease_ttl = "60s"`,
          `[limiters.other]\nstore = "changed"\nmax_concurrent = 1\nlease_ttl = "60s"`,
          `[limiters.api]\nstore = "kept"\nlimit = ${limit}\nwindow = "1h"`,
        ].join("\n"),
      );
    await using rs = createRateSync<string>();
    write(5, "first");
    await rs.loadConfig(path);
    const permit = await rs.acquire("slot");
    const other = await rs.acquire("other");
    for (const [limit, prefix, isKept] of [[5, "first", true], [7, "first", true], [7, "second", false]] as const) {
      write(limit, prefix);
      await rs.loadConfig(path);
      assert.equal(permit.lost.aborted, false);
      assert.equal(other.lost.aborted, !isKept, prefix);
      assert.equal(rs.limiter("api").policy.capacity, limit);
    }
    await permit.release();
    await (await rs.acquire("slot", { timeoutMs: 0 })).release();
  });

  it("changes nothing when the new one is described wrongly", async () => {
    await using rs = createRateSync({ stores: { main: redis("kept") }, limiters: { api: LIMIT } });
    await rs.tryAcquire("api");
    const expected = { type: ConfigError, code: "CONFIG_INVALID", says: ["stores.main."] } as const;
    await assertFails(() => rs.configureStore("main", { engine: "redis", url: "http://x" }), expected);
    await assertFails(() => rs.configureStore("main", { engine: "memory", maxKeys: -1 }), expected);
    assert.equal(await countConnections(server), 2);
    assert.equal((await rs.tryAcquire("api")).remaining, 3);
  });
});

describe("RateSync.configureLimiter()", () => {
  it("leaves a call that is on its way to the store with the rules that decide it", async () => {
    const store = new Slow(new FakeClock());
    const rules = [{ limit: 20, windowMs: HOUR_MS }, { limit: 100, windowMs: 2 * HOUR_MS }];
    for (const verb of ["acquire", "reserve"] as const) {
      const limiters = { [verb]: { limit: 10, windowMs: HOUR_MS } };
      await using rs = createRateSync({ stores: { main: store }, limiters });
      await rs.connect();
      let open = () => {};
      store.gate = new Promise<void>((resolve) => open = resolve);
      const granted = rs[verb](verb);
      await new Promise((resolve) => setImmediate(resolve));
      rs.configureLimiter(verb, { limits: rules });
      open();
      store.gate = undefined;
      const { limits } = (await granted).decision;
      assert.deepEqual(limits.map(({ limit, remaining }) => [limit, remaining]), [[10, 9]]);
    }
  });

  it("changes the rules of a limiter that is held", async () => {
    await using rs = createRateSync<string>({ limiters: { api: LIMIT } });
    const held = rs.limiter("api");
    const key = held.for("k");
    assert.equal((await key.tryAcquire()).limit, 5);
    rs.configureLimiter("api", { ...LIMIT, limit: 7 });
    assert.equal(rs.limiter("api"), held);
    assert.equal(held.policy.capacity, 7);
    const decision = await key.tryAcquire();
    assert.deepEqual([decision.limit, decision.remaining], [7, 5], "what was taken stays taken");
    rs.configureLimiter("api", { maxConcurrent: 2 });
    assert.equal((await held.tryAcquire()).limits[0]?.algorithm, "concurrency");
  });

  it("adds limiters", async () => {
    await using rs = createRateSync<string>();
    rs.configureLimiter("late", LIMIT);
    assert.ok((await rs.tryAcquire("late")).allowed);
    assert.deepEqual(Object.keys(rs.listLimiters()), ["late"]);
  });

  it("serves calls that wait for a rate by the new rules, in their order", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync<string>({ clock, limiters: { api: { ratePerSecond: 0.1 } } });
    await rs.acquire("api");
    const waits: Promise<number>[] = [];
    for (let i = 0; i < 3; i++) waits.push(rs.acquire("api").then(({ waitedMs }) => waitedMs));
    await clock.advance(2_000);
    rs.configureLimiter("api", { ratePerSecond: 10 });
    await clock.advance(300);
    assert.deepEqual(await Promise.all(waits), [2_100, 2_200, 2_300]);
  });

  it("serves calls that wait by rules of another kind, in their order", async () => {
    const rate = { ratePerSecond: 0.1 };
    const wide = { ratePerSecond: 100, burst: 5 };
    const permits = { maxConcurrent: 1 };
    for (
      const [before, after] of [
        [permits, wide],
        [{ ...rate, ...permits }, wide],
        [{ ...rate, ...permits }, { maxConcurrent: 5 }],
        [permits, { ...wide, maxConcurrent: 5 }],
        [rate, { ...wide, maxConcurrent: 5 }],
        [rate, { maxConcurrent: 5 }],
        [{ ...rate, keyShards: 2 }, wide],
      ] as const
    ) {
      const clock = new FakeClock();
      await using rs = createRateSync<string>({ clock, limiters: { api: before } });
      await rs.acquire("api");
      const served: string[] = [];
      const calls = ["first", "second"].map(async (name) => {
        const permit = await rs.acquire("api", { timeoutMs: 60_000 });
        served.push(`${name} after ${permit.waitedMs}`);
        await permit.release();
      });
      await clock.advance(200);
      rs.configureLimiter("api", after);
      await clock.advance(10);
      assert.deepEqual(served, ["first after 200", "second after 200"], JSON.stringify([before, after]));
      await Promise.all(calls);
    }
  });

  it("renews permits that are held in time where leases become shorter", async () => {
    const clock = new FakeClock();
    const limiters = { slot: { maxConcurrent: 1, leaseTtlMs: 60_000 } };
    await using rs = createRateSync<string>({ clock, limiters });
    const permit = await rs.acquire("slot");
    rs.configureLimiter("slot", { maxConcurrent: 1, leaseTtlMs: 1_000 });
    await clock.advance(50_000);
    assert.equal((await rs.tryAcquire("slot")).allowed, false);
    assert.equal(permit.lost.aborted, false);
    await permit.release();
  });

  it("rejects a call that waits for more than the new rules ever grant", async () => {
    for (
      const [before, after] of [
        [{ limit: 3, windowMs: 5_000 }, { limit: 1, windowMs: 5_000 }],
        [{ maxConcurrent: 3 }, { maxConcurrent: 1 }],
        [{ maxConcurrent: 3 }, { limit: 1, windowMs: 5_000 }],
      ]
    ) {
      const clock = new FakeClock();
      await using rs = createRateSync<string>({ clock, limiters: { api: before as LimiterOptions } });
      await rs.acquire("api", { cost: 3 });
      const waiting = rs.acquire("api", { cost: 2, timeoutMs: 60_000 });
      const outcome: unknown[] = [];
      waiting.catch(({ code }) => outcome.push(code));
      await clock.advance(200);
      rs.configureLimiter("api", after as LimiterOptions);
      await clock.advance(1);
      assert.deepEqual(outcome, ["COST_EXCEEDS_LIMIT"], JSON.stringify([before, after]));
    }
  });

  it("leaves the queue for permits in Redis where the new rules have none", async () => {
    await using rs = createRateSync<string>({
      stores: { main: redis("gone") },
      limiters: { slot: { maxConcurrent: 1 } },
    });
    const permit = await rs.acquire("slot");
    const waiting = rs.acquire("slot");
    await until(async () => (await server.command("ZCARD", "{gone:slot}:waiters")) === 1);
    rs.configureLimiter("slot", { limit: 5, windowMs: HOUR_MS });
    assert.deepEqual((await waiting).decision.limits.map(({ algorithm }) => algorithm), ["token_bucket"]);
    await permit.release();
    await until(async () => (await server.command("EXISTS", "{gone:slot}:waiters")) === 0);
    assert.equal(await server.command("ZCOUNT", "{gone:slot}:leases", "0", "+inf"), 0);
  });

  it("serves a call that was on its way to the queue when there were more permits", async () => {
    const clock = new FakeClock();
    const store = new Slow(clock);
    await using rs = createRateSync<string>({
      clock,
      stores: { main: store },
      limiters: { slot: { maxConcurrent: 1, decisionTimeoutMs: 60_000 } },
    });
    await (await rs.acquire("slot", { key: "other" })).release();
    const permit = await rs.acquire("slot");
    let open = () => {};
    store.gate = new Promise<void>((resolve) => open = resolve);
    const waiting = rs.acquire("slot");
    await clock.advance(1);
    rs.configureLimiter("slot", { maxConcurrent: 2, decisionTimeoutMs: 60_000 });
    await clock.advance(1);
    store.gate = undefined;
    open();
    await clock.advance(1);
    assert.equal((await clock.runUntil(waiting, 10)).waitedMs < 10, true);
    await permit.release();
  });

  it("denies a call that waits as soon as the new rules cannot serve it in time", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync<string>({ clock, limiters: { api: { ratePerSecond: 1 } } });
    await rs.acquire("api");
    const waiting = rs.acquire("api", { timeoutMs: 2_000 });
    await clock.advance(500);
    rs.configureLimiter("api", { ratePerSecond: 0.1 });
    await assert.rejects(waiting, { code: "RATE_LIMITED" });
  });
});

describe("A configuration with one mistake", () => {
  it("changes nothing", async () => {
    const store = new MemoryStore();
    await using rs = createRateSync<string>({ stores: { main: store }, limiters: { api: LIMIT } });
    await rs.tryAcquire("api");
    const before = rs.limiter("api").policy;
    const says = ["limiters.bad.limit"];
    const limiters = { api: { ...LIMIT, limit: 9 }, bad: { ...LIMIT, limit: 0 } };
    await assertFails(() => createRateSync({ stores: { main: store }, limiters }), {
      type: ConfigError,
      code: "CONFIG_INVALID",
      says,
    });
    await assertFails(() => rs.configureLimiter("bad", limiters.bad), {
      type: ConfigError,
      code: "CONFIG_INVALID",
      says,
    });
    assert.equal(rs.limiter("api").policy, before);
    assert.deepEqual(Object.keys(rs.listLimiters()), ["api"]);
    assert.equal((await rs.tryAcquire("api")).remaining, 3, "the store is still open");
  });
});
