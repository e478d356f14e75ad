/**
 * This package as a contender.
 *
 * @module
 */

import {
  ConfigError,
  createRateSync,
  type Decision,
  type LimiterOptions,
  type Permit,
  type RateSync,
  type RedisStoreOptions,
} from "@ratesync/core";

import { type Contender, inFlight } from "./_load.ts";

/** An hour: long enough that no window ends while it is measured. */
export const HOUR_MS = 3_600_000;

/** A token bucket with which each of 100 000 keys is allowed again and again, and whose state lives for seconds. */
export const ROOMY: LimiterOptions = { limit: 1_000, windowMs: HOUR_MS };

/** A token bucket that one key never empties. */
export const ENDLESS: LimiterOptions = { limit: 1_000_000_000, windowMs: HOUR_MS };

/** An instance on Redis whose limiters answer with an error, not with another store, if Redis does not answer. */
export function openRateSync<const L extends string>(
  url: string,
  limiters: Readonly<Record<L, LimiterOptions>>,
  logger?: false,
  store?: Pick<RedisStoreOptions, "clusterBatch">,
): RateSync<L> {
  const strict = Object.entries<LimiterOptions>(limiters).map(([id, options]) => [
    id,
    { onStoreError: "throw", ...options },
  ]);
  return createRateSync({
    ...(logger === false && { logger }),
    stores: { shared: { engine: "redis", url, keyPrefix: "ours", ...store } },
    limiters: Object.fromEntries(strict) as Record<L, LimiterOptions>,
  });
}

/** Options of {@linkcode tryAcquireContender}. */
export interface TryAcquireOptions {
  /** Where Redis is. */
  readonly url: string;
  /** The limiter. */
  readonly limiter: LimiterOptions;
  /** Its id: one of its own where limiters with other rules use the same Redis. @default {"api"} */
  readonly id?: string;
  /** The keys, taken in turn. */
  readonly keys: readonly string[];
  /** How many calls are under way at any time. */
  readonly lanes: number;
  /** What the decisions must be. Where they must be denials, the limit is one: it is taken first. @default {true} */
  readonly allowed?: boolean;
  /** In a cluster, what one script call is about. @default {"node"} */
  readonly clusterBatch?: "node" | "slot";
  /** What is called. @default {"tryAcquire"} */
  readonly verb?: "acquire" | "tryAcquire";
}

/** `tryAcquire` on Redis, or `acquire`. */
export async function tryAcquireContender(name: string, options: TryAcquireOptions): Promise<Contender> {
  const { url, limiter, id = "api", keys, lanes, allowed = true, clusterBatch = "node", verb = "tryAcquire" } = options;
  const rs = openRateSync(url, { [id]: limiter }, undefined, { clusterBatch });
  await rs.connect();
  if (!allowed) await Promise.all(keys.map((key) => rs.tryAcquire(id, { key })));
  return inFlight(name, {
    lanes,
    call: (i) => rs[verb](id, { key: keys[i % keys.length] as string }),
    verify: (answer) => {
      const { allowed: received, degraded } = verb === "acquire" ? (answer as Permit).decision : answer as Decision;
      if (received !== allowed || degraded) throw new Error(`${name}: allowed ${received}, degraded ${degraded}`);
    },
    close: () => rs.close(),
  });
}

/** Options of {@linkcode mixedContender}. */
export interface MixedOptions extends Omit<TryAcquireOptions, "limiter" | "allowed"> {
  /** The rules of the two instances. */
  readonly limiters: readonly [old: LimiterOptions, now: LimiterOptions];
  /** Whether the instance with the old rules has closed before it is measured. */
  readonly isOver: boolean;
  /** How long processes get to hear that other rules are in use, or no more, in milliseconds. */
  readonly heardMs: number;
}

/** `tryAcquire` on Redis by instances whose rules differ, as in a deploy, or by the new one after it. */
export async function mixedContender(name: string, options: MixedOptions): Promise<Contender> {
  const { url, limiters, id = "api", keys, lanes, isOver, heardMs } = options;
  const [old, now] = limiters.map((limiter) => openRateSync<string>(url, { [id]: limiter }, false)) as [
    RateSync<string>,
    RateSync<string>,
  ];
  const takeAll = async (rs: RateSync<string>) => {
    for (let from = 0; from < keys.length; from += 50) {
      await Promise.all(keys.slice(from, from + 50).map((key) => rs.tryAcquire(id, { key })));
    }
  };
  const hear = async (...instances: RateSync<string>[]) => {
    await new Promise((resolve) => setTimeout(resolve, heardMs));
    for (const rs of instances) await takeAll(rs);
  };
  for (const rs of [old, now]) {
    await rs.connect();
    await takeAll(rs);
  }
  await hear(old, now);
  if (isOver) {
    await old.close();
    await hear(now);
    await hear(now);
  }
  return inFlight(name, {
    lanes,
    // Each key is asked for by both.
    call(i) {
      const isOld = !isOver && (i + Math.floor(i / keys.length)) % 2 === 0;
      return (isOld ? old : now).tryAcquire(id, { key: keys[i % keys.length] as string });
    },
    verify: (decision) => {
      const { allowed, degraded } = decision as Decision;
      if (!allowed || degraded) throw new Error(`${name}: allowed ${allowed}, degraded ${degraded}`);
    },
    close: () => Promise.all([old.close(), now.close()]),
  });
}

/** Whether a limiter can be made of these options: an option may be newer than the package. */
export function isKnown(limiter: LimiterOptions): boolean {
  try {
    createRateSync({ limiters: { api: limiter } });
    return true;
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}
