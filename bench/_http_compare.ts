/**
 * A server that says hello, without a guard, with the guard of this package, and with the usual one of its framework, side
 * by side.
 *
 * @module
 */

import { compare, type Measured, type Pace, ratio } from "./_compare.ts";
import { openServer } from "./_http_load.ts";
import { openPeers } from "./_peers.ts";
import type { Row } from "./_report.ts";

/** A framework, and the package that usually guards it. */
export interface Framework {
  /** As `_http_server.ts` calls it. */
  readonly name: "express" | "fastify" | "hono";
  /** What tables call it. */
  readonly title: string;
  /** The package that guards it. */
  readonly peer: string;
}

/** What was measured of the servers of one framework. */
export interface ServersMeasured {
  /** A line for each server. */
  readonly rows: readonly Row[];
  /** Why a server is missing. */
  readonly notes: readonly string[];
  /** Without a guard. */
  readonly bare: Measured | undefined;
  /** With the guard of this package. */
  readonly ours: Measured | undefined;
  /** With the usual guard. */
  readonly theirs: Measured | undefined;
}

/**
 * Measures the servers of one framework, in turn.
 *
 * @param framework The framework.
 * @param pace For how long.
 * @param redisUrl Where guards count; in the memory of the servers without one.
 */
export async function compareServers(
  { name, title, peer }: Framework,
  pace: Pace,
  redisUrl?: string,
): Promise<ServersMeasured> {
  const names = { bare: title, ours: `${title}, this package`, peer: `${title}, ${peer}` };
  const open = (kind: keyof typeof names) => () =>
    openServer(names[kind], [name, kind, ...redisUrl === undefined ? [] : [redisUrl]]);
  const { contenders, notes } = await openPeers({
    [names.bare]: open("bare"),
    [names.ours]: open("ours"),
    [names.peer]: open("peer"),
  });
  const measured = await compare(contenders, pace);
  for (const contender of contenders) await contender.close();
  const [bare, ours, theirs] = [names.bare, names.ours, names.peer].map((name) =>
    measured.find((one) => one.name === name)
  );
  const rows = measured.map((one): Row => ({
    "a server that says hello": one.name,
    "requests/s": one.perSecond,
    "of those without a guard": ratio(one, bare) ?? NaN,
    "its processor time, µs a request": one.ownUs,
    "p99 µs": one.p99Us,
  }));
  return { rows, notes, bare, ours, theirs };
}
