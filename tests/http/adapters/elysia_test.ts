import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Elysia } from "elysia";

import { createRateSync } from "@ratesync/core";
import { admissionOf, rateLimit } from "@ratesync/core/http/elysia";
import { visit } from "../_servers.ts";
import { APPS } from "./_apps.ts";
import { Site, testApp, until } from "./_suite.ts";

testApp("Elysia", APPS.elysia);

describe("rateLimit() of Elysia", () => {
  it("passes the decision to handlers", async () => {
    await using rs = createRateSync({ limiters: { api: { limit: 5, windowMs: 60_000 } } });
    const app = new Elysia()
      .use(rateLimit({ limiter: "api", rateSync: rs }))
      .get("/", ({ request }) => ({ left: admissionOf(request)?.decision?.remaining }));
    assert.deepEqual(await (await app.handle(new Request("http://localhost/"))).json(), { left: 4 });
  });

  for (const path of ["/readable", "/generator"]) {
    it(`holds a permit until the end of ${path}`, async () => {
      await using site = await Site.start(APPS.elysia, { maxConcurrent: 1 });
      const response = await fetch(site.url(path));
      const reader = response.body?.getReader();
      await reader?.read();
      assert.equal((await site.ask()).status, 429);
      site.gate.open();
      while (!(await reader?.read())?.done);
      await until("the slot is free", () => site.inside === 0);
    });

    it(`releases the permit when a client leaves ${path}`, async () => {
      await using site = await Site.start(APPS.elysia, { maxConcurrent: 1 });
      const visitor = visit(site.url(path));
      assert.equal(await visitor.status, 200);
      assert.equal(site.inside, 1);
      visitor.leave();
      site.gate.open();
      await until("the slot is free", () => site.inside === 0);
    });
  }
});
