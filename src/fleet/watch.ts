/**
 * Watches a fleet.
 *
 * @module
 */

import { systemClock, type Timer } from "../base/clock.ts";
import type { RateSync } from "../registry/rate_sync.ts";
import type { Fleet } from "./fleet.ts";
import { FleetReader } from "./fleet_reader.ts";

/** How a fleet is watched. */
export interface WatchOptions {
  /** How long after one reading the next one begins, in milliseconds, from 100. More than 3 000 misses reports. @default {1_000} */
  readonly everyMs?: number;
  /** Whether watching alone keeps the process alive. @default {true} */
  readonly keepsAlive?: boolean;
}

/**
 * Reads the fleet about once a second, until it is stopped. All processes that share a store with the instance report as
 * long as there is a watcher, each once a second; nothing is published otherwise. A process learns within two seconds of
 * its calls that there is a watcher (ten over REST), so the first readings may be empty.
 *
 * @param rs Whose stores to read: its own limiters are among the fleet's if it makes calls.
 * @param onFleet Takes each reading. It may throw nothing.
 * @param options How.
 * @returns Stops. What is being read then is not passed on.
 */
export function watchFleet(
  rs: RateSync<string>,
  onFleet: (fleet: Fleet) => void,
  { everyMs = 1_000, keepsAlive = true }: WatchOptions = {},
): () => void {
  const reader = new FleetReader(rs);
  let isStopped = false;
  let timer: Timer | undefined;
  const read = async () => {
    const startUs = systemClock.nowUs();
    const fleet = await reader.read();
    if (isStopped) return;
    onFleet(fleet);
    if (isStopped) return;
    const nextUs = Math.max(startUs + everyMs * 1_000, systemClock.nowUs() + 50_000);
    timer = systemClock.schedule(nextUs, () => void read(), { background: !keepsAlive });
  };
  void read();
  return () => {
    isStopped = true;
    timer?.cancel();
  };
}
