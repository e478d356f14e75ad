import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync } from "@ratesync/core";
import { limitedFetch, type LimitedFetchOptions, type LimitReading } from "@ratesync/core/outbound";

import { first, openLab } from "./_lab.ts";

/** A logger that keeps its warnings. */
function keepWarnings() {
  const warnings: unknown[][] = [];
  const quiet = () => {};
  const warn = (...parts: unknown[]) => void warnings.push(parts);
  return { warnings, logger: { debug: quiet, info: quiet, warn, error: quiet } };
}

const BUSY_BODY = { status: 200, body: JSON.stringify({ code: 42, wait: 7 }) };

describe("readLimit", () => {
  const readings: readonly [name: string, readLimit: LimitedFetchOptions["readLimit"], status: number][] = [
    ["from the body", async (response) => ({ retryAfterMs: (await response.json()).wait * 1_000 }), 429],
    ["from a body with the status 200", async (response) => {
      const { code, wait } = await response.clone().json();
      return code === 42 ? { retryAfterMs: wait * 1_000 } : undefined;
    }, 200],
    [
      "from a header, at once",
      ({ headers }) => ({ remaining: 0, resetMs: Number(headers.get("x-wait")) * 1_000 }),
      429,
    ],
    ["before Retry-After", () => ({ retryAfterMs: 7_000 }), 429],
  ];
  for (const [name, readLimit, status] of readings) {
    it(`says how long a refusal lasts: ${name}`, async () => {
      const headers: Record<string, string> = name.startsWith("before") ? { "retry-after": "60" } : { "x-wait": "7" };
      // The answer after the pause is that of another status, of which nothing is read.
      await using lab = await openLab(first(1, { ...BUSY_BODY, status, headers }), undefined, {
        readLimit: (response) =>
          response.headers.has("x-wait") || status === 429 && response.status === 429
            ? readLimit?.(response)
            : undefined,
      });
      const answer = await lab.clock.runUntil(lab.fetch(lab.server.url));
      assert.deepEqual([answer.status, await answer.text(), lab.sentMs], [200, "ok", [0, 7_000]]);
    });
  }

  it("lets the key pause before a refusal, when nothing is left", async () => {
    await using lab = await openLab(() => ({}), undefined, { readLimit: () => ({ remaining: 0, resetMs: 250 }) });
    await lab.fetch(lab.server.url);
    assert.deepEqual(lab.throttled.map(({ waitMs, source }) => [waitMs, source]), [[250, "remaining"]]);
  });

  it("says that an answer is a refusal, or that it is none", async () => {
    await using busy = await openLab(first(1, { status: 200 }), undefined, {
      readLimit: () => busy.server.received.length === 1 ? { refused: true } : null,
    });
    await busy.clock.runUntil(busy.fetch(busy.server.url));
    assert.deepEqual(busy.throttled.map(({ source, shared }) => [source, shared]), [["backoff", true]]);
    assert.equal(busy.sentMs.length, 2);
    await using billing = await openLab(() => ({ status: 429 }), undefined, { readLimit: () => ({ refused: false }) });
    assert.equal((await billing.fetch(billing.server.url)).status, 429);
    assert.deepEqual([billing.throttled, billing.sentMs], [[], [0]]);
  });

  it("lets the headers count if it returns undefined", async () => {
    for (const nothing of [undefined, null, {}] as const) {
      await using lab = await openLab(first(1, { status: 429, headers: { "retry-after": "3" } }), undefined, {
        readLimit: () => nothing,
      });
      await lab.clock.runUntil(lab.fetch(lab.server.url));
      assert.deepEqual(lab.sentMs, [0, 3_000]);
    }
  });

  const failures: readonly [name: string, readLimit: (body: () => Promise<unknown>) => unknown, message: RegExp][] = [
    ["it throws", () => {
      throw new Error("no such field");
    }, /^no such field$/],
    ["it rejects", () => Promise.reject(new Error("no such field")), /^no such field$/],
    ["the body is no JSON", (json) => json(), /^Cannot read the body of an answer with status 429: it is no JSON$/],
    ["it returns a number", () => 5, /^Cannot use readLimit\(\): expected an object, undefined or null, received 5$/],
    [
      "it returns a negative time",
      () => ({ retryAfterMs: -1 }),
      /retryAfterMs: expected a number from 0, received -1$/,
    ],
    ["it returns no number", () => ({ resetMs: NaN }), /resetMs: expected a number from 0, received NaN$/],
    ["it returns a text", () => ({ remaining: "5" }), /remaining: expected a number from 0, received "5"$/],
    ["it returns another word", () => ({ retryAfter: 5 }), /retryAfter: expected "retryAfterMs", received 5$/],
    ["it returns no boolean", () => ({ refused: 1 }), /refused: expected true or false, received 1$/],
  ];
  for (const [name, readLimit, message] of failures) {
    it(`counts as if there were none, and is logged once, when ${name}`, async () => {
      const { warnings, logger } = keepWarnings();
      const secret = "<html>token=s3cret</html>";
      await using lab = await openLab(
        () => ({ status: 429, headers: { "retry-after": "3" }, body: secret }),
        undefined,
        {
          readLimit: (response) => readLimit(() => response.json()) as LimitReading,
          maxRetries: 0,
          logger,
          timeoutMs: Infinity,
        },
      );
      for (let n = 0; n < 3; n++) {
        const answer = await lab.clock.runUntil(lab.fetch(lab.server.url));
        assert.equal(await answer.text(), secret);
      }
      assert.deepEqual(lab.throttled.map(({ waitMs }) => waitMs), [3_000, 3_000, 3_000]);
      assert.deepEqual(warnings.length, 1);
      const [text, error] = warnings[0] as [string, Error];
      assert.match(text, /^rate-sync: readLimit failed/);
      assert.match(error.message, message);
      assert.ok(!error.message.includes("s3cret"));
    });
  }

  it("warns on the console without a logger, and does not warn with logger: false", async () => {
    const { warn } = console;
    for (const [logger, calls] of [[false, 0], [undefined, 1]] as const) {
      let warnings = 0;
      await using lab = await openLab(() => ({}), undefined, {
        readLimit: () => 5 as never,
        ...logger === undefined ? {} : { logger },
      });
      console.warn = () => void warnings++;
      await lab.fetch(lab.server.url).finally(() => console.warn = warn);
      assert.equal(warnings, calls);
    }
  });

  it("copies a body only when it reads it, and leaves all of it to the caller", async () => {
    const body = "0123456789".repeat(30_000);
    for (const reads of [false, true]) {
      let copies = 0;
      const rateSync = createRateSync({ limiters: { partner: { ratePerSecond: 100, maxConcurrent: 1 } } });
      const source = async () => {
        const answer = new Response(body);
        const clone = answer.clone.bind(answer);
        return await Promise.resolve(Object.assign(answer, { clone: () => (copies++, clone()) }));
      };
      const partnerFetch = limitedFetch(source, {
        rateSync,
        limiter: "partner",
        async readLimit(response) {
          if (reads) assert.equal((await response.text()).length + (await response.text()).length, 2 * body.length);
          return undefined;
        },
      });
      const answer = await partnerFetch("http://partner.example/");
      assert.equal(await answer.text(), body);
      assert.equal(copies, reads ? 1 : 0);
      assert.equal(rateSync.metrics("partner").currentConcurrent, 0);
      await rateSync.close();
    }
  });

  it("reads no body of more than 1 MiB, and the caller gets it all the same", async () => {
    for (const announced of [true, false]) {
      const { warnings, logger } = keepWarnings();
      const body = "x".repeat(1_048_577);
      await using lab = await openLab(
        (_received, response) => {
          response.writeHead(200, announced ? { "content-length": body.length } : {}).end(body);
          return undefined;
        },
        undefined,
        { logger, readLimit: async (response) => void await response.text() as undefined },
      );
      const answer = await lab.fetch(lab.server.url);
      assert.equal((await answer.text()).length, body.length);
      assert.match(
        String((warnings[0] as unknown[])[1]),
        /^RangeError: Cannot read a body of (1048577|more than 1048576) bytes/,
      );
    }
  });

  it("waits no longer than 5 s for a body", async () => {
    const { warnings, logger } = keepWarnings();
    let open: ServerResponse | undefined;
    await using lab = await openLab(
      (_received, response) => {
        open = response.writeHead(200);
        open.write("first ");
        return undefined;
      },
      undefined,
      { logger, readLimit: async (response) => void await response.text() as undefined },
    );
    const answer = await lab.clock.runUntil(lab.fetch(lab.server.url));
    assert.equal(lab.clock.nowUs() % 3_600_000_000, 5_000_000);
    assert.match(String((warnings[0] as unknown[])[1]), /^RangeError: Cannot read a body that takes more than 5000 ms/);
    open?.end("last");
    assert.equal(await answer.text(), "first last");
  });

  it("ends with the call when that is aborted, and nothing is logged", async () => {
    const { warnings, logger } = keepWarnings();
    const stop = new AbortController();
    await using lab = await openLab(
      (_received, response) => {
        response.writeHead(200).write("first ");
        return undefined;
      },
      undefined,
      { logger, readLimit: async (response) => void await response.text() as undefined },
    );
    const call = lab.fetch(lab.server.url, { signal: stop.signal });
    while (lab.server.received.length === 0) await sleep(1);
    setTimeout(() => stop.abort(new Error("enough")), 50); // in the middle of the body
    await assert.rejects(call.then((answer) => answer.text()));
    assert.deepEqual(warnings, []);
  });
});

describe("an answer that streams", () => {
  for (
    const [status, type] of [[200, "text/event-stream"], [200, "application/json"], [429, "text/event-stream"]] as const
  ) {
    it(`comes before its body has ended: ${status}, ${type}`, async () => {
      let open: ServerResponse | undefined;
      await using lab = await openLab(
        (_received, response) => {
          open = response.writeHead(status, { "content-type": type });
          open.write("data: 1\n\n");
          return undefined;
        },
        { maxConcurrent: 1 },
        { maxRetries: 0, readLimit: ({ headers }) => headers.has("x-none") ? {} : undefined },
      );
      const answer = await lab.fetch(lab.server.url);
      const reader = answer.body?.getReader();
      assert.equal(new TextDecoder().decode((await reader?.read())?.value), "data: 1\n\n");
      assert.equal(lab.rs.metrics("partner").currentConcurrent, 1);
      open?.end();
      assert.equal((await reader?.read())?.done, true);
      assert.equal(lab.rs.metrics("partner").currentConcurrent, 0);
    });
  }
});
