import assert from "node:assert/strict";
import { describe, it } from "node:test";

import Koa from "koa";

import { createRateSync } from "@ratesync/core";
import { rateLimit, type RateLimitState } from "@ratesync/core/http/koa";
import { serveNode } from "../_servers.ts";
import { APPS } from "./_apps.ts";
import { testApp, testBytes } from "./_suite.ts";

testApp("Koa 3", APPS.koa, { forgetsHeadersOnError: true });
testBytes("Koa 3", APPS.koa);

describe("rateLimit() of Koa", () => {
  it("passes the decision to other middleware", async () => {
    await using rs = createRateSync({ limiters: { api: { limit: 5, windowMs: 60_000 } } });
    const app = new Koa<RateLimitState>();
    app.use(rateLimit({ limiter: "api", rateSync: rs }));
    app.use((context) => void (context.body = { left: context.state.rateLimit.decision?.remaining }));
    await using server = await serveNode(app.callback());
    assert.deepEqual(await (await fetch(server.url)).json(), { left: 4 });
  });
});
