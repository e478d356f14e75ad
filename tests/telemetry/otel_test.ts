import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";

import { type Context, context, type ContextManager, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import {
  AggregationTemporality,
  type HistogramMetricData,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { createRateSync, RateLimitedError } from "@ratesync/core";
import {
  type HistogramProducer,
  histogramProducer,
  type HistogramProducerOptions,
  instrument,
  type InstrumentOptions,
} from "@ratesync/core/otel";
import { collectMetrics } from "@ratesync/core/prometheus";
import { Registry } from "prom-client";

import { ALL, prometheusName } from "../../src/telemetry/instruments.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";

/** An SDK whose metrics are read at once. */
function sdk(histograms?: HistogramProducer) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const metricProducers = histograms === undefined ? [] : [histograms];
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30, metricProducers });
  const meterProvider = new MeterProvider({ readers: [reader] });
  return {
    meterProvider,
    async read(): Promise<Map<string, MetricData>> {
      exporter.reset();
      await reader.forceFlush();
      const [all] = exporter.getMetrics();
      const scopes = all?.scopeMetrics ?? [];
      return new Map(scopes.flatMap(({ metrics }) => metrics.map((data) => [data.descriptor.name, data] as const)));
    },
    close: () => meterProvider.shutdown(),
  };
}

/** The values of a metric by their attributes, as text. */
function values(data: MetricData | undefined): Record<string, unknown> {
  const points = (data?.dataPoints ?? []) as { attributes: Record<string, unknown>; value: unknown }[];
  return Object.fromEntries(points.map(({ attributes, value }) => [Object.values(attributes).join(), value]));
}

/** Counts of buckets as Prometheus has them: each with those below it. */
function runningSums(counts: readonly number[]): number[] {
  let below = 0;
  return counts.map((count) => below += count);
}

