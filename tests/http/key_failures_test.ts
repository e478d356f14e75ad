import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ConfigError, createRateSync } from "@ratesync/core";
import { createGuard, type GuardOptions, type Identify } from "@ratesync/core/http";
import { rateLimit as rateLimitElysia } from "@ratesync/core/http/elysia";
import { rateLimit as rateLimitExpress } from "@ratesync/core/http/express";
import { expressRateLimitStore } from "@ratesync/core/http/express-rate-limit";
import { rateLimit as rateLimitFastify } from "@ratesync/core/http/fastify";
import { guardHandler as guardFetch } from "@ratesync/core/http/fetch";
import { rateLimit as rateLimitHono } from "@ratesync/core/http/hono";
import { rateLimit as rateLimitKoa } from "@ratesync/core/http/koa";
import { guardHandler as guardNode } from "@ratesync/core/http/node";

const limiters = { address: { limit: 9, windowMs: 60_000 }, account: { limit: 1, windowMs: 60_000 } };

describe("A key function that fails", () => {
  const failing: readonly [what: string, key: unknown, says: RegExp][] = [
    ["throws", () => {
      throw new Error("on purpose");
    }, / failed: /],
    ["rejects", () => Promise.reject(new Error("on purpose")), / failed: /],
    ["returns undefined", () => undefined, / returned no key \(undefined\): /],
    ["returns an empty text", () => "", / returned no key \(""\): /],
    ["returns an empty list", () => [], / returned no key \(an empty array\): /],
    ["returns an object", () => ({ secret: "hunter2" }), / returned an object in place of a string: /],
    ["returns NaN", () => NaN, / returned a number in place of a string: /],
    ["resolves to a boolean", () => Promise.resolve(true), / returned a boolean in place of a string: /],
  ];
  for (const [what, key, says] of failing) {
    it(`is logged with its rule if it ${what}, and the request shares the limit of all unidentified ones`, async () => {
      await using rs = createRateSync({ limiters });
      const logged: string[] = [];
      const guard = createGuard({
        limiter: [{ limiter: "address", key: () => "a" }, { limiter: "account", key: key as Identify }],
        rateSync: rs,
        logger: { warn: (message) => logged.push(message) },
      });
      const statuses = [];
      for (let i = 0; i < 2; i++) statuses.push((await guard.admit({ method: "GET", url: "/", headers: {} })).status);
      assert.deepEqual(statuses, [200, 429]);
      assert.equal((await rs.peek("account", { key: "unidentified" })).remaining, 0);
      assert.equal(logged.length, 1, "once a minute");
      assert.match(logged[0] ?? "", /limiter\[1\]\.key of limiter "account"/);
      assert.match(logged[0] ?? "", says);
      assert.doesNotMatch(logged.join(), /hunter2/);
    });
  }

  it("is logged for each rule, with the option's name where there is one rule", async () => {
    await using rs = createRateSync({ limiters });
    const logged: string[] = [];
    const common = { rateSync: rs, logger: { warn: (message: string) => logged.push(message) } };
    const facts = { method: "GET", url: "/", headers: {} };
    await createGuard({ ...common, limiter: "account", key: () => undefined }).admit(facts);
    const rules = ["address", "account"].map((limiter) => ({ limiter, key: () => null, cost: () => NaN }));
    await createGuard({ ...common, limiter: rules }).admit(facts);
    assert.match(logged[0] ?? "", /^rate-sync: key of limiter "account" returned no key/);
    assert.deepEqual(
      logged.slice(1).map((message) => /limiter\[\d\]\.\w+ of limiter "\w+"/.exec(message)?.[0]),
      [
        'limiter[0].cost of limiter "address"',
        'limiter[0].key of limiter "address"',
        'limiter[1].cost of limiter "account"',
        'limiter[1].key of limiter "account"',
      ],
    );
  });
});

describe("A wrong option of an adapter", () => {
  const rateSync = createRateSync({ limiters });
  const api = { limiter: "account", rateSync };
  const bad: readonly [make: (options: never) => unknown, options: unknown, path: string, says: RegExp][] = [
    [guardFetch.bind(null, () => new Response()), { ...api, peer: "1.1.1.1" }, "peer", /function/],
    [rateLimitHono, { ...api, peer: "1.1.1.1" }, "peer", /function/],
    [rateLimitElysia, { ...api, peer: "1.1.1.1" }, "peer", /function/],
    [expressRateLimitStore, { rateSync: {} }, "rateSync", /createRateSync/],
    [expressRateLimitStore, { prefx: "a" }, "prefx", /did you mean "prefix"/],
    [expressRateLimitStore, null, "expressRateLimitStore", /object of options/],
    ...[
      guardFetch.bind(null, () => new Response()),
      guardNode.bind(null, () => {}),
      rateLimitExpress,
      rateLimitHono,
      rateLimitKoa,
      rateLimitElysia,
      createGuard,
    ]
      .flatMap((make): [(options: never) => unknown, unknown, string, RegExp][] => [
        [make as never, undefined, "guard", /object of options, received undefined/],
        [make as never, null, "guard", /object of options/],
        [make as never, "api", "guard", /object of options/],
        [make as never, { ...api, keyGenerator: () => "" }, "keyGenerator", /did you mean "key"\?/],
        [make as never, { ...api, standardHeaders: true }, "standardHeaders", /did you mean "headers"\?/],
        [make as never, { ...api, headers: "draft-8" }, "headers", /did you mean "draft-11"\?/],
        [make as never, { ...api, max: 5 }, "max", /"limit"/],
        [make as never, { ...api, skipPreflights: 1 }, "skipPreflights", /boolean/],
        [make as never, { ...api, exposeHeaders: "RateLimit" }, "exposeHeaders", /boolean/],
        [make as never, { ...api, exposedHeaders: true }, "exposedHeaders", /did you mean "exposeHeaders"\?/],
        [make as never, { ...api, key: null }, "key", /byIp/],
        [make as never, { ...api, limiter: "" }, "limiter", /id of a limiter/],
      ]),
  ];
  for (const [i, [make, options, path, says]] of bad.entries()) {
    it(`is refused when it is set up (${i}: ${path})`, () => {
      assert.throws(() => make(options as never), (error) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.equal(error.path, path);
        assert.match(error.message, says);
        return true;
      });
    });
  }

  for (const [option, wrong] of [["hook", "preHandlr"], ["global", "no"], ["keyGenerator", () => ""]] as const) {
    it(`is refused when the plugin of Fastify is registered: ${option}`, () => {
      let refused: unknown;
      const instance = { hasRequestDecorator: () => false, decorateRequest() {}, addHook() {} };
      rateLimitFastify(
        instance,
        { ...api, [option]: wrong } as GuardOptions as never,
        (error) => void (refused = error),
      );
      assert.ok(refused instanceof ConfigError && refused.path === option, String(refused));
    });
  }
});
