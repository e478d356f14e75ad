import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import type { StoreConfig } from "../../mod.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { FleetReader } from "../../src/fleet/fleet_reader.ts";
import { watchFleet } from "../../src/fleet/watch.ts";
import { MAX_POST } from "../../src/stores/board.ts";
import { openRawRedis } from "../_support/raw_redis.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { openMonitor } from "../stores/redis/batching/_monitor.ts";
import { startRedis } from "../stores/redis/_servers.ts";
import { callingProcess, instance, readUntil } from "./_processes.ts";
import { limiterReport, processReport } from "./_reports.ts";

const API = { limit: 2, windowMs: 600_000, denyCacheMs: 0 };

function onRedis(): StoreConfig & { readonly keyPrefix: string } {
  return { engine: "redis", url: redisUrl(), keyPrefix: freshPrefix() };
}

describe("A fleet on Redis", { timeout: 60_000, concurrency: true }, () => {
  it("shows what its processes do together: calls, denials, waiting calls, permits, keys", async () => {
    const store = onRedis();
    const upload = { maxConcurrent: 2, leaseTtlMs: 20_000 };
    await using one = callingProcess(store, API, { upload });
    await using two = callingProcess(store, API, { upload });
    await using watcher = instance(store, {});
    const permits = await Promise.all([one.rs.acquire("upload"), two.rs.acquire("upload")]);
    const waiting = one.rs.acquire("upload", { timeoutMs: 60_000 });
    const reader = new FleetReader(watcher);
    const { stores: [seen], limiters } = await readUntil(reader, ({ stores, limiters: [first] }) => {
      return stores[0]?.processes.length === 2 && (first?.perSecond ?? 0) > 20;
    });
    const [api, slots] = [limiters.find(({ id }) => id === "api"), limiters.find(({ id }) => id === "upload")];
    assert.ok(api && slots && seen);
    assert.ok(api.perSecond < 60, `two processes call 20 times a second each: ${api.perSecond}`);
    assert.deepEqual(Object.keys(api.deniedPerSecond), ["rate"]);
    assert.deepEqual(api.deniedBy.map(({ rule, keyClass }) => [rule, keyClass]), [[
      "2 per 10 min, token_bucket",
      "key",
    ]]);
    assert.deepEqual({ processes: api.processes, rules: api.rules.length }, { processes: 2, rules: 1 });
    assert.deepEqual(api.topDenials.map(({ key }) => key), ["often", "rare"]);
    assert.deepEqual({ permits: slots.permits, waiting: slots.waiting }, { permits: 2, waiting: 1 });
    assert.deepEqual(seen.processes.map(({ state, version }) => `${state} ${version}`), ["up 0.1.0", "up 0.1.0"]);
    assert.ok((seen.p50Ms ?? 0) > 0 && (seen.p99Ms ?? 0) >= (seen.p50Ms ?? Infinity));
    for (const permit of permits) await permit.release();
    await (await waiting).release();
    const after = await readUntil(reader, (fleet) => fleet.limiters.find(({ id }) => id === "upload")?.permits === 0);
    const waited = after.limiters.find(({ id }) => id === "upload")?.waitP50Ms ?? 0;
    assert.ok(waited > 100, `the call that waited is counted: ${waited} ms`);
  });

  it("publishes nothing while there is no watcher, and looks for watchers every two seconds", async () => {
    await using server = await startRedis();
    const store = { engine: "redis", url: server.url, keyPrefix: "p" } as const;
    await using _process = callingProcess(store, API);
    await using watcher = instance(store, {});
    await using raw = await monitored(server.url);
    // The first calls send the scripts, and ask the register.
    await sleep(2_500);
    await using monitor = await openMonitor(server);
    const looksWithin = async (ms: number) => {
      await monitor.during(() => sleep(ms));
      return monitor.looks.length;
    };
    const looks = await looksWithin(4_100);
    assert.ok(looks >= 1 && looks <= 3, `${looks} looks`);
    assert.deepEqual(await raw.keys("*fleet*"), []);
    const reader = new FleetReader(watcher);
    await readUntil(reader, ({ stores }) => stores[0]?.processes.length === 1);
    assert.equal((await raw.keys("{p:%fleet}:of:*")).length, 1);
    // There is no watcher any more: what was posted ends, and so does the counting.
    await sleep(11_500);
    assert.deepEqual((await raw.keys("{p:%fleet}:*")).filter((key) => !key.endsWith(":index")), []);
    const later = await looksWithin(4_100);
    assert.ok(later <= 3, `${later} looks and posts`);
  });

  it("is read although others post garbage, and says how much of it there is", async (t) => {
    const store = onRedis();
    await using watcher = instance(store, {});
    const board = (await watcher.openStore("s")).board;
    assert.ok(board);
    await board.read();
    const hostile = "\u001b[2J<script>\u202e";
    const bad = { ...limiterReport({ id: hostile }), allowed: -1 };
    await board.post("garbage1", "not JSON");
    await board.post("garbage2", "x".repeat(MAX_POST + 1));
    await board.post("garbage3", JSON.stringify(processReport(1, [bad])));
    await board.post(
      "good",
      JSON.stringify(processReport(1, [limiterReport({ id: hostile, allowed: 3 })], { label: hostile })),
    );
    const raw = await openRawRedis();
    t.after(() => raw.close());
    await raw.send(
      "SET",
      `{${store.keyPrefix}:%fleet}:index`,
      `\n${"z".repeat(99)}\n*\n\u0000\ngood\ngarbage1\ngarbage2\ngarbage3\n`,
    );
    await raw.send("SADD", `{${store.keyPrefix}:%fleet}:of:wrong`, "type");
    const fleet = await new FleetReader(watcher).read();
    assert.deepEqual(
      fleet.stores.map(({ problem, unreadable, processes }) => [problem, unreadable, processes.length]),
      [
        [undefined, 3, 1],
      ],
    );
    assert.deepEqual(fleet.limiters.map(({ id, allowedPerSecond }) => [id, allowedPerSecond]), [[hostile, 3]]);
    // An index of megabytes is begun anew.
    await raw.send("SET", `{${store.keyPrefix}:%fleet}:index`, "y".repeat(5_000_000));
    assert.deepEqual((await new FleetReader(watcher).read()).stores[0]?.processes, []);
    await board.post("back", JSON.stringify(processReport(1)));
    assert.equal((await new FleetReader(watcher).read()).stores[0]?.processes.length, 1);
  });

  it("does without the processes of a user that may not tell, and their decisions go on without a warning", async () => {
    await using server = await startRedis();
    const user = server.url.replace("//", "//limits:secret@");
    // EVAL itself is allowed, and GET only on keys of limiters.
    await server.command("ACL", "SETUSER", "limits", "on", ">secret", "~p:*", "&*", "+@all");
    const store = { engine: "redis", url: user, keyPrefix: "p" } as const;
    await using process = callingProcess(store, API);
    await using watcher = instance({ ...store, url: server.url }, {});
    await using refused = instance(store, {});
    const reader = new FleetReader(watcher);
    for (let i = 0; i < 10; i++, await sleep(400)) await reader.read();
    assert.deepEqual((await reader.read()).stores[0]?.processes, []);
    const { storeErrors, degradedDecisions } = process.rs.metrics("api");
    assert.deepEqual({ storeErrors, degradedDecisions }, { storeErrors: 0, degradedDecisions: 0 });
    const log = await server.command("ACL", "LOG") as unknown[];
    assert.equal(log.length, 1, "one look was refused, and no other follows for minutes");
    assert.match((await new FleetReader(refused).read()).stores[0]?.problem ?? "", /permission|NOPERM/i);
  });

  it("says what is wrong with a store that cannot be reached", async () => {
    await using watcher = instance({ engine: "redis", url: "redis://127.0.0.1:1" }, {});
    const { stores, limiters } = await new FleetReader(watcher).read();
    assert.match(stores[0]?.problem ?? "", /Cannot reach Redis at redis:\/\/127\.0\.0\.1:1/);
    assert.deepEqual(limiters, []);
  });
});

describe("watchFleet()", { timeout: 30_000 }, () => {
  it("shows an application its own limiters in memory, until it is stopped", async () => {
    await using process = callingProcess({ engine: "memory" }, API);
    const fleets: Fleet[] = [];
    const isSeen = (fleet: Fleet) => (fleet.limiters[0]?.perSecond ?? 0) > 0;
    const stop = watchFleet(process.rs, (fleet) => fleets.push(fleet), { everyMs: 300, keepsAlive: false });
    for (let i = 0; i < 100 && !fleets.some(isSeen); i++) await sleep(100);
    assert.ok(fleets.some(isSeen), JSON.stringify(fleets));
    stop();
    const { length } = fleets;
    await sleep(700);
    assert.equal(fleets.length, length);
  });
});

async function monitored(url: string) {
  const raw = await openRawRedis(url);
  return { ...raw, [Symbol.asyncDispose]: () => raw.close() };
}
