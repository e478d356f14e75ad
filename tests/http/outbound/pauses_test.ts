import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync } from "@ratesync/core";
import { limitedFetch, type LimitHeaders } from "@ratesync/core/outbound";

import { first, openLab, startServer } from "./_lab.ts";

/** The clock of a laboratory starts at 2026-01-01T00:00:00Z; the server's may differ from it. */
const DATE = "Sun, 04 Jan 2026 10:00:00 GMT";
const DATE_S = Date.UTC(2026, 0, 4, 10) / 1_000;

const NO_DATE = { date: "" };

describe("a refusal", () => {
  const hints: readonly [name: string, headers: Record<string, string>, pauseMs: number][] = [
    ["Retry-After in seconds", { "retry-after": "7" }, 7_000],
    ["Retry-After as a date", { "retry-after": "Sun, 04 Jan 2026 10:00:09 GMT" }, 9_000],
    ["Retry-After as a date, without Date", { ...NO_DATE, "retry-after": "Thu, 01 Jan 2026 00:00:03 GMT" }, 3_000],
    ["Retry-After in milliseconds", { "retry-after": "2", "retry-after-ms": "1250" }, 1_250],
    ["RateLimit, one of several", { ratelimit: '"a";r=5;t=60, "b";r=0;t=4' }, 4_000],
    ["RateLimit, two of several", { ratelimit: '"a";r=0;t=60, "b";r=0;t=4' }, 60_000],
    ["RateLimit as of draft 7", { ratelimit: "limit=10, remaining=0, reset=5" }, 5_000],
    ["RateLimit-Reset", { "ratelimit-limit": "10", "ratelimit-remaining": "0", "ratelimit-reset": "6" }, 6_000],
    ["X-RateLimit-Reset in seconds", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "8" }, 8_000],
    ["X-RateLimit-Reset since the epoch", { "x-ratelimit-reset": String(DATE_S + 11) }, 11_000],
    ["X-RateLimit-Reset since the epoch in ms", { "x-ratelimit-reset": String(DATE_S * 1e3 + 1_500) }, 1_500],
    ["X-Rate-Limit-Reset", { "x-rate-limit-remaining": "0", "x-rate-limit-reset": String(DATE_S + 12) }, 12_000],
    ["X-RateLimit-Reset as ISO 8601", { "x-ratelimit-reset": "2026-01-04T11:00:13+01:00" }, 13_000],
    ["X-RateLimit-Reset-After", { "x-ratelimit-reset-after": "1.5", "x-ratelimit-reset": "99" }, 1_500],
    ["x-ratelimit-reset-requests", { "x-ratelimit-reset-requests": "1m2s" }, 62_000],
    ["Retry-After before all others", { "retry-after": "3", ratelimit: '"a";r=0;t=60' }, 3_000],
  ];

  for (const [name, headers, pauseMs] of hints) {
    it(`lets the key pause for as long as it says: ${name}`, async () => {
      const limited = first(1, { status: 429, headers: { date: DATE, ...headers } });
      await using lab = await openLab(limited, undefined, { timeoutMs: Infinity });
      const answer = await lab.clock.runUntil(lab.fetch(lab.server.url));
      assert.equal(answer.status, 200);
      assert.deepEqual(lab.sentMs, [0, pauseMs]);
      const source = name.startsWith("Retry-After") ? "retry-after" : "reset";
      assert.deepEqual(lab.throttled, [
        { status: 429, waitMs: pauseMs, source, attempt: 1, key: undefined, shared: true },
      ]);
    });
  }

  const left: readonly [name: string, headers: Record<string, string>, pauseMs: number | undefined, source: string][] =
    [
      ["of one quota", { "x-rate-limit-remaining": "800", "x-rate-limit-reset": "600" }, 600_000, "reset"],
      ["of several", { ratelimit: '"a";r=5;t=60, "b";r=9;t=400' }, 400_000, "reset"],
      ["of all but one", { ratelimit: '"a";r=5;t=60, "b";r=0;t=4' }, 4_000, "reset"],
      ["of all but one without a reset", { ratelimit: '"a";r=5;t=60, "b";r=0' }, 60_000, "reset"],
      ["and Retry-After", { "retry-after": "3", ratelimit: '"a";r=5;t=60' }, 3_000, "retry-after"],
      ["for longer than is allowed", { ratelimit: '"a";r=5;t=99999' }, 3_600_000, "reset"],
      ["without a reset", { ratelimit: '"a";r=5' }, undefined, "backoff"],
    ];
  for (const [name, headers, pauseMs, source] of left) {
    it(`with units left lasts until the announced reset: ${name}`, async () => {
      await using lab = await openLab(() => ({ status: 429, headers }), undefined, { maxRetries: 0 });
      await lab.fetch(lab.server.url);
      assert.deepEqual(lab.throttled.map((pause) => pause.source), [source]);
      if (pauseMs !== undefined) assert.equal(lab.throttled[0]?.waitMs, pauseMs);
    });
  }

  it("by another status than 429, with units left, does not pause the key", async () => {
    const headers = { "x-ratelimit-remaining": "4999", "x-ratelimit-reset": "1800" };
    await using forbidden = await openLab(() => ({ status: 403, headers }), undefined, { refusals: [403, 429] });
    assert.equal((await forbidden.fetch(forbidden.server.url)).status, 403);
    assert.deepEqual(forbidden.throttled, []);
    await using broken = await openLab(() => ({ status: 503, headers }), undefined, { maxRetries: 0 });
    await broken.fetch(broken.server.url);
    assert.deepEqual(broken.throttled.map(({ source, shared }) => [source, shared]), [["backoff", false]]);
  });

  it("is read from headers that the user names", async () => {
    const rows: readonly [row: LimitHeaders, headers: Record<string, string>][] = [
      [{ remaining: "x-calls-left", reset: "x-calls-reset" }, { "x-calls-left": "0", "x-calls-reset": "9" }],
      [{ remaining: "X-Calls-Left", reset: "X-Calls-Reset", unit: "milliseconds" }, {
        "x-calls-left": "0",
        "x-calls-reset": "9000",
      }],
      [{ reset: "x-next", unit: "epoch_seconds" }, { "x-next": String(DATE_S + 9) }],
      // a row comes before the table's row with the same header
      [{ remaining: "x-rate-limit-remaining", reset: "x-rate-limit-reset", unit: "milliseconds" }, {
        "x-rate-limit-remaining": "0",
        "x-rate-limit-reset": "9000",
      }],
    ];
    for (const [row, headers] of rows) {
      const handler = first(1, { status: 429, headers: { date: DATE, ...headers } });
      await using lab = await openLab(handler, undefined, { limitHeaders: [row] });
      await lab.clock.runUntil(lab.fetch(lab.server.url));
      assert.deepEqual([lab.throttled[0]?.source, lab.sentMs], ["reset", [0, 9_000]]);
    }
  });

  it("is shared through the store", async () => {
    await using lab = await openLab(() => ({ status: 429, headers: { "retry-after": "7" } }), undefined, {
      key: ({ url }) => url.pathname,
      maxRetries: 0,
    });
    await lab.fetch(`${lab.server.url}/a`);
    const other = await lab.rs.tryAcquire("partner", { key: "/a" });
    assert.deepEqual([other.reason, other.retryAfterMs], ["blocked", 7_000]);
    assert.equal((await lab.rs.tryAcquire("partner", { key: "/b" })).allowed, true, "another key");
  });

  it("does not shorten a pause", async () => {
    await using lab = await openLab(() => ({ status: 429, headers: { "retry-after": "7" } }), undefined, {
      maxRetries: 0,
    });
    const twice = limitedFetch(lab.fetch, { rateSync: lab.rs, limiter: "partner", maxRetries: 0, maxPauseMs: 1_000 });
    await lab.clock.runUntil(Promise.all([lab.fetch(lab.server.url), twice(lab.server.url)]));
    assert.equal((await lab.rs.peek("partner")).retryAfterMs, 7_000);
  });

  it("cannot ask for more than is allowed", async () => {
    await using lab = await openLab(first(1, { status: 429, headers: { "retry-after": "99999999" } }), undefined, {
      maxPauseMs: 20_000,
    });
    await lab.clock.runUntil(lab.fetch(lab.server.url));
    assert.deepEqual(lab.sentMs, [0, 20_000]);
  });

  it("without a hint asks for growing pauses, which are random by half", async () => {
    await using lab = await openLab(first(5, { status: 429 }), undefined, {
      maxRetries: 5,
      backoffMs: 100,
      maxBackoffMs: 1_000,
    });
    await lab.clock.runUntil(lab.fetch(lab.server.url));
    const pausesMs = lab.throttled.map(({ waitMs }) => waitMs);
    for (const [i, fullMs] of [100, 200, 400, 800, 1_000].entries()) {
      const ms = pausesMs[i] ?? 0;
      assert.ok(ms >= fullMs / 2 && ms <= fullMs, `${ms} of ${fullMs}`);
    }
    assert.ok(lab.throttled.every(({ source, shared }) => source === "backoff" && shared));
    await lab.fetch(lab.server.url);
    assert.equal(lab.sentMs.length, 7);
  });

  it("without a hint counts once for all that were under way", async () => {
    await using lab = await openLab(() => ({ status: 429 }), undefined, { maxRetries: 0, backoffMs: 1_000 });
    await Promise.all(Array.from({ length: 8 }, () => lab.fetch(lab.server.url)));
    assert.equal(lab.throttled.length, 8);
    for (const { waitMs } of lab.throttled) assert.ok(waitMs <= 1_000, `${waitMs} ms`);
  });

  it("with 503 does not pause other calls, unless the server names a time", async () => {
    await using lab = await openLab(first(1, { status: 503 }), undefined, { backoffMs: 1_000 });
    const retried = lab.fetch(lab.server.url);
    await lab.clock.advance(100);
    assert.equal((await lab.rs.peek("partner")).allowed, true);
    assert.equal((await lab.clock.runUntil(retried)).status, 200);
    assert.deepEqual(lab.throttled.map(({ source, shared }) => [source, shared]), [["backoff", false]]);

    await using told = await openLab(() => ({ status: 503, headers: { "retry-after": "2" } }), undefined, {
      maxRetries: 0,
    });
    await told.fetch(told.server.url);
    assert.equal((await told.rs.peek("partner")).reason, "blocked");
  });

  it("can have other statuses", async () => {
    const headers = { "retry-after": "3" };
    await using lab = await openLab(first(1, { status: 403, headers }), undefined, { refusals: [403, 429] });
    assert.equal((await lab.clock.runUntil(lab.fetch(lab.server.url))).status, 200);
    assert.deepEqual(lab.sentMs, [0, 3_000]);
    await using plain = await openLab(() => ({ status: 403 }), undefined, { refusals: [403, 429] });
    assert.equal((await plain.fetch(plain.server.url)).status, 403);
    assert.equal((await plain.rs.peek("partner")).allowed, true, "it says nothing of a limit");
    await using usual = await openLab(first(1, { status: 403, headers }));
    assert.equal((await usual.fetch(usual.server.url)).status, 403);
    assert.deepEqual(usual.throttled, []);
  });

  it("holds back calls that were allowed before it", async () => {
    await using lab = await openLab(first(1, { status: 429, headers: { "retry-after": "5" } }), { ratePerSecond: 2 });
    await lab.clock.runUntil(Promise.all(Array.from({ length: 6 }, () => lab.fetch(lab.server.url))));
    const [firstMs, ...laterMs] = lab.sentMs as [number, ...number[]];
    assert.equal(firstMs, 0);
    assert.equal(laterMs.length, 6);
    for (const [i, ms] of laterMs.entries()) {
      assert.ok(ms >= 5_000, `one was sent after ${ms} ms`);
      assert.ok(i === 0 || ms - (laterMs[i - 1] as number) >= 500, "they keep the pace");
    }
  });

  it("holds back calls of another process that were allowed before it", async () => {
    await using lab = await openLab(() => ({}), { ratePerSecond: 10 });
    const answers = Promise.all(Array.from({ length: 5 }, () => lab.fetch(lab.server.url)));
    await lab.clock.advance(150);
    await lab.rs.block("partner", 5_000); // as another process would
    await lab.clock.runUntil(answers);
    assert.deepEqual(lab.sentMs.slice(0, 2), [0, 100]);
    assert.ok(lab.sentMs.slice(2).every((ms) => ms >= 5_150), lab.sentMs.join());
  });

  it("rejects calls at once whose timeout ends before the pause", async () => {
    await using lab = await openLab(first(1, { status: 429, headers: { "retry-after": "60" } }), { ratePerSecond: 1 });
    const refused = lab.fetch(lab.server.url);
    const waiting = assert.rejects(lab.fetch(lab.server.url), { code: "RATE_LIMITED" });
    assert.equal((await lab.clock.runUntil(refused)).status, 429);
    await lab.clock.runUntil(waiting);
    await assert.rejects(lab.fetch(lab.server.url), { code: "RATE_LIMITED" });
    assert.equal(lab.clock.nowUs() % 3_600_000_000, 0);
  });
});

