import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync, type LimiterOptions, type RateLimitedError, type RateSync } from "../../mod.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { redisUrl } from "../_support/redis.ts";

const perMinute = { algorithm: "sliding_window", windowMs: 60_000 } as const;

function instance<Id extends string>(limiters: Record<Id, LimiterOptions>): { rs: RateSync<Id>; clock: FakeClock } {
  const clock = new FakeClock();
  return { rs: createRateSync({ clock, limiters }), clock };
}

describe("decision.deniedBy", () => {
  it("names the limit that keeps the call out the longest, and the class of the key", async () => {
    const { rs, clock } = instance({ api: { limits: [{ ratePerSecond: 1, burst: 1 }, { ...perMinute, limit: 2 }] } });
    const key = "user:42";
    assert.equal((await rs.tryAcquire("api", { key })).deniedBy, undefined);
    const rate = { limiter: "api", keyClass: "user", limit: 0, rule: "1 per 1 s, token_bucket" };
    assert.deepEqual((await rs.tryAcquire("api", { key, keyClass: "user" })).deniedBy, rate);
    await clock.advance(1_000);
    await rs.tryAcquire("api", { key });
    const { deniedBy, limiter } = await rs.tryAcquire("api", { key });
    assert.deepEqual(deniedBy, { limiter, keyClass: "key", limit: 1, rule: "2 per 1 min, sliding_window" });
  });

  it("tells permits, a full queue, a block and a limiter without keys apart", async () => {
    const { rs } = instance({ upload: { maxConcurrent: 1, maxWaiters: 1 }, paced: { limit: 3, windowMs: 90_000 } });
    const permit = await rs.acquire("upload");
    const waiting = rs.acquire("upload", { timeoutMs: 1_000 });
    const { decision: denied, message } = await rs.acquire("upload", { timeoutMs: 1_000 }).catch((error) => error);
    assert.equal(denied.reason, "queue_full");
    assert.equal(message, 'Cannot take 1 from limiter "upload": as many calls wait as its maxWaiters allows');
    const permits = { limiter: "upload", keyClass: "none", limit: 0, rule: "1 at once, concurrency" };
    assert.deepEqual(denied.deniedBy, permits);
    assert.deepEqual((await rs.tryAcquire("upload")).deniedBy, permits);
    await permit.release();
    await (await waiting).release();
    await rs.block("paced", 1_000, { key: "a" });
    const { deniedBy } = await rs.tryAcquire("paced", { key: "a" });
    assert.deepEqual(deniedBy, { limiter: "paced", keyClass: "key", limit: undefined, rule: "block" });
    await assert.rejects(rs.acquire("paced", { key: "a", timeoutMs: 0 }), {
      message: 'Cannot take 1 from limiter "paced": its key is blocked, try again in 1000 ms',
    });
  });

  it("names the limiter of a call over several that denies the longest, also twice the same limiter", async () => {
    const { rs } = instance({ ip: { ...perMinute, limit: 1 }, user: { ratePerSecond: 1 } });
    await rs.tryAcquireAll([{ limiter: "ip", key: "1" }, { limiter: "user", key: "u" }]);
    const denied = await rs.tryAcquireAll([
      { limiter: "user", key: "u", keyClass: "account" },
      { limiter: "ip", key: "2", keyClass: "address" },
      { limiter: "ip", key: "1", keyClass: "address" },
    ]);
    assert.deepEqual([denied.limiter, denied.key], ["ip", "1"]);
    assert.deepEqual(denied.deniedBy, {
      limiter: "ip",
      keyClass: "address",
      limit: 0,
      rule: "1 per 1 min, sliding_window",
    });
    const { limiters } = denied.explain();
    assert.deepEqual(limiters.map(({ key, denies }) => [key, denies]), [["u", true], ["2", false], ["1", true]]);
  });

  it("has at most a hundred classes of keys for a limiter, and refuses what is none", async () => {
    const { rs } = instance({ api: { ...perMinute, limit: 1 } });
    const classes = new Set<string | undefined>();
    for (let i = 0; i < 200; i++) {
      const options = { key: `k${i}`, keyClass: `class ${i}` };
      await rs.tryAcquire("api", options);
      classes.add((await rs.tryAcquire("api", options)).deniedBy?.keyClass);
    }
    assert.equal(classes.size, 101);
    assert.ok(classes.has("other"));
    for (const keyClass of ["", "x".repeat(65), 7 as never]) {
      await assert.rejects(rs.tryAcquire("api", { key: "a", keyClass }), /keyClass must be a string of 1 to 64/);
    }
  });

  it("names the class of keys of rateLimited() and of limiter.for()", async () => {
    const { rs } = instance({ api: { ...perMinute, limit: 1 } });
    const call = rs.rateLimited(() => {}, { limiter: "api", key: () => "a", keyClass: "tenant", timeoutMs: 0 });
    await call();
    await assert.rejects(call(), (error: RateLimitedError) => error.decision.deniedBy?.keyClass === "tenant");
    const { deniedBy } = await rs.limiter("api").for("a").tryAcquire({ keyClass: "user" });
    assert.equal(deniedBy?.keyClass, "user");
  });

  it("is in events and in JSON, without the key", async () => {
    const { rs } = instance({ api: { ...perMinute, limit: 1 } });
    const seen: unknown[] = [];
    rs.subscribe("api", (event) => void (event.type === "decision" && seen.push(event.decision.deniedBy)));
    for (let i = 0; i < 2; i++) await rs.tryAcquire("api", { key: "s3cret", keyClass: "token" });
    const expected = { limiter: "api", keyClass: "token", limit: 0, rule: "1 per 1 min, sliding_window" };
    assert.deepEqual(seen, [undefined, expected]);
    const decision = await rs.peek("api", { key: "s3cret", keyClass: "token" });
    assert.deepEqual(JSON.parse(JSON.stringify(decision)).deniedBy, expected);
  });
});

