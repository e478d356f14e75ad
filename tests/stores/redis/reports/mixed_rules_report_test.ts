import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { createRateSync, type LimiterOptions, type StoreEvent } from "../../../../mod.ts";
import { freshPrefix, redisUrl } from "../../../_support/redis.ts";

const HOUR_MS = 3_600_000;

/** A process, as far as its limits go. */
function open(keyPrefix: string, login: LimiterOptions) {
  const lines: string[] = [];
  const events: StoreEvent[] = [];
  const write = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const logger = { debug: () => {}, info: write("info"), warn: write("warn"), error: write("error") };
  const rs = createRateSync({
    logger,
    stores: { shared: { engine: "redis", url: redisUrl(), keyPrefix } },
    limiters: { login: { ...login, store: "shared", denyCacheMs: 0, onStoreError: "throw" } },
  });
  rs.subscribeStores((event) => events.push(event));
  return { rs, lines, events };
}

describe("Processes whose configurations differ", () => {
  it("are reported once in each, with both rules and without keys", { timeout: 30_000 }, async () => {
    const prefix = freshPrefix();
    const processes = [
      open(prefix, { limit: 5, windowMs: HOUR_MS }),
      open(prefix, { algorithm: "sliding_window", limit: 6, windowMs: HOUR_MS }),
    ];
    const isTold = () => processes.every(({ events }) => events.some(({ type }) => type === "mixed_rules"));
    for (let i = 0; i < 300 && !isTold(); i++) {
      for (const { rs } of processes) await rs.tryAcquire("login", { key: "user-of-the-test" });
      await delay(50);
    }
    for (let i = 0; i < 60; i++) {
      for (const { rs } of processes) await rs.tryAcquire("login", { key: "user-of-the-test" });
      await delay(50);
    }
    const words = ["token_bucket 5 in 3600000 ms, burst 5", "sliding_window 6 in 3600000 ms"];
    for (const [i, { rs, lines, events }] of processes.entries()) {
      const [own, other] = [words[i] as string, words[1 - i] as string];
      const warnings = lines.filter((line) => line.startsWith("warn"));
      assert.equal(warnings.length, 1, `${warnings}`);
      const [warning] = warnings as [string];
      assert.match(warning, /store "shared": limiter "login" has other rules in other processes/);
      assert.ok(warning.includes(`processes: ${other}, here ${own}. `), warning);
      assert.ok(!warning.includes("user-of-the-test") && !warning.includes(prefix), warning);
      const expected = { limiter: "login", rules: own, others: [other] };
      assert.deepEqual(events.filter(({ type }) => type === "mixed_rules"), [
        { type: "mixed_rules", store: "shared", ...expected },
      ]);
      assert.deepEqual(rs.listStores()["shared"]?.mixedRules, [expected]);
      await rs.close();
    }
  });

  it(
    "are not reported if only other options differ, or this process was configured anew",
    { timeout: 30_000 },
    async () => {
      const prefix = freshPrefix();
      const [one, other] = [
        open(prefix, { limit: 5, windowMs: HOUR_MS }),
        open(prefix, { limit: 5, windowMs: HOUR_MS, timeoutMs: 1 }),
      ];
      for (let i = 0; i < 120; i++) {
        for (const { rs } of [one, other]) await rs.tryAcquire("login", { key: "k" });
        if (i === 60) {
          const limiter = { store: "shared", limit: 7, windowMs: HOUR_MS };
          for (const { rs } of [one, other]) rs.configureLimiter("login", limiter);
        }
        await delay(50);
      }
      await one.rs.close();
      await other.rs.close();
      const warned = [...one.lines, ...other.lines].filter((line) => line.startsWith("warn"));
      assert.deepEqual(warned, []);
    },
  );
});
