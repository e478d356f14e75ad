import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync } from "@ratesync/core";
import { byBody, createGuard, type GuardOptions } from "@ratesync/core/http";
import { guardHandler } from "@ratesync/core/http/fetch";
import * as undici from "undici";

import { runWorker } from "../../_support/processes.ts";
import { APPS } from "./_apps.ts";
import { testApp, testBytes } from "./_suite.ts";

testApp("A fetch handler", APPS.fetch, { forgetsHeadersOnError: true });
testBytes("A fetch handler", APPS.fetch);

describe("guardHandler() of fetch", () => {
  it("passes on what the handler throws, and releases the permit", async () => {
    await using rs = createRateSync({ limiters: { api: { maxConcurrent: 1 } } });
    const handler = guardHandler((): Response => {
      throw new Error("broken");
    }, { limiter: "api", rateSync: rs });
    for (let i = 0; i < 3; i++) await assert.rejects(handler(new Request("http://localhost/")), /broken/);
  });

  it("takes the peer from each platform, and from the option peer", async () => {
    await using rs = createRateSync({ limiters: { api: { limit: 5, windowMs: 60_000, algorithm: "sliding_window" } } });
    const keys: unknown[] = [];
    const options: GuardOptions = {
      limiter: "api",
      rateSync: rs,
      onDecision: (report) => keys.push(report.keys[0]),
      logger: { warn: () => {} },
    };
    const answer = () => new Response("hello");
    const asked = new Request("http://localhost/");
    const handler = guardHandler((_request: Request, ..._rest: unknown[]) => answer(), options);
    await handler(asked, { remoteAddr: { hostname: "203.0.113.1" } });
    await handler(asked, { requestIP: () => ({ address: "203.0.113.2" }) });
    await handler(asked, { remoteAddr: { transport: "unix", path: "/run/a.sock" } });
    await handler(asked, { API_TOKEN: "an environment" });
    await guardHandler((_request: Request, _info: { ip: string }) => answer(), {
      ...options,
      peer: (_request, { ip }) => ip,
    })(asked, { ip: "203.0.113.3" });
    await guardHandler(answer, { ...options, addressHeader: "x-real-ip" })(
      new Request("http://localhost/", { headers: { "x-real-ip": "203.0.113.4" } }),
    );
    assert.deepEqual(keys, [
      "ip:203.0.113.1",
      "ip:203.0.113.2",
      "unidentified",
      "unidentified",
      "ip:203.0.113.3",
      "ip:203.0.113.4",
    ]);
  });

  const constants: readonly [what: string, make: () => Response][] = [
    ["204", () => new Response(null, { status: 204 })],
    ["200 without a body", () => new Response(null)],
    ["a redirect", () => Response.redirect("http://127.0.0.1:1/")],
    ["a text that HEAD asks for", () => new Response("hello")],
  ];
  for (const [what, make] of constants) {
    it(`sends each client its own figures if the handler returns the same object each time: ${what}`, async () => {
      await using rs = createRateSync({
        limiters: { api: { limit: 900, windowMs: 60_000, algorithm: "fixed_window" } },
      });
      const constant = make();
      const handler = guardHandler(() => constant, { limiter: "api", rateSync: rs, addressHeader: "x-real-ip" });
      const ask = (i: number) =>
        handler(new Request("http://localhost/", { method: "HEAD", headers: { "x-real-ip": `203.0.113.${i}` } }));
      const first = await ask(1);
      const again = await ask(1);
      const other = await ask(2);
      assert.equal(again.headers.get("ratelimit"), '"api";r=898;t=60');
      if (what.startsWith("a text")) return; // one object, answered twice at the same time: it cannot be sent twice
      assert.equal(first.headers.get("ratelimit"), '"api";r=899;t=60');
      assert.equal(other.headers.get("ratelimit"), '"api";r=899;t=60');
      assert.equal(constant.headers.get("ratelimit"), null);
    });
  }

  it("leaves a value that is not a Response unchanged", async () => {
    await using rs = createRateSync({ limiters: { api: { maxConcurrent: 1 } } });
    const upgraded = guardHandler(() => undefined, { limiter: "api", rateSync: rs });
    const failed = guardHandler(() => Response.error(), { limiter: "api", rateSync: rs });
    for (let i = 0; i < 2; i++) {
      assert.equal(await upgraded(new Request("http://localhost/")), undefined);
      assert.equal((await failed(new Request("http://localhost/")))?.type, "error");
    }
  });

  it("guards answers of another class of Response, such as that of undici", async () => {
    await using rs = createRateSync({
      limiters: { api: { algorithm: "fixed_window", limit: 5, windowMs: 60_000, maxConcurrent: 1 } },
    });
    const answer = () => {
      const response = new undici.Response("hello", { status: 201, statusText: "Made", headers: { "x-own": "1" } });
      for (const cookie of ["a=1", "b=2"]) response.headers.append("set-cookie", cookie);
      return response as unknown as Response;
    };
    const handler = guardHandler(answer, { limiter: "api", rateSync: rs });
    for (const [left, method] of [[4, "GET"], [3, "HEAD"]] as const) {
      const response = await handler(new Request("http://localhost/", { method }));
      assert.ok(response.headers.get("ratelimit")?.startsWith(`"api";r=${left};t=60`));
      assert.deepEqual([response.status, response.headers.get("x-own")], [201, "1"]);
      assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
      assert.equal(rs.metrics("api").currentConcurrent, method === "GET" ? 1 : 0);
      assert.equal(await response.text(), "hello");
      assert.equal(rs.metrics("api").currentConcurrent, 0);
    }
  });

  it("reads the body of a Request of another class", async () => {
    await using rs = createRateSync({ limiters: { api: { limit: 5, windowMs: 60_000 } } });
    const keys: unknown[] = [];
    const guard = createGuard({
      limiter: "api",
      rateSync: rs,
      key: byBody("email"),
      onDecision: (report) => keys.push(...report.keys),
    });
    const body = JSON.stringify({ email: "ada@example.com" });
    const request = new undici.Request("http://localhost/", { method: "POST", body });
    await guard.admit(request as unknown as Request);
    assert.deepEqual(keys, ["email:ada@example.com"]);
    assert.equal(await request.text(), body);
  });

  it("releases the permit when a body fails, or is not read", async () => {
    await using rs = createRateSync({ limiters: { api: { maxConcurrent: 1 } } });
    const broken = () =>
      new Response(
        new ReadableStream({
          pull(controller): void {
            controller.error(new Error("broken"));
          },
        }),
      );
    const handler = guardHandler(broken, { limiter: "api", rateSync: rs });
    const response = await handler(new Request("http://localhost/"));
    assert.equal(rs.metrics("api").currentConcurrent, 1);
    await assert.rejects(response.text(), /broken/);
    assert.equal(rs.metrics("api").currentConcurrent, 0);
    await handler(new Request("http://localhost/", { method: "HEAD" }));
    assert.equal(rs.metrics("api").currentConcurrent, 0);
  });
});

describe("A guard that gives permits", () => {
  it("does not make the runtime print a warning", async () => {
    const { code, stdout, stderr } = await runWorker("http/adapters/quiet_worker");
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "", stderr: "" });
  });
});
