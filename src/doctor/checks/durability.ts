/**
 * What is left of the counts when a server crashes.
 *
 * @module
 */

import type { ServerFacts } from "../../stores/inspection.ts";
import { type Finding, finding, type Judge } from "../finding.ts";

/** A replica that is further behind than this loses more than a moment, in seconds. */
const MAX_LAG_S = 10;

/** A snapshot that is older than this says little, in seconds. */
const OLD_S = 3_600;

/** Judges persistence and replicas, of each server. */
export const durability: Judge = ({ inspection }) => {
  const servers = inspection?.servers ?? [];
  return servers.flatMap((server) => {
    const where = servers.length > 1 && server.url !== undefined ? `${server.url}: ` : "";
    return [...persistence(server), ...replication(server)].map((found) => {
      return { ...found, detail: `${where}${found.detail}` };
    });
  });
};

function persistence(server: ServerFacts): Finding[] {
  const { logsChanges, isLogFailing, isSnapshotFailing, snapshotAgeSeconds } = server;
  if (logsChanges === undefined) return [];
  if (logsChanges && isLogFailing) {
    const advice = "Look at the disk: Redis refuses writes while its append-only file fails";
    return [finding("persistence", "error", "the last write to the append-only file has failed", advice)];
  }
  if (isSnapshotFailing) {
    const advice = "Look at the disk and the log of the server: with stop-writes-on-bgsave-error, it refuses writes";
    return [finding("persistence", "warning", "the last snapshot has failed", advice)];
  }
  if (logsChanges) return [finding("persistence", "ok", "each change is written to the append-only file (AOF)")];
  const age = snapshotAgeSeconds === undefined || snapshotAgeSeconds > OLD_S
    ? "and the last snapshot, or the start, was more than an hour ago"
    : `and the last snapshot, or the start, was ${Math.round(snapshotAgeSeconds)} s ago`;
  const detail = `no append-only file, ${age}: after a crash, limits start anew from there`;
  return [finding("persistence", "note", detail, "Turn on AOF (appendonly yes) if long windows or blocks matter")];
}

function replication({ replicas, replicaLagSeconds = 0 }: ServerFacts): Finding[] {
  if (replicas === undefined) return [];
  if (replicas === 0) {
    return [finding("replicas", "note", "no replica: while the server is down, failure policies decide")];
  }
  const count = `${replicas} replica${replicas === 1 ? "" : "s"}`;
  if (replicaLagSeconds <= MAX_LAG_S) return [finding("replicas", "ok", `${count} connected`)];
  const detail = `${count}, one of them ${replicaLagSeconds} s behind: a failover would forget as much`;
  return [finding("replicas", "warning", detail, "Look at the network and the load of the replica")];
}