describe("instrument()", () => {
  const ways: [string, HistogramProducer | undefined][] = [
    ["", undefined],
    [", with histograms of its own", histogramProducer()],
  ];
  for (const [way, histograms] of ways) {
    it(`reports to an SDK what prom-client reports, and metrics()${way}`, () => reportsAlike(histograms));
  }

  async function reportsAlike(histograms: HistogramProducer | undefined) {
    const { meterProvider, read, close } = sdk(histograms);
    const register = new Registry();
    await using rateSync = createRateSync({
      stores: { main: { engine: "redis", url: redisUrl(), keyPrefix: freshPrefix() } },
      limiters: { api: { ratePerSecond: 20, burst: 3 }, jobs: { maxConcurrent: 1 } },
    });
    instrument({ rateSync, meterProvider, ...(histograms && { histograms }) });
    collectMetrics({ rateSync, register });
    await Promise.all(Array.from({ length: 8 }, () => rateSync.tryAcquire("api")));
    await rateSync.acquire("api");
    const permit = await rateSync.acquire("jobs");
    const waiting = rateSync.acquire("jobs");
    await assert.rejects(rateSync.acquire("jobs", { timeoutMs: 5 }), RateLimitedError);
    await permit.release();
    const second = await waiting;
    const [found, json] = await Promise.all([read(), register.getMetricsAsJSON()]);
    for (const [, instrument] of ALL) {
      const { name, kind, description, unit } = instrument;
      const theirs = json.find((metric) => metric.name === prometheusName(instrument));
      const data = found.get(name);
      assert.equal(theirs?.help, description);
      const series = (theirs?.values ?? []) as { metricName?: string; labels: Record<string, string>; value: number }[];
      assert.equal(data === undefined, series.length === 0, name);
      if (data === undefined) continue;
      assert.deepEqual([data.descriptor.description, data.descriptor.unit], [description, unit]);
      if (kind === "histogram") {
        const { dataPoints } = data as HistogramMetricData;
        const ours = dataPoints.map(({ attributes, value: { count, sum } }) => [attributes, count, sum]);
        const counts = series.filter(({ metricName, value }) => metricName?.endsWith("_count") && value > 0);
        const sums = series.filter(({ metricName, value }) => metricName?.endsWith("_sum") && value > 0);
        assert.deepEqual(ours, counts.map(({ labels, value }, i) => [labels, value, sums[i]?.value]), name);
        assert.deepEqual(dataPoints[0]?.value.buckets.boundaries, instrument.buckets);
        const below = series.filter(({ metricName }) => metricName?.endsWith("_bucket"));
        const filled = below.filter(({ labels: { le: _, ...labels } }) =>
          ours.some(([own]) => isDeepStrictEqual(own, labels))
        );
        assert.deepEqual(
          dataPoints.flatMap(({ value }) => runningSums(value.buckets.counts)),
          filled.map(({ value }) => value),
        );
      } else {
        assert.deepEqual(
          data.dataPoints.map(({ attributes, value }) => [attributes, value]),
          series.map(({ labels, value }) => [labels, value]),
          name,
        );
      }
    }
    const { totalAcquisitions, denialsByReason, currentConcurrent } = rateSync.metrics("api");
    const requests = values(found.get("ratesync.requests"));
    assert.deepEqual([requests["api,allowed"], requests["api,denied,rate"]], [totalAcquisitions, denialsByReason.rate]);
    assert.deepEqual([totalAcquisitions, denialsByReason.rate, currentConcurrent], [4, 5, 0]);
    assert.deepEqual(values(found.get("ratesync.active_request_leases")), { api: 0, jobs: 1 });
    await second.release();
    await rateSync.resetAll();
    await close();
  }

  it("adds histograms of several instances up, and reports each value once with delta", async () => {
    const clock = new FakeClock();
    const histograms = histogramProducer({ temporality: "delta" });
    const { meterProvider, read, close } = sdk(histograms);
    const limiters = { api: { maxConcurrent: 2 } };
    const [one, two] = [createRateSync({ clock, limiters }), createRateSync({ clock, limiters })];
    for (const rateSync of [one, two]) instrument({ rateSync, meterProvider, histograms });
    instrument({ rateSync: two, meterProvider, histograms, attributes: { pool: "b" } });
    const hold = async (ms: number) => {
      const permits = await Promise.all([one.acquire("api"), two.acquire("api")]);
      await clock.advance(ms);
      for (const permit of permits) await permit.release();
      const data = (await read()).get("ratesync.request_lease.duration") as HistogramMetricData | undefined;
      const points = data?.dataPoints.map((
        { attributes, value },
      ) => [...Object.values(attributes), value.count, value.sum]);
      return { points, of: data?.aggregationTemporality };
    };
    const { DELTA } = AggregationTemporality;
    assert.deepEqual(await hold(2_000), { points: [["api", 2, 4], ["api", "b", 1, 2]], of: DELTA });
    assert.deepEqual(await hold(500), { points: [["api", 2, 1], ["api", "b", 1, 0.5]], of: DELTA });
    assert.equal((await read()).get("ratesync.request_lease.duration"), undefined, "nothing since");
    await Promise.all([one.close(), two.close(), close()]);
  });

  it("adds several instances up, and ends when that is asked", async () => {
    const { meterProvider, read, close } = sdk();
    const limiters = { api: { ratePerSecond: 100, burst: 100 } };
    const [one, two] = [createRateSync({ limiters }), createRateSync({ limiters })];
    const ends = [one, two].map((rateSync) => instrument({ rateSync, meterProvider }));
    const named = instrument({ rateSync: two, meterProvider, attributes: { pool: "b" } });
    await one.tryAcquire("api");
    await two.tryAcquire("api");
    const requests = values((await read()).get("ratesync.requests"));
    assert.deepEqual([requests["api,allowed"], requests["api,allowed,b"]], [2, 1]);
    for (const end of [...ends, named, named]) end();
    await one.tryAcquire("api");
    const later = await read();
    assert.deepEqual(values(later.get("ratesync.requests"))["api,allowed"] ?? 2, 2, "an SDK may repeat its last value");
    await Promise.all([one.close(), two.close(), close()]);
  });

  it("reports counters that only rise, also after a reset", async () => {
    const { meterProvider, read, close } = sdk();
    await using rateSync = createRateSync({ limiters: { api: { ratePerSecond: 100, burst: 100 } } });
    instrument({ rateSync, meterProvider });
    for (let i = 0; i < 5; i++) await rateSync.tryAcquire("api");
    assert.equal(values((await read()).get("ratesync.requests"))["api,allowed"], 5);
    await rateSync.reset("api");
    await rateSync.tryAcquire("api");
    assert.equal(values((await read()).get("ratesync.requests"))["api,allowed"], 6);
    assert.equal(values((await read()).get("ratesync.requests"))["api,allowed"], 6);
    await close();
  });

  it("makes a span of each wait, and of nothing else, below the span in which the call was made", async () => {
    context.setGlobalContextManager(new LocalContexts());
    const spans = new InMemorySpanExporter();
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
    const { meterProvider, close } = sdk();
    await using rateSync = createRateSync({
      stores: { main: { engine: "redis", url: redisUrl(), keyPrefix: freshPrefix() } },
      limiters: { jobs: { maxConcurrent: 1 } },
    });
    instrument({ rateSync, meterProvider, tracerProvider, attributes: { pool: "b" } });
    const tracer = tracerProvider.getTracer("test");
    const first = await rateSync.acquire("jobs");
    const calls = ["a", "b"].map((name) =>
      tracer.startActiveSpan(name, async (span) => {
        const permit = await rateSync.acquire("jobs");
        await rateSync.tryAcquire("jobs");
        await permit.release();
        span.end();
      })
    );
    const sinceMs = performance.now();
    while (rateSync.metrics("jobs").waiting < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    await first.release();
    await Promise.all(calls);
    const atMostS = (performance.now() - sinceMs) / 1_000 + 5;
    const finished = spans.getFinishedSpans();
    const waits = finished.filter(({ name }) => name === "ratesync.wait");
    const parents = waits.map(({ parentSpanContext }) => {
      return finished.find((span) => span.spanContext().spanId === parentSpanContext?.spanId)?.name;
    });
    assert.deepEqual(parents, ["a", "b"]);
    for (const { attributes, duration: [seconds, nanos] } of waits) {
      assert.deepEqual(attributes, { "ratesync.limiter": "jobs", "ratesync.result": "allowed", pool: "b" });
      assert.ok(seconds + nanos / 1e9 > 0 && seconds < atMostS, `${seconds} s ${nanos} ns`);
    }
    context.disable();
    await rateSync.resetAll();
    await Promise.all([tracerProvider.shutdown(), close()]);
  });

  it("takes the providers that are registered, which do nothing without an SDK", async () => {
    const clock = new FakeClock();
    await using rateSync = createRateSync({ clock, limiters: { api: { ratePerSecond: 1 } } });
    const end = instrument({ rateSync, tracerProvider: trace.getTracerProvider() });
    await rateSync.acquire("api");
    const waiting = rateSync.acquire("api");
    await clock.advance(1_000);
    await waiting;
    end();
  });

  it("refuses options that cannot be used", () => {
    const cases: [unknown, RegExp][] = [
      [{ meterProviders: 1 }, /meterProviders: .*"meterProvider"/],
      [{ meterProvider: {} }, /meterProvider: expected a MeterProvider, received an object/],
      [{ tracerProvider: 1 }, /tracerProvider: expected a TracerProvider, received 1/],
      [{ rateSync: 1 }, /rateSync: expected an instance, of createRateSync, received 1/],
      [{ histograms: { collect() {} } }, /histograms: expected a producer, of histogramProducer, received an object/],
      [{ attributes: null }, /attributes: expected an object of strings, received null/],
    ];
    for (const [options, message] of cases) {
      assert.throws(() => instrument(options as InstrumentOptions), { code: "CONFIG_INVALID", message });
    }
    const temporality = { temporality: "deltas" } as unknown as HistogramProducerOptions;
    const message = /temporality: expected "cumulative" or "delta", received "deltas"/;
    assert.throws(() => histogramProducer(temporality), { code: "CONFIG_INVALID", message });
  });
});

/** What applications take from `@opentelemetry/context-async-hooks`. */
class LocalContexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(active, () => fn.apply(thisArg, args));
  }

  bind<T>(_context: Context, target: T): T {
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    return this;
  }
}
