import assert from "node:assert/strict";
import { describe, it } from "node:test";

import express from "express";

import { createRateSync } from "@ratesync/core";
import { admissionOf, rateLimit } from "@ratesync/core/http/express";
import { serveNode } from "../../_servers.ts";
import { APPS } from "../_apps.ts";
import { testApp, testBytes } from "../_suite.ts";

testApp("Express 5", APPS.express);
testBytes("Express 5", APPS.express);

describe("rateLimit() of Express", () => {
  it("passes the decision to handlers, and sees the path that the client sent, wherever it is mounted", async () => {
    await using rs = createRateSync({ limiters: { api: { limit: 5, windowMs: 60_000 } } });
    const paths: string[] = [];
    const app = express();
    const onDecision = ({ request }: { request: { path: string } }) => void paths.push(request.path);
    app.use("/v1", rateLimit({ limiter: "api", rateSync: rs, onDecision }));
    app.use((request, response) => void response.json(admissionOf(request)?.decision?.remaining ?? null));
    await using server = await serveNode(app);
    const ask = async (path: string) => await (await fetch(`${server.url}${path}`)).json();
    assert.deepEqual([await ask("/v1/a"), await ask("/v1"), await ask("/v2")], [4, 3, null]);
    assert.deepEqual(paths, ["/v1/a", "/v1"]);
  });

  it("lists the limits of several guards", async () => {
    await using rs = createRateSync({
      limiters: { all: { limit: 9, windowMs: 60_000 }, some: { limit: 5, windowMs: 60_000 } },
    });
    const app = express();
    app.use(rateLimit({ limiter: "all", rateSync: rs }), rateLimit({ limiter: "some", rateSync: rs }));
    app.use((_request, response) => void response.send("hello"));
    await using server = await serveNode(app);
    const { headers } = await fetch(server.url);
    assert.equal(headers.get("ratelimit"), '"all";r=8;t=7, "some";r=4;t=12');
  });

  it("passes the error on if its limiter does not exist", async () => {
    await using rs = createRateSync({ limiters: { api: { maxConcurrent: 1 } } });
    const app = express();
    const errors: unknown[] = [];
    assert.throws(() => rateLimit({ limiter: "apy", rateSync: rs }), /NotFoundError|apy/);
    app.use(rateLimit({ limiter: "nowhere" }));
    app.use(
      (error: Error, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
        errors.push(error.name);
        response.status(500).end();
      },
    );
    await using server = await serveNode(app);
    assert.equal((await fetch(server.url)).status, 500);
    assert.deepEqual(errors, ["NotFoundError"]);
  });
});
