/**
 * What guarding costs a server that says hello, beside the same server without a guard and with the framework's own usual
 * one. Each server is a process of its own, and counts in its memory.
 *
 * @module
 */

import { excessUs, paceOf, ratio } from "./_compare.ts";
import { compareServers, type Framework } from "./_http_compare.ts";
import { type BenchContext, type Claim, claim, type Report, type Row } from "./_report.ts";

/** A framework, and the processor time that a guard may add to a request, in microseconds. */
type Goal = Framework & { readonly mustUs: number; readonly aimUs: number };

const GOALS: readonly Goal[] = [
  { name: "express", title: "Express", peer: "express-rate-limit", mustUs: 10, aimUs: 5 },
  { name: "fastify", title: "Fastify", peer: "@fastify/rate-limit", mustUs: 2.7, aimUs: 2.2 },
  { name: "hono", title: "Hono", peer: "hono-rate-limiter", mustUs: 7, aimUs: 6 },
];

/** Runs it. */
export async function http({ quick }: BenchContext): Promise<Report> {
  const pace = paceOf(quick, { warmUpMs: 2_000, roundMs: 100, rounds: 31 });
  const rows: Row[] = [];
  const claims: Claim[] = [];
  const notes: string[] = [];
  for (const framework of GOALS) {
    const { title, peer, mustUs: must, aimUs: aim } = framework;
    const { bare, ours, theirs, ...measured } = await compareServers(framework, pace);
    rows.push(...measured.rows);
    notes.push(...measured.notes);
    claims.push(
      claim(
        { what: `${title}: requests/s, against ${peer}`, better: "higher", unit: "x", must: 1, aim: 1.1 },
        ratio(ours, theirs),
      ),
      claim(
        { what: `${title}: processor time that the guard adds to a request`, better: "lower", unit: " µs", must, aim },
        excessUs(ours, bare),
      ),
    );
    const peerUs = excessUs(theirs, bare);
    if (peerUs !== undefined) notes.push(`${peer} adds ${peerUs.toFixed(1)} µs of processor time to a request.`);
  }
  return {
    about: "Sixteen connections that are kept alive, one request on each at a time; limits that have room for all.",
    rows,
    claims,
    notes,
  };
}
