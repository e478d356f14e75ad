/**
 * The names of streams and subjects.
 *
 * @module
 */

/** The names of one shard. */
export interface ShardNames {
  /** The stream of the requests. */
  readonly log: string;
  /** The subject of the requests. */
  readonly logSubject: string;
  /** The stream of the snapshots. */
  readonly snapshots: string;
  /** What the subjects of snapshots begin with, without the dot behind it. */
  readonly snapshotSubject: string;
}

/** The names of a shard of the stores with a prefix. */
export function namesOf(prefix: string, shard: string): ShardNames {
  return {
    log: `${prefix}-${shard}`,
    logSubject: `${prefix}.log.${shard}`,
    snapshots: `${prefix}-${shard}-snapshots`,
    snapshotSubject: `${prefix}.snapshot.${shard}`,
  };
}
