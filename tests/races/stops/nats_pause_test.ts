import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync } from "../../../mod.ts";
import { LogStore } from "../../../src/stores/log/log_store.ts";
import { startWorker } from "../../_support/processes.ts";
import { anyNats, freshStreamPrefix, streamWith } from "../../stores/nats/_nats.ts";
import { askJetStream } from "../../stores/nats/_operator.ts";

const HOUR_MS = 3_600_000;

describe("A process on NATS that stands still", () => {
  it("admits nothing beyond the limit when it goes on, whatever the others did meanwhile", async () => {
    await using nats = await anyNats();
    const streamPrefix = freshStreamPrefix();
    const limiters = { api: { limit: 100, windowMs: 10 * HOUR_MS, onStoreError: "throw", denyCacheMs: 0 } } as const;
    // A snapshot is stored, and the stream cut, more than once meanwhile, as in a minute at a thousand calls a second.
    const store = new LogStore(streamWith({ url: nats.url, streamPrefix }), { snapshotEvery: 300 });
    await using rs = createRateSync({ stores: { main: store }, limiters });
    await rs.connect();
    await using paused = startWorker("races/nats_pause_worker", [nats.url, streamPrefix]);
    assert.equal(await paused.readLine(), "ready");
    process.kill(paused.pid, "SIGSTOP");
    const { last_seq: stoppedAt } = (await askJetStream(nats.url, `STREAM.INFO.${streamPrefix}-0`)).state;
    // Longer than its consumer lives without it: the server has given it up when it goes on.
    let allowed = 0;
    for (let i = 0; i < 60; i++) {
      if ((await rs.tryAcquire("api")).allowed) allowed++;
      await sleep(100);
    }
    const { first_seq } = (await askJetStream(nats.url, `STREAM.INFO.${streamPrefix}-0`)).state;
    assert.ok(first_seq > stoppedAt + 1, `the stream begins at ${first_seq}, and the process stopped at ${stoppedAt}`);
    process.kill(paused.pid, "SIGCONT");
    paused.endInput();
    allowed += Number(await paused.readLine());
    assert.equal(allowed, 100);
    assert.equal((await rs.peek("api")).remaining, 0);
    assert.equal((await paused.exited).code, 0);
    await store.close();
  });
});
