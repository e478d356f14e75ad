/**
 * The metrics of all instances that share a registry, as objects that `prom-client` reads.
 *
 * @module
 */

import { inMicrotask } from "../../base/turn.ts";
import { Histogram } from "../../observe/histogram.ts";
import { ALL, type Instrument, type InstrumentId, prometheusName } from "../instruments.ts";
import type { Collector, Labels } from "./collector.ts";

/** A value of a metric, as `prom-client` has it. */
export interface ScrapedValue {
  /** The value. */
  readonly value: number;
  /** Its labels. */
  readonly labels: Labels;
  /** Its name, where that is not the name of the metric. */
  readonly metricName?: string;
}

/** What `prom-client` uses of a metric. */
export interface ScrapedMetric {
  /** Its name; `prom-client` changes it where it writes OpenMetrics. */
  name: string;
  /** What it says. */
  readonly help: string;
  /** Its type in Prometheus. */
  readonly type: "counter" | "gauge" | "histogram";
  /** How values of several processes of a `cluster` become one. */
  readonly aggregator: "sum" | "max";
  /** The metric with its values. */
  get(): Promise<Omit<ScrapedMetric, "get" | "reset"> & { readonly values: readonly ScrapedValue[] }>;
  /** Begins anew what is counted for the registry. */
  reset(): void;
}

/** The metrics in one registry. */
export class Scrape {
  /** The instances. */
  readonly collectors: Set<Collector> = new Set<Collector>();
  /** The metrics. */
  readonly metrics: readonly ScrapedMetric[] = ALL.map(([id, instrument]) => this.#metric(id, instrument));
  #values: ReadonlyMap<InstrumentId, readonly ScrapedValue[]> | undefined;

  #metric(id: InstrumentId, instrument: Instrument): ScrapedMetric {
    const { kind, description } = instrument;
    const metric: ScrapedMetric = {
      name: prometheusName(instrument),
      help: description,
      type: kind === "updown" ? "gauge" : kind,
      aggregator: kind === "gauge" ? "max" : "sum",
      get: () => {
        const values = kind === "histogram" ? this.#histogram(id, metric.name) : this.#read().get(id) ?? [];
        const { name, help, type, aggregator } = metric;
        return Promise.resolve({ name, help, type, aggregator, values });
      },
      reset: () => {
        for (const collector of this.collectors) collector.reset();
      },
    };
    return metric;
  }

  /** All values. The registry asks for all metrics in one turn, so they are of one moment. */
  #read(): ReadonlyMap<InstrumentId, readonly ScrapedValue[]> {
    if (this.#values !== undefined) return this.#values;
    inMicrotask(() => this.#values = undefined);
    const kinds = new Map(ALL.map(([id, { kind }]) => [id, kind]));
    const found = new Map<InstrumentId, Map<string, ScrapedValue>>();
    for (const collector of this.collectors) {
      for (const { id, value, labels } of collector.read()) {
        let values = found.get(id);
        if (values === undefined) found.set(id, values = new Map());
        const name = nameOf(labels);
        const before = values.get(name)?.value;
        const together = before === undefined
          ? value
          : kinds.get(id) === "gauge"
          ? Math.max(before, value)
          : before + value;
        values.set(name, { value: together, labels });
      }
    }
    return this.#values = new Map([...found].map(([id, values]) => [id, [...values.values()]]));
  }

  #histogram(id: InstrumentId, name: string): ScrapedValue[] {
    const found = new Map<string, { readonly labels: Labels; readonly histogram: Histogram }>();
    for (const collector of this.collectors) {
      for (const { id: other, labels, histogram } of collector.histograms) {
        if (other !== id) continue;
        let sum = found.get(nameOf(labels));
        if (sum === undefined) {
          sum = { labels, histogram: new Histogram(histogram.bounds) };
          found.set(nameOf(labels), sum);
        }
        sum.histogram.merge(histogram);
      }
    }
    return [...found.values()].flatMap(({ labels, histogram }) => valuesOf(name, labels, histogram));
  }
}

function valuesOf(name: string, labels: Labels, { bounds, counts, sum, count }: Histogram): ScrapedValue[] {
  let below = 0;
  const buckets = bounds.map((bound, bucket) => {
    below += counts[bucket] as number;
    return { metricName: `${name}_bucket`, value: below, labels: { le: String(bound), ...labels } };
  });
  return [
    ...buckets,
    { metricName: `${name}_bucket`, value: count, labels: { le: "+Inf", ...labels } },
    { metricName: `${name}_sum`, value: sum, labels },
    { metricName: `${name}_count`, value: count, labels },
  ];
}

/** Tells labels apart. */
function nameOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort());
}
