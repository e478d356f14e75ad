/**
 * From what happens in an instance to values of histograms.
 *
 * @module
 */

import type { Observer } from "../limiter/observe/observer.ts";
import type { InstrumentId } from "./instruments.ts";
import type { Attributes } from "./readings.ts";

/** Takes a value of a histogram. */
export type RecordValue = (id: InstrumentId, value: number, attributes: Attributes) => void;

/** An observer that passes on durations, in seconds, and sizes. */
export function recordTo(record: RecordValue): Observer {
  return {
    dequeued: (limiter, result, waitedMs) => record("timeInQueue", waitedMs / 1_000, { limiter, result }),
    released: (limiter, heldMs) => record("leaseDuration", heldMs / 1_000, { limiter }),
    storeCalled(store, requests, durationMs, isFailed) {
      record("storeCalls", durationMs / 1_000, { store, result: isFailed ? "failed" : "answered" });
      record("batches", requests, { store });
    },
  };
}
