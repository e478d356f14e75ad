import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request as requestOf } from "node:http";
import { PassThrough, type Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";

import * as undici from "undici";

import { createRateSync } from "@ratesync/core";
import { type Fetch, limitedFetch } from "@ratesync/core/outbound";

import { startServer } from "./_lab.ts";

const SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";

/** An answer as node-fetch gives it: its body is a stream of Node. */
function answerOf(message: IncomingMessage, body: Readable): unknown {
  const status = message.statusCode ?? 0;
  const headers = new Headers(Object.entries(message.headers).map(([name, value]) => [name, String(value)]));
  return {
    status,
    ok: status < 300,
    headers,
    body,
    text: () => text(body),
    clone() {
      const [mine, copy] = [new PassThrough(), new PassThrough()];
      body.pipe(mine);
      body.pipe(copy);
      Object.assign(this, { body: mine, text: () => text(mine) });
      return { body: copy };
    },
  };
}

/** A fetch over `node:http`, with answers as node-fetch gives them. */
const nodeFetch = (async (input: string, init: RequestInit = {}) => {
  const sent = requestOf(input, { method: init.method ?? "GET", agent: false }).end();
  const [message] = await once(sent, "response") as [IncomingMessage];
  return answerOf(message, message.pipe(new PassThrough()));
}) as unknown as Fetch;

async function openLab(status = 200, headers: Readonly<Record<string, string>> = {}, body = "hello") {
  const server = await startServer((_received, _response, count) => count > 1 ? {} : { status, headers, body });
  const rs = createRateSync({ limiters: { partner: { maxConcurrent: 1 } } });
  const waits: number[] = [];
  const options = {
    rateSync: rs,
    limiter: "partner",
    onThrottled: ({ waitMs }: { waitMs: number }) => waits.push(waitMs),
  };
  return {
    url: server.url,
    waits,
    options,
    fetch: limitedFetch(nodeFetch, options),
    held: () => rs.metrics("partner").currentConcurrent,
    async [Symbol.asyncDispose]() {
      await rs.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe("A body that is a stream of Node", () => {
  it("holds the permit until it was read", async () => {
    await using lab = await openLab();
    const answer = await lab.fetch(lab.url);
    assert.equal(lab.held(), 1);
    assert.equal(await answer.text(), "hello");
    assert.equal(lab.held(), 0);
  });

  it("releases the permit when it is destroyed", async () => {
    await using lab = await openLab();
    const body = (await lab.fetch(lab.url)).body as unknown as Readable;
    body.destroy();
    await once(body, "close");
    assert.equal(lab.held(), 0);
  });

  it("is destroyed when the signal is aborted", async () => {
    await using lab = await openLab();
    const controller = new AbortController();
    const body = (await lab.fetch(lab.url, { signal: controller.signal })).body as unknown as Readable;
    controller.abort();
    assert.equal(lab.held(), 0);
    assert.ok(body.destroyed);
  });

  it("holds no permit where there is nothing to read", async () => {
    for (const [status, method] of [[204, "GET"], [200, "HEAD"]] as const) {
      await using lab = await openLab(status, {}, status === 204 ? "" : "hello");
      await lab.fetch(lab.url, { method });
      assert.equal(lab.held(), 0);
    }
  });

  it("lets a refused request be sent again", async () => {
    await using lab = await openLab(429, { "retry-after": "0" });
    assert.equal(await (await lab.fetch(lab.url)).text(), "ok");
    assert.equal(lab.held(), 0);
  });

  it("is read where it may name a limit, and is whole for the caller", async () => {
    await using lab = await openLab(403, { "x-github-request-id": "1" }, JSON.stringify({ message: SECONDARY }));
    const fetch = limitedFetch(nodeFetch, { ...lab.options, maxRetries: 0 });
    assert.match(await (await fetch(lab.url)).text(), /secondary rate limit/);
    assert.deepEqual([lab.waits, lab.held()], [[60_000], 0]);
  });
});

describe("A fetch of another package", () => {
  it("keeps its type", async () => {
    await using lab = await openLab();
    const fetch: typeof undici.fetch = limitedFetch(undici.fetch, lab.options);
    const answer: undici.Response = await fetch(lab.url, { method: "PUT", body: "x" });
    assert.equal(await answer.text(), "hello");
  });
});

describe("A fetch that returns no Response", () => {
  it("rejects, and releases the permit", async () => {
    await using lab = await openLab();
    const fetch = limitedFetch((() => Promise.resolve({ ok: true })) as unknown as Fetch, lab.options);
    await assert.rejects(fetch(lab.url), {
      name: "TypeError",
      message: "Cannot read the answer of fetch: it must be a Response, received an object",
    });
    assert.equal(lab.held(), 0);
  });
});
