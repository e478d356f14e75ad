import assert from "node:assert/strict";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { ConfigError } from "../../mod.ts";
import { startServer } from "../../src/serve/mod.ts";
import { newInstance, send, Tested } from "./_client.ts";

const TOKEN = "correct-horse-battery-staple";

describe("ratesync serve given bad bodies", () => {
  let tested: Tested;
  before(async () => {
    tested = await Tested.start({
      maxBodyBytes: 10_000,
      maxBatch: 3,
      maxWaitMs: 1_000,
      headTimeoutMs: 400,
      bodyTimeoutMs: 150,
    });
  });
  after(() => tested[Symbol.asyncDispose]());

  const deep = "[".repeat(5_000) + "]".repeat(5_000);
  const cases: [what: string, body: unknown, code: string, detail?: RegExp][] = [
    ["no JSON", "{ limiter:", "BODY_INVALID"],
    ["nothing", "", "BODY_INVALID"],
    ["bytes that are not UTF-8", new Uint8Array([34, 0xff, 34]), "BODY_INVALID", /UTF-8/],
    ["a list", [], "FIELD_INVALID", /the body: expected an object, received an empty array/],
    ["null", null, "FIELD_INVALID"],
    ["deep nesting", deep, "BODY_INVALID", /8 levels/],
    ["no limiter", {}, "FIELD_INVALID", /limiter: expected a string .* received nothing/],
    ["a misspelt field", { limiter: "api", cots: 1 }, "FIELD_INVALID", /did you mean "cost"/],
    ["__proto__", '{"limiter":"api","__proto__":{"cost":5}}', "FIELD_INVALID", /__proto__/],
    ["a number as key", { limiter: "api", key: 5 }, "FIELD_INVALID", /key: expected a string/],
    ["an empty key", { limiter: "api", key: "" }, "FIELD_INVALID"],
    ["a fraction as cost", { limiter: "api", cost: 1.5 }, "FIELD_INVALID", /whole number.*1\.5/],
    ["too long a wait", { limiter: "api", timeoutMs: 5_000 }, "FIELD_INVALID", /from 0 to 1000, received 5000/],
    ["an unknown limiter", { limiter: "apo" }, "LIMITER_NOT_FOUND", /did you mean "api"/],
    ["an inherited name as limiter", { limiter: "constructor" }, "LIMITER_NOT_FOUND"],
    ["more than the limit holds", { limiter: "api", cost: 3 }, "COST_EXCEEDS_LIMIT", /never holds more than 2/],
    ["a batch that is too large", { requests: [{}, {}, {}, {}] }, "BATCH_TOO_LARGE", /the most is 3/],
    ["a batch that is no list", { requests: {} }, "FIELD_INVALID", /requests: expected a list/],
    ["a batch with more beside it", { requests: [], limiter: "api" }, "FIELD_INVALID", /no field "limiter"/],
    ["several limiters of which one is wrong", { all: [{ limiter: "api" }, 7] }, "FIELD_INVALID", /all\[1\]/],
    ["no limiters at all", { all: [] }, "FIELD_INVALID", /all: expected a list of 1 to 3/],
    ["a body that is too large", JSON.stringify({ limiter: "api", key: "x".repeat(10_000) }), "BODY_TOO_LARGE"],
  ];
  for (const [what, body, code, detail] of cases) {
    it(`answers ${what} with ${code}`, async () => {
      const answer = await tested.post("/v1/decide", body);
      assert.equal(answer.body.code, code);
      assert.match(answer.headers["content-type"] ?? "", /^application\/problem\+json/);
      if (detail !== undefined) assert.match(answer.body.detail, detail);
    });
  }

  it("takes nothing but JSON: a form of a web page cannot decide", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      const answer = await tested.post("/v1/decide", { limiter: "api" }, { headers: { "content-type": type } });
      assert.equal(answer.status, 415);
    }
    const packed = { "content-encoding": "gzip" };
    assert.equal((await tested.post("/v1/decide", { limiter: "api" }, { headers: packed })).status, 415);
  });

  it("names the paths that it has, and the methods of a path", async () => {
    const unknown = await tested.post("/v1/decode", {});
    assert.equal(unknown.status, 404);
    assert(unknown.body.known.includes("/v1/decide"));
    const wrong = await tested.send("/v1/decide");
    assert.equal(wrong.status, 405);
    assert.equal(wrong.headers.allow, "POST");
    assert.equal((await tested.post("/health", {})).headers.allow, "GET, HEAD");
    assert.equal((await send(tested.server.url, "/health", { method: "HEAD" })).body, "");
  });

  it("refuses a Host header of another machine, as a page that rebinds its name sends it", async () => {
    const { status, body } = await tested.post("/v1/decide", { limiter: "api" }, {
      headers: { host: "evil.example:80" },
    });
    assert.equal(status, 403);
    assert.equal(body.code, "HOST_REFUSED");
  });

  it("answers a body without length that grows too large, and one that does not come", async () => {
    const { port } = new URL(tested.server.url);
    const head = "POST /v1/decide HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    const large = connect(Number(port), "127.0.0.1");
    large.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
    for (let i = 0; i < 3; i++) large.write(`1388\r\n${"x".repeat(5_000)}\r\n`);
    assert.match(await answerOf(large), /^HTTP\/1\.1 413 [^]*BODY_TOO_LARGE/);
    const slow = connect(Number(port), "127.0.0.1");
    slow.write(`${head}Content-Length: 100\r\n\r\n{`);
    assert.match(await answerOf(slow), /^HTTP\/1\.1 408 [^]*BODY_TIMEOUT/);
  });

  it("closes connections on which no request comes, or none comes to the end of its head", async () => {
    const port = Number(new URL(tested.server.url).port);
    const startedMs = performance.now();
    await Promise.all(["", "GET /health", "GET /health HTTP/1.1\r\nHost: localhost\r\n"].map(async (text) => {
      const socket = connect(port, "127.0.0.1");
      if (text !== "") socket.write(text);
      await answerOf(socket);
    }));
    const tookMs = performance.now() - startedMs;
    assert(tookMs >= 350 && tookMs < 5_000, `closed after ${tookMs} ms`);
  });

  it("survives what is no HTTP", async () => {
    const socket = connect(Number(new URL(tested.server.url).port), "127.0.0.1");
    socket.write("\x16\x03\x01 hello\r\n\r\n");
    await answerOf(socket);
    assert.equal((await tested.send("/health/live")).status, 200);
  });

  it("releases what it took for a client that left while it waited", async () => {
    const ask = { limiter: "upload", key: "left" };
    const { body: { permit } } = await tested.post("/v1/decide", ask);
    const body = JSON.stringify({ ...ask, timeoutMs: 1_000 });
    const socket = connect(Number(new URL(tested.server.url).port), "127.0.0.1");
    socket.write(
      "POST /v1/decide HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    for (let i = 0; i < 100 && tested.rs.metrics("upload").maxConcurrentReached === 0; i++) await turn(10);
    socket.destroy();
    await once(socket, "close");
    for (let i = 0; i < 100 && tested.rs.metrics("upload").aborts === 0; i++) await turn(10);
    assert.equal(tested.rs.metrics("upload").aborts, 1);
    await tested.post("/v1/release", { id: permit.id });
    assert.equal((await tested.post("/v1/peek", ask)).body.allowed, true);
  });
});

