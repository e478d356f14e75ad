/**
 * The metrics of one instance, as Prometheus has them.
 *
 * @module
 */

import { Histogram } from "../../observe/histogram.ts";
import type { RateSync } from "../../registry/rate_sync.ts";
import { type InstrumentId, INSTRUMENTS } from "../instruments.ts";
import type { Attributes, Reading } from "../readings.ts";
import { type Recording, recordTo } from "../recorded.ts";
import { Source } from "../source.ts";

/** The labels of a value. */
export type Labels = Readonly<Record<string, string>>;

/** A histogram of a metric. */
export interface HistogramReading {
  /** Which metric. */
  readonly id: InstrumentId;
  /** What it is about. */
  readonly labels: Labels;
  /** Its values. */
  readonly histogram: Histogram;
}

/** Collects from one instance. */
export class Collector {
  readonly #labels: Labels;
  readonly #source: Source;
  readonly #histograms: HistogramReading[] = [];

  constructor(rateSync: RateSync | undefined, labels: Labels) {
    this.#labels = labels;
    this.#source = new Source(rateSync, recordTo((...series) => this.#open(...series)));
  }

  /** Its values at this moment, with their labels. */
  read(): (Omit<Reading, "attributes"> & { readonly labels: Labels })[] {
    return this.#source.read().map(({ id, value, attributes }) => {
      return { id, value, labels: { ...attributes, ...this.#labels } };
    });
  }

  /** Its histograms. */
  get histograms(): readonly HistogramReading[] {
    return this.#histograms;
  }

  /** Begins anew what it has recorded. */
  reset(): void {
    for (const { histogram } of this.#histograms) histogram.reset();
    this.#source.reset();
  }

  /** Collects no longer. */
  stop(): void {
    this.#source.stop();
  }

  #open(id: InstrumentId, attributes: Attributes): Recording {
    const { buckets = [] } = INSTRUMENTS[id];
    const series = { id, labels: { ...attributes, ...this.#labels }, histogram: new Histogram(buckets) };
    this.#histograms.push(series);
    return (value) => series.histogram.add(value);
  }
}
