import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";

import { freePort } from "../../../../scripts/_free_port.ts";
import { ClosedError, type StoreError } from "../../../../src/base/errors.ts";
import type { RedisConnection } from "../../../../src/stores/redis/connections/connection.ts";
import { openNodeRedis } from "../../../../src/stores/redis/connections/node_redis.ts";
import { runWorker } from "../../../_support/processes.ts";
import { freshPrefix, redisUrl } from "../../../_support/redis.ts";
import { countConnections, type RedisProcess, scriptOf, startRedis, startServer, until } from "../_servers.ts";

const push = scriptOf("return redis.call('RPUSH', KEYS[1], ARGV[1])");
const list = scriptOf("return redis.call('LRANGE', KEYS[1], 0, -1)");
const increment = scriptOf("return redis.call('INCR', KEYS[1])");
const set = scriptOf("redis.call('SET', KEYS[1], 1) return 1");
const publish = scriptOf("return redis.call('PUBLISH', KEYS[1], ARGV[1])");

describe("NodeRedis.run()", () => {
  const prefix = freshPrefix();
  let connection: RedisConnection;
  before(() => {
    connection = openNodeRedis({ url: redisUrl() });
  });
  after(async () => {
    await connection.deleteByPrefix(prefix);
    await connection.close();
  });

  it("returns integers, strings, null and arrays of them", async () => {
    const script = scriptOf(
      "return {1, -2, 1795252389123456, 'a', false, {KEYS[1], {ARGV[1]}}, ''}",
    );
    assert.deepEqual(
      await connection.run(script, [`${prefix}:k`], ["v"]),
      [1, -2, 1795252389123456, "a", null, [`${prefix}:k`, ["v"]], ""],
    );
    assert.equal(await connection.run(scriptOf("return false"), [], []), null);
    assert.equal(await connection.run(scriptOf("return 'x'"), [], []), "x");
    assert.deepEqual(await connection.run(scriptOf("return {}"), [], []), []);
  });

  it("passes keys and arguments on unchanged, whatever is in them", async () => {
    const echo = scriptOf("return {KEYS[1], ARGV[1]}");
    for (
      const text of ["", " ", "\r\n", "\u0000", "{a}{b}", "ключ", "🔑", "*", "x".repeat(10_000)]
    ) {
      assert.deepEqual(await connection.run(echo, [text], [text]), [text, text]);
    }
  });

  it("loads a script that the server does not know, and runs it once", async () => {
    const fresh = scriptOf(`-- ${freshPrefix()}\nreturn redis.call('INCR', KEYS[1])`);
    assert.equal(await connection.run(fresh, [`${prefix}:once`], []), 1);
    assert.equal(await connection.run(fresh, [`${prefix}:once`], []), 2);
  });

  it("keeps the order of calls on one key", async () => {
    const keys = Array.from({ length: 20 }, (_, i) => `${prefix}:order:${i}`);
    const numbers = Array.from({ length: 100 }, (_, i) => String(i));
    await Promise.all(numbers.flatMap((n) => keys.map((key) => connection.run(push, [key], [n]))));
    for (const key of keys) assert.deepEqual(await connection.run(list, [key], []), numbers);
  });

  it("keeps the order of calls that are made before it is connected", async () => {
    const early = openNodeRedis({ url: redisUrl() });
    const numbers = Array.from({ length: 100 }, (_, i) => String(i));
    await Promise.all(numbers.map(async (n, i) => {
      // Some in the same turn, some while the connections are being opened.
      for (let turn = 0; turn < i % 7; turn++) await Promise.resolve();
      await early.run(increment, [`${prefix}:early`], [n]);
    }));
    const calls = numbers.map((n) => early.run(push, [`${prefix}:early:list`], [n]));
    await Promise.all(calls);
    assert.deepEqual(await early.run(list, [`${prefix}:early:list`], []), numbers);
    await early.close();
  });
});