describe("ratesync serve with a token", () => {
  it("wants the token for every decision, and keeps the stores' details from others", async () => {
    await using tested = await Tested.start({ token: TOKEN });
    const body = { limiter: "api" };
    assert.equal((await tested.post("/v1/decide", body)).status, 200);
    for (
      const [authorization, code] of [
        [undefined, "TOKEN_MISSING"],
        [`Bearer ${TOKEN}x`, "TOKEN_WRONG"],
        [`Basic ${TOKEN}`, "TOKEN_WRONG"],
        ["Bearer", "TOKEN_WRONG"],
      ] as const
    ) {
      const headers = authorization === undefined ? {} : { authorization };
      const answer = await send(tested.server.url, "/v1/decide", { method: "POST", body, headers });
      assert.equal(answer.status, 401);
      assert.equal(answer.body.code, code);
      assert.match(answer.headers["www-authenticate"] ?? "", /^Bearer/);
      assert(!JSON.stringify(answer.body).includes(TOKEN));
    }
    assert.deepEqual((await send(tested.server.url, "/health", {})).body, { status: "ok" });
    assert("stores" in (await tested.send("/health")).body);
  });

  it("answers clients that read nothing until they have sent a body that is too large, or a wrong token", async () => {
    await using tested = await Tested.start({ token: TOKEN });
    const body = new Uint8Array(16 << 20);
    await Promise.all([[TOKEN, /^HTTP\/1\.1 413 [^]*BODY_TOO_LARGE/], ["wrong", /^HTTP\/1\.1 401 [^]*TOKEN_WRONG/]].map(
      async ([token, expected]) => {
        const socket = connect(Number(new URL(tested.server.url).port), "127.0.0.1");
        socket.write(
          "POST /v1/decide HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
            `Authorization: Bearer ${token}\r\nContent-Length: ${body.length}\r\n\r\n`,
        );
        await new Promise<void>((sent, failed) => socket.write(body, (error) => error ? failed(error) : sent()));
        assert.match(await answerOf(socket), expected as RegExp);
      },
    ));
  });

  it("needs one to listen beyond loopback, and never shows it", async () => {
    await using rs = newInstance();
    await assert.rejects(startServer(rs, { host: "0.0.0.0", port: 0 }), ConfigError);
    await using server = await startServer(rs, { host: "0.0.0.0", port: 0, token: TOKEN });
    assert.match(server.url, /^http:/);
    const short = await startServer(rs, { token: "s3cret" }).catch((error) => error);
    assert(short instanceof ConfigError && !short.message.includes("s3cret"));
    await assert.rejects(startServer(rs, { prot: 1 } as never), /port/);
  });
});

