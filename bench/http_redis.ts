/**
 * Guards that count in Redis: what they leave of a server that says hello, beside the framework's own usual one with its
 * store on Redis. Servers have processes of their own.
 *
 * @module
 */

import { pinClient, pinRedis } from "./_apart.ts";
import { ratio } from "./_compare.ts";
import { compareServers, CONDITIONS, type Framework } from "./_http_compare.ts";
import { openProbe } from "./_probe.ts";
import { type BenchContext, type Claim, claim, type Report, type Row } from "./_report.ts";

/** A framework, and how many times the requests of its usual guard ours must let through. */
type Goal = Framework & { readonly must: number; readonly aim: number };

const GOALS: readonly Goal[] = [
  { name: "express", title: "Express", peer: "express-rate-limit and rate-limit-redis", must: 1.1, aim: 1.2 },
  { name: "fastify", title: "Fastify", peer: "@fastify/rate-limit on ioredis", must: 1.15, aim: 1.35 },
];

/** Runs it. */
export async function httpRedis({ url, quick }: BenchContext): Promise<Report> {
  const notPinned = quick ? "Nothing is pinned to a core." : await pinAll(url);
  const rows: Row[] = [];
  const claims: Claim[] = [];
  const notes: string[] = notPinned === undefined ? [] : [notPinned];
  for (const framework of GOALS) {
    const { title, peer, must, aim } = framework;
    const { ours, theirs, ...measured } = await compareServers(framework, {
      isPinned: notPinned === undefined,
      quick,
      redisUrl: url,
    });
    rows.push(...measured.rows);
    notes.push(...measured.notes);
    const what = `${title} on Redis: requests/s, against ${peer}`;
    claims.push(claim({ what, better: "higher", unit: "x", must, aim }, ratio(ours, theirs)));
  }
  return {
    about:
      `${CONDITIONS} One key, whose limit has room for all. The server has a processor of its own; Redis and the program ` +
      "that sends requests share the other one.",
    rows,
    claims,
    notes,
  };
}

/** Leaves a core to the servers. Returns why that is not possible here. */
async function pinAll(url: string): Promise<string | undefined> {
  const probe = await openProbe(url);
  const notPinned = await pinRedis(probe);
  await probe.close();
  return notPinned ?? await pinClient();
}
