/**
 * The contenders on Redis, as data that a process can be given.
 *
 * @module
 */

import type { Contender } from "./_load.ts";
import { userKeys } from "./_names.ts";
import { mixedContender, type MixedOptions, tryAcquireContender, type TryAcquireOptions } from "./_ours.ts";
import {
  bareScript,
  flexibleOnIoredis,
  flexibleOnNodeRedis,
  flexibleWithBlocks,
  type OpenPeer,
  type PeerOptions,
  rateLimitRedis,
  upstash,
} from "./_peers.ts";

/** Other packages, by the names that benches call them. */
export type Peer =
  | "bareScript"
  | "flexibleOnIoredis"
  | "flexibleOnNodeRedis"
  | "flexibleWithBlocks"
  | "rateLimitRedis"
  | "upstashFixedWindow"
  | "upstashSlidingWindow"
  | "upstashTokenBucket";

const PEERS: Readonly<Record<Peer, OpenPeer>> = {
  bareScript,
  flexibleOnIoredis,
  flexibleOnNodeRedis,
  flexibleWithBlocks,
  rateLimitRedis,
  upstashFixedWindow: upstash("fixedWindow"),
  upstashSlidingWindow: upstash("slidingWindow"),
  upstashTokenBucket: upstash("tokenBucket"),
};

/** Options that fit into an argument: how many keys there are, or the only one. */
type Sent<Options> = Omit<Options, "keys"> & { readonly keys: number | string };

/** What a process is to measure. */
export type Subject =
  | { readonly kind: "tryAcquire"; readonly options: Sent<TryAcquireOptions> }
  | { readonly kind: "mixed"; readonly options: Sent<MixedOptions> }
  | { readonly kind: Peer; readonly options: Sent<PeerOptions> };

/** Opens the one that is described by JSON. */
export function open([json = ""]: readonly string[]): Promise<Contender> {
  return openSubject(JSON.parse(json) as Subject);
}

/** Opens one in this process. */
export function openSubject({ kind, options: { keys: sent, ...options } }: Subject): Promise<Contender> {
  const keys = typeof sent === "string" ? [sent] : userKeys(sent);
  switch (kind) {
    case "tryAcquire":
      return tryAcquireContender(kind, { ...options as Omit<TryAcquireOptions, "keys">, keys });
    case "mixed":
      return mixedContender(kind, { ...options as Omit<MixedOptions, "keys">, keys });
    default:
      return PEERS[kind]({ ...options, keys });
  }
}
