/**
 * At most three uploads at the same time. Eight are asked for at once; each holds a permit while it works and gives it
 * back at the end of its block, whatever happens there.
 *
 *     npx bun examples/uploads.ts
 *
 * On Node: `npm run build`, then `node dist/examples/uploads.js`.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync } from "@ratesync/core";

await using rs = createRateSync({ limiters: { upload: { maxConcurrent: 3 } } });

const startMs = performance.now();
await Promise.allSettled(["a", "b", "c", "d", "e", "f", "g", "h"].map(upload));

const { peakConcurrent, totalReleases } = rs.metrics("upload");
console.log(`At most ${peakConcurrent} at once; ${totalReleases} permits taken and given back.`);

async function upload(file: string): Promise<void> {
  await using permit = await rs.acquire("upload");
  log(`${file} begins, having waited ${Math.round(permit.waitedMs)} ms`);
  // `lost` aborts the work if the permit is lost: someone else may hold it then.
  await sleep(200, undefined, { signal: permit.lost });
  if (file === "b") {
    log(`${file} fails`); // and gives its permit back all the same
    throw new Error("disk full");
  }
  log(`${file} is done`);
}

function log(text: string): void {
  console.log(`${String(Math.round(performance.now() - startMs)).padStart(4)} ms  ${text}`);
}
