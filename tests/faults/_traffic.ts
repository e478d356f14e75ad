/**
 * Calls through the whole of a fault, and what became of them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type Permit, RateLimitedError, type RateSync, type TryDecision } from "../../mod.ts";
import { until } from "../stores/redis/_servers.ts";
import { type Fault, startVictim } from "./_faults.ts";

const HOUR_MS = 3_600_000;

/** How long a decision may take. */
export const DECISION_MS = 500;

/** What comes on top on a machine that does other things too. */
export const SLACK_MS = 1_000;

/** How many units the limit has that is used up. */
export const TIGHT = 60;

/** The share that this process applies alone. */
export const SHARE = 0.25;

const ROOMY = 1_000_000;
const LANES = 20;

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
  /** What Redis has counted in the end. */
  charged: number;
  /** From the end of the fault to the first decision of Redis, in milliseconds. */
  recoveryMs: number;
  /** Whether the lease that was held was lost, and whether whoever waited for it was served. */
  lease: { lost: boolean; handedOn: boolean };
  /** What was heard of the store, in order. */
  events: string[];
}

function instance(url: string) {
  const window = { algorithm: "fixed_window", windowMs: HOUR_MS, denyCacheMs: 0 } as const;
  return createRateSync({
    stores: {
      main: {
        engine: "redis",
        url,
        decisionTimeoutMs: DECISION_MS,
        localShare: SHARE,
        socketTimeoutMs: 2_000,
        socketConnectTimeoutMs: 2_000,
      },
    },
    limiters: {
      roomy: { ...window, limit: ROOMY },
      tight: { ...window, limit: TIGHT },
      slot: { maxConcurrent: 1, leaseTtlMs: 3_000 },
    },
  });
}

/** Lets a fault happen in the midst of traffic. */
export async function suffer(fault: Fault): Promise<Outcome> {
  await using victim = await startVictim(fault.args);
  await using rs = instance(victim.url);
  await rs.connect();
  const outcome: Outcome = {
    allowed: 0,
    degraded: 0,
    longestMs: 0,
    tight: { shared: 0, local: 0 },
    charged: 0,
    recoveryMs: NaN,
    lease: { lost: false, handedOn: false },
    events: [],
  };
  rs.subscribeStores(({ type }) => outcome.events.push(type));
  const held = await rs.acquire("slot");
  const waiting = rs.acquire("slot", { timeoutMs: 30_000 }).then((permit) => permit.release());
  let healedAtMs = Infinity;
  let isOver = false;
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    while (!isOver) {
      const decision = await timed(outcome, () => rs.tryAcquire("roomy"));
      note(outcome, decision);
      if (!decision.degraded && performance.now() > healedAtMs && Number.isNaN(outcome.recoveryMs)) {
        outcome.recoveryMs = performance.now() - healedAtMs;
      }
      if (lane === 0) noteTight(outcome, await timed(outcome, () => rs.tryAcquire("tight")));
      if (lane === 1) await waitOnce(outcome, rs);
      await sleep(5);
    }
  });
  await sleep(100);
  await fault.begin(victim);
  await sleep(fault.lastsMs);
  await fault.end?.(victim);
  healedAtMs = performance.now();
  await until(() => !Number.isNaN(outcome.recoveryMs), 15_000);
  await sleep(200);
  isOver = true;
  await Promise.all(lanes);
  outcome.lease = await endLease(held, waiting);
  await settled(rs);
  for (let i = 0; i < TIGHT + 20; i++) noteTight(outcome, await rs.tryAcquire("tight"));
  outcome.charged = ROOMY - (await rs.peek("roomy")).remaining;
  return outcome;
}

/** Units that come back late are on their way for a moment. */
async function settled(rs: RateSync<"roomy" | "tight" | "slot">): Promise<void> {
  let before = NaN;
  await until(async () => {
    const { remaining, degraded } = await rs.peek("roomy");
    const isSame = !degraded && remaining === before;
    before = remaining;
    await sleep(30);
    return isSame;
  });
}

async function endLease(held: Permit, waiting: Promise<void>): Promise<Outcome["lease"]> {
  const lost = held.lost.aborted;
  await held.release();
  await waiting;
  return { lost, handedOn: true };
}

async function timed<T>(outcome: Outcome, ask: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  try {
    return await ask();
  } finally {
    outcome.longestMs = Math.max(outcome.longestMs, performance.now() - startMs);
  }
}

function note(outcome: Outcome, { allowed, degraded }: TryDecision): void {
  if (degraded) outcome.degraded++;
  else if (allowed) outcome.allowed++;
}

function noteTight({ tight }: Outcome, { allowed, degraded }: TryDecision): void {
  if (!allowed) return;
  if (degraded) tight.local++;
  else tight.shared++;
}

/** A call that may wait, but not long: it is granted, or denied, in time. */
async function waitOnce(outcome: Outcome, rs: RateSync<"roomy" | "tight" | "slot">): Promise<void> {
  await timed(outcome, async () => {
    try {
      const { decision } = await rs.acquire("roomy", { timeoutMs: 50 });
      if (decision.degraded) outcome.degraded++;
      else outcome.allowed++;
    } catch (error) {
      assert.ok(error instanceof RateLimitedError, String(error));
    }
  });
}
