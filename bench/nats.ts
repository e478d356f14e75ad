/**
 * Decisions over NATS: four processes beside compare-and-set on a bucket of KV, a lone call beside a bare request and its
 * reply, and the start of a process where a million keys are counted.
 *
 * @module
 */

import { connect } from "@nats-io/transport-node";
import { createRateSync } from "@ratesync/core";
import { LogStore } from "@ratesync/core/nats";

import { type NatsServer, startNats } from "../scripts/nats/server.ts";
import { ownSource } from "../src/stores/nats/connection/source.ts";
import { NatsStream } from "../src/stores/nats/nats_stream.ts";
import { readNatsPlace, readNatsSettings } from "../src/stores/nats/settings/settings.ts";
import { openApart } from "./_apart.ts";
import { compare, type Measured, paceOf, ratio } from "./_compare.ts";
import { type Contender, inFlight, percentile } from "./_load.ts";
import { processProbe, team } from "./_nats_team.ts";
import { ENDLESS, HOUR_MS } from "./_ours.ts";
import { type BenchContext, type Claim, claim, figure, type Report, type Row } from "./_report.ts";

const PROCESSES = 4;
const LANES = 64;

const OURS = "tryAcquire on NATS";
const KV = "compare-and-set on KV";
const LONE = "one call at a time";
const BARE = "bare request and reply";

/** How much faster than compare-and-set it must be, by the number of keys of a process. */
const AGAINST: Readonly<Record<string, { readonly must: number; readonly aim: number }>> = {
  own: { must: 3, aim: 8 },
  one: { must: 100, aim: 500 },
};

/** Runs it. */
export async function nats({ quick }: BenchContext): Promise<Report> {
  const rows: Row[] = [];
  const claims: Claim[] = [];
  for (const [kind, keys] of Object.entries({ own: quick ? 10 : 1_000, one: 1 })) {
    const [ours, kv] = await fleets(keys, quick) as [Measured, Measured];
    const times = ratio(ours, kv);
    rows.push(rowOf(ours, keys, times), rowOf(kv, keys, undefined));
    const what = `${PROCESSES} x ${LANES} callers, ${kind === "own" ? "own keys" : "one key"}: decisions/s against KV`;
    claims.push(claim({ what, better: "higher", unit: "x", ...AGAINST[kind] as { must: number; aim: number } }, times));
  }
  const [lone, bare] = await alone(quick) as [Measured, Measured];
  rows.push(rowOf(lone, 1, undefined), rowOf(bare, 1, undefined));
  const latency = { what: "a lone call: p50 against a bare request and reply", better: "lower", unit: "x" } as const;
  claims.push(claim({ ...latency, must: 2, aim: 1.3 }, lone.p50Us / bare.p50Us));

  const keys = quick ? 2_000 : 1_000_000;
  const { seconds, bytes } = await startWith(keys, quick);
  rows.push({
    "decisions on NATS": "start from a snapshot",
    keys,
    "s until it decides": seconds,
    "bytes a key": bytes / keys,
  });
  const what = `start from a snapshot of ${figure(keys)} keys`;
  claims.push(claim({ what, better: "lower", unit: " s", must: 2, aim: 0.5 }, seconds));
  return {
    about:
      `A token bucket on nats-server with files, ${PROCESSES} processes with ${LANES} callers each; a lone call is of one ` +
      "process. CPU of the clients is that of all processes together, each of which applies all decisions.",
    rows,
    claims,
    notes: ["KV: a process writes by the revision that it knows, and reads again only after a conflict."],
  };
}

function rowOf(one: Measured, keys: number, times: number | undefined): Row {
  return {
    "decisions on NATS": one.name,
    keys,
    "decisions/s": one.perSecond,
    "p50 µs": one.p50Us,
    "p99 µs": one.p99Us,
    "NATS µs a decision": one.redisUs,
    "clients µs a decision": one.ownUs,
    "ours is faster by": times ?? NaN,
  };
}

/** Four processes of each kind. */
async function fleets(keys: number, quick: boolean): Promise<Measured[]> {
  await using server = await startNats();
  const open = async (name: string, subject: string): Promise<Contender> => {
    const members = Array.from({ length: quick ? 1 : PROCESSES }, (_, place) => {
      const args = [subject, server.url, quick ? 4 : LANES, keys, place].map(String);
      return openApart(name, { program: "_nats_worker", args, isPinned: false, quick });
    });
    return team(name, await Promise.all(members));
  };
  const contenders = [await open(OURS, "ours"), await open(KV, "kv")];
  const pace = paceOf(quick, { warmUpMs: 2_000, roundMs: 1_500, rounds: 5 });
  const measured = await compare(contenders, pace, processProbe(server.pid));
  await Promise.all(contenders.map((contender) => contender.close()));
  return measured;
}

/** One call at a time, beside a request that another process answers. */
async function alone(quick: boolean): Promise<Measured[]> {
  await using server = await startNats();
  const client = await connect({ servers: server.url });
  const echo = await openApart("echo", { program: "_nats_worker", args: ["echo", server.url], isPinned: false, quick });
  await using rs = createRateSync({
    stores: { shared: { engine: "nats", url: server.url } },
    limiters: { api: { ...ENDLESS, onStoreError: "throw" } },
  });
  await rs.connect();
  const payload = new Uint8Array(100);
  const contenders = [
    inFlight(`${OURS}, ${LONE}`, { lanes: 1, call: () => rs.tryAcquire("api", { key: "user:1" }) }),
    inFlight(`${BARE}, ${LONE}`, { lanes: 1, call: () => client.request("echo", payload, { timeout: 5_000 }) }),
  ];
  const pace = paceOf(quick, { warmUpMs: 1_000, roundMs: 300, rounds: 10 });
  const measured = await compare(contenders, pace, processProbe(server.pid));
  await echo.close();
  await client.close();
  return measured;
}

/** How long a new process takes until it decides, where so many keys are counted; and how long the snapshot is. */
async function startWith(keys: number, quick: boolean): Promise<{ readonly seconds: number; readonly bytes: number }> {
  await using server = await startNats();
  const stream = streamOf(server);
  const store = new LogStore(stream, { snapshotEvery: Math.ceil(keys / 2), answerTimeoutMs: 60_000 });
  await using rs = createRateSync({
    stores: { shared: store },
    // No key is full again before the end.
    limiters: { api: { limit: 1_000, windowMs: 1_000 * HOUR_MS, onStoreError: "throw", decisionTimeoutMs: 60_000 } },
  });
  await rs.connect();
  for (let from = 0; from < 2 * keys; from += 1_000) {
    await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => rs.tryAcquire("api", { key: `user:${(from + i) % keys}` })),
    );
  }
  // The last snapshot is of the second round, which adds no key.
  const found = await stream.loadSnapshot("0");
  let bytes = 0;
  for await (const chunk of found?.chunks ?? []) bytes += chunk.length;
  const start = await openApart("start", {
    program: "_nats_worker",
    args: ["start", server.url],
    isPinned: false,
    quick,
  });
  const seconds: number[] = [];
  for (let i = 0; i < (quick ? 1 : 5); i++) seconds.push((await start.round(1)).ms / 1_000);
  await start.close();
  return { seconds: percentile(seconds, 0.5), bytes };
}

function streamOf({ url }: NatsServer): NatsStream {
  return new NatsStream(
    ownSource(readNatsPlace({ url }), 60_000),
    readNatsSettings({ socketConnectTimeoutMs: 60_000 }),
    () => {},
  );
}
