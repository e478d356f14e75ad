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
export const LANES = 16;
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
  /** The same in words. */
  readonly messages: readonly string[];
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
  const [reasons, messages] = [new Set<string>(), new Set<string>()];
  rs.subscribeStores((event) => {
    if (!("error" in event) || event.error?.reason === undefined) return;
    reasons.add(event.error.reason);
    messages.add(event.error.message);
  });
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
  return { allowed, failed, charged, settled, longestMs, recoveryMs, reasons: [...reasons], messages: [...messages] };
}

/** What became of the calls about some keys. */
export interface Answers {
  /** Calls that the failure policy decided. */
  failed: number;
  /** Calls that waited for a row, or as long as that. */
  slow: number;
}

/** Waits for a row end after 300 ms. */
const SLOW_MS = 250;

/** Calls about one key, and beside them about others, by buckets and windows, while `hold` does something to the one. */
export async function callsBeside(
  store: PostgresStoreOptions,
  hold: () => Promise<void>,
): Promise<{ readonly held: Answers; readonly others: Answers }> {
  const answers = { held: { failed: 0, slow: 0 }, others: { failed: 0, slow: 0 } };
  await using rs = createRateSync({
    stores: { main: { engine: "postgres", ...store } },
    limiters: {
      window: { algorithm: "fixed_window", limit: PLENTY, windowMs: HOUR_MS, denyCacheMs: 0 },
      bucket: { ratePerSecond: 100_000, burst: PLENTY, denyCacheMs: 0 },
    },
    logger: false,
  });
  await rs.connect();
  let [isOver, isHolding] = [false, false];
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    for (let i = 0; !isOver; i++) {
      const isHeld = lane % 4 < 2;
      const startMs = performance.now();
      const { degraded } = await rs.tryAcquire(lane % 2 === 0 ? "window" : "bucket", {
        key: isHeld ? "held" : `k${lane}:${i % 10}`,
      });
      const of = isHeld ? answers.held : answers.others;
      if (isHolding && performance.now() - startMs > SLOW_MS) of.slow++;
      if (degraded) of.failed++;
      await sleep(2);
    }
  });
  await sleep(500);
  isHolding = true;
  await hold();
  isHolding = false;
  await sleep(200);
  isOver = true;
  await Promise.all(lanes);
  return answers;
}
