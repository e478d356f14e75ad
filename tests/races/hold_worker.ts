/**
 * A process that acquires, holds for a while and releases, over and over, several at a time.
 *
 * @module
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { join } from "./_member.ts";

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

const { work, rs, errors, start, enter, leave, close } = await join<Work>();
let allowed = 0;
let mostInside = 0;

await start();
await Promise.all(Array.from({ length: work.lanes }, lane));
console.log(JSON.stringify({ allowed, denied: {}, mostInside, errors }));
await close();
if (errors.length > 0) process.exitCode = 1;

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
