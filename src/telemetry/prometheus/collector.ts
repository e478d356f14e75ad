/**
 * The metrics of one instance, as Prometheus has them.
 *
 * @module
 */

import { Histogram } from "../../limiter/observe/histogram.ts";
import type { RateSync } from "../../registry/rate_sync.ts";
import { type InstrumentId, INSTRUMENTS } from "../instruments.ts";
import type { Attributes, Reading } from "../readings.ts";
import { recordTo } from "../recorded.ts";
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
  readonly #histograms = new Map<string, HistogramReading>();

  constructor(rateSync: RateSync | undefined, labels: Labels) {
    this.#labels = labels;
    this.#source = new Source(rateSync, recordTo((...value) => this.#record(...value)));
  }

  /** Its values at this moment, with their labels. */
  read(): (Omit<Reading, "attributes"> & { readonly labels: Labels })[] {
    return this.#source.read().map(({ id, value, attributes }) => {
      return { id, value, labels: { ...attributes, ...this.#labels } };
    });
  }

  /** Its histograms. */
  get histograms(): Iterable<HistogramReading> {
    return this.#histograms.values();
  }

  /** Begins anew what it has recorded. */
  reset(): void {
    this.#histograms.clear();
    this.#source.reset();
  }

  /** Collects no longer. */
  stop(): void {
    this.#source.stop();
  }

  #record(id: InstrumentId, value: number, attributes: Attributes): void {
    const name = `${id} ${Object.values(attributes).join("\n")}`;
    let known = this.#histograms.get(name);
    if (known === undefined) {
      const { buckets = [] } = INSTRUMENTS[id];
      known = { id, labels: { ...attributes, ...this.#labels }, histogram: new Histogram(buckets) };
      this.#histograms.set(name, known);
    }
    known.histogram.add(value);
  }
}
