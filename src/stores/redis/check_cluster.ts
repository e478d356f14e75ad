/**
 * A look at a cluster: one at each primary, as one report.
 *
 * @module
 */

import { systemClock } from "../../base/clock.ts";
import { withTimeout } from "../../base/deadline.ts";
import { groupBy } from "../../base/group_by.ts";
import { newStoreCheck, type StoreCheck, type StoreFindings, type StoreProblem } from "../check.ts";
import { ask, checkKey, checkKeys, failed, findings, noAnswer, TIMEOUT_MS } from "./check.ts";
import type { ClusterNodeView, ClusterView, RedisConnection } from "./connections/connection.ts";
import { hashSlot, SLOTS } from "./hash_slot.ts";
import type { Needs } from "./needs.ts";

/** The part of the time that connecting may take: a node that does not answer is reported beside the others. */
const CONNECT_MS = 1_000;
/** How many keys are tried to find one in a slot of a node. */
const MAX_TRIES = 100_000;

/** What was found at one node. */
interface NodeFindings {
  readonly url: string;
  readonly found: StoreFindings;
}

/**
 * Looks at every primary. Never rejects, and takes two seconds at most.
 *
 * @param connection The store's connection.
 * @param cluster What it knows of the cluster.
 * @param prefix What every key of the store begins with, with its colon.
 * @param needs What each primary has to be able to do.
 * @param advice What there is to say besides.
 */
export async function checkCluster(
  connection: RedisConnection,
  cluster: ClusterView,
  prefix: string,
  needs: Needs,
  advice: readonly string[] = [],
): Promise<StoreCheck> {
  const { url } = connection;
  const place = url === undefined ? "the cluster" : `the cluster ${url}`;
  const startUs = systemClock.nowUs();
  try {
    const nodes = await withTimeout(cluster.nodes(), CONNECT_MS, () => noAnswer(place));
    const leftMs = TIMEOUT_MS - (systemClock.nowUs() - startUs) / 1_000;
    const all = await Promise.all(nodes.map((node) => look(node, prefix, needs, leftMs)));
    const found = combine(all, uncovered(cluster));
    return newStoreCheck({ url, ...found, advice: [...found.advice ?? [], ...advice] });
  } catch (error) {
    return newStoreCheck({ url, ...failed(error) });
  }
}

async function look(
  node: ClusterNodeView,
  prefix: string,
  needs: Needs,
  timeoutMs: number,
): Promise<NodeFindings> {
  const { url } = node;
  try {
    const asked = ask(node, checkKeys(keyAt(node, prefix), needs), needs);
    return { url, found: findings(await withTimeout(asked, timeoutMs, () => noAnswer(url))) };
  } catch (error) {
    return { url, found: failed(error) };
  }
}

function keyAt(node: ClusterNodeView, prefix: string): string {
  for (let i = 0; i < MAX_TRIES; i++) {
    const key = `${checkKey(prefix)}:${i}`;
    if (node.has(hashSlot(key))) return key;
  }
  return checkKey(prefix); // a node that has just lost its slots: it says where they are
}

function uncovered(cluster: ClusterView): StoreProblem[] {
  let count = 0;
  for (let slot = 0; slot < SLOTS; slot++) {
    if (cluster.nodeOf(slot) === undefined) count++;
  }
  return count === 0 ? [] : [{
    kind: "unreachable",
    message:
      `${count} of the cluster's ${SLOTS} slots are served by no node: see CLUSTER NODES, and redis-cli --cluster fix`,
    stopsDecisions: true,
    reason: "cluster_down",
  }];
}

/** The worst of each. */
function combine(all: readonly NodeFindings[], problems: readonly StoreProblem[]): StoreFindings {
  const found = all.map((node) => node.found);
  const known = <Name extends keyof StoreFindings>(name: Name) =>
    found.map((one) => one[name]).filter((value) => value !== undefined) as NonNullable<StoreFindings[Name]>[];
  const texts = (name: "version" | "evictionPolicy") => [...new Set(known(name))].sort().join(", ") || undefined;
  const fullest = found.toSorted((a, b) => (a.memoryHeadroom ?? 1) - (b.memoryHeadroom ?? 1))[0];
  const offsets = known("clockOffsetMs").sort((a, b) => Math.abs(b) - Math.abs(a));
  const permissions = known("canRunScripts");
  return {
    engine: "redis",
    latencyMs: known("latencyMs").length === 0 ? undefined : Math.max(...known("latencyMs")),
    clockOffsetMs: offsets[0],
    version: texts("version"),
    role: known("role").includes("replica") ? "replica" : known("role")[0],
    evictionPolicy: texts("evictionPolicy"),
    memoryUsedBytes: fullest?.memoryUsedBytes,
    memoryLimitBytes: fullest?.memoryLimitBytes,
    memoryHeadroom: fullest?.memoryHeadroom,
    canRunScripts: permissions.length === 0 ? undefined : !permissions.includes(false),
    problems: [...problems, ...ofNodes(all)],
    advice: [...new Set(found.flatMap((one) => one.advice ?? []))],
  };
}

/** The problems of nodes, which say where; what they all have in common is said once. */
function ofNodes(all: readonly NodeFindings[]): StoreProblem[] {
  const each = all.flatMap(({ url, found }) => (found.problems ?? []).map((problem) => ({ url, problem })));
  const alike = groupBy(each, ({ problem }) => `${problem.kind} ${problem.message}`);
  return [...alike.values()].map((group) => {
    const { problem } = group[0] as (typeof each)[number];
    const where = group.length === all.length ? "Every node" : `Node ${group.map(({ url }) => url).join(", ")}`;
    return { ...problem, message: `${where}: ${problem.message}` };
  });
}
