/**
 * A process that calls a server as often as its limited fetch lets it, for a while, and reports what it was answered.
 *
 * @module
 */

import process from "node:process";

import { RateSyncError } from "../../mod.ts";
import { limitedFetch, type LimitedFetchOptions } from "../../src/http/outbound/mod.ts";
import { type JobResult, type Member, serveJobs } from "./_member.ts";

interface Work {
  /** The server. */
  readonly server: string;
  /** How many calls at a time. */
  readonly lanes: number;
  /** For how long, in milliseconds. */
  readonly forMs: number;
  /** Further options of the fetch. */
  readonly options?: Partial<LimitedFetchOptions>;
}

await serveJobs<Work>(call);
process.exit(0); // connections to the server are kept alive

async function call({ work, rs, errors, start }: Member<Work>): Promise<JobResult> {
  const partnerFetch = limitedFetch(fetch, { rateSync: rs, limiter: "partner", ...work.options });
  const denied: Record<string, number> = {};
  let allowed = 0;
  await (await fetch(`${work.server}warm-up`)).text();
  await start();
  const endMs = performance.now() + work.forMs;
  await Promise.all(Array.from({ length: work.lanes }, lane));
  return { allowed, denied, mostInside: 0 };

  async function lane(): Promise<void> {
    try {
      for (let leftMs = work.forMs; leftMs > 0; leftMs = endMs - performance.now()) {
        const answer = await partnerFetch(work.server, { signal: AbortSignal.timeout(Math.ceil(leftMs)) });
        await answer.text();
        if (answer.ok) allowed++;
        else denied[answer.status] = (denied[answer.status] ?? 0) + 1;
      }
    } catch (error) {
      const isOver = error instanceof Error && error.name === "TimeoutError" ||
        RateSyncError.is(error) && error.code === "RATE_LIMITED";
      if (!isOver) errors.push(String(error));
    }
  }
}
