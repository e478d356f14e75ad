import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { first, type Handler, openLab } from "./_lab.ts";

const BUSY = { status: 429, headers: { "retry-after": "1" }, body: "too many" };

/** Answers what is no HTTP on the first `count` connections. One that just ends, some runtimes open again by themselves. */
function broken(count: number): Handler {
  return (_received, response, place) => {
    if (place > count) return {};
    response.socket?.end("no answer\r\n\r\n");
    return undefined;
  };
}

describe("a refused request", () => {
  it("is sent again, at most maxRetries times", async () => {
    for (const [maxRetries, sent] of [[0, 1], [1, 2], [3, 4]] as const) {
      await using lab = await openLab(() => BUSY, undefined, { maxRetries });
      const answer = await lab.clock.runUntil(lab.fetch(lab.server.url));
      assert.deepEqual([answer.status, await answer.text()], [429, "too many"], "the last answer, as it is");
      assert.equal(lab.sentMs.length, sent);
      assert.deepEqual(lab.throttled.map(({ attempt }) => attempt), Array.from({ length: sent }, (_, i) => i + 1));
    }
  });

  it("is charged each time", async () => {
    await using lab = await openLab(first(2, BUSY), { limit: 10, windowMs: 1e6 });
    await lab.clock.runUntil(lab.fetch(lab.server.url));
    assert.equal((await lab.rs.peek("partner")).remaining, 7);
  });

  for (const header of ["stripe-should-retry", "x-should-retry"]) {
    it(`is not sent again when the server says so: ${header}`, async () => {
      for (const [value, sent] of [["false", 1], ["False", 1], ["true", 2], ["", 2]] as const) {
        const reply = { ...BUSY, headers: { ...BUSY.headers, [header]: value } };
        await using lab = await openLab(() => reply, undefined, { maxRetries: 1 });
        await lab.clock.runUntil(lab.fetch(lab.server.url));
        assert.equal(lab.sentMs.length, sent, value);
        assert.equal(lab.throttled.length, sent, "the key pauses in any case");
      }
    });
  }

  const repeatable: readonly [method: string, headers: Record<string, string>, again: boolean][] = [
    ["GET", {}, true],
    ["HEAD", {}, true],
    ["PUT", {}, true],
    ["DELETE", {}, true],
    ["POST", {}, false],
    ["PATCH", {}, false],
    ["POST", { "idempotency-key": "order-1" }, true],
  ];
  for (const [method, headers, again] of repeatable) {
    const how = headers["idempotency-key"] === undefined ? method : `${method} with an Idempotency-Key`;
    it(`is ${again ? "" : "not "}sent again: ${how}`, async () => {
      await using lab = await openLab(() => BUSY, undefined, { maxRetries: 1 });
      const { status } = await lab.clock.runUntil(lab.fetch(lab.server.url, { method, headers }));
      assert.deepEqual([status, lab.sentMs.length], [429, again ? 2 : 1]);
    });
  }

  it("is sent again if retryMethods has its method", async () => {
    await using lab = await openLab(first(1, BUSY), undefined, { retryMethods: ["post"] });
    const post = lab.fetch(lab.server.url, { method: "POST", body: "once" });
    assert.equal((await lab.clock.runUntil(post)).status, 200);
    assert.equal((await lab.clock.runUntil(lab.fetch(lab.server.url))).status, 200);
  });

  const form = () => {
    const data = new FormData();
    data.set("a", "b");
    return data;
  };
  const bodies: readonly [name: string, body: () => BodyInit, part: string][] = [
    ["a string", () => "text", "text"],
    ["bytes", () => new TextEncoder().encode("bytes"), "bytes"],
    ["a buffer", () => new TextEncoder().encode("buffer").buffer as ArrayBuffer, "buffer"],
    ["a blob", () => new Blob(["blob"]), "blob"],
    ["parameters", () => new URLSearchParams({ a: "b" }), "a=b"],
    ["a form", form, 'name="a"'],
  ];
  for (const [name, body, part] of bodies) {
    it(`sends its body again: ${name}`, async () => {
      await using lab = await openLab(first(1, BUSY));
      const answer = await lab.clock.runUntil(lab.fetch(lab.server.url, { method: "PUT", body: body() }));
      assert.equal(answer.status, 200);
      assert.equal(lab.server.received.length, 2);
      for (const received of lab.server.received) assert.ok(received.body.includes(part), received.body);
    });
  }

  it("is not sent again if its body was consumed", async () => {
    await using lab = await openLab(() => BUSY);
    const body = new Blob(["stream"]).stream();
    const streamed = lab.fetch(lab.server.url, { method: "PUT", body, duplex: "half" } as RequestInit);
    assert.equal((await lab.clock.runUntil(streamed)).status, 429);
    const request = new Request(lab.server.url, { method: "PUT", body: "used" });
    assert.equal((await lab.clock.runUntil(lab.fetch(request))).status, 429);
    assert.deepEqual(lab.server.received.map((received) => received.body), ["stream", "used"]);
  });

  it("is not sent again if the timeout is too short", async () => {
    await using lab = await openLab(() => ({ ...BUSY, headers: { "retry-after": "3" } }), undefined, {
      timeoutMs: 2_000,
    });
    const answer = await lab.clock.runUntil(lab.fetch(lab.server.url));
    assert.deepEqual([answer.status, await answer.text()], [429, "too many"]);
    assert.equal(lab.clock.nowUs() % 3_600_000_000, 0, "no call waited");
  });

  it("is not sent again where it would have to wait too long, and its answer is still readable", async () => {
    await using lab = await openLab(() => BUSY, { ratePerSecond: 0.5 }, { timeoutMs: 1_500 });
    const answer = await lab.clock.runUntil(lab.fetch(lab.server.url));
    assert.deepEqual([answer.status, await answer.text()], [429, "too many"]);
    assert.equal(lab.sentMs.length, 1);
  });

  it("is within a budget: retries do not multiply an outage", async () => {
    await using lab = await openLab(() => ({ status: 503 }), undefined, {
      maxRetries: 5,
      retryBudget: 0.1,
      backoffMs: 1,
      maxBackoffMs: 1,
    });
    for (let n = 0; n < 200; n++) await lab.clock.runUntil(lab.fetch(lab.server.url));
    assert.ok(lab.sentMs.length <= 200 + 10 + 20, `${lab.sentMs.length} were sent`);
    assert.ok(lab.sentMs.length >= 200 + 20, `${lab.sentMs.length} were sent`);
  });

  it("is never sent again with a budget of 0", async () => {
    await using lab = await openLab(() => BUSY, undefined, { retryBudget: 0 });
    assert.equal((await lab.fetch(lab.server.url)).status, 429);
    assert.equal(lab.sentMs.length, 1);
  });
});

