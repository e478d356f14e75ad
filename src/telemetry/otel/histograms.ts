/**
 * Histograms that the package counts itself, for readers of an SDK to collect.
 *
 * @module
 */

import { systemClock, wallMs } from "../../base/clock.ts";
import { Histogram } from "../../observe/histogram.ts";
import { ALL, type InstrumentId, INSTRUMENTS } from "../instruments.ts";
import type { Attributes } from "../readings.ts";
import type { Recording } from "../recorded.ts";

/**
 * Which values a collection has.
 *
 * - `cumulative`: All values since the beginning.
 * - `delta`: The values since the collection before.
 */
export type HistogramTemporality = "cumulative" | "delta";

/** One series of a histogram, as `@opentelemetry/sdk-metrics` has it. */
export interface CollectedPoint {
  /** When its values began, in seconds since the Unix epoch and nanoseconds. */
  readonly startTime: [number, number];
  /** When it was collected, in the same units. */
  readonly endTime: [number, number];
  /** What it is about. */
  readonly attributes: Readonly<Record<string, string>>;
  /** How many values fell into each bucket, and their sum. */
  readonly value: {
    readonly buckets: { boundaries: number[]; counts: number[] };
    readonly sum: number;
    readonly count: number;
  };
}

/** A histogram, as `@opentelemetry/sdk-metrics` has it. */
export interface CollectedHistogram {
  /** Its name, and what it says. */
  readonly descriptor: {
    readonly name: string;
    readonly description: string;
    readonly unit: string;
    /** `ValueType.DOUBLE` of `@opentelemetry/api`. */
    readonly valueType: 1;
    /** `InstrumentType.HISTOGRAM`, which versions of the SDK before 2 expect. */
    readonly type: never;
  };
  /** `AggregationTemporality` of the SDK: 0 for `delta`, 1 for `cumulative`. */
  readonly aggregationTemporality: 0 | 1;
  /** `DataPointType.HISTOGRAM` of the SDK. */
  readonly dataPointType: 0;
  /** Its series. */
  readonly dataPoints: CollectedPoint[];
}

/** What a collection has found, as `@opentelemetry/sdk-metrics` has it. */
export interface CollectedHistograms {
  /** The histograms that have values. */
  readonly resourceMetrics: {
    /** Not used: the SDK reports its own resource. */
    readonly resource: never;
    /** The histograms, below the name of the package. */
    readonly scopeMetrics: { readonly scope: { readonly name: string }; readonly metrics: CollectedHistogram[] }[];
  };
  /** Always empty. */
  readonly errors: unknown[];
}

/** A series, and since when it has the values that it has. */
interface Series {
  readonly attributes: Readonly<Record<string, string>>;
  readonly histogram: Histogram;
  startTime: [number, number];
}

/** The histograms of all instances that record to them. Memory is bounded by the limiters and stores that there were. */
export class Histograms {
  readonly #temporality: HistogramTemporality;
  readonly #series = new Map<InstrumentId, Map<string, Series>>();

  constructor(temporality: HistogramTemporality) {
    this.#temporality = temporality;
  }

  /** A series of a histogram. Those of several instances with the same attributes are one. */
  open(id: InstrumentId, attributes: Attributes): Recording {
    let all = this.#series.get(id);
    if (all === undefined) this.#series.set(id, all = new Map());
    const name = JSON.stringify(attributes);
    let series = all.get(name);
    if (series === undefined) {
      const histogram = new Histogram(INSTRUMENTS[id].buckets ?? []);
      all.set(name, series = { attributes, histogram, startTime: now() });
    }
    const { histogram } = series;
    return (value) => histogram.add(value);
  }

  /** The series that have values. */
  collect(): CollectedHistograms {
    const endTime = now();
    const metrics = ALL.flatMap(([id, { name, description, unit }]): CollectedHistogram[] => {
      const dataPoints = [...this.#series.get(id)?.values() ?? []].flatMap((series) => this.#point(series, endTime));
      if (dataPoints.length === 0) return [];
      const descriptor: CollectedHistogram["descriptor"] = {
        name,
        description,
        unit,
        valueType: 1,
        type: "HISTOGRAM" as never,
      };
      const aggregationTemporality = this.#temporality === "delta" ? 0 : 1;
      return [{ descriptor, aggregationTemporality, dataPointType: 0, dataPoints }];
    });
    const scopeMetrics = metrics.length === 0 ? [] : [{ scope: { name: "@ratesync/core" }, metrics }];
    return { resourceMetrics: { resource: {} as never, scopeMetrics }, errors: [] };
  }

  #point(series: Series, endTime: [number, number]): CollectedPoint[] {
    const { attributes, histogram, startTime } = series;
    const { bounds, counts, sum, count } = histogram;
    const buckets = { boundaries: [...bounds], counts: [...counts] };
    if (this.#temporality === "delta") {
      histogram.reset();
      series.startTime = endTime;
    }
    return count === 0 ? [] : [{ startTime, endTime, attributes, value: { buckets, sum, count } }];
  }
}

function now(): [number, number] {
  const ms = wallMs(systemClock);
  return [Math.floor(ms / 1_000), Math.round(ms % 1_000 * 1e6)];
}
