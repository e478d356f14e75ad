/**
 * Through how many files and functions of this package a warm call goes, as V8 counts them: what a reader must read to
 * follow it.
 *
 * @module
 */

import type { Profiler } from "node:inspector";
import process from "node:process";

import { createRateSync } from "@ratesync/core";

import { openRateSync } from "./_ours.ts";
import { type BenchContext, claim, type Report } from "./_report.ts";

/** Calls that load and compile everything. */
const WARM_UP = 50;

/** How often each call is followed: the fewest functions count, since timers of the background may fall into one. */
const TRIES = 50;

/** How many files and functions each call may enter. */
const GOALS = {
  "tryAcquire, Redis": [20, 65],
  "acquire, Redis": [22, 72],
  "acquire and release a permit, Redis": [24, 85],
  "tryAcquire, memory": [10, 18],
} as const;

/** What a call has entered. */
interface Walk {
  readonly files: number;
  readonly functions: number;
}

/** Runs it. */
export async function walk({ url, quick }: BenchContext): Promise<Report> {
  const limiters = { api: { limit: 1_000_000, windowMs: 1_000 }, jobs: { maxConcurrent: 10 } };
  await using redis = openRateSync(url, limiters);
  await using memory = createRateSync({ limiters });
  const calls: Record<keyof typeof GOALS, () => Promise<unknown>> = {
    "tryAcquire, Redis": () => redis.tryAcquire("api", { key: "user:1" }),
    "acquire, Redis": () => redis.acquire("api", { key: "user:1" }),
    "acquire and release a permit, Redis": async () => await (await redis.acquire("jobs", { key: "user:1" })).release(),
    "tryAcquire, memory": () => memory.tryAcquire("api", { key: "user:1" }),
  };
  const walks = new Map<string, Walk>();
  const notes: string[] = [];
  for (const [name, call] of Object.entries(calls)) {
    const walked = await follow(call, quick ? 1 : TRIES);
    if (walked === undefined) notes.push("This runtime does not count the functions that are entered.");
    else walks.set(name, walked);
  }
  return {
    about: "One call at a time, when everything is loaded; functions that have a name.",
    rows: [...walks].map(([name, { files, functions }]) => ({ "a warm call": name, files, functions })),
    claims: Object.entries(GOALS).flatMap(([name, [files, functions]]) => [
      claim(
        { what: `${name}: files entered`, better: "lower", unit: "", must: files, aim: files },
        walks.get(name)?.files,
      ),
      claim(
        { what: `${name}: functions entered`, better: "lower", unit: "", must: functions, aim: functions },
        walks.get(name)?.functions,
      ),
    ]),
    notes: [...new Set(notes)],
  };
}

/** Follows a call, so many times. */
async function follow(call: () => Promise<unknown>, times: number): Promise<Walk | undefined> {
  for (let i = 0; i < WARM_UP; i++) await call();
  if ("deno" in process.versions || "bun" in process.versions) return undefined;
  const { Session } = await import("node:inspector/promises");
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  const tries: Walk[] = [];
  for (let i = 0; i <= times; i++) {
    await call(); // a connection that has been idle is looked at first
    await session.post("Profiler.takePreciseCoverage"); // the counts begin at zero again
    await call();
    const { result } = await session.post("Profiler.takePreciseCoverage");
    tries.push(walkOf(result));
  }
  session.disconnect();
  return tries.slice(1).toSorted((a, b) => a.functions - b.functions)[0];
}

/** What coverage says of files of this package. */
function walkOf(result: readonly Profiler.ScriptCoverage[]): Walk {
  const root = new URL("../", import.meta.url).href;
  const entered = result
    .filter(({ url }) => url.startsWith(`${root}src/`) || url.startsWith(`${root}mod.`))
    .map(({ functions }) =>
      functions.filter(({ functionName, ranges }) => functionName !== "" && (ranges[0]?.count ?? 0) > 0)
    )
    .filter((functions) => functions.length > 0);
  return { files: entered.length, functions: entered.flat().length };
}
