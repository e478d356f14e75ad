import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync, RateLimitedError } from "@ratesync/core";
import { limitedFetch } from "@ratesync/core/outbound";

import { first, openLab } from "./_lab.ts";

describe("limitedFetch()", () => {
  it("has the type and the properties of the fetch that it wraps, such as Bun's preconnect", async () => {
    const preconnect = () => "connected";
    const given = Object.assign((_url: string | URL | Request) => Promise.resolve(new Response("hello")), {
      preconnect,
    });
    const rateSync = createRateSync({ limiters: { partner: { limit: 1, windowMs: 1_000 } } });
    const limited = limitedFetch(given, { rateSync, limiter: "partner" });
    const sameType: typeof given = limited;
    assert.equal(sameType.preconnect(), "connected");
    assert.equal(await (await limited("http://partner.example/")).text(), "hello");
    await rateSync.close();
  });

  it("waits for the limiter", async () => {
    await using lab = await openLab(() => ({}), { ratePerSecond: 1 });
    const answers = Promise.all([1, 2, 3].map((n) => lab.fetch(`${lab.server.url}/${n}`)));
    for (const answer of await lab.clock.runUntil(answers)) assert.equal(await answer.text(), "ok");
    assert.deepEqual(lab.sentMs, [0, 1_000, 2_000]);
    assert.deepEqual(lab.server.received.map(({ path }) => path), ["/1", "/2", "/3"]);
  });

  it("sends requests and returns answers unchanged", async () => {
    await using lab = await openLab(() => ({ status: 418, headers: { "x-tea": "green" }, body: "pot" }));
    const init = { method: "post", body: "two cups", headers: { "x-cups": "2" } };
    const answer = await lab.fetch(new URL(`${lab.server.url}/tea?now`), init);
    assert.deepEqual([answer.status, answer.headers.get("x-tea"), await answer.text()], [418, "green", "pot"]);
    const [received] = lab.server.received;
    assert.deepEqual([received?.method, received?.path, received?.body], ["POST", "/tea?now", "two cups"]);
    assert.equal(received?.headers["x-cups"], "2");
  });

  it("takes a Request", async () => {
    await using lab = await openLab(first(1, { status: 429, headers: { "retry-after": "1" } }));
    const request = new Request(`${lab.server.url}/r`, { method: "DELETE", headers: { "x-who": "me" } });
    assert.equal((await lab.clock.runUntil(lab.fetch(request))).status, 200);
    for (const { method, headers } of lab.server.received) {
      assert.deepEqual([method, headers["x-who"]], ["DELETE", "me"]);
    }
    assert.deepEqual(lab.sentMs, [0, 1_000]);
  });

  it("asks for the key and the cost of each request", async () => {
    await using lab = await openLab(() => ({}), { ratePerSecond: 1, burst: 10 }, {
      key: ({ url, method }) => `${method} ${url.pathname}`,
      cost: ({ headers }) => Number(headers.get("x-weight") ?? 1),
    });
    await lab.fetch(`${lab.server.url}/a?b`, { headers: { "x-weight": "7" } });
    assert.equal((await lab.rs.peek("partner", { key: "GET /a" })).remaining, 3);
  });

  it("rejects as acquire does if the wait would be too long, and sends nothing", async () => {
    await using lab = await openLab(() => ({}), { ratePerSecond: 1 }, { timeoutMs: 500 });
    await lab.fetch(lab.server.url);
    await assert.rejects(lab.fetch(lab.server.url), (error) => {
      assert.ok(error instanceof RateLimitedError);
      assert.equal(error.retryAfterMs, 1_000);
      return true;
    });
    assert.equal(lab.sentMs.length, 1);
  });

  it("takes a limiter itself, and the timeout of the limiter", async () => {
    await using lab = await openLab(() => ({}), { ratePerSecond: 1, timeoutMs: 500 });
    const ownFetch = limitedFetch(fetch, { limiter: lab.rs.limiter("partner") });
    await (await ownFetch(lab.server.url)).text();
    await assert.rejects(ownFetch(lab.server.url), { code: "RATE_LIMITED" });
  });

  it("rejects as fetch does if the server or the URL does not exist", async () => {
    await using lab = await openLab(() => ({}));
    await assert.rejects(lab.fetch("http://127.0.0.1:1/"), (error) => error instanceof Error);
    await assert.rejects(lab.fetch("no url"), TypeError);
    assert.deepEqual(lab.throttled, []);
  });
});

