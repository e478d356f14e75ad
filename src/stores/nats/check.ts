/**
 * Looks at a NATS server: whether JetStream answers, how full it is, and how the streams are kept.
 *
 * @module
 */

import { steadyUs, systemClock } from "../../base/clock.ts";
import { withTimeout } from "../../base/deadline.ts";
import { StoreError } from "../../base/errors.ts";
import { problemOf, type StoreFindings, type StoreProblem } from "../check.ts";
import type { NatsLink } from "./connection/link.ts";
import type { JetStream, StreamInfo } from "./jetstream.ts";
import { namesOf } from "./names.ts";
import type { NatsSettings } from "./settings/settings.ts";
import { isMissing, streamProblem } from "./streams.ts";

/** How long all of it may take, in milliseconds. */
const TIMEOUT_MS = 1_400;
/** Below this share of what is allowed, the room counts as small. */
const MIN_HEADROOM = 0.1;

/**
 * Looks at the server, and changes nothing. Never rejects.
 *
 * @param link The connection; it is opened if it is not.
 * @param jetstream Its API.
 * @param settings How the streams should be kept.
 * @param shards The shards whose streams are looked at.
 */
export async function checkNats(
  link: NatsLink,
  jetstream: JetStream,
  settings: NatsSettings,
  shards: readonly string[],
): Promise<Partial<StoreFindings>> {
  try {
    const looking = look(link, jetstream, settings, shards);
    return await withTimeout(looking, TIMEOUT_MS, () => silent(link.where.label));
  } catch (error) {
    return { version: link.client?.info?.version, problems: [problemOf(error)] };
  }
}

function silent(label: string): StoreError {
  const message =
    `Cannot get an answer from NATS at ${label} within ${TIMEOUT_MS} ms; check host and port, whether the ` +
    "server is busy, and in a cluster whether the streams have a leader";
  return new StoreError("STORE_TIMEOUT", message, { reason: "no_answer" });
}

async function look(
  link: NatsLink,
  jetstream: JetStream,
  settings: NatsSettings,
  shards: readonly string[],
): Promise<Partial<StoreFindings>> {
  await link.connect();
  const startUs = steadyUs(systemClock);
  const [account, ...streams] = await Promise.all([
    jetstream.account().catch((error) => {
      if (error instanceof StoreError && error.reason === "permission") return undefined;
      throw error;
    }),
    ...shards.map((shard) => streamOf(jetstream, namesOf(settings.streamPrefix, shard).log)),
  ]);
  const latencyMs = (steadyUs(systemClock) - startUs) / 1_000;
  const known = streams.filter((stream) => stream !== undefined);
  const { storage } = known[0]?.config ?? settings;
  const used = storage === "memory" ? account?.memory : account?.storage;
  const limit = storage === "memory" ? account?.limits.max_memory : account?.limits.max_storage;
  return {
    latencyMs,
    version: link.client?.info?.version,
    memoryUsedBytes: used,
    memoryLimitBytes: limit === undefined ? undefined : limit < 0 ? Infinity : limit,
    memoryHeadroom: headroom(used, limit),
    problems: [...known.flatMap((info) => streamProblems(info, settings)), ...roomProblems(used, limit)],
    advice: [
      ...account === undefined
        ? ["This user may not ask $JS.API.INFO, so it is not known how full the account is"]
        : [],
      ...known.flatMap((info) => adviceOf(info, settings)),
    ],
  };
}

async function streamOf(jetstream: JetStream, name: string): Promise<StreamInfo | undefined> {
  return await jetstream.info(name).catch((error) => {
    if (isMissing(error)) return undefined; // it is made by the first call
    throw error;
  });
}

function streamProblems({ config, cluster }: StreamInfo, { streamPrefix }: NatsSettings): StoreProblem[] {
  const shard = config.name.slice(streamPrefix.length + 1);
  const problem = streamProblem(config, namesOf(streamPrefix, shard).logSubject);
  const problems: StoreProblem[] = problem === undefined ? [] : [{
    kind: "refused",
    message: `The stream ${config.name} cannot hold limits: ${problem}`,
    stopsDecisions: true,
    reason: "wrong_stream",
  }];
  if (cluster !== undefined && !cluster.leader) {
    const message = `The stream ${config.name} has no leader: more than half of its servers have to be up`;
    problems.push({ kind: "unreachable", message, stopsDecisions: true, reason: "cluster_down" });
  }
  return problems;
}

function adviceOf({ config, cluster }: StreamInfo, settings: NatsSettings): string[] {
  const advice: string[] = [];
  const kept = { storage: config.storage, replicas: config.num_replicas };
  for (const name of ["storage", "replicas"] as const) {
    if (kept[name] === settings[name]) continue;
    advice.push(
      `The stream ${config.name} was made with ${name} ${kept[name]}, and the option says ${settings[name]}: ` +
        "change the stream with the program nats, or the option",
    );
  }
  for (const { name, current, offline } of cluster?.replicas ?? []) {
    if (offline || !current) {
      advice.push(`The replica of ${config.name} on ${name} is ${offline ? "down" : "behind"}`);
    }
  }
  return advice;
}

function headroom(used: number | undefined, limit: number | undefined): number | undefined {
  return used === undefined || limit === undefined || limit <= 0 ? undefined : Math.max(0, 1 - used / limit);
}

function roomProblems(used: number | undefined, limit: number | undefined): StoreProblem[] {
  const left = headroom(used, limit);
  if (left === undefined || left >= MIN_HEADROOM) return [];
  const message =
    `Less than 10 % of what JetStream may store is left (${used} of ${limit} bytes are in use); when it is ` +
    "full, decisions are refused: raise the limit of the account or of the server";
  return [{ kind: "memory", message, stopsDecisions: false }];
}
