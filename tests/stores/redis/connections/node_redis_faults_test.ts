import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";

import { freePort } from "../../../../scripts/_free_port.ts";
import { ClosedError, StoreError } from "../../../../src/base/errors.ts";
import type { StoreErrorCode } from "../../../../src/base/store_error_reasons.ts";
import { openNodeRedis } from "../../../../src/stores/redis/connections/node_redis.ts";
import type { RedisStoreOptions } from "../../../../src/stores/redis/options.ts";
import { countConnections, type RedisProcess, scriptOf, startRedis, startServer, until } from "../_servers.ts";

const increment = scriptOf("return redis.call('INCR', KEYS[1])");

async function failure(promise: Promise<unknown>): Promise<StoreError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof StoreError, inspect(error));
    return error;
  }
  assert.fail("it did not reject");
}

async function timed<T>(promise: Promise<T>): Promise<[T, ms: number]> {
  const startMs = performance.now();
  return [await promise, performance.now() - startMs];
}

describe("NodeRedis that cannot connect", () => {
  async function connectFailure(
    options: RedisStoreOptions,
    code: StoreErrorCode,
    message: RegExp,
  ): Promise<StoreError> {
    const connection = openNodeRedis(options);
    for (const attempt of [connection.connect(), connection.run(increment, ["k"], [])]) {
      const error = await failure(attempt);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.ok(error.message.includes("redis://127.0.0.1:"), error.message);
    }
    const error = await failure(connection.subscribe("c", () => {}, () => {}));
    assert.equal(error.code, code);
    await connection.close();
    return error;
  }

  it("says that nothing listens", async () => {
    const url = `redis://127.0.0.1:${await freePort()}/3`;
    const error = await connectFailure({ url }, "STORE_UNAVAILABLE", /ECONNREFUSED/);
    assert.ok(error.message.startsWith(`Cannot reach Redis at ${url}: `), error.message);
    assert.ok(error.cause instanceof Error);
  });

  it("says that the host is not known", async () => {
    const connection = openNodeRedis({ url: "redis://host.invalid" });
    const error = await failure(connection.connect());
    assert.equal(error.code, "STORE_UNAVAILABLE");
    assert.match(error.message, /^Cannot reach Redis at redis:\/\/host\.invalid:6379\/0: /);
    await connection.close();
  });

  it("says that a web server is not Redis", async () => {
    const server = createServer((_, response) => response.end("hello"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const url = `redis://127.0.0.1:${port}`;
    const reason = /does not speak the Redis protocol|may not be Redis/;
    await connectFailure({ url }, "STORE_UNAVAILABLE", reason);
    await new Promise((resolve) => server.close(resolve));
  });

  it("says that a server that talks first is not Redis", async () => {
    await using server = await startServer((socket) => void socket.write("220 mail ready\r\n"));
    const url = `redis://127.0.0.1:${server.port}`;
    await connectFailure({ url }, "STORE_UNAVAILABLE", /does not speak the Redis protocol/);
  });

  it("says that a server does not answer", async () => {
    await using server = await startServer(() => {});
    const url = `redis://127.0.0.1:${server.port}`;
    const reason = /accepted the connection but did not answer within 300 ms/;
    const [, ms] = await timed(
      connectFailure({ url, socketConnectTimeoutMs: 300 }, "STORE_UNAVAILABLE", reason),
    );
    assert.ok(ms < 2_000, `${ms} ms`);
  });

  it("says that a server closes the connection", async () => {
    await using server = await startServer((socket) => void socket.end());
    const url = `redis://127.0.0.1:${server.port}`;
    await connectFailure({ url }, "STORE_UNAVAILABLE", /it may not be Redis, or expect TLS/);
  });

  it("does not repeat the password that a server quotes", async () => {
    await using server = await startServer((socket) => {
      const reply = "-ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'app' 'hunter2'\r\n";
      socket.on("data", () => socket.write(reply));
    });
    const url = `redis://app:hunter2@127.0.0.1:${server.port}`;
    const connection = openNodeRedis({ url });
    const error = await failure(connection.connect());
    assert.equal(error.code, "STORE_REFUSED");
    assert.match(error.message, /unknown command 'HELLO'; the server/);
    assert.doesNotMatch(inspect(error, { depth: 10 }), /hunter2/);
    await connection.close();
  });

  it("says in one sentence what protected mode is", async () => {
    // What Redis 7.0 answers to a connection from another machine before anything is asked, but for the middle part.
    await using server = await startServer((socket) =>
      void socket.end(
        "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the " +
          "default user. In this mode connections are only accepted from the loopback interface. If you want to connect " +
          "from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode " +
          "sending the command 'CONFIG SET protected-mode no' from the loopback interface.\r\n",
      )
    );
    const error = await connectFailure(
      { url: `redis://127.0.0.1:${server.port}` },
      "STORE_REFUSED",
      /: DENIED: the server is in protected mode, in which it accepts only its own machine; .* set a password at the server/,
    );
    assert.equal(error.reason, "authentication");
    assert.ok(error.message.length < 300, error.message);
  });

  it("makes one attempt for many calls, and none for those right after it failed", async () => {
    await using server = await startServer((socket) => void socket.end());
    const connection = openNodeRedis({ url: `redis://127.0.0.1:${server.port}`, poolMinSize: 1 });
    const calls = Array.from({ length: 50 }, () => failure(connection.run(increment, ["k"], [])));
    const [first] = await Promise.all(calls);
    assert.equal(server.accepted, 1);
    const [again, ms] = await timed(failure(connection.run(increment, ["k"], [])));
    assert.equal(again.message, first?.message);
    assert.ok(ms < 100, `${ms} ms`);
    assert.equal(server.accepted, 1);
    await sleep(150);
    await failure(connection.run(increment, ["k"], []));
    assert.equal(server.accepted, 2);
    await sleep(300);
    assert.equal(server.accepted, 2, "there was no call, so nothing is tried");
    await connection.close();
  });

  it("gives up at once when it is closed meanwhile", async () => {
    await using server = await startServer(() => {});
    const connection = openNodeRedis({ url: `redis://127.0.0.1:${server.port}` });
    const call = connection.run(increment, ["k"], []);
    const subscription = connection.subscribe("c", () => {}, () => {});
    const outcomes = Promise.allSettled([call, subscription]);
    await until(() => server.accepted === 3);
    const [, ms] = await timed(connection.close());
    assert.ok(ms < 500, `${ms} ms`);
    for (const outcome of await outcomes) {
      assert.ok(outcome.status === "rejected" && outcome.reason instanceof ClosedError);
    }
  });
});

describe("NodeRedis on a server that refuses", () => {
  let server: RedisProcess;
  let guarded: RedisProcess;
  before(async () => {
    server = await startRedis();
    guarded = await startRedis("--requirepass", "sesame");
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await guarded[Symbol.asyncDispose]();
  });

  async function refusal(options: RedisStoreOptions, message: RegExp): Promise<void> {
    const connection = openNodeRedis(options);
    const error = await failure(connection.run(increment, ["k"], []));
    assert.equal(error.code, "STORE_REFUSED");
    assert.match(error.message, message);
    assert.doesNotMatch(inspect(error), /hunter2/);
    await connection.close();
  }

  it("reports a wrong password", () => refusal({ url: guarded.url, password: "hunter2" }, /WRONGPASS/));
  it("reports a missing password", () => refusal({ url: guarded.url }, /: NOAUTH: the server requires a password; /));
  it("reports an unknown user", () =>
    refusal({ url: guarded.url, username: "nobody", password: "hunter2" }, /WRONGPASS/));
  it("reports a password that the server does not ask for", async () => {
    const connection = openNodeRedis({ url: server.url, username: "app", password: "hunter2" });
    assert.equal((await failure(connection.connect())).code, "STORE_REFUSED");
    await connection.close();
  });
  it("reports a database that does not exist", () => refusal({ url: server.url, db: 99 }, /DB index/));

  it("uses password, user and database", async () => {
    const acl = await startRedis("--user", "app", "on", ">sesame", "~*", "&*", "+@all", "--user", "default", "off");
    const connection = openNodeRedis({ url: acl.url, username: "app", password: "sesame", db: 3 });
    const who = scriptOf("return redis.call('ACL', 'WHOAMI')");
    assert.match((await failure(connection.run(who, [], []))).message, /not allowed from script/);
    assert.equal(await connection.run(increment, ["k"], []), 1);
    await connection.close();
    await acl[Symbol.asyncDispose]();
    const withPassword = openNodeRedis({ url: guarded.url, password: "sesame" });
    assert.equal(await withPassword.run(increment, ["k"], []), 1);
    await withPassword.close();
  });

  it("reports what a user may not do", async () => {
    await using acl = await startRedis("--user", "app", "on", ">sesame", "~mine:*", "&*", "+@all");
    const connection = openNodeRedis({ url: acl.url, username: "app", password: "sesame" });
    const error = await failure(connection.run(increment, ["other"], []));
    assert.equal(error.code, "STORE_REFUSED");
    assert.match(error.message, /NOPERM/);
    assert.equal(await connection.run(increment, ["mine:k"], []), 1);
    await connection.close();
  });

  it("reports a value of another kind, and goes on", async () => {
    const connection = openNodeRedis({ url: server.url });
    await server.command("RPUSH", "list", "a");
    const error = await failure(connection.run(increment, ["list"], []));
    assert.equal(error.code, "STORE_REFUSED");
    assert.match(error.message, /WRONGTYPE/);
    assert.equal(await connection.run(increment, ["number"], []), 1);
    await connection.close();
  });

  it("reports a server without memory left", async () => {
    await using full = await startRedis("--maxmemory", "1", "--maxmemory-policy", "noeviction");
    const connection = openNodeRedis({ url: full.url });
    const error = await failure(connection.run(increment, ["k"], []));
    assert.equal(error.code, "STORE_REFUSED");
    assert.match(error.message, /OOM/);
    await connection.close();
  });

  it("reports a replica, and connects anew in case its name leads to the primary by then", async () => {
    await using replica = await startRedis("--replicaof", "127.0.0.1", String(await freePort()));
    const connection = openNodeRedis({ url: replica.url });
    const error = await failure(connection.run(increment, ["k"], []));
    assert.equal(error.code, "STORE_REFUSED");
    assert.match(error.message, /READONLY/);
    const received = () =>
      replica.command("INFO", "stats").then((text) => readNumber(text, "total_connections_received"));
    const before = await received();
    for (let i = 0; i < 20; i++) {
      assert.equal((await failure(connection.run(increment, ["k"], []))).code, "STORE_REFUSED");
      await sleep(10);
    }
    assert.ok(await received() - before < 20, "it does not connect for every call");
    await replica.command("REPLICAOF", "NO", "ONE");
    await until(() => connection.run(increment, ["k"], []).then(() => true, () => false));
    await connection.close();
  });
});

describe("NodeRedis that loses its server", () => {
  it("fails calls in flight and those after them at once, and recovers by itself", async () => {
    await using server = await startRedis();
    const errors: StoreError[] = [];
    const connection = openNodeRedis({ url: server.url }, {
      onError: (error) => errors.push(error),
    });
    let reconnects = 0;
    await connection.subscribe("c", () => {}, () => reconnects++);
    assert.equal(await connection.run(increment, ["k"], []), 1);

    await server.command("CLIENT", "PAUSE", "10000");
    const calls = Array.from(
      { length: 20 },
      (_, i) => failure(connection.run(increment, [`${i}`], [])),
    );
    await sleep(20);
    await server.stop();
    for (const error of await Promise.all(calls)) {
      assert.equal(error.code, "STORE_UNAVAILABLE");
      assert.match(error.message, /the connection broke(?: \(.*\))?; the command may have run/);
    }
    await until(() => errors.length >= 3);
    for (let i = 0; i < 20; i++) {
      const [error, ms] = await timed(failure(connection.run(increment, ["k"], [])));
      assert.equal(error.code, "STORE_UNAVAILABLE");
      assert.match(error.message, /^Cannot reach Redis at /);
      assert.ok(ms < 100, `${ms} ms`);
      await sleep(20);
    }
    assert.equal((await failure(connection.connect())).code, "STORE_UNAVAILABLE");
    assert.equal(errors.length, 6, "each of three connections: lost, and not found again");

    await server.start();
    await until(() => connection.run(increment, ["k"], []).then(() => true, () => false));
    await until(() => reconnects === 1);
    await until(async () => await countConnections(server) === 3);
    await connection.close();
  });

  it("uses its other connections when one is killed, and replaces it", async () => {
    await using server = await startRedis();
    let losses = 0;
    const connection = openNodeRedis({ url: server.url }, { onError: () => losses++ });
    await connection.connect();
    const clients = String(await server.command("CLIENT", "LIST"));
    const id = /^id=(\d+) .*name=ratesync /m.exec(clients)?.[1] ?? "";
    await server.command("CLIENT", "KILL", "ID", id);
    await until(() => losses === 1);
    const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
    await Promise.all(keys.map((key) => connection.run(increment, [key], [])));
    await until(async () => await countConnections(server) === 2);
    await connection.close();
  });

  it("runs scripts again after SCRIPT FLUSH, once each", async () => {
    await using server = await startRedis();
    const connection = openNodeRedis({ url: server.url });
    assert.equal(await connection.run(increment, ["k"], []), 1);
    await server.command("SCRIPT", "FLUSH");
    const calls = Array.from({ length: 100 }, () => connection.run(increment, ["k"], []));
    assert.deepEqual(await Promise.all(calls), Array.from({ length: 100 }, (_, i) => i + 2));
    await connection.close();
  });

  it("can be closed while the server is down, and tries no more", async () => {
    const server = await startRedis();
    const connection = openNodeRedis({ url: server.url });
    await connection.connect();
    await server.stop();
    await failure(connection.run(increment, ["k"], []));
    const [, ms] = await timed(connection.close());
    assert.ok(ms < 500, `${ms} ms`);
    await using watch = await startServer(() => {}, server.port);
    await sleep(500);
    assert.equal(watch.accepted, 0);
  });
});

describe("NodeRedis that waits", () => {
  it("times a call out, says that it may have run, and does not send it again", async () => {
    await using server = await startRedis();
    const connection = openNodeRedis({ url: server.url, socketTimeoutMs: 200, poolMinSize: 1 });
    assert.equal(await connection.run(increment, ["k"], []), 1);
    await server.command("CLIENT", "PAUSE", "600", "WRITE");
    const calls = [0, 1, 2].map(() => timed(failure(connection.run(increment, ["k"], []))));
    const [first, ...younger] = (await Promise.all(calls)).map(([error]) => error);
    assert.ok(first !== undefined);
    assert.equal(first.code, "STORE_TIMEOUT");
    assert.match(first.message, /within 200 ms: the command may have run, so it is not sent again/);
    // The first one gives up the connection. What was sent a moment later is lost with it, if its own time is not over.
    for (const error of younger) {
      assert.match(error.message, /the command may have run, so it is not sent again/);
      assert.match(error.code, error.message.includes("within 200 ms") ? /^STORE_TIMEOUT$/ : /^STORE_UNAVAILABLE$/);
    }
    for (const [, ms] of await Promise.all(calls)) assert.ok(ms >= 199 && ms < 400, `${ms} ms`);
    await sleep(700);
    await until(() => connection.run(increment, ["other"], []).then(() => true, () => false));
    const count = Number(await server.command("GET", "k"));
    assert.ok(count >= 1 && count <= 4, `${count}`);
    await connection.close();
  });

  it("gives up a connection on which nothing comes back, and fails at once meanwhile", async () => {
    await using server = await startRedis();
    const errors: string[] = [];
    const connection = openNodeRedis(
      { url: server.url, socketTimeoutMs: 200, socketConnectTimeoutMs: 200 },
      { onError: (error) => errors.push(error.message) },
    );
    let reconnects = 0;
    await connection.subscribe("c", () => {}, () => reconnects++);
    await connection.connect();
    server.signal("SIGSTOP");
    const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
    await Promise.all(keys.map((key) => failure(connection.run(increment, [key], []))));
    const [error, ms] = await timed(failure(connection.run(increment, ["k"], [])));
    assert.equal(error.code, "STORE_UNAVAILABLE");
    assert.ok(ms < 100, `${ms} ms`);
    // No call waits on the third connection: its heartbeat notices.
    await until(() => errors.filter((message) => message.includes("no answer for 200 ms")).length === 3);
    server.signal("SIGCONT");
    await until(() => connection.run(increment, ["k"], []).then(() => true, () => false));
    await until(() => reconnects === 1);
    await connection.close();
  });

  it("does not take its own process being busy for a slow server", async () => {
    await using server = await startRedis();
    const connection = openNodeRedis({ url: server.url, socketTimeoutMs: 100 });
    // The server knows the script from here on: all answers lie in the socket while the process is busy.
    await until(() => connection.run(increment, ["k"], []).then(() => true, () => false));
    const calls = Array.from({ length: 100 }, () => connection.run(increment, ["k"], []));
    await sleep(0);
    const untilMs = performance.now() + 300;
    while (performance.now() < untilMs);
    assert.equal((await Promise.all(calls)).length, 100);
    await connection.close();
  });

  it("lets calls in flight finish when it is closed", async () => {
    await using server = await startRedis();
    const connection = openNodeRedis({ url: server.url });
    await connection.connect();
    await server.command("CLIENT", "PAUSE", "100", "WRITE");
    const calls = Array.from({ length: 10 }, (_, i) => connection.run(increment, [`k${i}`], []));
    const [, ms] = await timed(connection.close());
    assert.ok(ms >= 50, `${ms} ms`);
    assert.deepEqual(await Promise.all(calls), Array(10).fill(1));
  });

  it("closes after socketTimeoutMs where the server hangs", async () => {
    await using server = await startRedis();
    // Well before the 300 ms after which the close ends the call itself: a busy process looks twice.
    const connection = openNodeRedis({ url: server.url, socketTimeoutMs: 100 });
    await connection.connect();
    server.signal("SIGSTOP");
    const call = failure(connection.run(increment, ["k"], []));
    const [, ms] = await timed(connection.close());
    assert.ok(ms >= 80 && ms < 1_000, `${ms} ms`);
    assert.equal((await call).code, "STORE_TIMEOUT");
    server.signal("SIGCONT");
  });
});

function readNumber(text: unknown, name: string): number {
  return Number(new RegExp(`${name}:(\\d+)`).exec(String(text))?.[1]);
}