describe("NodeRedis pool", () => {
  let server: RedisProcess;
  before(async () => {
    server = await startRedis();
  });
  after(() => server[Symbol.asyncDispose]());

  it("opens nothing before it is used", async () => {
    const connection = openNodeRedis({ url: server.url });
    assert.equal(await countConnections(server), 0);
    await connection.close();
  });

  it("serves 200 concurrent calls over the two connections it opens", async () => {
    const connection = openNodeRedis({ url: server.url });
    const calls = Array.from(
      { length: 200 },
      (_, i) => connection.run(increment, [`k${i % 10}`], []),
    );
    assert.equal((await Promise.all(calls)).length, 200);
    assert.equal(await countConnections(server), 2);
    assert.equal(await connection.run(increment, ["k0"], []), 21);
    await connection.close();
    await until(async () => await countConnections(server) === 0);
  });

  it("opens as many connections as poolMinSize says", async () => {
    const connection = openNodeRedis({ url: server.url, poolMinSize: 4 });
    await Promise.all([connection.connect(), connection.connect()]);
    assert.equal(await countConnections(server), 4);
    await connection.close();
  });

  it("goes on with the connections it got, and tries the others again", async () => {
    await using proxy = await startServer((socket) => {
      if (proxy.accepted === 2) return void socket.end();
      const upstream = connect(server.port, "127.0.0.1");
      upstream.on("error", () => {});
      socket.on("close", () => upstream.destroy());
      socket.pipe(upstream).pipe(socket);
    });
    const errors: StoreError[] = [];
    const url = `redis://127.0.0.1:${proxy.port}`;
    const connection = openNodeRedis({ url, poolMinSize: 3 }, { onError: (e) => errors.push(e) });
    await connection.connect();
    assert.equal(await connection.run(increment, ["partly"], []), 1);
    await until(async () => await countConnections(server) === 3);
    assert.deepEqual(errors.map((error) => error.code), ["STORE_UNAVAILABLE"]);
    await connection.close();
  });
});

describe("NodeRedis.deleteByPrefix()", () => {
  it("deletes what begins with the prefix, taken literally, and nothing else", async () => {
    const connection = openNodeRedis({ url: redisUrl() });
    const base = freshPrefix();
    for (const special of ["a*", "a?", "[ab]", "a[^b]", "\\", "a\\*", "{x}", "ü "]) {
      const inside = [special, `${special}:1`, `${special}*`].map((key) => `${base}${key}`);
      const outside = ["ab", "a", "b", "ax:1", "^", "x"].map((key) => `${base}${key}`);
      for (const key of [...inside, ...outside]) await connection.run(set, [key], []);
      assert.equal(await connection.deleteByPrefix(`${base}${special}`), inside.length, special);
      const exists = scriptOf("return redis.call('EXISTS', unpack(KEYS))");
      assert.equal(await connection.run(exists, outside, []), outside.length, special);
    }
    assert.equal(await connection.deleteByPrefix(base), 6);
    await connection.close();
  });

  it("deletes thousands of keys", async () => {
    const connection = openNodeRedis({ url: redisUrl() });
    const prefix = freshPrefix();
    const fill = scriptOf("for i = 1, 5000 do redis.call('SET', KEYS[1] .. i, 1) end return 1");
    await connection.run(fill, [`${prefix}:`], []);
    assert.equal(await connection.deleteByPrefix(prefix), 5_000);
    assert.equal(await connection.deleteByPrefix(prefix), 0);
    await connection.close();
  });

  it("refuses the empty prefix, which would delete everything", async () => {
    const connection = openNodeRedis({ url: redisUrl() });
    await assert.rejects(connection.deleteByPrefix(""), RangeError);
    await connection.close();
  });
});

