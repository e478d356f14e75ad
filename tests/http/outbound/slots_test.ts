import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { describe, it } from "node:test";

import { createRateSync } from "@ratesync/core";
import { limitedFetch } from "@ratesync/core/outbound";

import { collectGarbage } from "../../_support/garbage.ts";
import { first, type Lab, openLab } from "./_lab.ts";

const ONE_SLOT = { maxConcurrent: 1 } as const;

/** Answers with a body of two parts, the second of which is sent by `finish`. */
function inTwoParts(): { handle: (_: unknown, response: ServerResponse) => undefined; finish: () => void } {
  const open: ServerResponse[] = [];
  return {
    handle(_, response) {
      response.writeHead(200, { "content-type": "text/plain" });
      response.write("one ");
      open.push(response);
      return undefined;
    },
    finish: () => open.splice(0).forEach((response) => response.end("two")),
  };
}

function held({ rs }: Lab): number {
  return rs.metrics("partner").currentConcurrent;
}

/** Counts what listens to a signal. */
function countListeners(signal: AbortSignal): { added: number; now(): number } {
  const listeners = new Set<unknown>();
  const counts = { added: 0, now: () => listeners.size };
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (type: string, listener: EventListener, options?: AddEventListenerOptions) => {
    counts.added++;
    listeners.add(listener);
    addEventListener.call(signal, type, listener, options);
  };
  signal.removeEventListener = (type: string, listener: EventListener) => {
    listeners.delete(listener);
    removeEventListener.call(signal, type, listener);
  };
  return counts;
}

