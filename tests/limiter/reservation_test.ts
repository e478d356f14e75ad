import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync, RateLimitedError } from "../../mod.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { STORES } from "../registry/_stores.ts";
import { startRedis } from "../stores/redis/_servers.ts";
import { forbidUnhandledRejections } from "./_unhandled.ts";

describe("Limiter.reserve()", () => {
  forbidUnhandledRejections();

  it("takes the cost for the earliest instant, and returns that instant", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({ clock, limiters: { api: { ratePerSecond: 1, burst: 2 } } });
    const nowMs = clock.nowUs() / 1_000;
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      const { waitMs, readyAtMs, decision } = await rs.reserve("api");
      assert.ok(decision.allowed);
      assert.equal(readyAtMs, nowMs + waitMs);
      waits.push(waitMs);
    }
    assert.deepEqual(waits, [0, 0, 1_000, 2_000]);
  });

  it("is ready at its instant, and not before", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({ clock, limiters: { api: { ratePerSecond: 1 } } });
    await rs.reserve("api");
    const { ready } = await rs.reserve("api");
    let done = false;
    const waiting = ready().then(() => done = true);
    await clock.advance(999);
    assert.ok(!done);
    await clock.advance(1);
    assert.ok(await waiting);
    const reason = { why: "enough" };
    const third = await rs.reserve("api");
    const aborted = third.ready(AbortSignal.abort(reason));
    await aborted.then(() => assert.fail("it was not aborted"), (error) => assert.equal(error, reason));
    assert.equal(clock.pending, 0);
  });

  it("takes nothing if the instant is too far away", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({ clock, limiters: { api: { ratePerSecond: 1 } } });
    await rs.reserve("api");
    await assert.rejects(rs.reserve("api", { timeoutMs: 999 }), (error) => {
      assert.ok(error instanceof RateLimitedError);
      assert.equal(error.retryAfterMs, 1_000);
      return true;
    });
    assert.equal((await rs.reserve("api", { timeoutMs: 1_000 })).waitMs, 1_000);
  });

  it("has nothing to give back if the failure policy allowed it", async () => {
    const server = await startRedis();
    await server.stop();
    await using rs = createRateSync({
      stores: { main: { engine: "redis", url: server.url } },
      limiters: { api: { ratePerSecond: 1, onStoreError: "allow" } },
    });
    const reservation = await rs.reserve("api");
    assert.deepEqual([reservation.decision.degraded, reservation.waitMs], [true, 0]);
    await reservation.ready();
    await reservation.settle(0);
    await reservation.cancel();
  });
});

for (const [engine, store] of STORES) {
  describe(`A reservation on ${engine}`, () => {
    forbidUnhandledRejections();
    const open = () =>
      createRateSync({
        stores: { main: store() },
        limiters: {
          bucket: { limit: 10, windowMs: 36_000_000 },
          window: { algorithm: "sliding_window", limit: 10, windowMs: 3_600_000 },
          fixed: { algorithm: "fixed_window", limit: 10, windowMs: 3_600_000 },
        },
      });

    for (const id of ["bucket", "window", "fixed"] as const) {
      it(`of ${id} gives unused units back`, async () => {
        await using rs = open();
        const reservation = await rs.reserve(id, { cost: 8 });
        assert.equal((await rs.peek(id)).remaining, 2);
        await reservation.settle(3);
        assert.equal((await rs.peek(id)).remaining, 7);
      });

      it(`of ${id} charges the excess, whatever the limit says`, async () => {
        await using rs = open();
        const reservation = await rs.reserve(id, { cost: 2 });
        await reservation.settle(7);
        assert.equal((await rs.peek(id)).remaining, 3);
        const overdrawn = await rs.reserve(id, { cost: 1 });
        await overdrawn.settle(9);
        assert.equal((await rs.peek(id)).allowed, false);
      });

      it(`of ${id} gives everything back when it is cancelled`, async () => {
        await using rs = open();
        const reservation = await rs.reserve(id, { cost: 10 });
        assert.equal((await rs.peek(id)).remaining, 0);
        await reservation.cancel();
        assert.equal((await rs.peek(id)).remaining, 10);
      });

      it(`of ${id} is settled or cancelled once`, async () => {
        await using rs = open();
        const reservation = await rs.reserve(id, { cost: 5 });
        await Promise.all([reservation.settle(4), reservation.settle(1), reservation.cancel()]);
        await reservation.cancel();
        await reservation.settle(9);
        assert.equal((await rs.peek(id)).remaining, 6);
      });
    }
  });
}
