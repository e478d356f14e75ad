/**
 * A close look at a store over a stream: the stream's server, the rules that processes use, and the keys. It changes nothing.
 *
 * @module
 */

import { wordsOf } from "../../policy/words.ts";
import type { NamedPolicy } from "../../policy/policy.ts";
import type { KeySample, RulesInUse, StoreInspection } from "../inspection.ts";
import { clockAheadMs, Look, timeRoundTrips } from "../look.ts";
import type { DoneReply } from "../store.ts";
import type { Shard } from "./shard.ts";
import type { LogStream } from "./stream.ts";

/**
 * Looks at a store. Never rejects, and takes three seconds for each shard at most.
 *
 * @param stream The stream.
 * @param shards All shards: those of the limiters are read.
 * @param limiters The limiters whose rules are read, with the shard of each.
 */
export async function inspectLog(
  stream: LogStream,
  shards: readonly Shard[],
  limiters: readonly (NamedPolicy & { readonly shard: Shard })[],
): Promise<StoreInspection> {
  const look = new Look();
  const first = shards[0] as Shard;
  const clock = () => look.attempt("the clock", () => clockAheadMs(() => readUs(first)));
  const before = await clock();
  const used = new Set([first, ...limiters.map(({ shard }) => shard)]);
  const [roundTrips, servers] = await Promise.all([
    look.attempt("the latency", () => timeRoundTrips(() => readUs(first))),
    look.attempt("the state of the server", async () => await stream.inspect?.() ?? []),
    // What other processes have sent before is known here after that.
    look.attempt("the state of the stream", () => Promise.all(Array.from(used, readUs))),
  ]);
  const after = before === undefined ? undefined : await clock();
  return {
    roundTripsMs: roundTrips ?? [],
    clockMovedMs: before === undefined || after === undefined ? undefined : after - before,
    servers: servers ?? [],
    rules: limiters.flatMap(({ limiter, shard }) => rulesOf(limiter, shard)),
    keys: sampleOf([...used], new Set(limiters.map(({ limiter }) => limiter))),
    unknown: look.unknown,
  };
}

/** The time of the stream. */
async function readUs(shard: Shard): Promise<number> {
  const [reply] = await shard.send([{ op: "look" }]);
  return (reply as DoneReply).nowUs;
}

function rulesOf(limiter: string, { replica, rules }: Shard): RulesInUse[] {
  if (replica === undefined) return [];
  return rules.usesOf(limiter, replica.nowUs, replica.book).map(({ policy, seenUs, processes }) => {
    return { limiter, rules: wordsOf(policy), seenAgoMs: (replica.nowUs - seenUs) / 1_000, processes };
  });
}

/** All keys are in this process: none is of someone else, and each is forgotten when it cannot be told from a fresh one. */
function sampleOf(shards: readonly Shard[], known: ReadonlySet<string>): KeySample {
  const tables = shards.flatMap(({ replica }) => [...replica?.table.tables() ?? []]).filter(([, { size }]) => size > 0);
  return {
    count: tables.reduce((sum, [, { size }]) => sum + size, 0),
    isAll: true,
    endless: [],
    earlier: [],
    foreign: [],
    limiters: tables.map(([limiter]) => limiter).filter((limiter) => !known.has(limiter)),
  };
}
