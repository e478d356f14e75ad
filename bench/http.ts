/**
 * What guarding costs a server that says hello, beside the same server without a guard and with the framework's own usual
 * one. Each server is a process of its own, and counts in its memory.
 *
 * @module
 */

import { compare, paceOf, ratio } from "./_compare.ts";
import { openServer } from "./_http_load.ts";
import { openPeers } from "./_peers.ts";
import { type BenchContext, claim, type Report, type Row } from "./_report.ts";

/** The frameworks, and who else guards them. */
const FRAMEWORKS = [
  ["express", "Express", "express-rate-limit"],
  ["fastify", "Fastify", "@fastify/rate-limit"],
  ["hono", "Hono", "hono-rate-limiter"],
] as const;

/** Runs it. */
export async function http({ quick }: BenchContext): Promise<Report> {
  const pace = paceOf(quick, { warmUpMs: 2_000, roundMs: 300, rounds: 5 });
  const rows: Row[] = [];
  const claims = [];
  const notes: string[] = [];
  for (const [framework, title, peer] of FRAMEWORKS) {
    const names = { bare: title, ours: `${title}, this package`, peer: `${title}, ${peer}` };
    const opened = await openPeers({
      [names.bare]: () => openServer(names.bare, [framework, "bare"]),
      [names.ours]: () => openServer(names.ours, [framework, "ours"]),
      [names.peer]: () => openServer(names.peer, [framework, "peer"]),
    });
    notes.push(...opened.notes);
    const measured = await compare(opened.contenders, pace);
    for (const contender of opened.contenders) await contender.close();
    const [bare, ours, theirs] = [names.bare, names.ours, names.peer].map((name) =>
      measured.find((one) => one.name === name)
    );
    for (const one of measured) {
      rows.push({
        "a server that says hello": one.name,
        "requests/s": one.perSecond,
        "of those without a guard": ratio(one, bare) ?? NaN,
        "its processor time, µs a request": one.ownUs,
        "p99 µs": one.p99Us,
      });
    }
    claims.push(claim(
      { what: `${title}: requests/s, against ${peer}`, better: "higher", unit: "x", must: 1, aim: 1.1 },
      ratio(ours, theirs),
    ));
  }
  return {
    about: "Sixteen connections that are kept alive, one request on each at a time; limits that have room for all.",
    rows,
    claims,
    notes,
  };
}