describe("a limited fetch that is aborted", () => {
  const reason = new Error("never mind");

  it("sends nothing if it was before", async () => {
    await using lab = await openLab(() => ({}));
    await assert.rejects(lab.fetch(lab.server.url, { signal: AbortSignal.abort(reason) }), (error) => error === reason);
    assert.equal(lab.sentMs.length, 0);
  });

  it("gives its place back when aborted while it waits", async () => {
    await using lab = await openLab(() => ({}), { ratePerSecond: 1 });
    const stop = new AbortController();
    await lab.fetch(lab.server.url);
    const aborted = lab.fetch(new Request(lab.server.url, { signal: stop.signal }));
    const rejected = assert.rejects(aborted, (error) => error === reason);
    const next = lab.fetch(lab.server.url);
    await lab.clock.advance(500);
    stop.abort(reason);
    await rejected;
    await lab.clock.runUntil(next);
    assert.deepEqual(lab.sentMs, [0, 1_000]);
  });

  it("ends an attempt that is under way", async () => {
    await using lab = await openLab(() => {
      stop.abort(reason);
      return undefined;
    });
    const stop = new AbortController();
    await assert.rejects(lab.fetch(lab.server.url, { signal: stop.signal }), (error) => error === reason);
  });

  it("ends a pause, and sends nothing more", async () => {
    for (const status of [429, 503]) {
      const headers: Record<string, string> = status === 429 ? { "retry-after": "5" } : {};
      await using lab = await openLab(() => ({ status, headers }), undefined, { backoffMs: 5_000 });
      const stop = new AbortController();
      const rejected = assert.rejects(
        lab.fetch(lab.server.url, { signal: stop.signal }),
        (error) => error === reason,
      );
      await lab.clock.advance(1_000);
      stop.abort(reason);
      await rejected;
      await lab.clock.advance(10_000);
      assert.equal(lab.sentMs.length, 1, String(status));
    }
  });
});

