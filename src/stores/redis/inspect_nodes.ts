/**
 * Which nodes of a cluster have failed, by what a node that has slots knows of the others.
 *
 * @module
 */

import type { DownServers } from "../inspection.ts";
import type { InspectedServer } from "./inspected_server.ts";
import { clusterNodes } from "./scripts.gen.ts";

/**
 * The nodes that have failed; undefined where none has.
 *
 * @param server Who is asked.
 */
export async function failedNodes({ run, key }: InspectedServer): Promise<DownServers | undefined> {
  const told = String(await run(clusterNodes, [key], []));
  const lines = told.split("\n").filter((line) => line !== "");
  const failed = lines.flatMap((line) => {
    const [, place = "", flags = ""] = line.split(" ");
    // "fail?" is a suspicion of this node alone. Newer nodes add the port of the bus and a host name.
    return flags.split(",").includes("fail") ? [place.replace(/[@,].*$/, "")] : [];
  });
  return failed.length === 0 ? undefined : { kind: "node", places: failed.sort(), of: lines.length };
}
