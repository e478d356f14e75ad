import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";

import * as defaultInstance from "../../mod.ts";
import { ClosedError, ConfigError, createRateSync, type Permit, type RateSync } from "../../mod.ts";
import { assertFails } from "./_errors.ts";
import { STORES } from "./_stores.ts";

const LIMITERS = {
  api: { ratePerSecond: 1_000, burst: 1_000 },
  paced: { ratePerSecond: 4, timeoutMs: 10_000 },
  slot: { maxConcurrent: 1, timeoutMs: 10_000 },
} as const;

const CLOSED = { type: ClosedError, code: "CLOSED", says: ["it is closed"] } as const;

/** Options that cannot be used, and what is said of them. */
const BAD: readonly [options: unknown, path: string, says: RegExp][] = [
  [{ drian: true }, "drian", /did you mean "drain"/],
  [{ drain: true, timeout: 5 }, "timeout", /did you mean "timeoutMs"/],
  [{ drain: "yes" }, "drain", /true or false/],
  [{ drain: 1 }, "drain", /true or false/],
  [{ drain: true, timeoutMs: "5s" }, "timeoutMs", /milliseconds/],
  [{ drain: true, timeoutMs: -1 }, "timeoutMs", /milliseconds/],
  [{ drain: true, timeoutMs: NaN }, "timeoutMs", /milliseconds/],
  [{ timeoutMs: 1_000 }, "timeoutMs", /drain: true/],
  [{ drain: false, timeoutMs: 1_000 }, "timeoutMs", /drain: true/],
  [null, "options", /an object/],
  [5_000, "options", /an object/],
];

/** How a promise stands after a moment. */
async function stateOf(promise: Promise<unknown>): Promise<"pending" | "settled"> {
  return await Promise.race([promise.then(() => "settled", () => "settled"), sleep(150, "pending")]) as
    | "pending"
    | "settled";
}

async function assertRefuses(rs: RateSync<keyof typeof LIMITERS>, held: ReturnType<typeof rs.limiter>): Promise<void> {
  const calls = [() => rs.acquire("api"), () => rs.tryAcquire("api"), () => rs.peek("api"), () => rs.block("api", 1)];
  const direct = [() => held.acquire(), () => held.tryAcquire(), () => held.reserve(), () => held.run(() => {})];
  for (const call of [...calls, ...direct]) await assertFails(call, CLOSED);
}

for (const [engine, store] of STORES) {
  describe(`RateSync.close({ drain: true }) on ${engine}`, () => {
    const open = () => createRateSync({ stores: { main: store() }, limiters: LIMITERS });

    it("refuses new calls at once, lets those that wait and those that hold finish, then closes", async () => {
      const rs = open();
      const held = rs.limiter("api");
      const permit = await rs.acquire("slot");
      const waiting = rs.acquire("slot");
      await rs.acquire("paced");
      const paced = rs.acquire("paced");
      await sleep(50);
      const drained = rs.close({ drain: true });
      await assertRefuses(rs, held);
      await permit.release();
      const second = await waiting;
      await paced;
      await assertRefuses(rs, held);
      assert.equal(await stateOf(drained), "pending");
      assert.match(inspect(rs), /closed: true/);
      assert.ok(!second.lost.aborted);
      await second.release();
      await drained;
      assert.ok(!second.lost.aborted && !permit.lost.aborted);
      await assertRefuses(rs, held);
      await rs.close();
    });

    it("closes at once when nothing is under way, used or not", async () => {
      for (const used of [true, false]) {
        const rs = open();
        if (used) await rs.tryAcquire("api");
        await rs.close({ drain: true, timeoutMs: Infinity });
        await assertFails(() => rs.tryAcquire("api"), CLOSED);
      }
    });

    it("waits for functions of run() and rateLimited(), also where no permit is held", async () => {
      const rs = open();
      let end = () => {};
      const ended = new Promise<void>((resolve) => end = resolve);
      const results = [rs.run("api", () => ended.then(() => 1)), rs.rateLimited(() => ended, { limiter: "api" })()];
      await sleep(50);
      const drained = rs.close({ drain: true });
      assert.equal(await stateOf(drained), "pending");
      end();
      await drained;
      assert.deepEqual(await Promise.all(results), [1, undefined]);
    });

    it("closes when the time is over: calls that wait fail, permits that are held are lost", async () => {
      const rs = open();
      const permit = await rs.acquire("slot");
      const waiting = rs.acquire("slot");
      const failed = assertFails(() => waiting, CLOSED);
      await sleep(50);
      const startMs = performance.now();
      await rs.close({ drain: true, timeoutMs: 200 });
      const tookMs = performance.now() - startMs;
      assert.ok(tookMs >= 190 && tookMs < 1_500, `${tookMs} ms`);
      await failed;
      assert.ok(permit.lost.aborted);
      await permit.release();
    });

    it("ends when the instance is closed meanwhile", async () => {
      const rs = open();
      const permit = await rs.acquire("slot");
      const drained = rs.close({ drain: true, timeoutMs: Infinity });
      await sleep(50);
      await rs.close();
      await drained;
      assert.ok(permit.lost.aborted);
    });

    it("refuses options that it does not understand, and stays open", async () => {
      const rs = open();
      for (const [options, path, says] of BAD) {
        await assert.rejects(rs.close(options as object), (error: unknown) => {
          assert.ok(error instanceof ConfigError, String(error));
          assert.equal(error.path, path);
          assert.match(error.message, says);
          return true;
        });
      }
      assert.ok((await rs.tryAcquire("api")).allowed);
      await rs.close();
    });
  });
}

describe("close({ drain: true }) of the default instance", () => {
  it("refuses new calls until it is drained; the next use makes a new instance", async () => {
    const { acquire, close, configureLimiter, tryAcquire } = defaultInstance;
    configureLimiter("job", { maxConcurrent: 1 });
    const permit: Permit = await acquire("job");
    const drained = close({ drain: true });
    await assertFails(() => tryAcquire("job"), CLOSED);
    assert.equal(await stateOf(drained), "pending");
    await permit.release();
    await drained;
    configureLimiter("job", { maxConcurrent: 1 });
    assert.ok((await tryAcquire("job")).allowed);
    await close();
  });

  it("refuses options that it does not understand, and stays open", async () => {
    const { close, configureLimiter, tryAcquire } = defaultInstance;
    configureLimiter("job", { ratePerSecond: 1_000, burst: 10 });
    for (const [options] of BAD) await assert.rejects(close(options as object), ConfigError);
    assert.ok((await tryAcquire("job")).allowed);
    await close();
  });
});
