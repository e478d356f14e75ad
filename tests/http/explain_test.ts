import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ConfigError, createRateSync, type DeniedBy } from "../../mod.ts";
import { byApiKey, byHeader, byIp, createGuard, firstOf, type GuardOptions } from "../../src/http/mod.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

const limiters = {
  api: {
    limits: [{ ratePerSecond: 2, burst: 2 }, { algorithm: "sliding_window", limit: 3, windowMs: 60_000 }],
  },
  ip: { limit: 1, windowMs: 60_000 },
} as const;

function request(headers: Record<string, string> = {}) {
  return { method: "GET", url: "https://api.example/", headers: new Headers(headers), peer: "203.0.113.7" };
}

/** What a guard answers to the last of some requests. */
async function lastOf(options: Omit<GuardOptions, "rateSync">, times: number, headers?: Record<string, string>) {
  const seen: (DeniedBy | undefined)[] = [];
  const guard = createGuard({
    ...options,
    rateSync: createRateSync({ clock: new FakeClock(), limiters }),
    onDecision: ({ decision }) => void seen.push(decision?.deniedBy),
  });
  let admission = await guard.admit(request(headers));
  for (let i = 1; i < times; i++) admission = await guard.admit(request(headers));
  return { admission, body: JSON.parse(admission.body || "null"), deniedBy: seen.at(-1) };
}

describe("The option explain of a guard", () => {
  it("adds what a client may know to a problem, and no key", async () => {
    const { admission, body } = await lastOf({ limiter: "api", explain: true }, 3);
    assert.equal(admission.status, 429);
    const { explanation } = body;
    assert.match(explanation.summary, /^Denied by limiter "api", limit 1 of 2 \(2 per 1 s, token_bucket\): empty;/);
    assert.equal(explanation.retryAfterMs, 500);
    assert.deepEqual([explanation.limiter, explanation.limit, explanation.rule], ["api", 0, "2 per 1 s, token_bucket"]);
    assert.deepEqual(explanation.limits[1], {
      limiter: "api",
      rule: "3 per 1 min, sliding_window",
      limit: 3,
      used: 2,
      remaining: 1,
      denies: false,
      deniesForMs: 0,
      free: [
        { units: 1, afterMs: 0 },
        { units: 3, afterMs: 60_000 },
        { units: 10, reason: "more_than_limit" },
      ],
    });
    assert.deepEqual(explanation.changes.map(({ kind }: { kind: string }) => kind), ["wait"]);
    assert.doesNotMatch(admission.body, /203\.0\.113|refund|block/);
  });

  it("is off by default, and refused for bodies that have no room for it", async () => {
    assert.equal((await lastOf({ limiter: "ip" }, 2)).body.explanation, undefined);
    assert.throws(() => createGuard({ limiter: "ip", explain: true, body: "detail" }), ConfigError);
  });

  it("names no store and no error of it", async () => {
    const stores = { "internal-redis": { engine: "redis", url: "redis://127.0.0.1:1/0" } } as const;
    for (const onStoreError of ["deny", "local"] as const) {
      const one = { store: "internal-redis", limit: 1, windowMs: 60_000, onStoreError } as const;
      await using rateSync = createRateSync({ stores, logger: false, limiters: { one } });
      const guard = createGuard({ limiter: "one", rateSync, explain: true });
      await guard.admit(request());
      const { body } = await guard.admit(request());
      assert.equal(JSON.parse(body).explanation.limits.length, 1);
      assert.doesNotMatch(body, /internal-redis|127\.0\.0\.1|ECONN/);
    }
  });
});

describe("The class of a key", () => {
  it("is what keys of the package's functions begin with", async () => {
    const known = (apiKey: string) => apiKey === "k1";
    for (
      const [key, headers, expected] of [
        [byIp(), {}, "ip"],
        [byHeader("X-User"), { "x-user": "42" }, "x-user"],
        [firstOf(byApiKey({ known }), byIp()), { authorization: "Bearer k1" }, "api-key"],
        [firstOf(byApiKey({ known }), byIp()), { authorization: "Bearer k2" }, "ip"],
        [byHeader("x-user"), {}, "unidentified"],
        [() => "ip:mine", {}, "key"],
        [false, {}, "none"],
      ] as const
    ) {
      const logger = { warn: () => {} };
      const { deniedBy } = await lastOf({ limiter: "ip", key, logger }, 2, headers);
      assert.equal(deniedBy?.keyClass, expected);
    }
  });

  it("is what the guard or its rule says", async () => {
    const { deniedBy } = await lastOf({ limiter: "ip", key: () => "7", keyClass: "tenant" }, 2);
    assert.equal(deniedBy?.keyClass, "tenant");
    const rules = [{ limiter: "api", keyClass: "client" }, { limiter: "ip", key: byHeader("x-user") }];
    const several = await lastOf({ limiter: rules, keyClass: "other" }, 2, { "x-user": "42" });
    assert.deepEqual([several.deniedBy?.limiter, several.deniedBy?.keyClass], ["ip", "x-user"]);
    assert.throws(() => createGuard({ limiter: "ip", keyClass: "" }), ConfigError);
    assert.throws(
      () => createGuard({ limiter: [{ limiter: "ip", keyClass: "x".repeat(65) }] }),
      /limiter\[0\]\.keyClass/,
    );
  });
});
