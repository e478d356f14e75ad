import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { Redis } from "ioredis";
import { createClient, createClientPool, createCluster, createSentinel } from "redis";

import { ConfigError, type StoreError } from "../../../../src/base/errors.ts";
import { createRateSync } from "../../../../src/registry/rate_sync.ts";
import { openGivenClient } from "../../../../src/stores/redis/connections/clients/open.ts";
import type { RedisClient } from "../../../../src/stores/redis/connections/clients/redis_client.ts";
import type { RedisConnection } from "../../../../src/stores/redis/connections/connection.ts";
import { createRedisStore } from "../../../../src/stores/redis/mod.ts";
import { freshPrefix, redisUrl } from "../../../_support/redis.ts";
import { type Opened, openers } from "./_given_clients.ts";
import { type RedisProcess, scriptOf, startRedis, startServer, until } from "../_servers.ts";

/** How long a call waits for a server that is away: some clients keep it that long. */
const AWAY_MS = 1_000;

const push = scriptOf("return redis.call('RPUSH', KEYS[1], ARGV[1])");
const list = scriptOf("return redis.call('LRANGE', KEYS[1], 0, -1)");
const increment = scriptOf("return redis.call('INCR', KEYS[1])");
const publish = scriptOf("return redis.call('PUBLISH', KEYS[1], ARGV[1])");

for (const [kind, open] of Object.entries(openers)) {
  describe(`createRedisStore() on ${kind}`, () => {
    let server: RedisProcess;
    let opened: Opened;
    let connection: RedisConnection;
    before(async () => {
      server = await startRedis();
    });
    after(() => server.stop());

    async function use(body: () => Promise<void>, options: { socketTimeoutMs?: number } = {}): Promise<void> {
      opened = await open(server.url);
      connection = openGivenClient({ client: opened.client, ...options });
      try {
        await body();
      } finally {
        await connection.close();
        opened.close();
      }
    }

    it("keeps the order of calls", () =>
      use(async () => {
        const numbers = Array.from({ length: 500 }, (_, i) => String(i));
        await Promise.all(numbers.map((n) => connection.run(push, ["order"], [n])));
        assert.deepEqual(await connection.run(list, ["order"], []), numbers);
      }));

    it("runs a script once that the server has forgotten", () =>
      use(async () => {
        assert.equal(await connection.run(increment, ["flushed"], []), 1);
        await server.command("SCRIPT", "FLUSH");
        assert.equal(await connection.run(increment, ["flushed"], []), 2);
      }));

    it("distinguishes a refusal from a lost connection", () =>
      use(async () => {
        await assert.rejects(connection.run(scriptOf("return redis.error_reply('NOPE no')"), [], []), {
          code: "STORE_REFUSED",
        });
      }));

    it("fails while the server is away, and comes back with it", () =>
      use(async () => {
        assert.equal(await connection.run(increment, ["restarted"], []), 1);
        await server.stop();
        try {
          await until(async () => await codeOf(connection.run(increment, ["restarted"], [])) !== "none");
          // A pool may look for a client of its own until the time of the call is over.
          const away = kind.includes("pool") ? /^STORE_(UNAVAILABLE|TIMEOUT)$/ : /^STORE_UNAVAILABLE$/;
          assert.match(await codeOf(connection.run(increment, ["restarted"], [])), away);
        } finally {
          await server.start();
        }
        await until(async () => await codeOf(connection.run(increment, ["back"], [])) === "none");
      }, { socketTimeoutMs: AWAY_MS }));

    it("does not repeat a call whose answer was lost", async () => {
      // What comes back while the answers are cut is lost, and so is the connection.
      let isCut = false;
      await using proxy = await startServer((socket) => {
        const upstream = connect(server.port, "127.0.0.1");
        upstream.on("error", () => {});
        socket.on("data", (data) => upstream.write(data));
        socket.on("close", () => upstream.destroy());
        upstream.on("data", (data) => isCut ? socket.destroy() : socket.write(data));
        upstream.on("close", () => socket.destroy());
      });
      const through = await open(`redis://127.0.0.1:${proxy.port}`);
      const cut = openGivenClient({ client: through.client });
      try {
        for (const known of [false, true]) {
          const once = scriptOf(`return redis.call('INCR', KEYS[1]) -- ${known}`);
          const key = `once:${known}`;
          await (known ? cut.run(once, [key], []) : cut.connect());
          isCut = true;
          await assert.rejects(cut.run(once, [key], []), { code: "STORE_UNAVAILABLE" });
          isCut = false;
          await until(async () => await codeOf(cut.run(list, ["none"], [])) === "none");
          await through.ping();
          assert.equal(await server.command("GET", key), known ? "2" : "1");
        }
      } finally {
        await cut.close();
        through.close();
      }
    });

    it("gives up a call that is not answered in time", () =>
      use(async () => {
        await connection.connect();
        server.signal("SIGSTOP");
        try {
          await assert.rejects(connection.run(increment, ["late"], []), { code: "STORE_TIMEOUT" });
        } finally {
          server.signal("SIGCONT");
        }
        await until(async () => await codeOf(connection.run(increment, ["later"], [])) === "none");
      }, { socketTimeoutMs: 200 }));

    it("sets a lost subscription up again, and says so", () =>
      use(async () => {
        const messages: string[] = [];
        let gaps = 0;
        await connection.subscribe("news", (message) => messages.push(message), () => gaps++);
        await connection.run(publish, ["news"], ["first"]);
        await until(() => messages.length === 1);
        await server.command("CLIENT", "KILL", "TYPE", "pubsub");
        await until(() => gaps === 1);
        await connection.run(publish, ["news"], ["second"]);
        await until(() => messages.length === 2);
        assert.deepEqual(messages, ["first", "second"]);
      }));

    it("leaves the client open when it is closed, and closes what it has opened", async () => {
      opened = await open(server.url);
      await opened.ping();
      const count = async () => String(await server.command("CLIENT", "LIST")).trim().split("\n").length;
      const before = await count();
      const listeners = countListeners(opened.client);
      const closing = openGivenClient({ client: opened.client });
      await closing.subscribe("channel", () => {}, () => {});
      await closing.run(increment, ["closed"], []);
      assert.equal(await count(), before + 1);
      await closing.close();
      await until(async () => await count() === before);
      await assert.rejects(closing.run(increment, ["closed"], []), { code: "CLOSED" });
      assert.equal(countListeners(opened.client), listeners);
      assert.equal(await opened.ping(), "PONG");
      opened.close();
    });

    it("hands a slot from one store to a waiter of another", async () => {
      const keyPrefix = freshPrefix();
      const clients = [await open(server.url), await open(server.url)];
      const [holder, waiter] = clients.map(({ client }) =>
        createRateSync({
          stores: { shared: createRedisStore({ client, keyPrefix }) },
          limiters: { slots: { maxConcurrent: 1, leaseTtlMs: 60_000 } },
        })
      );
      assert.ok(holder && waiter);
      const held = await holder.acquire("slots");
      const waiting = waiter.acquire("slots", { timeoutMs: 5_000 });
      await until(async () => String(await server.command("PUBSUB", "CHANNELS", `${keyPrefix}:wake:*`)).length > 0);
      await held.release();
      await (await waiting).release();
      await Promise.all([holder.close(), waiter.close()]);
      for (const client of clients) client.close();
    });
  });
}

