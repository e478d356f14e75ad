import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { configureLimiter, createRateSync, RateLimitedError, tryAcquire } from "@ratesync/core";
import { close } from "@ratesync/core";
import { collectMetrics, type CollectMetricsOptions } from "@ratesync/core/prometheus";
import { Registry } from "prom-client";

import { FakeClock } from "../../src/testing/fake_clock.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";

/** The lines of a page that say something about a metric, in their order. */
async function lines(register: Registry, word: string): Promise<string[]> {
  return (await register.metrics()).split("\n").filter((line) => line.startsWith(word));
}

/** The value of one line. */
async function value(register: Registry, name: string): Promise<number | undefined> {
  const [line] = await lines(register, `${name} `);
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

describe("collectMetrics()", () => {
  it("reports what metrics() reports, with zeros from the beginning", async () => {
    const register = new Registry();
    await using rateSync = createRateSync({
      limiters: { api: { ratePerSecond: 0.01, burst: 2 }, 'b"\\\n': { ratePerSecond: 1 } },
    });
    collectMetrics({ rateSync, register });
    assert.equal(await value(register, 'ratesync_requests_total{limiter="api",result="denied",reason="rate"}'), 0);
    for (let i = 0; i < 5; i++) await rateSync.tryAcquire("api");
    await rateSync.block("api", 60_000);
    await rateSync.tryAcquire("api");
    assert.deepEqual(await lines(register, 'ratesync_requests_total{limiter="api"'), [
      'ratesync_requests_total{limiter="api",result="allowed"} 2',
      'ratesync_requests_total{limiter="api",result="denied",reason="rate"} 3',
      'ratesync_requests_total{limiter="api",result="denied",reason="blocked"} 1',
      'ratesync_requests_total{limiter="api",result="denied",reason="concurrency"} 0',
      'ratesync_requests_total{limiter="api",result="denied",reason="queue_full"} 0',
      'ratesync_requests_total{limiter="api",result="denied",reason="store"} 0',
      'ratesync_requests_total{limiter="api",result="aborted"} 0',
      'ratesync_requests_total{limiter="api",result="failed"} 0',
    ]);
    assert.deepEqual(await lines(register, "ratesync_denied_requests_total"), [
      'ratesync_denied_requests_total{limiter="api",rule="1 per 100 s, burst 2, token_bucket",key_class="none"} 3',
      'ratesync_denied_requests_total{limiter="api",rule="block",key_class="none"} 1',
    ]);
    const { totalAcquisitions, totalDenials } = rateSync.metrics("api");
    assert.deepEqual([totalAcquisitions, totalDenials], [2, 4]);
    assert.equal(
      (await lines(register, 'ratesync_requests_total{limiter="b\\"\\\\\\n"')).length,
      8,
      "names are escaped",
    );
    assert.deepEqual(await lines(register, 'ratesync_limiter_info{limiter="api"'), [
      'ratesync_limiter_info{limiter="api",store="memory",rules="1 per 100 s, burst 2, token_bucket"} 1',
    ]);
  });

  it("reports waits and permits as histograms", async () => {
    const register = new Registry();
    const clock = new FakeClock();
    await using rateSync = createRateSync({ clock, limiters: { jobs: { maxConcurrent: 1 } } });
    collectMetrics({ rateSync, register });
    const permit = await rateSync.acquire("jobs");
    const waiting = rateSync.acquire("jobs");
    const late = assert.rejects(rateSync.acquire("jobs", { timeoutMs: 40 }), RateLimitedError);
    await clock.advance(40);
    await late;
    assert.equal(await value(register, 'ratesync_queued_requests{limiter="jobs"}'), 1);
    assert.equal(await value(register, 'ratesync_active_request_leases{limiter="jobs"}'), 1);
    await clock.advance(260);
    await permit.release();
    await (await waiting).release();
    const name = "ratesync_request_time_in_queue_seconds";
    const found = await lines(register, name);
    assert.ok(found.includes(`${name}_bucket{le="0.25",limiter="jobs",result="allowed"} 0`));
    assert.ok(found.includes(`${name}_bucket{le="0.5",limiter="jobs",result="allowed"} 1`));
    assert.ok(found.includes(`${name}_bucket{le="+Inf",limiter="jobs",result="allowed"} 1`));
    assert.ok(found.includes(`${name}_sum{limiter="jobs",result="allowed"} 0.3`));
    assert.ok(found.includes(`${name}_bucket{le="0.05",limiter="jobs",result="denied"} 1`));
    assert.equal(await value(register, 'ratesync_request_lease_duration_seconds_count{limiter="jobs"}'), 2);
    assert.equal(await value(register, 'ratesync_request_lease_duration_seconds_sum{limiter="jobs"}'), 0.3);
    assert.equal(await value(register, 'ratesync_queued_requests{limiter="jobs"}'), 0);
  });

  it("reports calls to Redis, batches, and the state of the store", async () => {
    const register = new Registry();
    await using rateSync = createRateSync({
      stores: {
        main: { engine: "redis", url: redisUrl(), keyPrefix: freshPrefix() },
        away: { engine: "redis", url: "redis://127.0.0.1:1" },
      },
      limiters: { api: { store: "main", ratePerSecond: 1 }, lost: { store: "away", ratePerSecond: 1 } },
      logger: false,
    });
    collectMetrics({ rateSync, register });
    await rateSync.check("main");
    await Promise.all(Array.from({ length: 5 }, (_, i) => rateSync.tryAcquire("api", { key: `${i}` })));
    await rateSync.tryAcquire("lost");
    assert.equal(await value(register, 'ratesync_store_call_requests_bucket{le="4",store="main"}'), 0);
    assert.equal(await value(register, 'ratesync_store_call_requests_bucket{le="8",store="main"}'), 1);
    assert.equal(await value(register, 'ratesync_store_call_requests_sum{store="main"}'), 5);
    assert.equal(
      await value(register, 'ratesync_store_call_duration_seconds_count{store="main",result="answered"}'),
      1,
    );
    assert.equal(await value(register, 'ratesync_store_state{store="main",state="up"}'), 1);
    assert.equal(await value(register, 'ratesync_store_state{store="away",state="up"}'), 0);
    assert.equal(await value(register, 'ratesync_store_state{store="away",state="down"}'), 1);
    assert.equal(await value(register, 'ratesync_store_connected{store="main"}'), 1);
    assert.equal(await value(register, 'ratesync_store_connected{store="away"}'), 0);
    assert.equal(await value(register, 'ratesync_store_outages_total{store="away"}'), 1);
    assert.equal(await value(register, 'ratesync_degraded_requests_total{limiter="lost"}'), 1);
    assert.equal(await value(register, 'ratesync_store_errors_total{limiter="lost"}'), 1);
    await rateSync.reset("api");
  });

  it("adds several instances up, or tells them apart by labels, and forgets those that are removed", async () => {
    const register = new Registry();
    const limiters = { api: { ratePerSecond: 100, burst: 100 } };
    const [one, two, three] = [
      createRateSync({ limiters }),
      createRateSync({ limiters }),
      createRateSync({ limiters }),
    ];
    const removers = [one, two].map((rateSync) => collectMetrics({ rateSync, register }));
    removers.push(collectMetrics({ rateSync: three, register, labels: { pool: "b" } }));
    await one.tryAcquire("api");
    await two.tryAcquire("api");
    await three.tryAcquire("api");
    const name = "ratesync_requests_total";
    assert.equal(await value(register, `${name}{limiter="api",result="allowed"}`), 2);
    assert.equal(await value(register, `${name}{limiter="api",result="allowed",pool="b"}`), 1);
    assert.equal(await value(register, "ratesync_config_version"), 1, "states do not add up");
    removers[0]?.();
    removers[0]?.();
    assert.equal(await value(register, `${name}{limiter="api",result="allowed"}`), 1);
    await two.close();
    assert.equal(
      await value(register, `${name}{limiter="api",result="allowed"}`),
      undefined,
      "a closed one says nothing",
    );
    for (const remove of removers) remove();
    assert.deepEqual(register.getMetricsAsArray(), []);
    await Promise.all([one.close(), three.close()]);
  });

  it("works again after the registry was cleared, and beside other metrics of a registry", async () => {
    const register = new Registry();
    await using rateSync = createRateSync({ limiters: { api: { ratePerSecond: 1 } } });
    collectMetrics({ rateSync, register });
    register.clear();
    assert.equal(await register.metrics(), "\n");
    const remove = collectMetrics({ rateSync: createRateSync(), register });
    assert.equal(await value(register, 'ratesync_requests_total{limiter="api",result="allowed"}'), 0);
    register.resetMetrics();
    remove();
    const json = await register.getMetricsAsJSON();
    assert.equal(json.find(({ name }) => name === "ratesync_requests_total")?.aggregator, "sum");
  });

  it("writes OpenMetrics too", async () => {
    const register = new Registry();
    register.setContentType(
      "application/openmetrics-text; version=1.0.0; charset=utf-8" as typeof register.contentType,
    );
    await using rateSync = createRateSync({ limiters: { api: { ratePerSecond: 1 } } });
    collectMetrics({ rateSync, register });
    const page = await register.metrics();
    assert.match(page, /^# TYPE ratesync_requests counter$/m);
    assert.match(page, /^ratesync_requests_total\{limiter="api",result="allowed"\} 0$/m);
    assert.match(page, /# EOF\n$/);
  });

  it("follows the default instance, also after close()", async () => {
    const register = new Registry();
    const remove = collectMetrics({ register });
    assert.equal(await value(register, 'ratesync_requests_total{limiter="mine",result="allowed"}'), undefined);
    for (let i = 0; i < 2; i++) {
      configureLimiter("mine", { ratePerSecond: 1 });
      await tryAcquire("mine");
      assert.equal(await value(register, 'ratesync_requests_total{limiter="mine",result="allowed"}'), 1);
      await close();
    }
    remove();
  });

  it("refuses options that cannot be used", () => {
    const register = new Registry();
    const cases: [unknown, RegExp][] = [
      [undefined, /expected options with a register of prom-client, received undefined/],
      [{}, /register: expected a Registry of prom-client/],
      [{ registry: register }, /registry: .*"register"/],
      [{ register, rateSync: {} }, /rateSync: expected an instance, of createRateSync/],
      [{ register, labels: { limiter: "x" } }, /labels: .*received "limiter"/],
      [{ register, labels: { "a-b": "x" } }, /labels: .*received "a-b"/],
      [{ register, labels: { pool: 1 } }, /labels.pool: expected a string, received 1/],
    ];
    for (const [options, message] of cases) {
      assert.throws(() => collectMetrics(options as CollectMetricsOptions), { code: "CONFIG_INVALID", message });
    }
    assert.deepEqual(register.getMetricsAsArray(), []);
  });
});
