import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";

import { createRateSync } from "@ratesync/core";
import { rateLimit, type RateLimitVariables } from "@ratesync/core/http/hono";
import { APPS } from "./_apps.ts";
import { testApp, testBytes } from "./_suite.ts";

for (const [name, app] of [["Hono", APPS.hono], ["Hono on node:http", APPS.honoNode]] as const) {
  testApp(name, app);
  testBytes(name, app);
}

describe("rateLimit() of Hono", () => {
  const limiters = { api: { limit: 5, windowMs: 60_000 } };

  it("passes the decision to handlers", async () => {
    await using rs = createRateSync({ limiters });
    const app = new Hono<{ Variables: RateLimitVariables }>();
    app.use(rateLimit({ limiter: "api", rateSync: rs }));
    app.get("/", (context) => context.json({ left: context.get("rateLimit").decision?.remaining }));
    assert.deepEqual(await (await app.request("/")).json(), { left: 4 });
  });

  it("takes the address from where the options say", async () => {
    await using rs = createRateSync({ limiters });
    const app = new Hono();
    app.use("/worker", rateLimit({ limiter: "api", rateSync: rs, addressHeader: "cf-connecting-ip" }));
    app.use("/own", rateLimit({ limiter: "api", rateSync: rs, peer: () => "203.0.113.8" }));
    await app.request("/worker", { headers: { "cf-connecting-ip": "203.0.113.7" } });
    await app.request("/own", { headers: { "x-forwarded-for": "203.0.113.9" } });
    const left = async (key: string) => (await rs.peek("api", { key })).remaining;
    assert.deepEqual(await Promise.all(["ip:203.0.113.7", "ip:203.0.113.8", "ip:203.0.113.9"].map(left)), [4, 4, 5]);
  });

  it("adds headers to answers that cannot be changed", async () => {
    await using rs = createRateSync({ limiters });
    const app = new Hono();
    app.use(rateLimit({ limiter: "api", rateSync: rs }));
    app.get("/", () => Response.redirect("http://127.0.0.1:1/"));
    const { status, headers } = await app.request("/");
    assert.deepEqual([status, headers.get("location"), headers.get("ratelimit")], [
      302,
      "http://127.0.0.1:1/",
      '"api";r=4;t=12',
    ]);
  });

  const POLICY = '"api";q=5;w=60';
  const LIMIT = '"api";r=4;t=12';
  const answers: Record<string, [(context: Context) => Response | Promise<Response>, policy: string, limit: string]> = {
    "a text": [(context) => context.text("hello"), POLICY, LIMIT],
    "a redirect": [(context) => context.redirect("/other"), POLICY, LIMIT],
    "a page that is not there": [(context) => context.notFound(), POLICY, LIMIT],
    "a response of its own": [() => new Response("hello"), POLICY, LIMIT],
    "an exception": [() => Promise.reject(new HTTPException(401, { res: new Response("no") })), POLICY, LIMIT],
    "an answer that has limits of its own": [
      (context) => context.text("hello", 200, { RateLimit: '"own";r=1;t=1' }),
      POLICY,
      `"own";r=1;t=1, ${LIMIT}`,
    ],
    "a response that has limits of its own": [
      () => new Response("hello", { headers: { "RateLimit": '"own";r=1;t=1', "RateLimit-Policy": '"own";q=1;w=1' } }),
      `"own";q=1;w=1, ${POLICY}`,
      `"own";r=1;t=1, ${LIMIT}`,
    ],
  };
  for (const [what, [handler, policy, limit]] of Object.entries(answers)) {
    it(`sets each header once on ${what}, beside what the application says`, async () => {
      await using rs = createRateSync({ limiters });
      const app = new Hono();
      app.use(rateLimit({ limiter: "api", rateSync: rs }));
      app.get("/", handler);
      const { headers } = await app.request("/");
      assert.deepEqual([headers.get("ratelimit-policy"), headers.get("ratelimit")], [policy, limit]);
    });
  }

  it("leaves limits that were set before it in the list", async () => {
    await using rs = createRateSync({ limiters });
    const app = new Hono();
    app.use(async (context, next) => {
      context.header("RateLimit", '"own";r=1;t=1');
      await next();
    });
    app.use(rateLimit({ limiter: "api", rateSync: rs }));
    app.get("/", (context) => context.text("hello"));
    const { headers } = await app.request("/");
    assert.deepEqual([headers.get("ratelimit-policy"), headers.get("ratelimit")], [POLICY, `"own";r=1;t=1, ${LIMIT}`]);
  });
});
