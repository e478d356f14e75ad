/**
 * What a close look at a store finds: for people who operate it. It takes longer than a check, and asks more.
 *
 * @module
 */

/** What was found. What could not be found out is undefined. */
export interface StoreInspection {
  /** How long calls took that do next to nothing, in milliseconds, one after the other. */
  readonly roundTripsMs: readonly number[];
  /** By how much the store's clock has moved more than this process' during the look, in milliseconds. */
  readonly clockMovedMs: number | undefined;
  /** The servers that hold the keys: each primary. */
  readonly servers: readonly ServerFacts[];
  /** Servers beside these that have failed, or do not answer. */
  readonly down?: readonly DownServers[];
  /** Which rules processes use for each limiter that was asked about. */
  readonly rules: readonly RulesInUse[];
  /** Some of the keys. */
  readonly keys: KeySample | undefined;
  /** What could not be found out, and why, in plain words. */
  readonly unknown: readonly string[];
}

/** Servers that hold no keys that decisions need now: a failover would need them. */
export interface DownServers {
  /** Whether they are nodes of a cluster, or watch over a primary. */
  readonly kind: "node" | "sentinel";
  /** Where they are, without credentials. */
  readonly places: readonly string[];
  /** How many there are of this kind, with those that are well. */
  readonly of: number;
}

/** One server. */
export interface ServerFacts {
  /** Where it is, without credentials. */
  readonly url: string | undefined;
  /** Seconds since it started. */
  readonly uptimeSeconds: number | undefined;
  /** Replicas that are connected. */
  readonly replicas: number | undefined;
  /** How many seconds the last of them is behind. */
  readonly replicaLagSeconds: number | undefined;
  /** Whether it writes each change to a file (AOF). */
  readonly logsChanges: boolean | undefined;
  /** Whether the last such write has failed. */
  readonly isLogFailing: boolean | undefined;
  /** Seconds since the last snapshot of its data, or since its start. */
  readonly snapshotAgeSeconds: number | undefined;
  /** Whether the last attempt at a snapshot has failed. */
  readonly isSnapshotFailing: boolean | undefined;
  /** Keys that it has evicted since its start, because its memory was full. */
  readonly evictedKeys: number | undefined;
}

/** What is known of a server; all else is undefined. */
export function serverFacts(known: Partial<ServerFacts>): ServerFacts {
  return { ...NOTHING, ...known };
}

const NOTHING: ServerFacts = Object.freeze({
  url: undefined,
  uptimeSeconds: undefined,
  replicas: undefined,
  replicaLagSeconds: undefined,
  logsChanges: undefined,
  isLogFailing: undefined,
  snapshotAgeSeconds: undefined,
  isSnapshotFailing: undefined,
  evictedKeys: undefined,
});

/** Rules that processes use for a limiter. */
export interface RulesInUse {
  /** The limiter's id. */
  readonly limiter: string;
  /** What they count, in words, as `wordsOf` writes them. */
  readonly rules: string;
  /** How long ago a process was last seen with them, in milliseconds. Processes are seen about every 30 s. */
  readonly seenAgoMs: number;
  /** About how many processes use them. */
  readonly processes: number;
}

/** Some of the keys of a store. */
export interface KeySample {
  /** How many were looked at. */
  readonly count: number;
  /** Whether that is all of them. */
  readonly isAll: boolean;
  /** Names of keys that do not expire by themselves. */
  readonly endless: readonly string[];
  /** Names of keys whose value is in a form of an earlier version, which this one reads. */
  readonly earlier: readonly string[];
  /** Names of keys that no version of this package has written. */
  readonly foreign: readonly string[];
  /** Ids of limiters that have keys and are not among those that were asked about. */
  readonly limiters: readonly string[];
}
