/**
 * Decides in its own memory while it is observed, for `observe.ts`. Its arguments: who observes, and whether calls are
 * allowed, denied, or take or release a permit.
 *
 * @module
 */

import process from "node:process";

import type { MetricProducer } from "@opentelemetry/sdk-metrics";
import { createRateSync, type Limiter, type Permit, type RateSync } from "@ratesync/core";

import { type Contender, inFlight } from "./_load.ts";
import { around, userKeys } from "./_names.ts";
import { HOUR_MS } from "./_ours.ts";

const keys = userKeys(1_000);

/** How many permits are taken before they are released: so few that the collection of garbage has little to copy. */
const HELD = 500;

/** Begins to observe. What it returns is called after each release. */
const OBSERVERS: Readonly<Record<string, (rateSync: RateSync) => unknown>> = {
  none() {},
  hitters: (rateSync) => void rateSync.heavyHitters("api"),
  async prometheus(rateSync) {
    const [{ collectMetrics }, { Registry }] = await Promise.all([
      import("@ratesync/core/prometheus"),
      import("prom-client"),
    ]);
    collectMetrics({ rateSync, register: new Registry() });
  },
  async otel(rateSync) {
    const { instrument } = await import("@ratesync/core/otel");
    instrument({ rateSync, meterProvider: await newProvider() });
  },
  async counted(rateSync) {
    const { histogramProducer, instrument } = await import("@ratesync/core/otel");
    const histograms = histogramProducer();
    instrument({ rateSync, histograms, meterProvider: await newProvider([histograms]) });
  },
  async sdk() {
    const histogram = (await newProvider()).getMeter("bench").createHistogram("held", { unit: "s" });
    const attributes = { limiter: "api" };
    return () => histogram.record(0.1, attributes);
  },
};

/** Opens one. */
export async function open([observer = "", outcome = ""]: readonly string[]): Promise<Contender> {
  const holds = outcome === "taken" || outcome === "released";
  const limit = outcome === "denied" ? 1 : 1_000_000_000;
  const rates = { algorithm: "fixed_window", limit, windowMs: HOUR_MS } as const;
  const rateSync = createRateSync({ limiters: { api: holds ? { maxConcurrent: HELD } : rates } });
  if (!holds) { for (const key of keys) await rateSync.tryAcquire("api", { key }); }
  const after = await OBSERVERS[observer]?.(rateSync);
  const limiter = rateSync.limiter("api");
  if (holds) return permits(observer, limiter, outcome, typeof after === "function" ? after as () => void : undefined);
  return inFlight(observer, { lanes: 1, call: (i) => limiter.tryAcquire({ key: around(keys, i) }) });
}

/** Takes permits and releases them, and measures one of both. `after` is called after each release. */
function permits(name: string, limiter: Limiter, measured: "taken" | "released", after?: () => void): Contender {
  return {
    name,
    least: 1,
    commands: [],
    async round(calls) {
      let [ownUs, ms] = [0, 0];
      for (let done = 0; done < calls; done += HELD) {
        const held: Permit[] = [];
        const count = Math.min(calls - done, HELD);
        const [taken, released] = [
          await measure(async () => {
            for (let i = 0; i < count; i++) held.push(await limiter.acquire({ key: around(keys, i) }));
          }),
          await measure(async () => {
            for (const permit of held) {
              await permit.release();
              after?.();
            }
          }),
        ];
        ownUs += measured === "taken" ? taken.ownUs : released.ownUs;
        ms += taken.ms + released.ms;
      }
      return { calls, ms, ownUs, latenciesUs: [] };
    },
    close: () => Promise.resolve(),
  };
}

async function measure(act: () => Promise<void>): Promise<{ readonly ownUs: number; readonly ms: number }> {
  const [startMs, before] = [performance.now(), process.cpuUsage()];
  await act();
  const { user, system } = process.cpuUsage(before);
  return { ownUs: user + system, ms: performance.now() - startMs };
}

async function newProvider(metricProducers: MetricProducer[] = []) {
  const sdk = await import("@opentelemetry/sdk-metrics");
  // Without a reader, the SDK drops what histograms record.
  const exporter = new sdk.InMemoryMetricExporter(sdk.AggregationTemporality.CUMULATIVE);
  const reader = new sdk.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000, metricProducers });
  return new sdk.MeterProvider({ readers: [reader] });
}
