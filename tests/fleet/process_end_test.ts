import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { FleetReader } from "../../src/fleet/fleet_reader.ts";
import { startWorker } from "../_support/processes.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { instance, readUntil } from "./_processes.ts";

it("A process that is watched reports who it is, and ends by itself when it has nothing else to do", {
  timeout: 60_000,
}, async () => {
  const keyPrefix = freshPrefix();
  await using worker = startWorker("fleet/process_end_worker", [keyPrefix]);
  await using watcher = instance({ engine: "redis", url: redisUrl(), keyPrefix }, {});
  const reader = new FleetReader(watcher);
  const { stores } = await readUntil(reader, ({ limiters: [api] }) => (api?.perSecond ?? 0) > 0, 30_000);
  const [seen] = stores[0]?.processes ?? [];
  assert.ok(seen?.label.endsWith(`:${worker.pid}`), seen?.label);
  assert.match(seen?.runtime ?? "", /^(?:bun|deno|node) \d/);
  assert.ok(Math.abs((seen?.startedMs ?? 0) - Date.now()) < 60_000, `${seen?.startedMs}`);
  let isOver = false;
  const watching = (async () => {
    for (; !isOver; await sleep(500)) await reader.read();
  })();
  assert.equal(await worker.readLine(), "end");
  const exit = await Promise.race([worker.exited, sleep(5_000, undefined, { ref: false })]);
  isOver = true;
  await watching;
  assert.deepEqual({ code: exit?.code, stderr: exit?.stderr }, { code: 0, stderr: "" });
});
