/**
 * From what happens in an instance to values of histograms.
 *
 * @module
 */

import type { Observer, WaitOutcome } from "../observe/observer.ts";
import type { InstrumentId } from "./instruments.ts";
import type { Attributes } from "./readings.ts";

/** Takes the values of one series of a histogram. */
export type Recording = (value: number) => void;

/** Begins a series of a histogram. */
export type OpenSeries = (id: InstrumentId, attributes: Attributes) => Recording;

/** An observer that records durations, in seconds, and sizes. Each series is opened once: permits come by the million. */
export function recordTo(open: OpenSeries): Observer {
  const leases = new Map<string, Recording>();
  const stores = new Map<string, Record<"answered" | "failed" | "requests", Recording>>();
  const waits = new Map<string, Map<WaitOutcome, Recording>>();
  const storeOf = (store: string) => {
    const answered = open("storeCalls", { store, result: "answered" });
    return { answered, failed: open("storeCalls", { store, result: "failed" }), requests: open("batches", { store }) };
  };
  return {
    dequeued(limiter, result, waitedMs) {
      const outcomes = known(waits, limiter, () => new Map<WaitOutcome, Recording>());
      known(outcomes, result, () => open("timeInQueue", { limiter, result }))(waitedMs / 1_000);
    },
    released: (limiter, heldMs) => known(leases, limiter, () => open("leaseDuration", { limiter }))(heldMs / 1_000),
    storeCalled(store, requests, durationMs, isFailed) {
      const series = known(stores, store, () => storeOf(store));
      (isFailed ? series.failed : series.answered)(durationMs / 1_000);
      series.requests(requests);
    },
  };
}

function known<Key, Value>(all: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = all.get(key);
  if (value === undefined) all.set(key, value = make());
  return value;
}
