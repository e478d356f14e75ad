/**
 * The metrics of all instances that report to one provider.
 *
 * @module
 */

import type { BatchObservableResult, Histogram, Meter, MeterProvider, Observable } from "@opentelemetry/api";

import { ALL, type Instrument, type InstrumentId } from "../instruments.ts";
import type { Attributes } from "../readings.ts";
import type { Recording } from "../recorded.ts";
import type { Source } from "../source.ts";

/** An instance with attributes of its own. */
export interface Metered {
  /** The instance. */
  readonly source: Source;
  /** Its attributes. */
  readonly attributes: Attributes | Readonly<Record<string, string>>;
}

/** A value with its attributes, and what it was at the last collection. */
interface Series {
  readonly attributes: Readonly<Record<string, string>>;
  value: number;
  last: number;
  /** What was counted before the counts began anew. */
  before: number;
}

/** The instruments of a meter. */
export class Meters {
  readonly #meter: Meter;
  readonly #all = new Set<Metered>();
  readonly #observed = new Map<InstrumentId, Observable>();
  readonly #histograms = new Map<InstrumentId, Histogram>();
  readonly #kinds = new Map<InstrumentId, Instrument["kind"]>();
  readonly #counters = new Map<string, Series>();
  readonly #callback = (result: BatchObservableResult): void => this.#report(result);

  constructor(provider: MeterProvider) {
    this.#meter = provider.getMeter("@ratesync/core");
    for (const [id, instrument] of ALL) {
      this.#kinds.set(id, instrument.kind);
      if (instrument.kind === "histogram") this.#histograms.set(id, this.#histogram(instrument));
      else this.#observed.set(id, this.#observable(instrument));
    }
  }

  /** Adds an instance. Returns how to remove it. */
  add(metered: Metered): () => void {
    if (this.#all.size === 0) this.#meter.addBatchObservableCallback(this.#callback, [...this.#observed.values()]);
    this.#all.add(metered);
    return () => {
      if (!this.#all.delete(metered) || this.#all.size > 0) return;
      this.#meter.removeBatchObservableCallback(this.#callback, [...this.#observed.values()]);
    };
  }

  /** A series of a histogram. */
  open(id: InstrumentId, attributes: Attributes): Recording {
    const histogram = this.#histograms.get(id);
    return (value) => histogram?.record(value, attributes);
  }

  #histogram({ name, description, unit, buckets = [] }: Instrument): Histogram {
    return this.#meter.createHistogram(name, {
      description,
      unit,
      advice: { explicitBucketBoundaries: [...buckets] },
    });
  }

  #observable({ name, kind, description, unit }: Instrument): Observable {
    const options = { description, unit };
    if (kind === "counter") return this.#meter.createObservableCounter(name, options);
    if (kind === "updown") return this.#meter.createObservableUpDownCounter(name, options);
    return this.#meter.createObservableGauge(name, options);
  }

  #report(result: BatchObservableResult): void {
    const found = new Map<InstrumentId, Map<string, Series>>();
    for (const { source, attributes: more } of this.#all) {
      for (const { id, value, attributes: own } of source.read()) {
        const attributes = { ...own, ...more };
        const name = JSON.stringify(attributes);
        let series = found.get(id);
        if (series === undefined) found.set(id, series = new Map());
        const known = series.get(name);
        if (known === undefined) series.set(name, { attributes, value, last: 0, before: 0 });
        else known.value = this.#kinds.get(id) === "gauge" ? Math.max(known.value, value) : known.value + value;
      }
    }
    for (const [id, series] of found) {
      for (const [name, { attributes, value }] of series) {
        const reported = this.#kinds.get(id) === "counter" ? this.#rising(`${id} ${name}`, attributes, value) : value;
        result.observe(this.#observed.get(id) as Observable, reported, attributes);
      }
    }
  }

  /** Counters of OpenTelemetry only rise. Those of a limiter begin anew when it is reset. */
  #rising(name: string, attributes: Series["attributes"], value: number): number {
    let series = this.#counters.get(name);
    if (series === undefined) this.#counters.set(name, series = { attributes, value, last: 0, before: 0 });
    if (value < series.last) series.before += series.last;
    series.last = value;
    return series.before + value;
  }
}
