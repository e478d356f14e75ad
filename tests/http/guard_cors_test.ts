import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Hono } from "hono";
import { cors } from "hono/cors";

import { createRateSync, type RateSync } from "@ratesync/core";
import { createGuard, type GuardOptions, setHeaders } from "@ratesync/core/http";
import { rateLimit } from "@ratesync/core/http/hono";

function newRateSync(): RateSync {
  return createRateSync({ limiters: { api: { limit: 1, windowMs: 60_000, algorithm: "fixed_window" } } });
}

const PREFLIGHT = { origin: "https://a.example", "access-control-request-method": "POST" };

describe("skipPreflights", () => {
  const asks: readonly [method: string, headers: Record<string, string>, isPreflight: boolean][] = [
    ["OPTIONS", PREFLIGHT, true],
    ["options", PREFLIGHT, true],
    ["OPTIONS", { origin: "https://a.example" }, false],
    ["POST", PREFLIGHT, false],
  ];
  for (const [method, headers, isPreflight] of asks) {
    it(`${isPreflight ? "leaves out" : "limits"} ${method} with ${Object.keys(headers).join(" and ")}`, async () => {
      await using rs = newRateSync();
      const guard = createGuard({ limiter: "api", rateSync: rs, key: false, skipPreflights: true });
      for (const status of [200, isPreflight ? 200 : 429]) {
        assert.equal((await guard.admit({ method, url: "/", headers })).status, status);
      }
    });
  }

  it("is off by default", async () => {
    await using rs = newRateSync();
    const guard = createGuard({ limiter: "api", rateSync: rs, key: false });
    const statuses = [];
    for (let i = 0; i < 2; i++) {
      statuses.push((await guard.admit({ method: "OPTIONS", url: "/", headers: PREFLIGHT })).status);
    }
    assert.deepEqual(statuses, [200, 429]);
  });
});

describe("exposeHeaders", () => {
  const dialects: readonly [headers: NonNullable<GuardOptions["headers"]>, exposed: string][] = [
    ["draft-11", "RateLimit-Policy, RateLimit, Retry-After"],
    ["draft-6", "RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After"],
    ["x-ratelimit", "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After"],
    [["draft-11", "draft-7"], "RateLimit-Policy, RateLimit, Retry-After"],
    [false, "Retry-After"],
  ];
  for (const [headers, exposed] of dialects) {
    it(`names exactly the headers that are set, with ${JSON.stringify(headers)}`, async () => {
      await using rs = newRateSync();
      const guard = createGuard({ limiter: "api", rateSync: rs, key: false, exposeHeaders: true, headers });
      const set = new Set(["Retry-After"]);
      for (const status of [200, 429]) {
        const admission = await guard.admit({ method: "GET", url: "/", headers: {} });
        assert.equal(admission.status, status);
        const told = new Map(admission.headers);
        assert.equal(told.get("Access-Control-Expose-Headers"), exposed);
        for (const name of told.keys()) set.add(name);
      }
      for (const name of ["Access-Control-Expose-Headers", "Content-Type"]) set.delete(name);
      assert.deepEqual([...set].sort(), exposed.split(", ").sort());
    });
  }

  it("is off by default, and in a dry run", async () => {
    await using rs = newRateSync();
    for (const options of [{}, { exposeHeaders: true, dryRun: true }]) {
      const guard = createGuard({ limiter: "api", rateSync: rs, key: false, ...options });
      const { headers } = await guard.admit({ method: "GET", url: "/", headers: {} });
      assert.equal(new Map(headers).get("Access-Control-Expose-Headers"), undefined);
    }
  });

  const joined: readonly [before: string | undefined, after: string][] = [
    [undefined, "RateLimit, Retry-After"],
    ["X-Total", "X-Total, RateLimit, Retry-After"],
    ["x-total,ratelimit", "x-total,ratelimit, Retry-After"],
    ["RateLimit, Retry-After", "RateLimit, Retry-After"],
    ["*", "*"],
  ];
  for (const [before, after] of joined) {
    it(`makes ${JSON.stringify(after)} of ${JSON.stringify(before)}`, () => {
      const headers = new Headers(before === undefined ? {} : { "access-control-expose-headers": before });
      for (let i = 0; i < 2; i++) setHeaders([["Access-Control-Expose-Headers", "RateLimit, Retry-After"]], headers);
      assert.equal(headers.get("access-control-expose-headers"), after);
    });
  }

  it("adds to what other middleware of Hono has set, on answers and on refusals", async () => {
    await using rs = newRateSync();
    const app = new Hono();
    app.use(cors({ origin: "*", exposeHeaders: ["X-Total"] }));
    app.use(rateLimit({ limiter: "api", rateSync: rs, key: false, exposeHeaders: true }));
    app.get("/", (context) => context.text("hello"));
    for (const status of [200, 429]) {
      const response = await app.request("/", { headers: { origin: "https://a.example" } });
      assert.equal(response.status, status);
      assert.equal(
        response.headers.get("access-control-expose-headers"),
        "X-Total, RateLimit-Policy, RateLimit, Retry-After",
      );
      assert.equal(response.headers.get("access-control-allow-origin"), "*");
    }
  });
});
