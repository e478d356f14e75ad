/**
 * Decisions a second on one key for all callers.
 *
 * @module
 */

import type { LimiterOptions } from "@ratesync/core";

import { openOnRedis, pinRedis } from "./_apart.ts";
import { compare, type Measured, paceOf, ratio } from "./_compare.ts";
import { ENDLESS, HOUR_MS, isKnown } from "./_ours.ts";
import { openPeers } from "./_peers.ts";
import { openProbe } from "./_probe.ts";
import type { Subject } from "./_subjects.ts";
import { type BenchContext, claim, type Report, type Row } from "./_report.ts";

const ALLOWED = "allowed: tryAcquire";
const ALLOWED_PEER = "allowed: rate-limiter-flexible, node-redis";
const FIXED = "allowed: tryAcquire, fixed window";
const DENIED = "denied: tryAcquire";
const DENIED_PEER = "denied: rate-limiter-flexible, node-redis";
const BLOCKED_PEER = "denied: rate-limiter-flexible, inMemoryBlockOnConsumed";
const LEASED = "allowed: tryAcquire with token leases of 100 ms";

const LEASING = { ...ENDLESS, tokenLeaseMs: 100 } as LimiterOptions;

/** Runs it. */
export async function hotKey({ url, quick }: BenchContext): Promise<Report> {
  const lanes = quick ? 20 : 500;
  const probe = await openProbe(url);
  const pinned = await pinRedis(probe);
  await probe.flush();
  const ours = (limiter: LimiterOptions, id: string, allowed = true): Subject => ({
    kind: "tryAcquire",
    options: { url, lanes, limiter, id, keys: id, allowed },
  });
  const subjects: Record<string, Subject> = {
    [ALLOWED]: ours(ENDLESS, "allowed"),
    [FIXED]: ours({ ...ENDLESS, algorithm: "fixed_window" }, "fixed"),
    [ALLOWED_PEER]: { kind: "flexibleOnNodeRedis", options: { url, lanes, keys: "allowed", limit: 1_000_000_000 } },
    [DENIED]: ours({ limit: 1, windowMs: HOUR_MS }, "denied", false),
    [DENIED_PEER]: { kind: "flexibleOnNodeRedis", options: { url, lanes, keys: "denied", limit: 1 } },
    [BLOCKED_PEER]: { kind: "flexibleWithBlocks", options: { url, lanes, keys: "blocked", limit: 1 } },
    ...(isKnown(LEASING) ? { [LEASED]: ours(LEASING, "leased") } : {}),
  };
  const { contenders, notes } = await openPeers(Object.fromEntries(
    Object.entries(subjects).map(([name, subject]) =>
      [name, () => openOnRedis(name, subject, { isPinned: pinned === undefined, quick })] as const
    ),
  ));
  const pace = paceOf(quick, { warmUpMs: 1_000, roundMs: 500, rounds: 5 });
  const measured = await compare(contenders, pace, probe);
  for (const contender of contenders) await contender.close();
  await probe.flush();
  await probe.close();

  const named = (name: string) => measured.find((one) => one.name === name);
  const leased = named(LEASED);
  return {
    about: `One key, ${lanes} calls in flight, each contender in a process of its own.`,
    rows: measured.map(rowOf),
    claims: [
      claim(
        {
          what: `one hot key, ${ALLOWED_PEER}`.replace("allowed:", "against"),
          better: "higher",
          unit: "x",
          must: 8,
          aim: 15,
        },
        ratio(named(ALLOWED), named(ALLOWED_PEER)),
      ),
      claim(
        {
          what: `one hot fixed window, ${ALLOWED_PEER}`.replace("allowed:", "against"),
          better: "higher",
          unit: "x",
          must: 12,
          aim: 16,
        },
        ratio(named(FIXED), named(ALLOWED_PEER)),
      ),
      claim(
        {
          what: `one hot denied key, ${DENIED_PEER}`.replace("denied:", "against"),
          better: "higher",
          unit: "x",
          must: 30,
          aim: 60,
        },
        ratio(named(DENIED), named(DENIED_PEER)),
      ),
      claim(
        { what: "token leases, one hot key", better: "higher", unit: " decisions/s", must: 1_000_000, aim: 3_000_000 },
        leased?.perSecond,
      ),
      claim(
        { what: "token leases, one hot key", better: "lower", unit: " commands a decision", must: 0.01, aim: 0.001 },
        leased?.commands,
      ),
    ],
    notes: [
      ...(pinned === undefined ? [] : [pinned]),
      ...notes,
      ...(isKnown(LEASING) ? [] : ["Token leases are not available."]),
    ],
  };
}

function rowOf({ name, perSecond, p50Us, p99Us, commands, commandUs, redisUs, ownUs }: Measured): Row {
  return {
    "one hot key": name,
    "decisions/s": perSecond,
    "p50 µs": p50Us,
    "p99 µs": p99Us,
    "commands a decision": commands,
    "command µs a decision": commandUs,
    "Redis µs a decision": redisUs,
    "own µs a decision": ownUs,
  };
}