describe("an answer that leaves nothing", () => {
  const spent = { ratelimit: '"hour";r=0;t=30' };

  it("pauses the key before a request is refused", async () => {
    await using lab = await openLab(first(1, { headers: spent }));
    assert.equal((await lab.fetch(lab.server.url)).status, 200);
    await lab.clock.runUntil(lab.fetch(lab.server.url));
    assert.deepEqual(lab.sentMs, [0, 30_000]);
    assert.deepEqual(lab.throttled, [
      { status: 200, waitMs: 30_000, source: "remaining", attempt: 1, key: undefined, shared: true },
    ]);
  });

  it("pauses the key with units left, if they are reserved", async () => {
    const headers = { "x-ratelimit-remaining": "10", "x-ratelimit-reset": "30" };
    for (const [reserve, secondMs] of [[9, 0], [10, 30_000]] as const) {
      await using lab = await openLab(first(1, { headers }), undefined, { reserve });
      await lab.fetch(lab.server.url);
      await lab.clock.runUntil(lab.fetch(lab.server.url));
      assert.deepEqual(lab.sentMs, [0, secondMs]);
    }
  });

  it("is ignored without heedRemaining", async () => {
    await using lab = await openLab(() => ({ headers: spent }), undefined, { heedRemaining: false });
    for (let n = 0; n < 3; n++) await lab.fetch(lab.server.url);
    assert.deepEqual(lab.sentMs, [0, 0, 0]);
  });

  it("is ignored if it may mean the next millisecond, and if it comes from a cache", async () => {
    for (const headers of [{ ratelimit: '"paced";r=0;t=1' }, { ...spent, age: "12" }] as Record<string, string>[]) {
      await using lab = await openLab(() => ({ headers }));
      for (let n = 0; n < 3; n++) await lab.fetch(lab.server.url);
      assert.deepEqual(lab.sentMs, [0, 0, 0]);
    }
  });

  it("pauses for less than a second if the reset has fractions", async () => {
    const written: readonly [headers: Record<string, string>, pauseMs: number][] = [
      [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset-after": "0.75" }, 750],
      [{ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20ms" }, 20],
      [{ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "0.5s" }, 500],
    ];
    for (const [headers, pauseMs] of written) {
      await using lab = await openLab(first(1, { headers }));
      await lab.fetch(lab.server.url);
      await lab.clock.runUntil(lab.fetch(lab.server.url));
      assert.deepEqual(lab.sentMs, [0, pauseMs]);
    }
  });

  it("waits for as many units of a bucket as are reserved", async () => {
    const headers = { "x-shopify-shop-api-call-limit": "39/40" };
    for (const [reserve, pauseMs] of [[0, 0], [1, 500], [4, 2_000]] as const) {
      await using lab = await openLab(first(1, { headers }), undefined, { reserve });
      await lab.fetch(lab.server.url);
      await lab.clock.runUntil(lab.fetch(lab.server.url));
      assert.deepEqual(lab.sentMs, [0, pauseMs]);
    }
  });

  it("pauses to the end of the window as estimated from several answers", async () => {
    // A window of 3 s that began at 0, told in whole seconds: 3 at first, 1 when it is used up 2.2 s later.
    await using lab = await openLab((_received, _response, count) => {
      return { headers: count === 1 ? { ratelimit: '"w";r=1;t=3' } : count === 2 ? { ratelimit: '"w";r=0;t=1' } : {} };
    });
    await lab.fetch(lab.server.url);
    await lab.clock.advance(2_200);
    await lab.fetch(lab.server.url);
    await lab.clock.runUntil(lab.fetch(lab.server.url));
    assert.deepEqual(lab.sentMs, [0, 2_200, 3_000]);
  });
});

describe("a pause that cannot be shared", () => {
  it("is kept by this process, and logged", async () => {
    await using server = await startServer(first(1, { status: 429, headers: { "retry-after": "1" } }));
    const rateSync = createRateSync({
      stores: { gone: { engine: "redis", url: "redis://127.0.0.1:1", socketConnectTimeoutMs: 200 } },
      limiters: { partner: { limit: 100, windowMs: 1_000, onStoreError: "local" } },
    });
    const shared: boolean[] = [];
    const warnings: string[] = [];
    const quiet = () => {};
    const ownFetch = limitedFetch(fetch, {
      rateSync,
      limiter: "partner",
      onThrottled: (pause) => void shared.push(pause.shared),
      logger: { debug: quiet, info: quiet, warn: (message) => void warnings.push(message), error: quiet },
    });
    const startMs = performance.now();
    const answers = await Promise.all([ownFetch(server.url), ownFetch(server.url)]);
    assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
    await (await ownFetch(server.url)).text();
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs >= 995, `after ${tookMs} ms`);
    assert.deepEqual(shared, [false]);
    assert.deepEqual(warnings, ["rate-sync: a pause could not be shared; it holds for this process alone"]);
    await rateSync.close();
  });
});

describe("pauses that cannot be shared", () => {
  it("are logged once, and again after one could be shared", async () => {
    const warnings: string[] = [];
    const quiet = () => {};
    const logger = { debug: quiet, info: quiet, error: quiet, warn: (message: string) => void warnings.push(message) };
    await using lab = await openLab(() => ({ status: 429, headers: { "retry-after": "1" } }), undefined, {
      maxRetries: 0,
      key: ({ url }) => url.pathname,
      logger,
    });
    const partner = lab.rs.limiter("partner");
    const { block } = partner;
    for (const [path, works] of [["/a", false], ["/b", false], ["/c", true], ["/d", false]] as const) {
      partner.block = works ? block : () => Promise.reject(new Error("store is away"));
      await lab.fetch(lab.server.url + path);
    }
    partner.block = block;
    assert.equal(warnings.length, 2);
  });
});

describe("onThrottled", () => {
  it("may throw, which is logged", async () => {
    const logged: unknown[] = [];
    const quiet = () => {};
    await using lab = await openLab(() => ({ status: 429, headers: { "retry-after": "1" } }), undefined, {
      maxRetries: 0,
      onThrottled: () => {
        throw new Error("no");
      },
      logger: { debug: quiet, info: quiet, warn: quiet, error: (message) => void logged.push(message) },
    });
    assert.equal((await lab.fetch(lab.server.url)).status, 429);
    assert.deepEqual(logged, ["rate-sync: onThrottled failed"]);
  });
});
