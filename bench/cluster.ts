/**
 * What a decision costs a Redis Cluster of three primaries, without key shards.
 *
 * @module
 */

import type { LimiterOptions } from "@ratesync/core";

import { openOnRedis } from "./_apart.ts";
import { startBenchCluster } from "./_cluster.ts";
import { compare, type Measured, paceOf } from "./_compare.ts";
import { ROOMY } from "./_ours.ts";
import { openPeers } from "./_peers.ts";
import { type BenchContext, claim, figure, type Report, type Row } from "./_report.ts";

const LIMITERS: Readonly<Record<string, LimiterOptions>> = {
  "token bucket": ROOMY,
  "fixed window": { ...ROOMY, algorithm: "fixed_window" },
};

/** What one script call is about. */
const BATCHES = ["node", "slot"] as const;

/** Runs it. */
export async function cluster({ quick }: BenchContext): Promise<Report> {
  const keys = quick ? 100 : 10_000;
  const pace = paceOf(quick, { warmUpMs: 1_200, roundMs: 500, rounds: 5 });
  const rows: Row[] = [];
  const notes: string[] = [];
  const measured = new Map<string, Measured>();
  try {
    const nodes = await startBenchCluster();
    if (nodes.unpinned !== undefined) notes.push(nodes.unpinned);
    for (const lanes of quick ? [20] : [500, 30]) {
      await nodes.probe.flush();
      const subjects = Object.entries(LIMITERS).flatMap(([name, limiter]) =>
        BATCHES.map((clusterBatch) => {
          const options = { url: nodes.url, lanes, keys, limiter, id: limiter.algorithm ?? "bucket", clusterBatch };
          const title = `${name}, a call for each ${clusterBatch}`;
          return [title, () =>
            openOnRedis(title, { kind: "tryAcquire", options }, {
              isPinned: nodes.unpinned === undefined,
              quick,
            })] as const;
        })
      );
      const opened = await openPeers(Object.fromEntries(subjects));
      notes.push(...opened.notes);
      for (const one of await compare(opened.contenders, pace, nodes.probe)) {
        rows.push(rowOf(one, lanes));
        if (!measured.has(one.name)) measured.set(one.name, one);
      }
      for (const contender of opened.contenders) await contender.close();
    }
    await nodes.close();
  } catch (error) {
    notes.push(`A cluster is not available: ${error instanceof Error ? error.message : error}`);
  }
  const [bucket, fixed] = Object.keys(LIMITERS).map((name) => measured.get(`${name}, a call for each node`));
  const less = { better: "lower", unit: "" } as const;
  return {
    about: `${figure(keys)} keys, three primaries on one core; each contender is a process of its own.`,
    rows,
    claims: [
      claim({ ...less, what: "500 in flight: commands a decision", must: 0.1, aim: 0.03 }, bucket?.commands),
      claim({ ...less, unit: " µs", what: "Redis CPU, token bucket", must: 2.5, aim: 1.8 }, bucket?.redisUs),
      claim({ ...less, unit: " µs", what: "Redis CPU, fixed window", must: 2.5, aim: 1.1 }, fixed?.redisUs),
    ],
    notes,
  };
}

function rowOf(one: Measured, lanes: number): Row {
  return {
    "a cluster": one.name,
    "in flight": lanes,
    "Redis µs a decision": one.redisUs,
    "own µs a decision": one.ownUs,
    "commands a decision": one.commands,
    "decisions/s": one.perSecond,
    "p50 µs": one.p50Us,
    "p99 µs": one.p99Us,
  };
}
