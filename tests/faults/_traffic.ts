/**
 * Calls through the whole of a fault, and what became of them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import {
  createRateSync,
  type Decision,
  type LimiterOptions,
  type Permit,
  RateLimitedError,
  type RateSync,
} from "../../mod.ts";
import { createRedisStore } from "../../src/stores/redis/mod.ts";
import type { RedisStoreOptions } from "../../src/stores/redis/options.ts";
import type { Store } from "../../src/stores/store.ts";
import type { Entry } from "../_support/auditor/history.ts";
import { record } from "../_support/auditor/recorder.ts";
import { until } from "../stores/redis/_servers.ts";

const HOUR_MS = 3_600_000;

/** How long a decision may take. */
export const DECISION_MS = 500;

/** What comes on top on a machine that does other things too. */
export const SLACK_MS = 1_000;

/** How long a lease lasts, in milliseconds, where nothing else is said. */
export const LEASE_MS = 3_000;

/** How many units the limit has that is used up. */
export const TIGHT = 60;

/** The share that this process applies alone. */
export const SHARE = 0.25;

/** How many callers there are. Each has one call under way at a time. */
export const LANES = 20;

/** Which of them asks for units of the tight limit. */
const TIGHT_LANE = 0;

const PLENTY = 1_000_000;

/**
 * The limiters, whose state begins with the key prefix, a colon and their name. Of names with the same length, CRC16
 * would keep the slots apart.
 */
export const LIMITERS = ["plenty", "tight", "slot"] as const;

type Traffic = RateSync<typeof LIMITERS[number]>;

/** Where decisions are made while something goes wrong. */
export interface Place {
  /** What leads a store there: options of Redis, or what makes another one. */
  readonly store: RedisStoreOptions | (() => Store);
  /** How long a lease lasts there, in milliseconds. @default {LEASE_MS} */
  readonly leaseTtlMs?: number;
}

/**
 * What Redis forgets of what it has counted: nothing; what was under way when a primary went, because its replicas hear
 * of it after callers do; what was counted from the beginning of the fault on, until all is as before; or all, or any
 * part of it.
 */
export type Loss = "nothing" | "last writes" | "writes meanwhile" | "all";

/** One fault of such a place. */
export interface Fault<Where extends Place> {
  /** What it is called, in the table too. */
  readonly name: string;
  /** What is lost of what was counted. @default {"nothing"} */
  readonly loses?: Loss;
  /** Whether an operator has to correct the configuration, so that the log says so. @default {false} */
  readonly isMistake?: boolean;
  /** How long it lasts at least, in milliseconds. */
  readonly lastsMs: number;
  /** Begins it. */
  begin(where: Where): unknown;
  /** Ends it: from then on there is a Redis that can decide. */
  end?(where: Where): unknown;
  /** Waits until no process uses the old primary any more. */
  leave?(where: Where): unknown;
  /** What happens later, while calls go on. */
  after?(where: Where): unknown;
}

/** What became of the calls. */
export interface Outcome {
  /** Calls that Redis allowed. */
  allowed: number;
  /** Decisions of the failure policy. */
  degraded: number;
  /** The longest decision, in milliseconds. */
  longestMs: number;
  /** Units of the tight limit that Redis allowed, and that this process allowed alone. */
  tight: { shared: number; local: number };
  /** What of it Redis has allowed from the beginning of the fault until all was as before. */
  meanwhile: { allowed: number; tight: number };
  /** What Redis has counted in the end. */
  charged: number;
  /** From the end of the fault until Redis has decided over each of the limits, in milliseconds. */
  recoveryMs: number;
  /**
   * Whether the lease that was held was lost, whether the call that waited for it was served before it was given back, and
   * for how long it was held before all was as before, in milliseconds.
   */
  lease: { lost: boolean; shared: boolean; heldMs: number };
  /** What was heard of the store, in order. */
  events: string[];
  /** What the log warned of. */
  warnings: string[];
  /** What the store did, as far as it answered. */
  entries: readonly Entry[];
}

function instance(main: Store, { leaseTtlMs = LEASE_MS }: Place, warnings: string[]): Traffic {
  const failures: LimiterOptions = { decisionTimeoutMs: DECISION_MS, localShare: SHARE };
  const window: LimiterOptions = { ...failures, algorithm: "fixed_window", windowMs: HOUR_MS, denyCacheMs: 0 };
  return createRateSync({
    logger: { debug: () => {}, info: () => {}, warn: (text: string) => void warnings.push(text), error: () => {} },
    stores: { main },
    limiters: {
      plenty: { ...window, limit: PLENTY },
      tight: { ...window, limit: TIGHT },
      slot: { ...failures, maxConcurrent: 1, leaseTtlMs },
    },
  });
}