describe("createRedisStore({ client })", () => {
  const refused = (options: object, message: RegExp) =>
    assert.throws(() => createRedisStore(options as never), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, message);
      return true;
    });

  it("requires either a url or a client", () => {
    refused({}, /expected a url, or a client/);
    refused({ url: "redis://localhost", client: createClient() }, /expected a url or a client, not both/);
  });

  it("lists the supported kinds", () => {
    for (const client of [{}, null, 42, "redis://localhost", () => {}, { sendCommand: () => {} }]) {
      refused({ client }, /a client \(createClient\(\)\), pool, .* of node-redis, .* of ioredis/);
    }
  });

  it("refuses an option that only a URL can use, and one that is out of range", () => {
    refused({ client: createClient(), db: 3 }, /Cannot use db/);
    refused({ client: createClient(), maxQueued: 0 }, /Cannot use maxQueued/);
    refused({ client: createClient(), keyPrefix: "" }, /Cannot use keyPrefix/);
  });

  it("refuses an ioredis client that would change keys or replies", () => {
    refused({ client: new Redis({ lazyConnect: true, keyPrefix: "app:" }) }, /use the store's keyPrefix/);
    refused({ client: new Redis({ lazyConnect: true, stringNumbers: true }) }, /stringNumbers/);
  });

  it("says that a node-redis client has to be connected first", async () => {
    const cluster = createCluster({ rootNodes: [{ url: redisUrl() }] });
    const sentinel = createSentinel({ name: "main", sentinelRootNodes: [{ host: "127.0.0.1", port: 1 }] });
    const clients = [createClient({ url: redisUrl() }), createClientPool({ url: redisUrl() }), cluster, sentinel];
    for (const client of clients) {
      const store = createRedisStore({ client });
      await assert.rejects(store.connect(), /call its connect\(\) first/);
      await store.close();
    }
  });

  it("connects an ioredis client that waits for its first command", async () => {
    const client = new Redis(redisUrl(), { lazyConnect: true });
    const store = createRedisStore({ client });
    await store.connect();
    await store.close();
    assert.equal(client.status, "ready");
    client.disconnect();
  });

  it("leaves out what a node-redis client does with its own keys and replies", async () => {
    const client = createClient({
      url: redisUrl(),
      keyPrefix: "app:",
      commandOptions: { typeMapping: { 36: Buffer } },
    });
    await client.connect();
    const connection = openGivenClient({ client });
    const echo = scriptOf("return {KEYS[1], ARGV[1]}");
    assert.deepEqual(await connection.run(echo, ["key"], ["value"]), ["key", "value"]);
    const messages: string[] = [];
    const channel = freshPrefix();
    await connection.subscribe(channel, (message) => messages.push(message), () => {});
    await connection.run(publish, [channel], ["text"]);
    await until(() => messages.length > 0);
    assert.deepEqual(messages, ["text"]);
    await connection.close();
    client.destroy();
  });
});

function countListeners(client: RedisClient): number {
  const emitter = client as unknown as { eventNames?(): string[]; listenerCount(name: string): number };
  if (emitter.eventNames === undefined) return 0;
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
}

function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(() => "none", (error: StoreError) => error.code);
}