describe("the permit of a request", () => {
  it("is held until the body was read", async () => {
    const { handle, finish } = inTwoParts();
    await using lab = await openLab(handle, ONE_SLOT);
    const answer = await lab.fetch(lab.server.url);
    assert.equal(held(lab), 1);
    const second = lab.fetch(lab.server.url);
    finish();
    assert.equal(await answer.text(), "one two");
    const late = await second;
    assert.equal(lab.server.received.length, 2);
    assert.equal(held(lab), 1);
    finish();
    await late.text();
    assert.equal(held(lab), 0);
  });

  it("is released when the body is cancelled", async () => {
    await using lab = await openLab(inTwoParts().handle, ONE_SLOT);
    await (await lab.fetch(lab.server.url)).body?.cancel();
    assert.equal(held(lab), 0);
  });

  it("is released when the body fails", async () => {
    await using lab = await openLab((_received, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("not all", () => response.destroy());
      return undefined;
    }, ONE_SLOT);
    const answer = await lab.fetch(lab.server.url);
    await assert.rejects(answer.text());
    assert.equal(held(lab), 0);
  });

  it("is released when the call is aborted, read or unread", async () => {
    await using lab = await openLab(inTwoParts().handle, ONE_SLOT);
    const stop = new AbortController();
    const answer = await lab.fetch(lab.server.url, { signal: stop.signal });
    assert.equal(held(lab), 1);
    stop.abort(new Error("enough"));
    assert.equal(held(lab), 0);
    await assert.rejects(answer.text());
  });

  it("leaves no listener at the signal of the call, however it ends", async () => {
    const lost = () => Promise.reject(new TypeError("fetch failed"));
    const ends: Record<string, () => Promise<Response>> = {
      read: () => Promise.resolve(new Response("hello")),
      empty: () => Promise.resolve(new Response(null, { status: 204 })),
      refused: () => Promise.resolve(new Response("no", { status: 429, headers: { "retry-after": "0" } })),
      lost,
    };
    for (const [end, fetch] of Object.entries(ends)) {
      await using rs = createRateSync({ limiters: { partner: ONE_SLOT } });
      const { signal } = new AbortController();
      const counts = countListeners(signal);
      const limited = limitedFetch(fetch, { rateSync: rs, limiter: "partner", backoffMs: 1, logger: false });
      await limited("https://partner.example/", { signal }).then((answer) => answer.text(), () => {});
      assert.ok(counts.added > 0, end);
      assert.equal(counts.now(), 0, end);
    }
  });

  it("is released at once if there is no body, or if all of it has arrived", async () => {
    await using lab = await openLab((_received, response, count) => {
      if (count > 1) return { body: "short" };
      response.writeHead(204).end();
      return undefined;
    }, ONE_SLOT);
    assert.equal((await lab.fetch(lab.server.url)).status, 204);
    assert.equal(held(lab), 0);
    const unread = await lab.fetch(lab.server.url);
    for (let n = 0; n < 3; n++) await (await lab.fetch(lab.server.url)).text();
    assert.equal(await unread.text(), "short");
    assert.equal((await lab.fetch(lab.server.url, { method: "HEAD" })).status, 200);
    assert.equal(held(lab), 0);
  });

  it("is released when there is no answer", async () => {
    await using lab = await openLab((_received, response) => {
      response.destroy();
      return undefined;
    }, ONE_SLOT);
    await assert.rejects(lab.fetch(lab.server.url));
    assert.equal(held(lab), 0);
  });

  it("is released between two attempts", async () => {
    const busy = { status: 429, headers: { "retry-after": "1" }, body: "busy" };
    await using lab = await openLab(first(2, busy), { ...ONE_SLOT, ratePerSecond: 10 });
    const answers = await lab.clock.runUntil(Promise.all([lab.fetch(lab.server.url), lab.fetch(lab.server.url)]));
    for (const answer of answers) assert.deepEqual([answer.status, await answer.text()], [200, "ok"]);
    assert.equal(held(lab), 0);
    assert.equal(lab.rs.metrics("partner").peakConcurrent, 1);
  });

  it("does not change the answer", async () => {
    await using lab = await openLab((_received, response, count) => {
      if (count > 1) return { status: 201, headers: { "x-a": "b" }, body: '{"a":1}' };
      response.writeHead(302, { location: "/there" }).end();
      return undefined;
    }, ONE_SLOT);
    const answer = await lab.fetch(`${lab.server.url}/here`);
    const clone = answer.clone();
    for (const each of [answer, clone]) {
      assert.deepEqual(
        [each.url, each.redirected, each.status, each.statusText, each.ok, each.headers.get("x-a")],
        [`${lab.server.url}/there`, true, 201, "Created", true, "b"],
      );
      assert.ok(each instanceof Response);
    }
    assert.deepEqual(await answer.json(), { a: 1 });
    assert.equal(await clone.text(), '{"a":1}');
    assert.equal(held(lab), 0);
  });

  const unusual: readonly [status: number, reason: string][] = [
    [600, "Odd"],
    [799, "Odd"],
    [999, "Request denied"],
    [200, "Café €"],
    [429, "Zu viele Anfragen – später"],
    [999, "拒否"],
  ];
  for (const [status, reason] of unusual) {
    it(`does not change an unusual status line: ${status} ${reason}`, async () => {
      const server = createTcpServer((socket) => {
        socket.on("error", () => {});
        socket.once("data", () => socket.end(`HTTP/1.1 ${status} ${reason}\r\ncontent-length: 2\r\nx-a: b\r\n\r\nhi`));
      });
      await once(server.listen(0, "127.0.0.1"), "listening");
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const facts = (
        { status, statusText, ok, headers, url }: Response,
      ) => [status, statusText, ok, headers.get("x-a"), url];
      const plain = await fetch(url).catch((error: Error) => error);
      for (const limiter of [ONE_SLOT, { ratePerSecond: 1_000 }]) {
        await using rateSync = createRateSync({ limiters: { partner: limiter } });
        const partnerFetch = limitedFetch(fetch, { rateSync, limiter: "partner", maxRetries: 0 });
        const limited = await partnerFetch(url).catch((error: Error) => error);
        if (plain instanceof Error) {
          assert.equal((limited as Error).constructor, plain.constructor, "as fetch of this runtime does");
        } else if (limited instanceof Response) {
          const clone = limited.clone();
          assert.deepEqual(facts(limited), facts(plain));
          assert.deepEqual(facts(clone), facts(plain));
          assert.deepEqual([await limited.text(), await clone.text()], ["hi", "hi"]);
        } else throw limited;
        assert.equal(rateSync.metrics("partner").currentConcurrent, 0);
      }
      await new Promise((resolve) => server.close(resolve));
    });
  }

  it("fails the body when the call is aborted after garbage was collected", async () => {
    await using lab = await openLab(inTwoParts().handle, ONE_SLOT);
    const stop = new AbortController();
    const answer = await lab.fetch(lab.server.url, { signal: stop.signal });
    const failed = assert.rejects(answer.text(), { message: "enough" });
    await collectGarbage();
    stop.abort(new Error("enough"));
    await failed;
    assert.equal(held(lab), 0);
  });

  it("aborts the request when it is lost", async () => {
    await using lab = await openLab(inTwoParts().handle, { maxConcurrent: 1, leaseTtlMs: 300 });
    const answer = await lab.fetch(lab.server.url);
    await lab.rs.reset("partner");
    const other = await lab.rs.tryAcquire("partner"); // another call has it now
    assert.equal(other.allowed, true);
    const failed = assert.rejects(answer.text(), { code: "LEASE_LOST" });
    await lab.clock.advance(200);
    await failed;
    await other.permit?.release();
  });

  it("ends the body when the call is aborted, also where fetch does not listen to the signal", async () => {
    const cancelled: unknown[] = [];
    const deaf = () => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode("one ")),
        cancel: (reason) => void cancelled.push(reason),
      });
      return Promise.resolve(new Response(body));
    };
    await using rs = createRateSync({ limiters: { partner: ONE_SLOT } });
    const limited = limitedFetch(deaf, { rateSync: rs, limiter: "partner" });
    for (const isRead of [true, false]) {
      const stop = new AbortController();
      const answer = await limited("https://partner.example/", { signal: stop.signal });
      const reader = answer.body?.getReader();
      if (isRead) await reader?.read();
      const next = reader?.read();
      const reason = new Error("enough");
      stop.abort(reason);
      if (!isRead) assert.equal(new TextDecoder().decode((await next)?.value), "one ");
      await assert.rejects(async () => await (isRead ? next : reader?.read()), reason);
      assert.equal(cancelled.at(-1), reason);
      assert.equal(rs.metrics("partner").currentConcurrent, 0);
    }
  });
});