/** Lets a fault happen in the midst of traffic. */
export async function suffer<Where extends Place>(fault: Fault<Where>, where: Where): Promise<Outcome> {
  const { store, entries } = record(typeof where.store === "function" ? where.store() : createRedisStore(where.store));
  const warnings: string[] = [];
  await using rs = instance(store, where, warnings);
  await rs.connect();
  const outcome: Outcome = {
    allowed: 0,
    degraded: 0,
    longestMs: 0,
    tight: { shared: 0, local: 0 },
    meanwhile: { allowed: 0, tight: 0 },
    charged: 0,
    recoveryMs: NaN,
    lease: { lost: false, shared: false, heldMs: NaN },
    events: [],
    warnings,
    entries,
  };
  rs.subscribeStores(({ type }) => outcome.events.push(type));
  const held = await rs.acquire("slot");
  const heldSinceMs = performance.now();
  let isGivenBack = false;
  const waiting = rs.acquire("slot", { timeoutMs: 30_000 }).then((permit) => {
    outcome.lease.shared = !isGivenBack;
    return permit.release();
  });
  let healedAtMs = NaN;
  let isHealed = false;
  let isOver = false;
  const away = new Set(["plenty", "tight"]);
  const isDecided = (limiter: string, { degraded }: Decision) => {
    if (degraded || !isHealed || !away.delete(limiter) || away.size > 0) return;
    outcome.recoveryMs = performance.now() - healedAtMs;
  };
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    while (!isOver) {
      const decision = await timed(outcome, () => rs.tryAcquire("plenty"));
      note(outcome, decision);
      isDecided("plenty", decision);
      if (lane === TIGHT_LANE) {
        const tight = await timed(outcome, () => rs.tryAcquire("tight"));
        noteTight(outcome, tight);
        isDecided("tight", tight);
      }
      if (lane === 1) await waitOnce(outcome, rs);
      await sleep(5);
    }
  });
  await sleep(100);
  const before = { allowed: outcome.allowed, tight: outcome.tight.shared };
  await fault.begin(where);
  await sleep(fault.lastsMs);
  await fault.end?.(where);
  healedAtMs = performance.now();
  await fault.leave?.(where);
  isHealed = true;
  await until(() => away.size === 0, 15_000);
  outcome.lease.heldMs = performance.now() - heldSinceMs;
  await fault.after?.(where);
  await sleep(200);
  isOver = true;
  await Promise.all(lanes);
  outcome.meanwhile = { allowed: outcome.allowed - before.allowed, tight: outcome.tight.shared - before.tight };
  outcome.lease.lost = held.lost.aborted;
  isGivenBack = true;
  await endLease(rs, held, waiting);
  await settled(rs);
  for (let i = 0; i < TIGHT + LANES; i++) noteTight(outcome, await rs.tryAcquire("tight"));
  // A busy machine may not hear the server in time, and then says what this process has counted alone.
  await until(async () => {
    const { remaining, degraded } = await rs.peek("plenty");
    outcome.charged = PLENTY - remaining;
    return !degraded;
  });
  return outcome;
}

/** Units that come back late are on their way for a moment. */
async function settled(rs: Traffic): Promise<void> {
  let before = NaN;
  await until(async () => {
    const { remaining, degraded } = await rs.peek("plenty");
    const isSame = !degraded && remaining === before;
    before = remaining;
    await sleep(30);
    return isSame;
  });
}

/** Calls that wait are served, and in the end the slot is free. */
async function endLease(rs: Traffic, held: Permit, waiting: Promise<void>): Promise<void> {
  await held.release();
  await waiting;
  await until(async () => (await rs.peek("slot")).remaining === 1);
}

async function timed<T>(outcome: Outcome, ask: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  try {
    return await ask();
  } finally {
    outcome.longestMs = Math.max(outcome.longestMs, performance.now() - startMs);
  }
}

function note(outcome: Outcome, { allowed, degraded }: Decision): void {
  if (degraded) outcome.degraded++;
  else if (allowed) outcome.allowed++;
}

function noteTight({ tight }: Outcome, { allowed, degraded }: Decision): void {
  if (!allowed) return;
  if (degraded) tight.local++;
  else tight.shared++;
}

/** A call that may wait, but not long: it is granted, or denied, in time. */
async function waitOnce(outcome: Outcome, rs: Traffic): Promise<void> {
  await timed(outcome, async () => {
    try {
      const { decision } = await rs.acquire("plenty", { timeoutMs: 50 });
      if (decision.degraded) outcome.degraded++;
      else outcome.allowed++;
    } catch (error) {
      assert.ok(error instanceof RateLimitedError, String(error));
    }
  });
}
