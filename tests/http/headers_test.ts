import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";
import { parseRateLimit } from "ratelimit-header-parser";
import { parseItem, parseList } from "structured-headers";

import { createRateSync, type LimiterOptions, type RateSync } from "@ratesync/core";
import { createGuard, type GuardOptions, type HeaderDialect } from "@ratesync/core/http";
import { FakeClock } from "@ratesync/core/testing";
import { limitArb } from "../_support/arbitraries.ts";
import { anyText } from "../_support/texts.ts";

type Told = Record<string, string>;

/** A server with a clock that stands still, and what it tells in its headers. */
class Server implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly rs: RateSync;
  readonly #guard;

  constructor(limiters: Record<string, LimiterOptions>, options: Partial<GuardOptions> = {}) {
    this.rs = createRateSync({ clock: this.clock, limiters });
    const limiter = Object.keys(limiters)[0] as string;
    this.#guard = createGuard({ limiter, rateSync: this.rs, ...options });
  }

  async ask(): Promise<{ allowed: boolean; told: Told; body: string }> {
    const request = { method: "GET", url: "/", headers: {}, peer: "203.0.113.7" };
    const { allowed, headers, body } = await this.#guard.admit(request);
    for (const [name, value] of headers) {
      assert.match(name, /^[A-Za-z-]+$/);
      assert.match(value, /^[\x20-\x7e]+$/);
    }
    return { allowed, body, told: Object.fromEntries(headers) };
  }

  /** Asks as long as it is let in, and counts. */
  async drain(): Promise<number> {
    for (let count = 0;; count++) if (!(await this.ask()).allowed) return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rs.close();
  }
}

interface Item {
  readonly name: string;
  readonly [parameter: string]: unknown;
}

/** Reads a list of items with parameters, as RFC 9651 has it. */
function itemsOf(header: string | undefined): Item[] {
  return parseList(header ?? "").map(([name, parameters]) => {
    assert.equal(typeof name, "string", "names are strings");
    return { ...Object.fromEntries(parameters), name: name as string };
  });
}

/** The seconds after which a client with this answer may expect to be allowed. */
function secondsTold(dialect: HeaderDialect, told: Told, nowMs: number): number {
  const reset = Number(told["X-RateLimit-Reset"]);
  switch (dialect) {
    case "draft-11":
      return Math.max(...itemsOf(told["RateLimit"]).map(({ t }) => Number(t)));
    case "draft-7":
      return Number(/reset=(\d+)/.exec(told["RateLimit"] ?? "")?.[1]);
    case "draft-6":
      return Number(told["RateLimit-Reset"]);
    case "x-ratelimit-delta":
      return reset;
    case "x-ratelimit":
      return reset - nowMs / 1_000;
    case "x-ratelimit-ms":
      return (reset - nowMs) / 1_000;
  }
}

function remainingTold(dialect: HeaderDialect, told: Told): number {
  switch (dialect) {
    case "draft-11":
      return Math.min(...itemsOf(told["RateLimit"]).map(({ r }) => Number(r)));
    case "draft-7":
      return Number(/remaining=(\d+)/.exec(told["RateLimit"] ?? "")?.[1]);
    case "draft-6":
      return Number(told["RateLimit-Remaining"]);
    default:
      return Number(told["X-RateLimit-Remaining"]);
  }
}

const DIALECTS: readonly HeaderDialect[] = [
  "draft-11",
  "draft-7",
  "draft-6",
  "x-ratelimit",
  "x-ratelimit-delta",
  "x-ratelimit-ms",
];

/** One or two limits, and how much of them is used up before the first request. */
const situations = fc.record({
  limits: fc.array(limitArb, { minLength: 1, maxLength: 2 }),
  before: fc.nat(70),
  stepMs: fc.constantFrom(0, 0.001, 1, 999, 1_000, 30_500),
  dialect: fc.constantFrom(...DIALECTS),
});

