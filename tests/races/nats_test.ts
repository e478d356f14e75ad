import assert from "node:assert/strict";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type LimiterOptions } from "../../mod.ts";
import { startWorker } from "../_support/processes.ts";
import { redisUrl } from "../_support/redis.ts";
import { LogStore } from "../../src/stores/log/log_store.ts";
import { anyNats, freshStreamPrefix, streamWith } from "../stores/nats/_nats.ts";
import { askJetStream } from "../stores/nats/_operator.ts";
import { Fleet, type Shared, total } from "./_fleet.ts";

const PROCESSES = 4;
const TRIES = 100;
const HOUR_MS = 3_600_000;

/** Limits that gain nothing while a test runs: all that is admitted is what they hold. */
const LIMITS: readonly [name: string, options: LimiterOptions, admits: number][] = [
  ["a token bucket", { limit: 50, windowMs: 10 * HOUR_MS }, 50],
  ["a sliding window", { algorithm: "sliding_window", limit: 50, windowMs: HOUR_MS }, 50],
  ["several limits", {
    limits: [{ algorithm: "fixed_window", limit: 40, windowMs: HOUR_MS }, { limit: 70, windowMs: 10 * HOUR_MS }],
  }, 40],
];

describe(`${PROCESSES} processes on NATS`, () => {
  let nats: Awaited<ReturnType<typeof anyNats>>;
  let fleet: Fleet;
  before(async () => {
    nats = await anyNats();
    fleet = await Fleet.start("try_worker", PROCESSES);
  });
  after(async () => {
    await fleet.end();
    await fleet[Symbol.asyncDispose]();
    await nats[Symbol.asyncDispose]();
  });

  function shared(limiters: Record<string, LimiterOptions>): Shared {
    return { url: redisUrl(), natsUrl: nats.url, prefix: freshStreamPrefix(), limiters };
  }

  for (const [name, options, admits] of LIMITS) {
    it(`admit exactly what the law allows, with ${name}`, async () => {
      const reports = await fleet.run(shared({ api: options }), { tries: TRIES, ids: ["api"] });
      assert.equal(total(reports, "allowed"), admits);
    });
  }

  it("take from all limiters or from none", async () => {
    const limiters = { scarce: { limit: 30, windowMs: 10 * HOUR_MS }, ample: { limit: 100, windowMs: 10 * HOUR_MS } };
    const reports = await fleet.run(shared(limiters), { tries: 50, ids: ["ample", "scarce"] });
    assert.equal(total(reports, "allowed"), 30);
  });

  it("never hold more permits than there are", async () => {
    const options = { limit: 50, windowMs: 10 * HOUR_MS, maxConcurrent: 3 };
    const reports = await fleet.run(shared({ api: options }), { tries: 5_000, ids: ["api"], untilSpent: true });
    assert.equal(total(reports, "allowed"), 50);
    for (const { mostInside } of reports) assert.ok(mostInside <= 3, `${mostInside} were inside`);
  });
});

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
