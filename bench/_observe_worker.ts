/**
 * Decides in its own memory while it is observed, for `observe.ts`. Its arguments: who observes, and whether calls are
 * allowed, denied, or take a permit and release it.
 *
 * @module
 */

import { createRateSync, type RateSync } from "@ratesync/core";

import { type Contender, inFlight } from "./_load.ts";
import { around, userKeys } from "./_names.ts";
import { HOUR_MS } from "./_ours.ts";

const keys = userKeys(1_000);

const OBSERVERS: Readonly<Record<string, (rateSync: RateSync) => void | Promise<void>>> = {
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
    const [{ instrument }, sdk] = await Promise.all([
      import("@ratesync/core/otel"),
      import("@opentelemetry/sdk-metrics"),
    ]);
    // Without a reader, the SDK drops what histograms record.
    const exporter = new sdk.InMemoryMetricExporter(sdk.AggregationTemporality.CUMULATIVE);
    const reader = new sdk.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 });
    instrument({ rateSync, meterProvider: new sdk.MeterProvider({ readers: [reader] }) });
  },
};

/** Opens one. */
export async function open([observer = "", outcome = ""]: readonly string[]): Promise<Contender> {
  const limit = outcome === "denied" ? 1 : 1_000_000_000;
  const rates = { algorithm: "fixed_window", limit, windowMs: HOUR_MS } as const;
  const rateSync = createRateSync({ limiters: { api: outcome === "permit" ? { maxConcurrent: 10 } : rates } });
  if (outcome !== "permit") { for (const key of keys) await rateSync.tryAcquire("api", { key }); }
  await OBSERVERS[observer]?.(rateSync);
  const limiter = rateSync.limiter("api");
  return inFlight(observer, {
    lanes: 1,
    call: outcome === "permit"
      ? async (i) => await (await limiter.acquire({ key: around(keys, i) })).release()
      : (i) => limiter.tryAcquire({ key: around(keys, i) }),
  });
}
