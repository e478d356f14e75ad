import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, it } from "node:test";

import { close, createRateSync } from "@ratesync/core";
import { guardHandler } from "@ratesync/core/http/node";
import { serveNode } from "../_servers.ts";
import { APPS } from "./_apps.ts";
import { testApp, testBytes } from "./_suite.ts";

for (const [name, app] of [["A handler", APPS.node], ["Middleware", APPS.middleware]] as const) {
  testApp(`${name} of node:http`, app);
  testBytes(`${name} of node:http`, app);
}

describe("guardHandler() of node", () => {
  it("answers 500 if its limiter does not exist", async () => {
    const { error: print } = console;
    const printed: unknown[] = [];
    console.error = (...words: unknown[]) => void printed.push(words);
    try {
      const handler = guardHandler(() => assert.fail("it must not be called"), { limiter: "missing" });
      await using server = await serveNode(handler);
      assert.equal((await fetch(server.url)).status, 500);
    } finally {
      console.error = print;
      await close(); // the default instance, where it was looked for
    }
    assert.equal(printed.length, 1);
  });

  it("passes on what the handler throws, and releases the permit", async () => {
    await using rs = createRateSync({ limiters: { api: { maxConcurrent: 1 } } });
    const failures: unknown[] = [];
    const handler = guardHandler<IncomingMessage, ServerResponse>(() => Promise.reject(new Error("broken")), {
      limiter: "api",
      rateSync: rs,
    });
    await using server = await serveNode((request, response) =>
      void handler(request, response).catch((error) => {
        failures.push(error.message);
        response.writeHead(500).end();
      })
    );
    for (let i = 0; i < 3; i++) assert.equal((await fetch(server.url)).status, 500);
    assert.deepEqual(failures, ["broken", "broken", "broken"]);
  });
});