describe("decision.explain()", () => {
  it("says in words and as data what stands in each limit, what denies, and what would change it", async () => {
    const { rs, clock } = instance({
      api: {
        limits: [{ ratePerSecond: 2, burst: 4 }, { algorithm: "fixed_window", limit: 5, windowMs: 3_600_000 }],
        maxConcurrent: 3,
      },
    });
    await (await rs.acquire("api", { key: "user:42", cost: 3 })).release();
    await clock.advance(250);
    const explanation = (await rs.tryAcquire("api", { key: "user:42", cost: 3 })).explain();
    assert.equal(
      `${explanation}`,
      `Denied by limiter "api", limit 2 of 3 (5 per 1 h, fixed_window): 3 taken in this window, which ends
in 1 h; the call costs 3. Allowed in 1 h if no other call comes first.

"api", key "user:42", cost 3
  1. 2 per 1 s, burst 4, token_bucket: 1 in the bucket; full again in 1.3 s. DENIES this call for
     750 ms.
     free: 1 now, all 4 in 1.3 s
  2. 5 per 1 h, fixed_window: 3 taken in this window, which ends in 1 h. DENIES this call for 1 h.
     free: 1 now, all 5 in 1 h
  3. 3 at once, concurrency: 0 of 3 held.
     free: 1 now, all 3 now

What would change this:
- Wait 1 h: the call is allowed then if no other comes first.
- A call that costs 1 or less is allowed now.
- refund("api", 2, { key }) makes room in limiter "api" for the call.

The decision does not know all of it: explain() of an instance asks the store.`,
    );
    const { deniedBy, limiters, changes } = explanation.toJSON();
    assert.equal(deniedBy?.limit, 1);
    assert.deepEqual(limiters[0]?.limits[0]?.free, [
      { units: 1, afterMs: 0 },
      { units: 4, afterMs: 1_250 },
      { units: 10, afterMs: undefined, reason: "more_than_limit" },
    ]);
    assert.deepEqual(changes.map(({ kind, units }) => [kind, units]), [
      ["wait", undefined],
      ["lower_cost", 1],
      ["refund", 2],
    ]);
  });

  it("keeps the end of a block apart from the rate, and names units that were taken for later", async () => {
    const { rs } = instance({ paced: { ratePerSecond: 1, burst: 2 } });
    await rs.penalize("paced", 5);
    await rs.block("paced", 1_000);
    const { limiters, changes, retryAfterMs } = await rs.explain("paced");
    assert.deepEqual(limiters[0]?.block, { kind: "block", endsInMs: 1_000 });
    const [limit] = limiters[0]?.limits ?? [];
    const ahead = "empty, and 3 more taken ahead by calls that wait, reservations or a penalty; full again in 5 s";
    assert.equal(limit?.standing, ahead);
    assert.deepEqual([limit?.used, limit?.takenAhead, limit?.deniesForMs, retryAfterMs], [5, true, 4_000, 4_000]);
    assert.deepEqual(changes.map(({ kind }) => kind), ["wait", "unblock", "refund"]);
  });

  it("names a pause that a server asked for", async () => {
    const { rs } = instance({ partner: { ...perMinute, limit: 5 } });
    const paused = (await rs.peek("partner")).denied(7_000);
    const { deniedBy, limiters, summary, changes } = paused.explain();
    assert.deepEqual([deniedBy?.rule, limiters[0]?.block], ["pause", { kind: "pause", endsInMs: 7_000 }]);
    assert.equal(summary, 'Denied by limiter "partner": a server has asked for a pause of 7 s.');
    assert.deepEqual(changes.map(({ kind }) => kind), ["wait"]);
  });

  it("asks the store again where the process repeats a denial", async () => {
    const stores = {
      shared: { engine: "redis", url: redisUrl(), keyPrefix: `explain-${crypto.randomUUID()}` },
    } as const;
    await using rs = createRateSync({ stores, limiters: { api: { store: "shared", ...perMinute, limit: 1 } } });
    for (let i = 0; i < 2; i++) await rs.tryAcquire("api");
    const { source, complete } = (await rs.tryAcquire("api")).explain();
    assert.deepEqual({ source, complete }, { source: "deny_cache", complete: false });
    const asked = await rs.explain("api");
    assert.deepEqual([asked.source, asked.complete, asked.allowed], ["store", true, false]);
    assert.equal(rs.metrics("api").totalDenials, 2);
  });

  it("says which store could not decide, why, since when, and what decided instead", async () => {
    const url = "redis://:hunter2-s3cr3t@127.0.0.1:1/0";
    const stores = { shared: { engine: "redis", url } } as const;
    const limit = { store: "shared", ...perMinute, limit: 40 } as const;
    await using rs = createRateSync({
      stores,
      logger: false,
      limiters: {
        local: { ...limit, localShare: 0.25 },
        deny: { ...limit, onStoreError: "deny" },
        allow: { ...limit, onStoreError: "allow" },
      },
    });
    const beforeMs = Date.now() - 1;
    const local = (await rs.tryAcquire("local", { key: "a" })).explain();
    const { store, code, reason, policy, localShare, sinceMs = 0 } = local.outage ?? {};
    assert.deepEqual({ store, code, reason, policy, localShare }, {
      store: "shared",
      code: "STORE_UNAVAILABLE",
      reason: "connection_refused",
      policy: "local",
      localShare: 0.25,
    });
    assert.ok(sinceMs >= beforeMs && sinceMs <= Date.now() + 1, `${sinceMs}`);
    assert.equal(local.source, "local");
    assert.equal(local.limiters[0]?.limits[0]?.limit, 10);
    assert.match(`${local}`, /^Store "shared" could not decide since 20.*\(connection_refused\)/m);

    const tooMuch = (await rs.tryAcquire("local", { key: "a", cost: 20 })).explain();
    assert.deepEqual([tooMuch.source, tooMuch.deniedBy?.rule], ["failure_policy", "store"]);
    assert.match(tooMuch.summary, /more than the share of the limit .*localShare 0\.25/);
    const denied = (await rs.tryAcquire("deny")).explain();
    assert.match(denied.summary, /store "shared" cannot decide and onStoreError is "deny"/);
    assert.deepEqual(denied.changes.map(({ kind }) => kind), ["store"]);
    const allowed = (await rs.tryAcquire("allow")).explain();
    assert.match(allowed.summary, /^Allowed by limiter "allow", because store "shared" cannot decide/);
    assert.equal(allowed.limiters[0]?.limits[0]?.used, undefined);
    for (const each of [local, tooMuch, denied, allowed]) {
      assert.doesNotMatch(`${each}${JSON.stringify(each)}`, /hunter2/);
    }
  });
});
