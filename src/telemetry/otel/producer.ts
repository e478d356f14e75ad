/**
 * The histograms of the package as a `MetricProducer` of `@opentelemetry/sdk-metrics`.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { listWords, show } from "../../base/text.ts";
import { rejectUnknownOptions } from "../../base/unknown_options.ts";
import { type CollectedHistograms, Histograms, type HistogramTemporality } from "./histograms.ts";

const TEMPORALITIES: readonly HistogramTemporality[] = ["cumulative", "delta"];

/** How histograms are collected. */
export interface HistogramProducerOptions {
  /**
   * Which values a collection has. It must be what your exporter sends: see `temporalityPreference` of OTLP exporters.
   * @default {"cumulative"}
   */
  readonly temporality?: HistogramTemporality;
}

/** Histograms that readers of an SDK collect: a `MetricProducer` of `@opentelemetry/sdk-metrics`. */
export interface HistogramProducer {
  /** The histograms that have values. The reader calls it. */
  collect(): Promise<CollectedHistograms>;
}

const known = new WeakMap<HistogramProducer, Histograms>();

/**
 * Makes a producer of histograms. Pass it to a reader of your SDK, as one of its `metricProducers`, and to `instrument()`.
 * The package then counts these values itself, which takes a small part of the time of the `record()` of the SDK. The
 * buckets are those that the page of metrics lists, also where a view of the SDK says otherwise. A producer may serve
 * several readers; one with `delta` serves one reader.
 *
 * @throws {ConfigError} If an option is unknown or cannot be used.
 */
export function histogramProducer(options: HistogramProducerOptions = {}): HistogramProducer {
  rejectUnknownOptions(options, ["temporality"]);
  const { temporality = "cumulative" } = options;
  if (!TEMPORALITIES.includes(temporality)) {
    throw new ConfigError({ path: "temporality", expected: listWords(TEMPORALITIES), received: show(temporality) });
  }
  const histograms = new Histograms(temporality);
  const producer = { collect: () => Promise.resolve(histograms.collect()) };
  known.set(producer, histograms);
  return producer;
}

/** What a producer collects from; undefined if it is none of `histogramProducer()`. */
export function histogramsOf(producer: HistogramProducer): Histograms | undefined {
  return known.get(producer);
}
