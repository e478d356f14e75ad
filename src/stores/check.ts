/**
 * What a look at a store finds.
 *
 * @module
 */

import { StoreError } from "../base/errors.ts";
import type { StoreErrorReason } from "../base/store_error_reasons.ts";

/**
 * What kind of problem a store has.
 *
 * - `unreachable`: No answer, or not in time.
 * - `refused`: It answered with an error, such as a wrong password.
 * - `loading`: It reads its data after a start.
 * - `permission`: This user may not do what decisions need: run scripts or their commands, use tables, publish.
 * - `replica`: It takes no writes.
 * - `memory`: Little memory or storage is left, or none.
 * - `eviction`: It may evict limits when its memory is full.
 * - `clock`: It differs from this process' clock by more than a second, or was set back or forward.
 */
export type StoreProblemKind =
  | "unreachable"
  | "refused"
  | "loading"
  | "permission"
  | "replica"
  | "memory"
  | "eviction"
  | "clock";

/** One thing that is wrong with a store. */
export interface StoreProblem {
  /** What kind of problem it is, as a literal that programs can compare. */
  readonly kind: StoreProblemKind;
  /** What is wrong and what to do, in plain words, without secrets. */
  readonly message: string;
  /** Whether the store cannot decide because of it, so that each limiter's failure policy does. */
  readonly stopsDecisions: boolean;
  /** Why decisions fail, as the `reason` of their errors says it; absent where it is not known or does not stop them. */
  readonly reason?: StoreErrorReason;
  /** How long the store does not want to be asked, in milliseconds; absent where it has not said that. */
  readonly retryAfterMs?: number;
}

/** What a look at a store found. What could not be found out is undefined. */
export interface StoreCheck {
  /** Whether the store can decide now: there is no problem that stops decisions. */
  readonly ok: boolean;
  /** What kind of store it is: `memory`, `redis`, `postgres`, `nats`, or the word of a store of your own. */
  readonly engine: string;
  /** Where it is, without credentials; undefined where that means nothing. */
  readonly url: string | undefined;
  /** How long one call took, there and back, in milliseconds; connecting not counted. */
  readonly latencyMs: number | undefined;
  /** The server's version: `7.0.15`. */
  readonly version: string | undefined;
  /** Whether the server takes writes, or follows one that does. */
  readonly role: "primary" | "replica" | undefined;
  /** By how many milliseconds the store's clock is ahead of this process'; negative where it is behind. */
  readonly clockOffsetMs: number | undefined;
  /** What the server does when its memory is full: `noeviction`, `volatile-ttl` ... */
  readonly evictionPolicy: string | undefined;
  /** Memory in use, in bytes. */
  readonly memoryUsedBytes: number | undefined;
  /** The most memory that it may use, in bytes; `Infinity` without a limit. */
  readonly memoryLimitBytes: number | undefined;
  /** The share of that limit that is left, from 0 to 1; undefined without a limit. */
  readonly memoryHeadroom: number | undefined;
  /** How many keys the store holds. PostgreSQL estimates it; undefined on Redis. */
  readonly keyCount: number | undefined;
  /** Whether the scripts or functions of the store may run, and read and write their keys. */
  readonly canRunScripts: boolean | undefined;
  /** What is wrong, the worst first. */
  readonly problems: readonly StoreProblem[];
  /** What could be better, or could not be found out, in plain words. */
  readonly advice: readonly string[];
}

/** What was found out about a store; what is missing is not known. */
export type StoreFindings = Pick<StoreCheck, "engine"> & Partial<Omit<StoreCheck, "ok">>;

/** Makes the report of what was found: frozen, the problems that stop decisions first. */
export function newStoreCheck(found: StoreFindings): StoreCheck {
  const problems = (found.problems ?? []).map((problem) => Object.freeze({ ...problem }));
  problems.sort((a, b) => Number(b.stopsDecisions) - Number(a.stopsDecisions));
  return Object.freeze({
    ok: !problems.some((problem) => problem.stopsDecisions),
    engine: found.engine,
    url: found.url,
    latencyMs: found.latencyMs,
    version: found.version,
    role: found.role,
    clockOffsetMs: found.clockOffsetMs,
    evictionPolicy: found.evictionPolicy,
    memoryUsedBytes: found.memoryUsedBytes,
    memoryLimitBytes: found.memoryLimitBytes,
    memoryHeadroom: found.memoryHeadroom,
    keyCount: found.keyCount,
    canRunScripts: found.canRunScripts,
    problems: Object.freeze(problems),
    advice: Object.freeze([...found.advice ?? []]),
  });
}

/** Which kind of problem a refusal is, by its reason; `refused` for all others. */
export const REFUSAL_KINDS: Partial<Record<StoreErrorReason, StoreProblemKind>> = {
  permission: "permission",
  loading: "loading",
  out_of_memory: "memory",
  read_only: "replica",
};

/** What a failed check tells: a problem that stops decisions. */
export function problemOf(error: unknown): StoreProblem {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof StoreError)) return { kind: "unreachable", message, stopsDecisions: true };
  const { code, reason, retryAfterMs } = error;
  const refusalKind = reason === undefined ? "refused" : REFUSAL_KINDS[reason] ?? "refused";
  return {
    kind: code === "STORE_REFUSED" ? refusalKind : "unreachable",
    message,
    stopsDecisions: true,
    ...(reason === undefined ? {} : { reason }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** The most by which a store's clock may differ from this process' without being reported, in milliseconds. */
const MAX_CLOCK_OFFSET_MS = 1_000;

/** The problem of a store whose clock differs. A slow call hides when the server read its clock, so as much is not counted. */
export function clockProblems(offsetMs: number, latencyMs: number): StoreProblem[] {
  if (Math.abs(offsetMs) - latencyMs / 2 <= MAX_CLOCK_OFFSET_MS) return [];
  const by = `${(Math.abs(offsetMs) / 1_000).toFixed(1)} s ${offsetMs > 0 ? "ahead of" : "behind"}`;
  const message =
    `The server's clock is ${by} this process'. Limits hold, since only the server's counts, but instants such as ` +
    "those of a reservation are off by that: let both machines take their time from NTP";
  return [{ kind: "clock", message, stopsDecisions: false }];
}

/** The first problem that stops decisions, as the error that they fail with; undefined if there is none. */
export function errorOf(problems: readonly StoreProblem[]): StoreError | undefined {
  const found = problems.find((problem) => problem.stopsDecisions);
  if (found === undefined) return undefined;
  const { kind, message, reason, retryAfterMs } = found;
  const code = kind !== "unreachable"
    ? "STORE_REFUSED"
    : reason === "no_answer"
    ? "STORE_TIMEOUT"
    : "STORE_UNAVAILABLE";
  return new StoreError(code, message, { reason, retryAfterMs });
}
