/**
 * A process that acquires, holds for a while and releases, over and over, several at a time.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";

import { type JobResult, type Member, serveJobs } from "./_member.ts";

interface Work {
  /** How many permits to hold one after the other, in each lane. */
  readonly rounds: number;
  /** How many at a time. */
  readonly lanes: number;
  /** How long to hold one, in milliseconds: at least half of it, at most all. */
  readonly holdMs: number;
  /** The limiter. */
  readonly id: string;
}

await serveJobs<Work>(hold);

async function hold({ work, rs, errors, start, enter, leave }: Member<Work>): Promise<JobResult> {
  let allowed = 0;
  let mostInside = 0;
  await start();
  await Promise.all(Array.from({ length: work.lanes }, lane));
  return { allowed, denied: {}, mostInside };

  async function lane(): Promise<void> {
    try {
      for (let round = 0; round < work.rounds; round++) {
        await using _permit = await rs.acquire(work.id, { timeoutMs: Infinity });
        allowed++;
        mostInside = Math.max(mostInside, await enter());
        await sleep(work.holdMs * (1 + Math.random()) / 2);
        await leave();
      }
    } catch (error) {
      errors.push(String(error));
    }
  }
}
