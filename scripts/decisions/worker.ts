/**
 * One process of `npm run decisions`. Its argument is a `Share` as JSON; it sends a `WorkerResult`, and ends.
 *
 * @module
 */

import process from "node:process";

import { createRateSync, type StoreConfig } from "../../mod.ts";
import { LIMITERS, limitersOf, type Share, type WorkerResult } from "./plan.ts";

const { engine, url, count, callers, limit, keys, seed = 1 } = JSON.parse(process.argv[2] as string) as Share;
// The type has one shape for each engine, and the command names the engine only when it runs.
const rs = createRateSync({
  stores: { shared: { engine, url } as unknown as StoreConfig },
  limiters: limitersOf(limit),
});
const counts = () => Object.fromEntries(LIMITERS.map((name) => [name, new Array<number>(keys).fill(0)]));
const [asked, admitted] = [counts(), counts()];
let failed = 0;
const failures: Record<string, number> = {};
let left = count;
let state = seed;

/** A whole number from 0, below `below`, that follows from the seed. */
function random(below: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor(state / 0x1_0000_0000 * below);
}

async function call(): Promise<void> {
  while (left-- > 0) {
    const name = LIMITERS[random(LIMITERS.length)] as string;
    const key = random(keys);
    (asked[name] as number[])[key]!++;
    try {
      const { allowed } = await rs.tryAcquire(name, { key: `user:${key}` });
      if (allowed) (admitted[name] as number[])[key]!++;
    } catch (error) {
      failed++;
      const text = `${Math.round(performance.now() / 1_000)} s: ${
        error instanceof Error ? error.message : String(error)
      }`;
      failures[text] = (failures[text] ?? 0) + 1;
    }
  }
}

process.once("disconnect", () => process.exit()); // also where the command was interrupted
const before = process.cpuUsage();
await Promise.all(Array.from({ length: callers }, call));
const { user, system } = process.cpuUsage(before);
const result: WorkerResult = { asked, admitted, failed, failures, cpuUs: user + system };
process.send?.(result, () => void rs.close().then(() => process.disconnect()));
