/**
 * A fleet at one moment: all processes that share stores with the one that watches, and what their limiters do together.
 *
 * @module
 */

/** A fleet, as its processes have reported within the last seconds. */
export interface Fleet {
  /** When it was read, in milliseconds since the Unix epoch, by the watcher's clock. */
  readonly atMs: number;
  /** The stores of the watcher, with the processes that report there. */
  readonly stores: readonly FleetStore[];
  /** The limiters that any process has, those with the most calls first. */
  readonly limiters: readonly FleetLimiter[];
}

/** A store, and the processes that report there. */
export interface FleetStore {
  /** Its id in the configuration of the watcher. */
  readonly id: string;
  /** What kind of store it is. */
  readonly engine: string;
  /** Why its processes cannot be seen, in plain words; undefined where they can. */
  readonly problem: string | undefined;
  /** The processes, sorted by label. A process appears some seconds after its first call, while it makes calls. */
  readonly processes: readonly FleetProcess[];
  /** Reports that cannot be read: of other versions, or not by this package. */
  readonly unreadable: number;
  /** How long calls to the store took within the last seconds, in all processes, in milliseconds. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/** A process that reports. */
export interface FleetProcess {
  /** A random id. */
  readonly id: string;
  /** Host and process id, as far as the process knows them. */
  readonly label: string;
  /** Its version of this package. */
  readonly version: string;
  /** Its runtime: `node 22.1.0`. */
  readonly runtime: string;
  /** When it started, in milliseconds since the Unix epoch by its own clock. */
  readonly startedMs: number;
  /** The store as it sees it: `up`, `impaired` or `down`; and why, where it is not up. */
  readonly state: string;
  readonly error: string;
  /** How often the store went down for it. */
  readonly outages: number;
  /** Requests that wait to be sent to the store, and calls that are not answered yet. */
  readonly queued: number;
  readonly calls: number;
  /** Calls of its limiters on the store, per second. */
  readonly perSecond: number;
  /** How long its calls to the store took, in milliseconds. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/** A limiter, in all processes that have it. */
export interface FleetLimiter {
  /** The store's id in the configuration of the watcher. */
  readonly store: string;
  /** The limiter's id. */
  readonly id: string;
  /** How many processes have it. */
  readonly processes: number;
  /** Calls that were decided, per second: allowed and denied. */
  readonly perSecond: number;
  /** Calls that were allowed, per second. */
  readonly allowedPerSecond: number;
  /** Calls that were denied, per second and by reason, as `decision.reason` has them. Only reasons that occur. */
  readonly deniedPerSecond: Readonly<Record<string, number>>;
  /** What denied them, the most frequent first. */
  readonly deniedBy: readonly FleetDenials[];
  /** Decisions by the failure policy, per second. */
  readonly degradedPerSecond: number;
  /** Calls that wait now. */
  readonly waiting: number;
  /** Permits that are held now. */
  readonly permits: number;
  /** How long calls waited that had to, within the last seconds, in milliseconds. */
  readonly waitP50Ms: number | undefined;
  readonly waitP99Ms: number | undefined;
  /** The rules in use, those of the most processes first. More than one where processes differ. */
  readonly rules: readonly FleetRules[];
  /** The keys with the most calls, and with the most denials. Clients may have chosen them: show them as text. */
  readonly topRequests: readonly FleetKey[];
  readonly topDenials: readonly FleetKey[];
}

/** Denials of a kind: see `DeniedBy`. */
export interface FleetDenials {
  /** The limit in words, `block`, `pause` or `store`. */
  readonly rule: string;
  /** What kind of key was denied. */
  readonly keyClass: string;
  /** How often, per second. */
  readonly perSecond: number;
}

/** Rules of a limiter that some processes use. */
export interface FleetRules {
  /** What they count, in words. */
  readonly rules: string;
  /** Differs where any option does, also one that changes no counts. */
  readonly hash: string;
  /** The labels of the processes. */
  readonly processes: readonly string[];
}

/** A key that comes often. */
export interface FleetKey {
  /** The key; empty for the limiter as a whole. */
  readonly key: string;
  /** How often it came since the fleet is watched, at least nearly. */
  readonly count: number;
}
