/**
 * What a PostgreSQL store does while the disk of its server is full, and when there is room again.
 *
 *     mount -t tmpfs -o size=90m tmpfs /mnt/small
 *     npm run build && node dist/scripts/postgres/full_disk.js /mnt/small
 *
 * @module
 */

import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync } from "../../mod.ts";
import { giveToServerUser } from "./programs.ts";
import { startPostgres } from "./server.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("Name an empty folder on a disk of about 90 MB");
const data = join(folder, "data");
const ballast = join(folder, "ballast");
mkdirSync(data, { mode: 0o700 });
giveToServerUser(data);
const server = await startPostgres({ folder: data, settings: { max_wal_size: "32MB", min_wal_size: "32MB" } });
const rs = createRateSync({
  stores: { main: { engine: "postgres", url: server.url, onStoreError: "deny" } },
  limiters: { api: { limit: 1_000_000, windowMs: 3_600_000 } },
});

try {
  await rs.connect();
  console.log("before", await ask());
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(ballast, new Uint8Array(bavail * bsize));
  const full = performance.now();
  let during = await ask();
  while (during.failed === 0 && performance.now() - full < 20_000) during = await ask();
  console.log("full", during, (await rs.check()).problems.map(({ message }) => message));
  rmSync(ballast);
  const freed = performance.now();
  let after = await ask();
  while (after.failed > 0 && performance.now() - freed < 60_000) {
    await sleep(100);
    after = await ask();
  }
  console.log("room again", after, `after ${Math.round(performance.now() - freed)} ms`);
} finally {
  await rs.close();
  await server.stop();
  rmSync(data, { recursive: true });
}

/** Two thousand calls for keys of their own. */
async function ask(): Promise<{ allowed: number; failed: number; reasons: string[] }> {
  const reasons = new Set<string>();
  const unsubscribe = rs.subscribeStores((event) => {
    if ("error" in event && event.error !== undefined) reasons.add(`${event.error.reason}: ${event.error.message}`);
  });
  const decisions = await Promise.all(
    Array.from({ length: 2_000 }, () => rs.tryAcquire("api", { key: crypto.randomUUID() })),
  );
  unsubscribe();
  const allowed = decisions.filter((decision) => decision.allowed).length;
  return { allowed, failed: decisions.length - allowed, reasons: [...reasons] };
}
