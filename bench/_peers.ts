/**
 * Other packages as contenders, each in the way its own documentation calls fast. All of them allow 1 000 calls an
 * hour for each key, unless their options say otherwise.
 *
 * @module
 */

import { createHash } from "node:crypto";

import { createClient } from "redis";

import { type Contender, inFlight } from "./_load.ts";

/** What a peer is measured with. */
export interface PeerOptions {
  /** Where Redis is. */
  readonly url: string;
  /** The keys, taken in turn. */
  readonly keys: readonly string[];
  /** How many calls are under way at any time. */
  readonly lanes: number;
  /** Calls an hour for each key. @default {1_000} */
  readonly limit?: number;
}

/** Makes a contender of a peer. */
export type OpenPeer = (options: PeerOptions) => Promise<Contender>;

/** The peers that could be opened, and why others could not. */
export interface Opened {
  /** In the order in which they were asked for. */
  readonly contenders: readonly Contender[];
  /** One sentence for each that is missing. */
  readonly notes: readonly string[];
}

const HOUR_S = 3_600;

/** Opens peers. One that cannot run on this runtime is named in a note. */
export async function openPeers(opens: Readonly<Record<string, () => Promise<Contender>>>): Promise<Opened> {
  const contenders: Contender[] = [];
  const notes: string[] = [];
  for (const [name, open] of Object.entries(opens)) {
    try {
      const contender = await open();
      await contender.round(contender.least);
      contenders.push({ ...contender, name });
    } catch (error) {
      notes.push(`${name} does not run here: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { contenders, notes };
}

/** A bare script call on node-redis: what no package with one call for each decision can outrun on that client. */
export const bareScript: OpenPeer = async ({ url, lanes }) => {
  const client = await createClient({ url }).connect();
  const sha = await client.scriptLoad("return 1");
  return inFlight("EVALSHA, return 1", {
    lanes,
    call: () => client.sendCommand(["EVALSHA", sha, "0"]),
    close: () => client.close(),
  });
};

/** rate-limiter-flexible on node-redis. A denial is a rejection there. */
export const flexibleOnNodeRedis: OpenPeer = async ({ url, keys, lanes, limit = 1_000 }) => {
  const { RateLimiterRedis } = await import("rate-limiter-flexible");
  const client = await createClient({ url }).connect();
  const limiter = new RateLimiterRedis({
    storeClient: client,
    useRedisPackage: true,
    keyPrefix: "flexible",
    points: limit,
    duration: HOUR_S,
  });
  return inFlight("rate-limiter-flexible, node-redis", {
    lanes,
    call: (i) => limiter.consume(keys[i % keys.length] as string).catch(denial),
    close: () => client.close(),
  });
};

/** The same with its deny cache: keys over the limit are blocked in this process. */
export const flexibleWithBlocks: OpenPeer = async ({ url, keys, lanes, limit = 1_000 }) => {
  const { RateLimiterRedis } = await import("rate-limiter-flexible");
  const client = await createClient({ url }).connect();
  const limiter = new RateLimiterRedis({
    storeClient: client,
    useRedisPackage: true,
    keyPrefix: "flexible_blocks",
    points: limit,
    duration: HOUR_S,
    inMemoryBlockOnConsumed: limit + 1,
  });
  return inFlight("rate-limiter-flexible, inMemoryBlockOnConsumed", {
    lanes,
    call: (i) => limiter.consume(keys[i % keys.length] as string).catch(denial),
    close: () => client.close(),
  });
};

/** rate-limiter-flexible on ioredis, which pipelines the calls of one turn of the event loop. */
export const flexibleOnIoredis: OpenPeer = async ({ url, keys, lanes, limit = 1_000 }) => {
  const [{ RateLimiterRedis }, { Redis }] = await Promise.all([import("rate-limiter-flexible"), import("ioredis")]);
  const client = new Redis(url, { enableAutoPipelining: true });
  const limiter = new RateLimiterRedis({
    storeClient: client,
    keyPrefix: "flexible_io",
    points: limit,
    duration: HOUR_S,
  });
  return inFlight("rate-limiter-flexible, ioredis with auto-pipelining", {
    lanes,
    call: (i) => limiter.consume(keys[i % keys.length] as string).catch(denial),
    close: () => client.quit(),
  });
};

/** The store of rate-limit-redis, without the middleware around it. */
export const rateLimitRedis: OpenPeer = async ({ url, keys, lanes }) => {
  const { RedisStore } = await import("rate-limit-redis");
  const client = await createClient({ url }).connect();
  const store = new RedisStore({ sendCommand: (...args: string[]) => client.sendCommand(args), prefix: "rlr:" });
  await store.init({ windowMs: HOUR_S * 1_000 } as Parameters<typeof store.init>[0]);
  return inFlight("rate-limit-redis, node-redis", {
    lanes,
    call: (i) => store.increment(keys[i % keys.length] as string),
    close: () => client.close(),
  });
};

/** Which of its algorithms @upstash/ratelimit runs. */
export type UpstashAlgorithm = "fixedWindow" | "slidingWindow" | "tokenBucket";

/**
 * @upstash/ratelimit with its classes and scripts, over node-redis in place of its HTTP client. The first line of its
 * commands asks for a flag that Redis does not have, and is left out.
 */
export function upstash(algorithm: UpstashAlgorithm): OpenPeer {
  return async ({ url, keys, lanes, limit = 1_000 }) => {
    const { Ratelimit } = await import("@upstash/ratelimit");
    const client = await createClient({ url }).connect();
    const shas = new Map<string, string>();
    const evalsha = (sha: string, keys: readonly string[], args: readonly unknown[]): Promise<unknown> =>
      client.sendCommand(["EVALSHA", sha, String(keys.length), ...keys, ...args.map(String)]);
    const redis = {
      evalsha(hash: string, keys: readonly string[], args: readonly unknown[]): Promise<unknown> {
        const sha = shas.get(hash);
        return sha === undefined ? Promise.reject(new Error("NOSCRIPT")) : evalsha(sha, keys, args);
      },
      async eval(script: string, keys: readonly string[], args: readonly unknown[]): Promise<unknown> {
        const sha = await client.scriptLoad(script.replace(/^#!.*\n/, ""));
        shas.set(createHash("sha1").update(script).digest("hex"), sha);
        return evalsha(sha, keys, args);
      },
    };
    const ratelimit = new Ratelimit({
      // It asks for a whole client of @upstash/redis, and calls these two methods.
      redis: redis as unknown as ConstructorParameters<typeof Ratelimit>[0]["redis"],
      limiter: algorithm === "tokenBucket"
        ? Ratelimit.tokenBucket(limit, "3600 s", limit)
        : Ratelimit[algorithm](limit, "3600 s"),
      prefix: `upstash_${algorithm}`,
      timeout: 0,
    });
    return inFlight(`@upstash/ratelimit, ${algorithm}`, {
      lanes,
      call: (i) => ratelimit.limit(keys[i % keys.length] as string),
      verify: (result) => {
        if (!(result as { success: boolean }).success) throw new Error("@upstash/ratelimit denied");
      },
      close: () => client.close(),
    });
  };
}

/** A denial is what was asked for; anything else is an error. */
function denial(reason: unknown): unknown {
  if (reason instanceof Error) throw reason;
  return reason;
}
