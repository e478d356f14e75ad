/**
 * Taking a slot and giving it back.
 *
 * @module
 */

import { compare, type Measured, paceOf, ratio } from "./_compare.ts";
import { type Contender, inFlight } from "./_load.ts";
import { around, userKeys } from "./_names.ts";
import { openRateSync } from "./_ours.ts";
import { openPeers, type PeerOptions } from "./_peers.ts";
import { openProbe } from "./_probe.ts";
import { type BenchContext, claim, type Report, type Row } from "./_report.ts";

/** More than the bench takes: no call queues. */
const SLOTS = 1_000;

const OURS = "acquire and release";
const BOTTLENECK = "bottleneck, cluster mode, ioredis";
const SEMAPHORE = "redis-semaphore, ioredis";

/** Runs it. */
export async function concurrency({ url, quick }: BenchContext): Promise<Report> {
  const lanes = quick ? 10 : 100;
  const probe = await openProbe(url);
  await probe.flush();
  const pace = paceOf(quick, { warmUpMs: 400, roundMs: 400, rounds: 5 });
  const rows: Row[] = [];
  const notes: string[] = [];
  const times: (number | undefined)[] = [];
  for (const keys of [["one"], userKeys(quick ? 20 : 1_000)]) {
    const options = { url, keys, lanes };
    const opened = await openPeers({
      [OURS]: () => Promise.resolve(slots(options)),
      [BOTTLENECK]: () => bottleneck(options),
      [SEMAPHORE]: () => semaphore(options),
    });
    const measured = await compare(opened.contenders, pace, probe);
    for (const contender of opened.contenders) await contender.close();
    const named = (name: string) => measured.find((one) => one.name === name);
    rows.push(...measured.map((one) => rowOf(one, keys.length, ratio(named(OURS), one))));
    times.push(ratio(named(OURS), named(BOTTLENECK)));
    if (keys.length === 1) notes.push(...opened.notes);
  }
  await probe.flush();
  await probe.close();
  const against = { better: "higher", unit: "x", must: 10, aim: 25 } as const;
  return {
    about: `${lanes} in flight, ${SLOTS} slots a key, so that no call queues: take a slot, give it back.`,
    rows,
    claims: [
      claim({ ...against, what: "acquire + release, one key, against bottleneck's cluster mode" }, times[0]),
      claim({ ...against, what: "acquire + release, 1 000 keys, against bottleneck's cluster mode" }, times[1]),
    ],
    notes,
  };
}

function slots({ url, keys, lanes }: PeerOptions): Contender {
  const rs = openRateSync(url, { slots: { maxConcurrent: SLOTS } });
  return inFlight(OURS, {
    lanes,
    call: async (i) => {
      const permit = await rs.acquire("slots", { key: around(keys, i) });
      await permit.release();
    },
    close: () => rs.close(),
  });
}

/** Its limiters call home every so many milliseconds: not while they are measured. */
const QUIET = { heartbeatInterval: 600_000 };

async function bottleneck({ url, keys, lanes }: PeerOptions): Promise<Contender> {
  const [{ default: Bottleneck }, { Redis }] = await Promise.all([import("bottleneck"), import("ioredis")]);
  const connection = new Bottleneck.IORedisConnection({ client: new Redis(url, { enableAutoPipelining: true }) });
  const group = new Bottleneck.Group({ maxConcurrent: SLOTS, connection, datastore: "ioredis", ...QUIET });
  const nothing = () => Promise.resolve();
  for (let i = 0; i < keys.length; i += lanes) { // its limiters set themselves up with their first call
    await Promise.all(keys.slice(i, i + lanes).map((key) => group.key(key).schedule(nothing)));
  }
  return inFlight(BOTTLENECK, {
    lanes,
    call: (i) => group.key(around(keys, i)).schedule(nothing),
    close: async () => {
      await group.disconnect(true);
      await connection.disconnect(true);
    },
  });
}

async function semaphore({ url, keys, lanes }: PeerOptions): Promise<Contender> {
  const [{ Semaphore }, { Redis }] = await Promise.all([import("redis-semaphore"), import("ioredis")]);
  const client = new Redis(url, { enableAutoPipelining: true });
  return inFlight(SEMAPHORE, {
    lanes,
    call: async (i) => {
      const one = new Semaphore(client, around(keys, i), SLOTS);
      await one.acquire();
      await one.release();
    },
    commands: ["zrem"],
    close: () => client.quit(),
  });
}

function rowOf(one: Measured, keys: number, times: number | undefined): Row {
  return {
    "a slot, taken and given back": one.name,
    keys,
    "pairs/s": one.perSecond,
    "p50 µs": one.p50Us,
    "p99 µs": one.p99Us,
    "commands a pair": one.commands,
    "command µs a pair": one.commandUs,
    "Redis µs a pair": one.redisUs,
    "own µs a pair": one.ownUs,
    "ours is faster by": times ?? NaN,
  };
}
