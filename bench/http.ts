/**
 * What guarding costs a server that says hello, beside the same server without a guard and with the framework's own usual
 * one. Each server is a process of its own, and counts in its memory.
 *
 * @module
 */

import { excessUs, paceOf, ratio } from "./_compare.ts";
import { compareServers, type Framework } from "./_http_compare.ts";
import { type BenchContext, type Claim, claim, type Report, type Row, yardstick } from "./_report.ts";

/**
 * A framework, the processor time that a guard may add to a request, and what the usual guard added on the machine for which
 * this was set, in microseconds.
 */
type Goal = Framework & { readonly mustUs: number; readonly aimUs: number; readonly thenUs: number };

const GOALS: readonly Goal[] = [
  { name: "express", title: "Express", peer: "express-rate-limit", mustUs: 10, aimUs: 5, thenUs: 12 },
  { name: "fastify", title: "Fastify", peer: "@fastify/rate-limit", mustUs: 2.7, aimUs: 2.2, thenUs: 2.7 },
  { name: "hono", title: "Hono", peer: "hono-rate-limiter", mustUs: 7, aimUs: 6, thenUs: 7.9 },
];

/** Runs it. */
export async function http({ quick }: BenchContext): Promise<Report> {
  const pace = paceOf(quick, { warmUpMs: 2_000, roundMs: 100, rounds: 31 });
  const rows: Row[] = [];
  const claims: Claim[] = [];
  const notes: string[] = [];
  for (const framework of GOALS) {
    const { title, peer, mustUs: must, aimUs: aim, thenUs } = framework;
    const { bare, ours, theirs, ...measured } = await compareServers(framework, pace);
    rows.push(...measured.rows);
    notes.push(...measured.notes);
    claims.push(
      claim(
        { what: `${title}: requests/s, against ${peer}`, better: "higher", unit: "x", must: 1, aim: 1.1 },
        ratio(ours, theirs),
      ),
      claim(
        {
          what: `${title}: processor time that the guard adds to a request`,
          better: "lower",
          unit: " µs",
          must,
          aim,
          yardstick: yardstick(`${peer}, what it adds to a request`, thenUs, excessUs(theirs, bare)),
        },
        excessUs(ours, bare),
      ),
    );
  }
  return {
    about: "Sixteen connections that are kept alive, one request on each at a time; limits that have room for all.",
    rows,
    claims,
    notes,
  };
}
