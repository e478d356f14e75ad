import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import { LogStore, replicasOf } from "../../../src/stores/log/log_store.ts";
import { MemoryStore } from "../../../src/stores/memory/memory_store.ts";
import type { TakeReply, TakeRequest } from "../../../src/stores/store.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { MemoryLog, MemoryLogStream } from "./_memory_log.ts";
import { stateOf } from "./_state.ts";

const SETS_OF_RULES = 300;

describe("The rules that processes on a stream have read", () => {
  it("are forgotten where no key is kept under them, which changes no decision and no state", async () => {
    const clock = new FakeClock(1_700_000_000_000_000);
    const log = new MemoryLog(() => clock.nowUs());
    const open = () => new LogStore(new MemoryLogStream(log), { snapshotEvery: 2_000, aliveMs: 1e12 });
    const [one, two] = [open(), open()];
    const memory = new MemoryStore({ clock });
    const algorithms = ["token_bucket", "fixed_window", "sliding_window"] as const;
    const policies = Array.from({ length: SETS_OF_RULES }, (_, i) =>
      compilePolicy({
        algorithm: algorithms[i % 3] as typeof algorithms[number],
        limit: 1 + i,
        windowMs: 20_000,
        onChange: i % 7 === 0 ? "scale" : "keep",
        ...i % 5 === 0 ? { maxConcurrent: 3, leaseTtlMs: 5_000 } : {},
      }));
    const sizes: number[] = [];
    // All of them twice, so that rules which were forgotten come again.
    for (let i = 0; i < 2 * SETS_OF_RULES; i++) {
      for (const place of [i, i - 1, 0]) {
        const policy = policies[Math.max(place, 0) % SETS_OF_RULES] as typeof policies[number];
        const permits = policy.maxConcurrent > 0 ? 1 : 0;
        const key = `k${i % 4}`;
        const targets = [{ limiter: place === 0 ? "steady" : "api", key, policy, cost: 1, permits }];
        const id = permits > 0 ? `one.${i}.${place}` : "";
        const request: TakeRequest = { op: "take", targets, mode: "now", maxWaitUs: 0, id, arrivalUs: 0 };
        const expected = memory.execute(request) as TakeReply;
        const reply = await (i % 2 === 0 ? one : two).execute(request);
        assert.deepEqual([reply.status, reply.waitUs], [expected.status, expected.waitUs], `rules ${place}`);
      }
      clock.advance(i % 50 === 0 ? 60_000 : 400);
      sizes.push([...replicasOf(one)[0]?.book.policies() ?? []].length);
    }
    const late = open();
    for (const store of [one, two, late, one, two]) await store.check();
    assert.ok(Math.max(...sizes) < SETS_OF_RULES, `${Math.max(...sizes)} sets of rules were kept`);
    assert.ok(log.shard("0").stored > 0, "no snapshot was stored");
    for (const store of [two, late]) assert.deepEqual(stateOf(store), stateOf(one));
    for (const store of [one, two, late]) await store.close();
  });
});
