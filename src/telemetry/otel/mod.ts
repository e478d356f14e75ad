/**
 * Metrics and traces for OpenTelemetry, by `@opentelemetry/api` alone.
 *
 * @example After the SDK has started
 * ```ts
 * import { createRateSync } from "@ratesync/core";
 * import { instrument } from "@ratesync/core/otel";
 *
 * const rateSync = createRateSync({ limiters: { api: { ratePerSecond: 100 } } });
 * instrument({ rateSync });
 * ```
 *
 * @module
 */

import { type MeterProvider, metrics, type TracerProvider } from "@opentelemetry/api";

import { ConfigError } from "../../base/errors.ts";
import { show } from "../../base/text.ts";
import { rejectUnknownOptions } from "../../base/unknown_options.ts";
import type { Observer } from "../../observe/observer.ts";
import type { RateSync } from "../../registry/rate_sync.ts";
import { recordTo } from "../recorded.ts";
import { Source } from "../source.ts";
import { Meters } from "./meters.ts";
import { type HistogramProducer, histogramsOf } from "./producer.ts";
import { spansOf } from "./spans.ts";

export { type HistogramProducer, histogramProducer, type HistogramProducerOptions } from "./producer.ts";
export type { CollectedHistogram, CollectedHistograms, CollectedPoint, HistogramTemporality } from "./histograms.ts";

/** What is used of a `MeterProvider` of `@opentelemetry/api`. */
export interface ProviderOfMeters {
  /** Its meter of a name. */
  getMeter(name: string): unknown;
}

/** What is used of a `TracerProvider` of `@opentelemetry/api`. */
export interface ProviderOfTracers {
  /** Its tracer of a name. */
  getTracer(name: string): unknown;
}

/** What to instrument, and with what. */
export interface InstrumentOptions {
  /** The instance. @default the default instance */
  readonly rateSync?: RateSync;
  /**
   * Where metrics go.
   * @default the provider that is registered with `@opentelemetry/api` at the time of the call
   */
  readonly meterProvider?: ProviderOfMeters;
  /**
   * Where spans go: one for each call that has waited, from its beginning to its end, below the span that was active when
   * it was made. `trace.getTracerProvider()` of `@opentelemetry/api` is the registered one.
   * @default no spans
   */
  readonly tracerProvider?: ProviderOfTracers;
  /**
   * What counts the histograms in place of the SDK: a producer of `histogramProducer()`, which a reader of the SDK has among
   * its `metricProducers`. A value then costs a call a small part of what the `record()` of the SDK costs.
   * @default histograms of the `meterProvider`
   */
  readonly histograms?: HistogramProducer;
  /**
   * Attributes of all of its metrics and spans, to tell several instances of a process apart. Without any, their values
   * add up.
   * @default none
   */
  readonly attributes?: Readonly<Record<string, string>>;
}

const meters = new WeakMap<ProviderOfMeters, Meters>();

/**
 * Reports the metrics of an instance to OpenTelemetry, and with a `tracerProvider` its waits as spans.
 *
 * @returns Ends that.
 * @throws {ConfigError} If an option is unknown or cannot be used.
 */
export function instrument(options: InstrumentOptions = {}): () => void {
  rejectUnknownOptions(options, ["rateSync", "meterProvider", "tracerProvider", "histograms", "attributes"]);
  const { rateSync, meterProvider = metrics.getMeterProvider(), tracerProvider, histograms, attributes = {} } = options;
  if (typeof meterProvider?.getMeter !== "function") fail("meterProvider", "a MeterProvider", meterProvider);
  if (tracerProvider !== undefined && typeof tracerProvider?.getTracer !== "function") {
    fail("tracerProvider", "a TracerProvider", tracerProvider);
  }
  const counted = histograms === undefined ? undefined : histogramsOf(histograms);
  if (histograms !== undefined && counted === undefined) {
    fail("histograms", "a producer, of histogramProducer", histograms);
  }
  if (typeof attributes !== "object" || attributes === null || Array.isArray(attributes)) {
    fail("attributes", "an object of strings", attributes);
  }
  const known = meters.get(meterProvider) ?? new Meters(meterProvider as MeterProvider);
  meters.set(meterProvider, known);
  const recorded = recordTo((id, own) => (counted ?? known).open(id, { ...own, ...attributes }));
  const spans = tracerProvider === undefined ? undefined : spansOf(tracerProvider as TracerProvider, attributes);
  const source = new Source(rateSync, spans === undefined ? recorded : both(recorded, spans));
  const remove = known.add({ source, attributes });
  return () => {
    source.stop();
    remove();
  };
}

/** What is recorded, and spans of waits. */
function both(recorded: Observer, spans: Required<Pick<Observer, "begun" | "dequeued">>): Observer {
  return {
    ...recorded,
    begun: spans.begun,
    dequeued(...call) {
      recorded.dequeued?.(...call);
      spans.dequeued(...call);
    },
  };
}

function fail(path: string, expected: string, received: unknown): never {
  throw new ConfigError({ path, expected, received: show(received) });
}
