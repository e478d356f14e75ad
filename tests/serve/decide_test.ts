import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { createRateSync } from "../../mod.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import { Tested } from "./_client.ts";

describe("ratesync serve", () => {
  let tested: Tested;
  before(async () => {
    tested = await Tested.start();
  });
  after(() => tested[Symbol.asyncDispose]());

  it("serves an OpenAPI file that the schema of OpenAPI 3.1 accepts", () => {
    assert.deepEqual(tested.documentProblems(), []);
  });

  it("answers decisions with what is left, why it denies, and headers to send on", async () => {
    const ask = { limiter: "api", key: "🐘" };
    const first = await tested.post("/v1/decide", ask);
    assert.equal(first.status, 200);
    assert.equal(first.body.allowed, true);
    assert.equal(first.body.remaining, 1);
    assert.equal(first.body.key, "🐘");
    await tested.post("/v1/decide", ask);
    const { body } = await tested.post("/v1/decide", ask);
    assert.equal(body.allowed, false);
    assert.equal(body.reason, "rate");
    assert.equal(body.headers["Retry-After"], "60");
    assert(body.retryAfterMs > 59_000 && body.retryAfterMs <= 60_000);
  });

  it("peeks without taking", async () => {
    for (let i = 0; i < 3; i++) {
      const { body } = await tested.post("/v1/peek", { limiter: "api", key: "peek", cost: 2 });
      assert.equal(body.allowed, true);
    }
  });

  it("explains a key as text and as data", async () => {
    const { body } = await tested.post("/v1/explain", { limiter: "api", key: "unused", cost: 2 });
    assert.equal(body.explanation.limiters[0].limits[0].limit, 2);
    assert.match(body.text, /^Allowed by limiter "api"/);
  });

  it("serves metrics for Prometheus, which count its decisions", async () => {
    await tested.send("/metrics");
    await tested.post("/v1/decide", { limiter: "tokens", key: "counted" });
    const { status, body } = await tested.send("/metrics");
    assert.equal(status, 200);
    assert.match(body, /^# TYPE ratesync_\w+ counter$/m);
    assert.match(body, /\{[^}]*limiter="tokens"[^}]*\} [1-9]/);
    assert.doesNotMatch(body, /counted/);
  });

  it("waits up to timeoutMs, and denies at once what would take longer", async () => {
    await tested.post("/v1/decide", { limiter: "slow", key: "a" });
    const waited = await tested.post("/v1/decide", { limiter: "slow", key: "a", timeoutMs: 5_000 });
    assert.equal(waited.body.allowed, true);
    // For one unit, not for two; a timer may be late.
    assert(waited.body.waitedMs > 0 && waited.body.waitedMs < 1_000, `waited ${waited.body.waitedMs} ms`);
    const denied = await tested.post("/v1/decide", { limiter: "slow", key: "a", timeoutMs: 1 });
    assert.equal(denied.body.allowed, false);
  });

  it("answers a batch in order, and a wrong item of it alone with its problem", async () => {
    const requests = [{ limiter: "fast" }, { limiter: "fsat" }, { limiter: "fast", cost: 0 }, { limiter: "fast" }];
    const { status, body } = await tested.post("/v1/decide", { requests });
    assert.equal(status, 200);
    assert.deepEqual(body.answers.map(({ allowed, problem }: never) => allowed ?? (problem as { code: string }).code), [
      true,
      "LIMITER_NOT_FOUND",
      "FIELD_INVALID",
      true,
    ]);
    assert.equal(body.answers[1].problem.nearest, "fast");
    assert.match(body.answers[2].problem.detail, /requests\[2\]\.cost: expected a whole number from 1 .*received 0/);
  });

  it("takes from all of several limiters, or from none", async () => {
    const all = [{ limiter: "fast", key: "all" }, { limiter: "api", key: "all", cost: 2 }];
    assert.equal((await tested.post("/v1/decide", { all })).body.allowed, true);
    const { body } = await tested.post("/v1/decide", { all, timeoutMs: 1 });
    assert.equal(body.allowed, false);
    assert.equal(body.limiter, "api");
    assert.equal(
      (await tested.post("/v1/peek", { limiter: "fast", key: "all" })).body.limits[0].remaining >= 999_998,
      true,
    );
  });

  it("holds a permit until it is released, and releases once", async () => {
    const ask = { limiter: "upload", key: "held" };
    const { body: { permit } } = await tested.post("/v1/decide", ask);
    assert.equal(permit.ttlMs, 15_000);
    const denied = await tested.post("/v1/decide", ask);
    assert.equal(denied.body.reason, "concurrency");
    assert.deepEqual((await tested.post("/v1/renew", { id: permit.id })).body, { ttlMs: 15_000 });
    const next = tested.post("/v1/decide", { ...ask, timeoutMs: 10_000 });
    assert.deepEqual((await tested.post("/v1/release", { id: permit.id })).body, { released: true });
    assert.deepEqual((await tested.post("/v1/release", { id: permit.id })).body, { released: false });
    const { body } = await next;
    assert(body.permit.fencingToken > permit.fencingToken);
    const both = await tested.post("/v1/release", { requests: [{ id: body.permit.id }, { id: permit.id }] });
    assert.deepEqual(both.body, { answers: [{ released: true }, { released: false }] });
    assert.equal((await tested.post("/v1/renew", { id: permit.id })).body.code, "NOT_HELD");
  });

  it("settles a reservation with what was used, once", async () => {
    const ask = { limiter: "tokens", key: "llm" };
    const { body: { reservation, allowed } } = await tested.post("/v1/decide", { ...ask, cost: 80, reserve: true });
    assert.equal(allowed, true);
    assert.equal(reservation.waitMs, 0);
    const settled = await tested.post("/v1/settle", { id: reservation.id, cost: 30 });
    assert.deepEqual(settled.body, { charged: 30, uncharged: 0 });
    const again = await tested.post("/v1/settle", { id: reservation.id, cost: 1 });
    assert.equal(again.body.code, "NOT_HELD");
    const later = await tested.post("/v1/decide", { ...ask, cost: 100, reserve: true, timeoutMs: 60_000 });
    assert(later.body.reservation.waitMs > 25_000 && later.body.reservation.waitMs <= 30_000);
    assert.deepEqual((await tested.post("/v1/release", { id: later.body.reservation.id })).body, { released: true });
    const impossible = await tested.post("/v1/decide", { limiter: "upload", reserve: true });
    assert.equal(impossible.status, 422);
    assert.equal(impossible.body.code, "REQUEST_IMPOSSIBLE");
  });

  it("says whether the stores can decide", async () => {
    const { status, body } = await tested.send("/health");
    assert.equal(status, 200);
    assert.equal(body.status, "ok");
    assert(Object.values(body.stores as Record<string, { ok: boolean }>).every(({ ok }) => ok));
    assert.deepEqual((await tested.send("/health/live")).body, { status: "ok" });
  });
});

