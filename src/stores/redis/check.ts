/**
 * A look at Redis: one small script over the store's own connection, and what its answer means.
 *
 * @module
 */

import { systemClock, toWallMs } from "../../base/clock.ts";
import { withTimeout } from "../../base/deadline.ts";
import { StoreError } from "../../base/errors.ts";
import type { StoreErrorReason } from "../../base/store_error_reasons.ts";
import {
  clockProblems,
  newStoreCheck,
  problemOf,
  REFUSAL_KINDS,
  type StoreCheck,
  type StoreFindings,
  type StoreProblem,
} from "../check.ts";
import type { RedisConnection } from "./connections/connection.ts";
import { hashSlot } from "./hash_slot.ts";
import { readInfo } from "./info.ts";
import type { Needs } from "./needs.ts";
import { refusalReason, withAdvice } from "./refusal.ts";
import { check } from "./scripts.gen.ts";

/** Together with connecting; callers want to answer within two seconds, on a busy machine too. */
export const TIMEOUT_MS = 1_500;
/** The share of the memory that should be left. */
const MIN_HEADROOM = 0.1;

/** One answer of the server, and when it was asked and came, in microseconds of this process' clock. */
export interface CheckReply {
  /** What the script returned. */
  readonly reply: unknown;
  /** When it was sent. */
  readonly sentUs: number;
  /** When the answer was here. */
  readonly receivedUs: number;
}

/**
 * Looks at a server. Never rejects, and takes two seconds at most.
 *
 * @param connection The store's connection.
 * @param prefix What every key of the store begins with, with its colon.
 * @param needs What it has to be able to do.
 */
export async function checkRedis(connection: RedisConnection, prefix: string, needs: Needs): Promise<StoreCheck> {
  const { url } = connection;
  const place = url === undefined ? "Redis" : `Redis at ${url}`;
  const key = checkKey(prefix);
  const keys = [...checkKeys(key, needs), inAnotherSlot(key)];
  try {
    const answer = await withTimeout(
      connection.connect().then(() => ask(connection, keys, needs)),
      TIMEOUT_MS,
      () => noAnswer(place),
    );
    return newStoreCheck({ url, ...findings(answer) });
  } catch (error) {
    return newStoreCheck({ url, ...failed(error) });
  }
}

/** A key that no limiter has: a "%" in theirs is always followed by a hex code. */
export function checkKey(prefix: string): string {
  return `${prefix}%check`;
}

/** The keys that commands are tried on: the main key, and one beside it where that is needed. */
export function checkKeys(key: string, { hasTagged }: Needs): string[] {
  return hasTagged ? [key, `{${key}}:leases`] : [key];
}

/** A node of a cluster refuses a script with keys in two slots; so do batches of decisions. */
function inAnotherSlot(key: string): string {
  const slot = hashSlot(key);
  for (let i = 0;; i++) {
    if (hashSlot(`${key}:${i}`) !== slot) return `${key}:${i}`;
  }
}

/** Asks a server, or one of several. */
export async function ask(
  server: Pick<RedisConnection, "run">,
  keys: readonly string[],
  { commands }: Needs,
): Promise<CheckReply> {
  const sentUs = systemClock.nowUs();
  const reply = await server.run(check, keys, commands);
  if (!Array.isArray(reply) || reply.length < 3) {
    const message = withAdvice(
      "Cannot read what the script of check() has found: the reply is another one",
      "invalid_answer",
    );
    throw new StoreError("STORE_REFUSED", message, { reason: "invalid_answer" });
  }
  return { reply, sentUs, receivedUs: systemClock.nowUs() };
}

/** The error of a server that was silent for too long. */
export function noAnswer(place: string): StoreError {
  const message = `Cannot get an answer from ${place} within ${TIMEOUT_MS} ms; check host, port and scheme (redis:// ` +
    "without TLS, rediss:// with it), and whether the server is busy";
  return new StoreError("STORE_TIMEOUT", message, { reason: "no_answer" });
}

/** What it means that nothing could be found out. */
export function failed(error: unknown): StoreFindings {
  const found = problemOf(error);
  const isRefused = error instanceof StoreError && error.code === "STORE_REFUSED";
  const problem = isRefused ? { ...found, ...refused(error.message, error.reason) } : found;
  const canRunScripts = problem.kind === "permission" ? false : undefined;
  return { engine: "redis", canRunScripts, problems: [problem] };
}