describe("NodeRedis.subscribe()", () => {
  it("delivers every message of its channel, and no other", async () => {
    const connection = openNodeRedis({ url: redisUrl() });
    const [a, b] = [freshPrefix(), freshPrefix()];
    const got: string[] = [];
    await Promise.all([
      connection.subscribe(a, (message) => got.push(`1 ${message}`), () => {}),
      connection.subscribe(a, (message) => got.push(`2 ${message}`), () => {}),
      connection.subscribe(b, (message) => got.push(`3 ${message}`), () => {}),
    ]);
    // Confirmed means: the very next message arrives.
    await connection.run(publish, [a], ["to a \r\n ü"]);
    await connection.run(publish, [b], ["to b"]);
    await until(() => got.length === 3);
    assert.deepEqual(got.sort(), ["1 to a \r\n ü", "2 to a \r\n ü", "3 to b"]);
    await connection.close();
  });

  it("goes on after a listener that throws, and reports it", async () => {
    const errors: unknown[] = [];
    const connection = openNodeRedis({ url: redisUrl() }, { onError: (e) => errors.push(e.cause) });
    const channel = freshPrefix();
    const got: string[] = [];
    const bad = new Error("bad listener");
    await connection.subscribe(channel, () => {
      throw bad;
    }, () => {});
    await connection.subscribe(channel, (message) => got.push(message), () => {});
    for (const message of ["1", "2"]) await connection.run(publish, [channel], [message]);
    await until(() => got.length === 2);
    assert.deepEqual(errors, [bad, bad]);
    await connection.close();
  });

  it(
    "uses one connection more, whatever the number of channels",
    async () => {
      await using server = await startRedis();
      const connection = openNodeRedis({ url: server.url });
      const names = Array.from({ length: 20 }, (_, i) => `c${i}`);
      await Promise.all(names.map((name) => connection.subscribe(name, () => {}, () => {})));
      assert.equal(await countConnections(server), 1);
      await connection.connect();
      assert.equal(await countConnections(server), 3);
      await connection.close();
      await until(async () => await countConnections(server) === 0);
    },
  );

  it(
    "subscribes again after its connection was lost, and says so",
    async () => {
      await using server = await startRedis();
      const connection = openNodeRedis({ url: server.url });
      const got: string[] = [];
      let reconnects = 0;
      await connection.subscribe("a", (message) => got.push(message), () => reconnects++);
      await connection.subscribe("b", (message) => got.push(message), () => reconnects++);
      assert.equal(reconnects, 0);
      for (let round = 1; round <= 3; round++) {
        await server.command("CLIENT", "KILL", "TYPE", "pubsub");
        await until(() => reconnects === 2 * round);
        await connection.run(publish, ["a"], [`a${round}`]);
        await connection.run(publish, ["b"], [`b${round}`]);
        await until(() => got.length === 2 * round);
      }
      assert.deepEqual(got.sort(), ["a1", "a2", "a3", "b1", "b2", "b3"]);
      assert.equal(await countConnections(server), 3);
      await connection.close();
    },
  );
});

describe("NodeRedis.close()", () => {
  it("may be called before anything was opened, and twice", async () => {
    const connection = openNodeRedis({ url: redisUrl() });
    await connection.close();
    await connection.close();
  });

  it("makes every later call reject", async () => {
    const connection = openNodeRedis({ url: redisUrl() });
    await connection.connect();
    await Promise.all([connection.close(), connection.close()]);
    const closed = (error: unknown) => error instanceof ClosedError;
    await assert.rejects(connection.run(set, ["a"], []), closed);
    await assert.rejects(connection.connect(), closed);
    await assert.rejects(connection.subscribe("a", () => {}, () => {}), closed);
    await assert.rejects(connection.deleteByPrefix("a"), closed);
  });

  it("lets calls in flight finish, also those that load their script", async () => {
    const connection = openNodeRedis({ url: redisUrl() });
    await connection.connect();
    const fresh = scriptOf(`-- ${freshPrefix()}\nreturn ARGV[1]`);
    const calls = Array.from({ length: 50 }, (_, i) => connection.run(fresh, [`k${i}`], [`${i}`]));
    await connection.close();
    assert.deepEqual(await Promise.all(calls), Array.from({ length: 50 }, (_, i) => `${i}`));
  });

  it("lets the process end", async () => {
    const exit = await runWorker("stores/redis/connections/node_redis_worker", [redisUrl()]);
    assert.deepEqual([exit.code, exit.stdout.trim()], [0, "ran"], exit.stderr);
  });

  it("is not needed for the process to end where nothing could be opened", async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    const exit = await runWorker("stores/redis/connections/node_redis_worker", [url, "idle"]);
    assert.deepEqual([exit.code, exit.stdout.trim()], [0, "STORE_UNAVAILABLE"], exit.stderr);
  });
});
