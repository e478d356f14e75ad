/**
 * Whether a failover would find the servers that it needs.
 *
 * @module
 */

import type { DownServers } from "../../stores/inspection.ts";
import { type Finding, finding, type Judge } from "../finding.ts";

/** Judges nodes of a cluster and Sentinels that have failed, while others decide. */
export const failover: Judge = ({ inspection }) =>
  (inspection?.down ?? []).map((down) => down.kind === "node" ? nodes(down) : sentinels(down));

function nodes({ places, of }: DownServers): Finding {
  const detail = `${places.length} of the cluster's ${of} nodes ${have(places)} failed: ${places.join(", ")}`;
  const advice =
    "Start what has failed, or let the cluster forget it (CLUSTER FORGET): a primary without a replica takes its slots " +
    "with it when it fails";
  return finding("failover", "warning", detail, advice);
}

function sentinels({ places, of }: DownServers): Finding {
  const isEnough = of - places.length > of / 2;
  const detail = `${places.length} of ${of} Sentinels ${places.length === 1 ? "does" : "do"} not answer, or ${
    places.length === 1 ? "does" : "do"
  } not know the primary: ${places.join(", ")}${isEnough ? "" : "; the others are too few to name another primary"}`;
  return finding("failover", isEnough ? "warning" : "error", detail, "Start them, or correct the list of Sentinels");
}

function have(places: readonly string[]): string {
  return places.length === 1 ? "has" : "have";
}