/** What an answer means. */
export function findings({ reply, sentUs, receivedUs }: CheckReply): StoreFindings {
  const [seconds, us, text, ...tried] = (reply as unknown[]).map(String) as [string, string, string, ...string[]];
  const info = readInfo(text);
  const latencyMs = (receivedUs - sentUs) / 1_000;
  const clockOffsetMs = Number(seconds) * 1e3 + Number(us) / 1e3 - toWallMs(systemClock, (sentUs + receivedUs) / 2);
  const memory = readMemory(info);
  const refusals = refusalsOf(tried);
  const isReplica = refusals.has("read_only") || info.get("role") === "slave";
  if (isReplica) refusals.delete("read_only");
  const full = memoryProblems(memory, refusals.has("out_of_memory"));
  if (full.some((problem) => problem.stopsDecisions)) refusals.delete("out_of_memory");
  const problems = [
    ...isReplica ? [replica()] : [],
    ...[...refusals].map(([reason, message]) => refused(message, reason)),
    ...full,
    ...evictionProblems(memory.evictionPolicy),
    ...clockProblems(clockOffsetMs, latencyMs),
  ];
  return {
    engine: "redis",
    latencyMs,
    clockOffsetMs,
    ...memory,
    version: info.get("valkey_version") ?? info.get("redis_version"),
    role: isReplica ? "replica" : info.get("role") === "master" ? "primary" : undefined,
    canRunScripts: !refusals.has("permission"),
    problems,
    advice: adviceOf(memory, info.size > 0),
  };
}

/** Why commands were refused, each reason once. What means nothing else was refused for its arguments, as it should be. */
function refusalsOf(tried: readonly string[]): Map<StoreErrorReason, string> {
  const refusals = new Map<StoreErrorReason, string>();
  for (const text of tried) {
    const reason = refusalReason(text);
    if (reason !== undefined && !refusals.has(reason)) refusals.set(reason, withAdvice(text, reason));
  }
  return refusals;
}

type Memory = Pick<StoreFindings, "evictionPolicy" | "memoryUsedBytes" | "memoryLimitBytes" | "memoryHeadroom">;

function readMemory(info: ReadonlyMap<string, string>): Memory {
  const number = (name: string) => info.has(name) ? Number(info.get(name)) : undefined;
  const [used, limit] = [number("used_memory"), number("maxmemory")];
  const isBounded = used !== undefined && limit !== undefined && limit > 0;
  return {
    evictionPolicy: info.get("maxmemory_policy"),
    memoryUsedBytes: used,
    memoryLimitBytes: limit === 0 ? Infinity : limit,
    memoryHeadroom: isBounded ? Math.max(0, 1 - used / limit) : undefined,
  };
}

/** A server that may evict keys refuses writes all the same when it finds none. */
function memoryProblems(
  { evictionPolicy, memoryHeadroom, memoryUsedBytes, memoryLimitBytes }: Memory,
  isRefused: boolean,
): StoreProblem[] {
  if (memoryHeadroom === undefined || memoryHeadroom >= MIN_HEADROOM) return [];
  const evicts = evictionPolicy !== "noeviction";
  const isFull = isRefused || (memoryHeadroom === 0 && !evicts);
  const used = `${memoryUsedBytes} of ${memoryLimitBytes} bytes are in use`;
  const full = `The server's memory is full (${used})${evicts ? `, and ${evictionPolicy} finds no key to evict` : ""}`;
  const then = evicts ? "keys are evicted" : "decisions are refused";
  return [problem(
    "memory",
    isFull
      ? `${full}, so decisions are refused: raise maxmemory, or delete what is not needed`
      : `Less than 10 % of the server's memory is left (${used}); when it is full, ${then}: raise maxmemory`,
    isFull,
    "out_of_memory",
  )];
}

function evictionProblems(policy: string | undefined): StoreProblem[] {
  if (!policy?.startsWith("allkeys-")) return [];
  const message = `The server evicts keys when its memory is full (${policy}), and a limit whose key is gone starts ` +
    "anew: set maxmemory-policy to noeviction, or to volatile-ttl where a cache shares the server";
  return [problem("eviction", message)];
}

function adviceOf({ evictionPolicy, memoryLimitBytes }: Memory, hasInfo: boolean): string[] {
  if (!hasInfo) {
    return ["Scripts of this user may not run INFO, so version, role and memory are not known: grant it +info"];
  }
  const advice: string[] = [];
  if (memoryLimitBytes === Infinity) {
    advice.push("The server has no maxmemory: set it, so that it cannot take the machine's memory");
  }
  if (evictionPolicy === "volatile-lru" || evictionPolicy === "volatile-lfu" || evictionPolicy === "volatile-random") {
    advice.push(`With ${evictionPolicy} a long block or quota may be forgotten first: volatile-ttl forgets the least`);
  }
  return advice;
}

function replica(): StoreProblem {
  const message = "The server is a replica, which takes no writes: give the address of its primary";
  return problem("replica", message, true, "read_only");
}

/** What the server said when it refused; the message says what to do. */
function refused(message: string, reason: StoreErrorReason | undefined): StoreProblem {
  if (reason === "read_only") return replica();
  const todo = reason === undefined ? `${message.replace(/\.$/, "")}. See docs/redis/troubleshooting.md` : message;
  return problem(reason === undefined ? "refused" : REFUSAL_KINDS[reason] ?? "refused", todo, true, reason);
}

function problem(
  kind: StoreProblem["kind"],
  message: string,
  stopsDecisions = false,
  reason?: StoreErrorReason,
): StoreProblem {
  return { kind, message, stopsDecisions, ...(stopsDecisions && reason !== undefined ? { reason } : {}) };
}