describe("headers", () => {
  it("announce what is left: exactly that many more requests are allowed", async () => {
    await fc.assert(
      fc.asyncProperty(situations, async ({ limits, before, stepMs, dialect }) => {
        await using server = new Server({ api: { limits } }, { headers: dialect });
        for (let i = 0; i < before; i++) await server.ask();
        await server.clock.advance(stepMs);
        const { told } = await server.ask();
        assert.equal(await server.drain(), remainingTold(dialect, told));
      }),
      { numRuns: 100 },
    );
  });

  it("do not announce a time that is too early", async () => {
    await fc.assert(
      fc.asyncProperty(situations, async ({ limits, before, stepMs, dialect }) => {
        await using server = new Server({ api: { limits } }, { headers: dialect });
        for (let i = 0; i < before; i++) await server.ask();
        await server.clock.advance(stepMs);
        const { told } = await server.ask();
        const ms = secondsTold(dialect, told, server.clock.nowUs() / 1_000) * 1_000;
        await server.drain();
        await server.clock.advance(Math.ceil(ms * 1_000) / 1_000);
        assert.equal((await server.ask()).allowed, true, `after ${ms} ms: ${JSON.stringify(told)}`);
      }),
      { numRuns: 100 },
    );
  });

  it("allow a request after Retry-After, whose window is no longer than that where nothing is left", async () => {
    await fc.assert(
      fc.asyncProperty(situations, async ({ limits, before, stepMs }) => {
        await using server = new Server({ api: { limits } });
        for (let i = 0; i < before; i++) await server.ask();
        await server.clock.advance(stepMs);
        await server.drain();
        const { told } = await server.ask();
        const seconds = Number(told["Retry-After"]);
        assert.ok(Number.isInteger(seconds) && seconds >= 1, told["Retry-After"]);
        const empty = itemsOf(told["RateLimit"]).filter(({ r }) => r === 0);
        assert.ok(empty.length > 0);
        for (const { t } of empty) assert.equal(t, seconds);
        await server.clock.advance(seconds * 1_000);
        assert.equal((await server.ask()).allowed, true);
      }),
      { numRuns: 100 },
    );
  });

  it("announce of an empty bucket when its next unit comes, not when it is full", async () => {
    await using server = new Server({ api: { ratePerSecond: 0.5, burst: 10 } });
    for (let i = 0; i < 9; i++) await server.ask();
    const { told } = await server.ask();
    assert.equal(told["RateLimit"], '"api";r=0;t=2');
    assert.equal(told["RateLimit-Policy"], '"api";q=10;w=20');
  });

  it("list each limit of each limiter under a name of its own", async () => {
    const daily = { limit: 100, windowMs: 86_400_000, algorithm: "fixed_window" } as const;
    const clock = new FakeClock();
    await using rs = createRateSync({
      clock,
      limiters: { api: { limits: [{ ratePerSecond: 5, burst: 5 }, daily], maxConcurrent: 3 }, "api-2": daily },
    });
    const guard = createGuard({ rateSync: rs, limiter: [{ limiter: "api" }, { limiter: "api-2" }] });
    const { headers } = await guard.admit({ method: "GET", url: "/", headers: {}, peer: "203.0.113.7" });
    const told = Object.fromEntries(headers);
    assert.deepEqual(itemsOf(told["RateLimit-Policy"]), [
      { name: "api", q: 5, w: 1 },
      { name: "api-2", q: 100, w: 86_400 },
      { name: "api-3", q: 3, qu: "concurrent-requests" },
      { name: "api-2-2", q: 100, w: 86_400 },
    ]);
    assert.deepEqual(itemsOf(told["RateLimit"]).map(({ name, r }) => [name, r]), [
      ["api", 4],
      ["api-2", 99],
      ["api-3", 2],
      ["api-2-2", 99],
    ]);
  });

  it("hold nothing but printable ASCII, whatever a limiter is called", async () => {
    await fc.assert(
      fc.asyncProperty(anyText({ minLength: 1, maxLength: 20 }), async (id) => {
        fc.pre(id !== "__proto__");
        await using server = new Server({ [id]: { limit: 1, windowMs: 1_000 } });
        for (let i = 0; i < 2; i++) {
          const { told, body } = await server.ask();
          const [policy] = itemsOf(told["RateLimit-Policy"]);
          const [left] = itemsOf(told["RateLimit"]);
          assert.equal(policy?.name, left?.name);
          if (i === 1) assert.deepEqual(JSON.parse(body)["violated-policies"], [left?.name]);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("are read by ratelimit-header-parser in the dialects that it knows", async () => {
    for (const dialect of DIALECTS) {
      if (dialect === "draft-11" || dialect === "x-ratelimit-ms") continue; // newer than it, and in no standard
      await using server = new Server({ api: { limit: 5, windowMs: 60_000 } }, { headers: dialect });
      await server.ask();
      const { told } = await server.ask();
      const reset = dialect === "x-ratelimit" ? "unix" : "seconds";
      const read = parseRateLimit(new Headers(told), { reset });
      assert.equal(read?.limit, 5, dialect);
      assert.equal(read?.remaining, 3, dialect);
      assert.ok(read?.reset instanceof Date, dialect);
      if (dialect === "x-ratelimit") {
        const dueMs = server.clock.nowUs() / 1_000 + 24_000;
        assert.equal(read.reset.getTime(), Math.ceil(dueMs / 1_000) * 1_000);
      }
    }
  });

  it("come in several dialects at once, in none, and with Retry-After in each", async () => {
    await using both = new Server({ api: { limit: 1, windowMs: 1_000 } }, { headers: ["draft-11", "x-ratelimit"] });
    await using none = new Server({ api: { limit: 1, windowMs: 1_000 } }, { headers: false });
    assert.deepEqual(Object.keys((await both.ask()).told).sort(), [
      "RateLimit",
      "RateLimit-Policy",
      "X-RateLimit-Limit",
      "X-RateLimit-Remaining",
      "X-RateLimit-Reset",
    ]);
    assert.deepEqual((await none.ask()).told, {});
    assert.deepEqual(Object.keys((await none.ask()).told), ["Content-Type", "Retry-After"]);
  });

  it("say that a blocked client has nothing left", async () => {
    for (const dialect of DIALECTS) {
      await using server = new Server({ api: { limit: 5, windowMs: 1_000 } }, { headers: dialect });
      await server.rs.block("api", 60_000, { key: "ip:203.0.113.7" });
      const { told, body } = await server.ask();
      assert.equal(remainingTold(dialect, told), 0, dialect);
      assert.equal(secondsTold(dialect, told, server.clock.nowUs() / 1_000), 60, dialect);
      assert.equal(told["Retry-After"], "60");
      assert.match(JSON.parse(body).type, /#abnormal-usage-detected$/);
    }
  });

  it("name only the policy if no store has counted", async () => {
    const url = "redis://127.0.0.1:1"; // no server listens there
    for (const onStoreError of ["allow", "deny"] as const) {
      await using rs = createRateSync({
        stores: { main: { engine: "redis", url, socketConnectTimeoutMs: 200 } },
        limiters: { api: { limit: 5, windowMs: 1_000, onStoreError } },
      });
      const guard = createGuard({ limiter: "api", rateSync: rs, headers: DIALECTS });
      const { headers, allowed } = await guard.admit({ method: "GET", url: "/", headers: {}, peer: "203.0.113.7" });
      assert.equal(allowed, onStoreError === "allow");
      const names = new Set(headers.map(([name]) => name));
      assert.deepEqual([...names].filter((name) => !["Content-Type", "Retry-After"].includes(name)), [
        "RateLimit-Policy",
      ]);
    }
  });

  it("hold one item each if there is one limit", async () => {
    await using server = new Server({ 'a"b\\c': { limit: 5, windowMs: 1_500 } });
    const { told } = await server.ask();
    const [name, parameters] = parseItem(told["RateLimit-Policy"] ?? "");
    assert.equal(name, 'a"b\\c');
    assert.deepEqual(Object.fromEntries(parameters), { q: 5, w: 2 });
  });
});

describe("the headers of a guard", () => {
  it("are those of each decision, however many of other clients and limits came before", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({ clock, limiters: { api: { limit: 300, windowMs: 60_000 } } });
    const guard = createGuard({ limiter: "api", rateSync: rs, key: ({ url }) => url });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom("/a", "/b", "/c"), fc.integer({ min: 1, max: 90 }), async (url, n) => {
        await rs.penalize("api", n, { key: url });
        if (n > 70) await clock.advance(n * 300);
        if (n < 5) rs.configureLimiter("api", { limit: 100 * n, windowMs: 60_000 });
        const { headers, decision } = await guard.admit({ method: "GET", url, headers: {} });
        const told: Told = Object.fromEntries(headers.filter(([name]) => name !== "Content-Type"));
        assert.deepEqual(told, decision?.headers());
      }),
      { numRuns: 300 },
    );
  });
});