describe("a request whose connection fails", () => {
  it("is not sent again", async () => {
    await using lab = await openLab(broken(1));
    await assert.rejects(lab.fetch(lab.server.url));
    assert.deepEqual([lab.sentMs.length, lab.throttled.length], [1, 0]);
  });

  it("is sent again after a pause of its own with retryNetworkErrors, if it is safe", async () => {
    await using lab = await openLab(broken(2), undefined, { retryNetworkErrors: true, backoffMs: 100 });
    assert.equal((await lab.clock.runUntil(lab.fetch(lab.server.url))).status, 200);
    assert.deepEqual(lab.throttled.map(({ status, source, shared }) => [status, source, shared]), [
      [0, "backoff", false],
      [0, "backoff", false],
    ]);
    assert.equal((await lab.rs.peek("partner")).allowed, true);

    await using post = await openLab(broken(1), undefined, { retryNetworkErrors: true, retryMethods: ["POST"] });
    await assert.rejects(post.fetch(post.server.url, { method: "POST" }));
    assert.equal(post.sentMs.length, 1);
  });

  it("rejects with the last error in the end", async () => {
    await using lab = await openLab(broken(9), undefined, { retryNetworkErrors: true, maxRetries: 2 });
    await assert.rejects(lab.clock.runUntil(lab.fetch(lab.server.url)), (error) => error instanceof Error);
    assert.equal(lab.sentMs.length, 3);
  });
});
