/**
 * Calls through a fault of PostgreSQL, and what became of them.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync } from "../../../../mod.ts";
import type { PostgresStoreOptions } from "../../../../src/stores/postgres/options.ts";
import { until } from "../../redis/_servers.ts";

const HOUR_MS = 3_600_000;
const PLENTY = 1_000_000;
/** How many callers there are. Each has one call under way at a time. */
const LANES = 16;
/** How long a decision may take. */
export const DECISION_MS = 500;

/** What became of the calls. */
export interface Outcome {
  /** Calls that PostgreSQL allowed, of buckets and of windows. */
  readonly allowed: number;
  /** Calls that the failure policy denied, because PostgreSQL did not decide. */
  readonly failed: number;
  /** What PostgreSQL has counted in the end. */
  readonly charged: number;
  /** Units that were allowed at the latest half a second before the fault began. */
  readonly settled: number;
  /** The longest decision, in milliseconds. */
  readonly longestMs: number;
  /** From the end of the fault until calls are decided again, in milliseconds. */
  readonly recoveryMs: number;
  /** Why calls failed, each reason once, in order. */
  readonly reasons: readonly string[];
}

/** Lets a fault happen in the midst of traffic, on a window and a bucket that no time restores. */
export async function suffer(store: PostgresStoreOptions, fault: () => Promise<void>): Promise<Outcome> {
  const limiters = {
    window: { algorithm: "fixed_window", limit: PLENTY, windowMs: HOUR_MS, denyCacheMs: 0 },
    bucket: { ratePerSecond: 0.01, burst: PLENTY, denyCacheMs: 0 },
  } as const;
  const failures = { onStoreError: "deny", decisionTimeoutMs: DECISION_MS } as const;
  await using rs = createRateSync({
    stores: { main: { engine: "postgres", ...store, ...failures } },
    limiters,
    logger: false,
  });
  await rs.connect();
  const reasons = new Set<string>();
  rs.subscribeStores((event) => "error" in event && event.error?.reason && reasons.add(event.error.reason));
  let [allowed, failed, longestMs, lastMs, settled] = [0, 0, 0, 0, 0];
  let isOver = false;
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    while (!isOver) {
      const startMs = performance.now();
      const decision = await rs.tryAcquire(lane % 2 === 0 ? "window" : "bucket");
      const endMs = performance.now();
      longestMs = Math.max(longestMs, endMs - startMs);
      if (decision.allowed) {
        allowed++;
        lastMs = endMs;
      } else failed++;
      await sleep(2);
    }
  });
  await sleep(150);
  settled = allowed;
  await sleep(800);
  await fault();
  const healedMs = performance.now();
  await until(() => lastMs > healedMs, 15_000);
  const recoveryMs = lastMs - healedMs;
  await sleep(200);
  isOver = true;
  await Promise.all(lanes);
  let charged = 0;
  for (const limiter of ["window", "bucket"] as const) {
    await until(async () => {
      const { remaining, degraded } = await rs.peek(limiter);
      if (!degraded) charged += PLENTY - remaining;
      return !degraded;
    });
  }
  return { allowed, failed, charged, settled, longestMs, recoveryMs, reasons: [...reasons] };
}
