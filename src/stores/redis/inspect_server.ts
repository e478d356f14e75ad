/**
 * The state of a Redis server, as its INFO tells it.
 *
 * @module
 */

import type { ServerFacts } from "../inspection.ts";
import { readInfo } from "./info.ts";

/** What INFO says; undefined where this user may not run it. */
export function factsOf(url: string | undefined, text: string): ServerFacts {
  const info = readInfo(text);
  const number = (name: string) => info.has(name) ? Number(info.get(name)) : undefined;
  const isBad = (name: string) => info.has(name) ? info.get(name) !== "ok" : undefined;
  const savedAt = number("rdb_last_save_time");
  const uptimeSeconds = number("uptime_in_seconds");
  const now = number("server_time_usec");
  const snapshotAgeSeconds = savedAt === undefined || now === undefined ? undefined : now / 1e6 - savedAt;
  const lags = [...info].flatMap(([name, value]) => {
    const lag = /^slave\d+$/.test(name) ? /lag=(\d+)/.exec(value)?.[1] : undefined;
    return lag === undefined ? [] : [Number(lag)];
  });
  return {
    url,
    uptimeSeconds,
    replicas: number("connected_slaves"),
    replicaLagSeconds: lags.length === 0 ? undefined : Math.max(...lags),
    logsChanges: info.has("aof_enabled") ? info.get("aof_enabled") === "1" : undefined,
    isLogFailing: isBad("aof_last_write_status"),
    snapshotAgeSeconds,
    isSnapshotFailing: isBad("rdb_last_bgsave_status"),
    evictedKeys: number("evicted_keys"),
  };
}