describe("ratesync serve with clients that go away", () => {
  it("releases a permit that is not renewed, and keeps the cost of a reservation that is not settled", async () => {
    const clock = new FakeClock();
    const rs = createRateSync({
      clock,
      limiters: {
        upload: { maxConcurrent: 1 },
        tokens: { limit: 10, windowMs: 86_400_000, algorithm: "fixed_window" },
      },
    });
    await using tested = await Tested.start({ clock }, rs);
    const { body: { permit } } = await tested.post("/v1/decide", { limiter: "upload", ttlMs: 1_000 });
    const { body: { reservation } } = await tested.post("/v1/decide", {
      limiter: "tokens",
      cost: 9,
      reserve: true,
      ttlMs: 5_000,
    });
    await clock.advance(900);
    await tested.post("/v1/renew", { id: permit.id });
    await clock.advance(900);
    assert.equal((await tested.post("/v1/peek", { limiter: "upload" })).body.allowed, false);
    await clock.advance(100);
    assert.equal((await tested.post("/v1/peek", { limiter: "upload" })).body.allowed, true);
    assert.equal((await tested.post("/v1/renew", { id: permit.id })).status, 404);
    await clock.advance(4_000);
    assert.equal((await tested.post("/v1/settle", { id: reservation.id, cost: 1 })).status, 404);
    const { body } = await tested.post("/v1/decide", { limiter: "tokens", cost: 2 });
    assert.equal(body.allowed, false); // of ten units, one is left
  });
});
