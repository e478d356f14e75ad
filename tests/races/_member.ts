/**
 * What the processes of a fleet have in common: an instance, and a counter of their own in Redis.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type LimiterOptions, type RateSync } from "../../mod.ts";
import { createNatsStore } from "../../src/stores/nats/mod.ts";
import { createPostgresStore } from "../../src/stores/postgres/mod.ts";
import { createRedisStore } from "../../src/stores/redis/mod.ts";
import type { Entry } from "../_support/auditor/history.ts";
import { record } from "../_support/auditor/recorder.ts";
import { openRawRedis, type RawRedis } from "../_support/raw_redis.ts";

/** What a worker was told, and what it works with. */
export interface Member<Work> {
  /** What it shall do. */
  readonly work: Work;
  /** Its instance, which hides no failure of the store. */
  readonly rs: RateSync;
  /** A connection beside the instance. */
  readonly raw: RawRedis;
  /** What every key begins with. */
  readonly prefix: string;
  /** What went wrong. */
  readonly errors: string[];
  /** What the store did for this process. */
  readonly entries: readonly Entry[];
  /** Waits until all processes of the fleet are ready. */
  start(): Promise<void>;
  /** Counts this process in as a holder. Returns how many there are now. */
  enter(): Promise<number>;
  /** Counts it out. */
  leave(): Promise<void>;
  /** Disconnects. Nothing of it then keeps the process running. */
  close(): Promise<void>;
}

interface Told {
  readonly url: string;
  readonly natsUrl?: string;
  readonly postgres?: { readonly url: string; readonly schema: string };
  readonly prefix: string;
  readonly limiters: Record<string, LimiterOptions>;
  readonly size?: number;
}

/** What a job comes to, but for the errors, which the member has. */
export interface JobResult {
  /** Calls that were allowed. */
  readonly allowed: number;
  /** Calls that were denied, by reason. */
  readonly denied: Readonly<Record<string, number>>;
  /** The most holders at once that this process saw, by a counter of its own in Redis. */
  readonly mostInside: number;
}

/** What the store did for a process, as it is sent to another one. */
export interface SentHistory {
  /** The policies, each once. */
  readonly policies: readonly object[];
  /** The entries as JSON, with the place of the policy in that list for each policy. */
  readonly entries: string;
}

/** Reads the worker's argument, connects, and prints `ready`. */
export async function join<Work>(): Promise<Member<Work>> {
  const member = await connect<Work>(process.argv[2] as string);
  console.log("ready");
  return member;
}

/**
 * Prints `ready`, does one job for each line of standard input, with connections of its own, and prints what came of it.
 * The process ends by itself when its input ends.
 */
export async function serveJobs<Work>(job: (member: Member<Work>) => Promise<JobResult>): Promise<void> {
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const member = await connect<Work>(line);
    const result = await job(member);
    await member.close();
    console.log(JSON.stringify({ ...result, errors: member.errors, history: historyOf(member.entries) }));
  }
}

async function connect<Work>(told: string): Promise<Member<Work>> {
  const { url, natsUrl, postgres, prefix, limiters, size = 1, ...work } = JSON.parse(told) as Told & Work;
  const errors: string[] = [];
  const noteUnhandled = (reason: unknown) => void errors.push(`unhandled: ${reason}`);
  process.on("unhandledRejection", noteUnhandled);
  const strict = Object.entries(limiters).map(([id, options]): [string, LimiterOptions] => {
    return [id, { onStoreError: "throw", decisionTimeoutMs: Infinity, ...options }];
  });
  const { store, entries } = record(
    postgres !== undefined
      ? createPostgresStore({ ...postgres, socketTimeoutMs: 60_000 })
      : natsUrl === undefined
      ? createRedisStore({ url, keyPrefix: prefix })
      : createNatsStore({ url: natsUrl, streamPrefix: prefix }),
  );
  const rs = createRateSync({ stores: { shared: store }, limiters: Object.fromEntries(strict) });
  const raw = await openRawRedis(url);
  await rs.connect();
  return {
    work: work as Work,
    rs,
    raw,
    prefix,
    errors,
    entries,
    async start() {
      await raw.send("INCR", `${prefix}:ready`);
      while (Number(await raw.send("GET", `${prefix}:ready`)) < size) await sleep(5);
    },
    enter: async () => Number(await raw.send("INCR", `${prefix}:inside`)),
    leave: async () => void (await raw.send("DECR", `${prefix}:inside`)),
    close: async () => {
      await rs.close();
      await raw.close();
      process.off("unhandledRejection", noteUnhandled);
    },
  };
}

function historyOf(entries: readonly Entry[]): SentHistory {
  const policies: object[] = [];
  const text = JSON.stringify(entries, (name, value: unknown) => {
    if (name !== "policy") return value;
    const place = policies.indexOf(value as object);
    return place < 0 ? policies.push(value as object) - 1 : place;
  });
  return { policies, entries: text };
}
