/**
 * Which shard a limiter is in: the same in every process.
 *
 * @module
 */

/** The place of the shard, from 0: by the FNV-1a hash of the id. */
export function shardOf(limiter: string, shards: number): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < limiter.length; i++) hash = Math.imul(hash ^ limiter.charCodeAt(i), 0x0100_0193);
  return (hash >>> 0) % shards;
}
