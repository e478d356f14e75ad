/**
 * What the page shows: the messages from the server to it.
 *
 * @module
 */

import type { FleetLimiter, FleetStore } from "../fleet/fleet.ts";

/** The present, about twice a second: the event `view`. */
export interface View {
  /** When, in milliseconds since the Unix epoch, by the server's clock. */
  readonly atMs: number;
  /** The stores with their processes. */
  readonly stores: readonly StoreView[];
  /** The limiters that made calls. */
  readonly limiters: readonly FleetLimiter[];
}

/** A store, as the fleet and as this process sees it. */
export interface StoreView extends FleetStore {
  /** Whether only the process that serves the page is shown. */
  readonly isLocal: boolean;
  /** How this process sees it. `down`: its breaker is open. */
  readonly state: string;
  /** Since when it is down, in milliseconds since the Unix epoch. */
  readonly downSinceMs: number | undefined;
}

/** One second of the past, in few letters: there are hundreds of them. */
export interface Point {
  /** When, in seconds since the Unix epoch. */
  readonly t: number;
  /** By limiter: calls that were allowed and denied, per second, and the 99th percentile of waits, in milliseconds. */
  readonly l: Readonly<Record<string, readonly [allowed: number, denied: number, waitP99Ms: number | null]>>;
  /** By store: the median and the 99th percentile of its calls, in milliseconds. */
  readonly s: Readonly<Record<string, readonly [p50Ms: number | null, p99Ms: number | null]>>;
}

/** How many points are kept. */
export const MOST_POINTS = 300;

/** The configuration: the event `config`, at first and when it has changed. */
export interface ConfigView {
  /** The title of the page. */
  readonly title: string;
  /** Its version in the process that serves the page. */
  readonly version: number;
  /** Whether visitors may block, unblock and reset keys. */
  readonly allowChanges: boolean;
  /** The limiters. */
  readonly limiters: readonly LimiterView[];
  /** The stores. */
  readonly stores: readonly { readonly id: string; readonly engine: string; readonly url: string | undefined }[];
}

/** A limiter of the configuration. */
export interface LimiterView {
  readonly id: string;
  readonly store: string;
  /** What it counts, in words. */
  readonly rules: string;
  /** What happens if the store cannot decide. */
  readonly onStoreError: string;
  /** How many permits there are; 0 where it has none. */
  readonly maxConcurrent: number;
}

/** The point of a view. */
export function pointOf({ atMs, limiters, stores }: View): Point {
  return {
    t: Math.floor(atMs / 1_000),
    l: Object.fromEntries(limiters.map(({ id, allowedPerSecond, perSecond, waitP99Ms = null }) => {
      return [id, [allowedPerSecond, perSecond - allowedPerSecond, waitP99Ms] as const];
    })),
    s: Object.fromEntries(stores.map(({ id, p50Ms = null, p99Ms = null }) => [id, [p50Ms, p99Ms] as const])),
  };
}

/** Adds a point, in place of one of the same second. */
export function addPoint(points: Point[], point: Point): void {
  if (points.at(-1)?.t === point.t) points.pop();
  points.push(point);
  if (points.length > MOST_POINTS) points.shift();
}
