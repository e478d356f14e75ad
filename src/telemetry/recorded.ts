/**
 * From what happens in an instance to values of the metrics that are recorded: histograms, and denials by limit.
 *
 * @module
 */

import type { Observer } from "../limiter/observe/observer.ts";
import type { InstrumentId } from "./instruments.ts";
import type { Attributes } from "./readings.ts";

/** Takes a value of a histogram, or an increment of a counter. */
export type RecordValue = (id: InstrumentId, value: number, attributes: Attributes) => void;

/** An observer that passes on durations in seconds, sizes, and denials. */
export function recordTo(record: RecordValue): Observer {
  return {
    decided(limiter, _key, { allowed, deniedBy }) {
      // Of a call over several limiters, each is told: the one that has denied counts it.
      if (allowed || deniedBy?.limiter !== limiter) return;
      record("denials", 1, { limiter, rule: deniedBy.rule, key_class: deniedBy.keyClass });
    },
    dequeued: (limiter, result, waitedMs) => record("timeInQueue", waitedMs / 1_000, { limiter, result }),
    released: (limiter, heldMs) => record("leaseDuration", heldMs / 1_000, { limiter }),
    storeCalled(store, requests, durationMs, isFailed) {
      record("storeCalls", durationMs / 1_000, { store, result: isFailed ? "failed" : "answered" });
      record("batches", requests, { store });
    },
  };
}