describe("the options of limitedFetch()", () => {
  const rateSync = createRateSync({ limiters: { partner: { ratePerSecond: 1 } } });
  const wrong: readonly [path: string, options: object][] = [
    ["limiter", { limiter: undefined }],
    ["limiter", { limiter: "" }],
    ["rateSync", { rateSync: {} }],
    ["key", { key: 5 }],
    ["cost", { cost: 0 }],
    ["cost", { cost: 1.5 }],
    ["cost", { cost: NaN }],
    ["timeoutMs", { timeoutMs: -1 }],
    ["timeoutMs", { timeoutMs: NaN }],
    ["maxRetries", { maxRetries: -1 }],
    ["maxRetries", { maxRetries: Infinity }],
    ["retryBudget", { retryBudget: 1.1 }],
    ["retryMethods", { retryMethods: "POST" }],
    ["retryNetworkErrors", { retryNetworkErrors: "yes" }],
    ["refusals", { refusals: [200] }],
    ["heedRemaining", { heedRemaining: 1 }],
    ["reserve", { reserve: -1 }],
    ["maxPauseMs", { maxPauseMs: 0 }],
    ["backoffMs", { backoffMs: 0 }],
    ["maxBackoffMs", { backoffMs: 500, maxBackoffMs: 400 }],
    ["onThrottled", { onThrottled: {} }],
    ["readLimit", { readLimit: { remaining: 5 } }],
    ["limitHeaders", { limitHeaders: { remaining: "x-left", reset: "x-reset" } }],
    ["limitHeaders", { limitHeaders: "x-left" }],
    ["limitHeaders[0]", { limitHeaders: [["x-left", "x-reset"]] }],
    ["limitHeaders[0]", { limitHeaders: [null] }],
    ["limitHeaders[0].reset", { limitHeaders: [{ remaining: "x-left" }] }],
    ["limitHeaders[0].reset", { limitHeaders: [{ remaining: "x-left", reset: "" }] }],
    ["limitHeaders[0].reset", { limitHeaders: [{ remaining: "x-left", reset: "x reset" }] }],
    ["limitHeaders[0].reset", { limitHeaders: [{ reset: /x-reset/ }] }],
    ["limitHeaders[0].remaining", { limitHeaders: [{ remaining: "x-left:", reset: "x-reset" }] }],
    ["limitHeaders[1].remaining", { limitHeaders: [{ reset: "x-a" }, { remaining: 5, reset: "x-reset" }] }],
    ["limitHeaders[0].unit", { limitHeaders: [{ reset: "x-reset", unit: "hours" }] }],
    ["limitHeaders[0].unit", { limitHeaders: [{ reset: "x-reset", unit: null }] }],
    ["limitHeaders[0].remainig", { limitHeaders: [{ reset: "x-reset", remainig: "x-left" }] }],
    ["logger", { logger: true }],
    ["logger", { logger: { warn: () => {} } }],
    ["timeout", { timeout: 5 }],
  ];

  for (const [path, options] of wrong) {
    const shown = JSON.stringify(options, (_key, value) => typeof value === "number" ? String(value) : value);
    it(`are refused at once: ${shown}`, () => {
      const given = { rateSync, limiter: "partner", ...options } as never;
      assert.throws(() => limitedFetch(fetch, given), { code: "CONFIG_INVALID", path });
    });
  }

  const guesses: readonly [unit: string, meant: string][] = [
    ["ms", "milliseconds"],
    ["second", "seconds"],
    ["Epoch", "epoch_seconds"],
    ["epochSeconds", "epoch_seconds"],
    ["epoch_ms", "epoch_milliseconds"],
  ];
  for (const [unit, meant] of guesses) {
    it(`name the unit ${meant} when a row says ${unit}`, () => {
      const limitHeaders = [{ reset: "x-reset", unit: unit as never }];
      assert.throws(() => limitedFetch(fetch, { rateSync, limiter: "partner", limitHeaders }), {
        message: `Cannot use limitHeaders[0].unit: expected "seconds", "milliseconds", "epoch_seconds", ` +
          `"epoch_milliseconds", "date" or "duration"; did you mean "${meant}"?, received "${unit}"`,
      });
    });
  }

  it("name the field of a row that was meant", () => {
    const limitHeaders = [{ reset: "x-reset", remainig: "x-left" } as never];
    assert.throws(() => limitedFetch(fetch, { rateSync, limiter: "partner", limitHeaders }), {
      message: /limitHeaders\[0\]\.remainig: expected a known option; did you mean "remaining"\?/,
    });
  });

  it("name the option for a word of another package", () => {
    for (const [theirs, ours] of [["retry", "maxRetries"], ["statusCodes", "refusals"], ["methods", "retryMethods"]]) {
      assert.throws(() => limitedFetch(fetch, { rateSync, limiter: "partner", [theirs!]: 1 }), {
        message: `Cannot use ${theirs}: expected a known option; did you mean "${ours}"?, received an unknown option`,
      });
    }
  });

  it("name a limiter that the instance has", () => {
    assert.throws(() => limitedFetch(fetch, { rateSync, limiter: "partnr" }), { code: "LIMITER_NOT_FOUND" });
  });

  it("come with a function", () => {
    assert.throws(() => limitedFetch(undefined as never, { rateSync, limiter: "partner" }), {
      code: "CONFIG_INVALID",
      path: "fetch",
    });
    assert.throws(() => limitedFetch(fetch, undefined as never), { code: "CONFIG_INVALID" });
  });
});
