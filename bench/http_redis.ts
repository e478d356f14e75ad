/**
 * Guards that count in Redis: what they leave of a server that says hello, beside the framework's own usual one with its
 * store on Redis. Each server is a process of its own.
 *
 * @module
 */

import { paceOf, ratio } from "./_compare.ts";
import { compareServers, type Framework } from "./_http_compare.ts";
import { type BenchContext, type Claim, claim, type Report, type Row } from "./_report.ts";

/** A framework, and how many times the requests of its usual guard ours must let through. */
type Goal = Framework & { readonly must: number; readonly aim: number };

const GOALS: readonly Goal[] = [
  { name: "express", title: "Express", peer: "express-rate-limit and rate-limit-redis", must: 1.1, aim: 1.2 },
  { name: "fastify", title: "Fastify", peer: "@fastify/rate-limit on ioredis", must: 1.15, aim: 1.35 },
];

/** Runs it. */
export async function httpRedis({ url, quick }: BenchContext): Promise<Report> {
  const pace = paceOf(quick, { warmUpMs: 2_000, roundMs: 100, rounds: 31 });
  const rows: Row[] = [];
  const claims: Claim[] = [];
  const notes: string[] = [];
  for (const framework of GOALS) {
    const { title, peer, must, aim } = framework;
    const { ours, theirs, ...measured } = await compareServers(framework, pace, url);
    rows.push(...measured.rows);
    notes.push(...measured.notes);
    const what = `${title} on Redis: requests/s, against ${peer}`;
    claims.push(claim({ what, better: "higher", unit: "x", must, aim }, ratio(ours, theirs)));
  }
  return {
    about:
      "Sixteen connections that are kept alive, one request on each at a time; one key, whose limit has room for all. " +
      "The server, Redis and the program that sends requests share the processors.",
    rows,
    claims,
    notes,
  };
}