describe("ratesync serve with too many clients", () => {
  it("answers requests on too many connections with 503, and serves again when some have left", async () => {
    await using tested = await Tested.start({ maxConnections: 2 });
    const port = Number(new URL(tested.server.url).port);
    const sockets = await Promise.all([1, 2].map(() => connected(port)));
    // A server may learn of a connection with its first request only.
    for (const socket of sockets) socket.write("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await Promise.all(sockets.map((socket) => once(socket, "data")));
    const refused = await send(tested.server.url, "/health/live", {});
    assert.equal(refused.status, 503);
    assert.equal(refused.body.code, "TOO_MANY_CONNECTIONS");
    for (const socket of sockets) socket.destroy();
    let status = 0;
    for (let i = 0; i < 100 && status !== 200; i++) {
      status = (await send(tested.server.url, "/health/live", {})).status;
      await turn(10);
    }
    assert.equal(status, 200);
  });

  it("refuses more decisions, and more permits, than it may have", async () => {
    await using tested = await Tested.start({ maxPending: 2, maxHeld: 1 });
    const { body: { permit } } = await tested.post("/v1/decide", { limiter: "upload", key: "a" });
    const full = await tested.post("/v1/decide", { limiter: "upload", key: "b" });
    assert.equal(full.body.code, "TOO_MANY_HELD");
    await tested.post("/v1/release", { id: permit.id });
    const { body } = await tested.post("/v1/decide", { requests: Array(3).fill({ limiter: "tokens" }) });
    assert.deepEqual(body.answers.map(({ problem }: never) => (problem as { code: string } | undefined)?.code), [
      undefined,
      undefined,
      "TOO_MANY_PENDING",
    ]);
  });
});

describe("ratesync serve on a Unix socket", () => {
  it("listens on a file that its group may use, in place of one that a dead server left", async () => {
    const path = join(tmpdir(), `ratesync-${crypto.randomUUID().slice(0, 8)}.sock`);
    await using rs = newInstance();
    await using server = await startServer(rs, { socketPath: path });
    assert.equal(server.url, path);
    const { body } = await send(path, "/v1/decide", { method: "POST", body: { limiter: "api" } });
    assert.equal(body.allowed, true);
    assert.equal((await stat(path)).mode & 0o777, 0o660);
    await assert.rejects(startServer(rs, { socketPath: path }), /EADDRINUSE|in use/);
  });
});

describe("ratesync serve when it closes", () => {
  it("refuses decisions, lets clients release what they hold, and ends then", async () => {
    await using rs = newInstance();
    const tested = await Tested.start({}, rs);
    const { body: { permit } } = await tested.post("/v1/decide", { limiter: "upload" });
    const closed = tested.server.close({ drainMs: 60_000 });
    assert.equal((await tested.post("/v1/decide", { limiter: "api" })).body.code, "CLOSED");
    assert.deepEqual((await tested.send("/health")).body.status, "closing");
    await tested.post("/v1/release", { id: permit.id });
    await closed;
    await assert.rejects(send(tested.server.url, "/health", {}));
    assert.equal(rs.metrics("upload").currentConcurrent, 0);
  });

  it("releases the permits that are left when the time is over", async () => {
    await using rs = newInstance();
    const tested = await Tested.start({}, rs);
    await tested.post("/v1/decide", { limiter: "upload" });
    await tested.server.close({ drainMs: 20 });
    assert.equal(rs.metrics("upload").currentConcurrent, 0);
  });
});

/** All that a server sends until it closes the connection. */
async function answerOf(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk) => text += chunk);
  socket.on("error", () => {});
  await once(socket, "close");
  return text;
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

function turn(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
