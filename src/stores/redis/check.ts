/**
 * A look at Redis: one small script over the store's own connection, and what its answer means.
 *
 * @module
 */

import { systemClock, toWallMs } from "../../base/clock.ts";
import { withTimeout } from "../../base/deadline.ts";
import { StoreError } from "../../base/errors.ts";
import { newStoreCheck, type StoreCheck, type StoreFindings, type StoreProblem } from "../check.ts";
import type { RedisConnection } from "./connections/connection.ts";
import { check } from "./scripts.gen.ts";

/** Together with connecting; whoever asks wants to answer within two seconds, on a busy machine too. */
export const TIMEOUT_MS = 1_500;
const MAX_CLOCK_OFFSET_MS = 1_000;
/** The share of the memory that should be left. */
const MIN_HEADROOM = 0.1;

/** How servers of all versions say that a user may not. */
const NO_PERMISSION = /\bNOPERM\b|\bACL failure\b|can't run this command|can't access/;
const READONLY = /\bREADONLY\b/;

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
 */
export async function checkRedis(connection: RedisConnection, prefix: string): Promise<StoreCheck> {
  const { url } = connection;
  const place = url === undefined ? "Redis" : `Redis at ${url}`;
  try {
    const answer = await withTimeout(
      connection.connect().then(() => ask(connection, checkKey(prefix))),
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

/** Asks a server, or one of several. */
export async function ask(server: Pick<RedisConnection, "run">, key: string): Promise<CheckReply> {
  const sentUs = systemClock.nowUs();
  const reply = await server.run(check, [key], []);
  return { reply, sentUs, receivedUs: systemClock.nowUs() };
}

/** The error of a server that was silent for too long. */
export function noAnswer(place: string): StoreError {
  return new StoreError("STORE_TIMEOUT", `Cannot get an answer from ${place} within ${TIMEOUT_MS} ms`);
}

/** What it means that nothing could be found out. */
export function failed(error: unknown): StoreFindings {
  const problem = problemOf(error);
  const canRunScripts = problem.kind === "permission" ? false : undefined;
  return { engine: "redis", canRunScripts, problems: [problem] };
}

/** What an answer means. */
export function findings({ reply, sentUs, receivedUs }: CheckReply): StoreFindings {
  const [seconds, us, refusal, text] = (reply as unknown[]).map(String) as [string, string, string, string];
  const info = readInfo(text);
  const latencyMs = (receivedUs - sentUs) / 1_000;
  const clockOffsetMs = Number(seconds) * 1e3 + Number(us) / 1e3 - toWallMs(systemClock, (sentUs + receivedUs) / 2);
  const memory = readMemory(info);
  const isReplica = READONLY.test(refusal) || info.get("role") === "slave";
  const problems = [
    ...isReplica ? [replica()] : refusal === "" ? [] : [refused(refusal)],
    ...memoryProblems(memory),
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
    canRunScripts: !NO_PERMISSION.test(refusal),
    problems,
    advice: adviceOf(memory, info.size > 0),
  };
}

type Memory = Pick<StoreFindings, "evictionPolicy" | "memoryUsedBytes" | "memoryLimitBytes" | "memoryHeadroom">;

function readInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split("\r\n").flatMap((line) => {
      const colon = line.indexOf(":");
      return colon === -1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
    }),
  );
}

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

function memoryProblems({ evictionPolicy, memoryHeadroom, memoryUsedBytes, memoryLimitBytes }: Memory): StoreProblem[] {
  if (memoryHeadroom === undefined || memoryHeadroom >= MIN_HEADROOM) return [];
  const isFull = memoryHeadroom === 0 && evictionPolicy === "noeviction";
  const then = evictionPolicy === "noeviction" ? "decisions are refused" : "keys are evicted";
  const used = `${memoryUsedBytes} of ${memoryLimitBytes} bytes are in use`;
  return [problem(
    "memory",
    isFull
      ? `The server's memory is full (${used}), so decisions are refused: raise maxmemory, or delete what is not needed`
      : `Less than 10 % of the server's memory is left (${used}); when it is full, ${then}: raise maxmemory`,
    isFull,
  )];
}

function evictionProblems(policy: string | undefined): StoreProblem[] {
  if (!policy?.startsWith("allkeys-")) return [];
  const message = `The server evicts keys when its memory is full (${policy}), and a limit whose key is gone starts ` +
    "anew: set maxmemory-policy to noeviction, or to volatile-ttl where a cache shares the server";
  return [problem("eviction", message)];
}

/** A slow call hides when the server read its clock, so as much is not counted. */
function clockProblems(offsetMs: number, latencyMs: number): StoreProblem[] {
  if (Math.abs(offsetMs) - latencyMs / 2 <= MAX_CLOCK_OFFSET_MS) return [];
  const by = `${(Math.abs(offsetMs) / 1_000).toFixed(1)} s ${offsetMs > 0 ? "ahead of" : "behind"}`;
  return [problem(
    "clock",
    `The server's clock is ${by} this process'. Limits hold, since only the server's counts, but instants such as ` +
      "those of a reservation are off by that: let both machines take their time from NTP",
  )];
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
  return problem("replica", message, true);
}

function problemOf(error: unknown): StoreProblem {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof StoreError && error.code === "STORE_REFUSED" ? refused(message) : problem(
    "unreachable",
    `${message}. Check that the server runs and that its host and port are reached from here`,
    true,
  );
}

/** What the server says when it refuses, with what to do. */
function refused(message: string): StoreProblem {
  if (NO_PERMISSION.test(message)) {
    const todo = "Grant this user eval, evalsha and what the scripts call (docs/redis.md, Permissions)";
    return problem("permission", `${message}. ${todo}`, true);
  }
  if (READONLY.test(message)) return replica();
  if (/\bLOADING\b/.test(message)) {
    return problem("loading", `${message}. It decides again once that is done: wait`, true);
  }
  const todo = /\b(NOAUTH|WRONGPASS)\b/.test(message)
    ? "Check username and password"
    : "docs/redis.md, Troubleshooting, says what it means";
  return problem("refused", `${message.replace(/\.$/, "")}. ${todo}`, true);
}

function problem(kind: StoreProblem["kind"], message: string, stopsDecisions = false): StoreProblem {
  return { kind, message, stopsDecisions };
}
