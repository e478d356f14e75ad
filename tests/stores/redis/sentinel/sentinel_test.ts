import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Redis } from "ioredis";
import { createSentinel } from "redis";

import type { StoreError } from "../../../../src/base/errors.ts";
import type { StoreErrorReason } from "../../../../src/base/store_error_reasons.ts";
import { openGivenClient } from "../../../../src/stores/redis/connections/clients/open.ts";
import type { RedisConnection } from "../../../../src/stores/redis/connections/connection.ts";
import { openNodeRedis } from "../../../../src/stores/redis/connections/node_redis.ts";
import type { RedisStoreOptions } from "../../../../src/stores/redis/options.ts";
import { RedisStore } from "../../../../src/stores/redis/mod.ts";
import { storeConformance } from "../../../../src/testing/mod.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { TemporaryFolder } from "../../../../scripts/_temporary.ts";
import { type RedisProcess, scriptOf, startRedis, until } from "../_servers.ts";
import { startLoneSentinel, startSentinels, type TestSentinels } from "../_topologies.ts";

const increment = scriptOf("return redis.call('INCR', KEYS[1])");
const publish = scriptOf("return redis.call('PUBLISH', KEYS[1], ARGV[1])");

interface Opened {
  readonly connection: RedisConnection;
  close(): unknown;
}

/** To the store it is one of the clients that other tests have. */
const LIKE_ANY_OTHER = "an ioredis client with Sentinels";

const openers: Readonly<Record<string, (sentinels: TestSentinels) => Promise<Opened>>> = {
  "connections of its own": ({ urls, masterName }) =>
    Promise.resolve({
      connection: openNodeRedis({ sentinels: urls, masterName, socketTimeoutMs: 2_000 }),
      close: () => {},
    }),
  "a client of Sentinels of node-redis": async ({ sentinels, masterName }) => {
    const client = createSentinel({
      name: masterName,
      sentinelRootNodes: sentinels.map(({ port }) => ({ host: "127.0.0.1", port })),
      scanInterval: 200,
    });
    client.on("error", () => {});
    await client.connect();
    return { connection: openGivenClient({ client }), close: () => client.destroy() };
  },
  [LIKE_ANY_OTHER]: ({ sentinels, masterName }) => {
    const client = new Redis({
      name: masterName,
      sentinels: sentinels.map(({ port }) => ({ host: "127.0.0.1", port })),
      retryStrategy: () => 50,
      failoverDetector: true,
    });
    client.on("error", () => {});
    return Promise.resolve({ connection: openGivenClient({ client }), close: () => client.disconnect() });
  },
};

describe("A Redis behind Sentinels", { timeout: 120_000 }, () => {
  let sentinels: TestSentinels;
  before(async () => {
    sentinels = await startSentinels();
  });
  after(() => sentinels?.[Symbol.asyncDispose]());

  for (const [kind, open] of Object.entries(openers)) {
    describe(`through ${kind}`, () => {
      let opened: Opened;
      let connection: RedisConnection;
      before(async () => {
        opened = await open(sentinels);
        connection = opened.connection;
      });
      after(async () => {
        await connection?.close();
        await opened?.close();
      });

      if (kind !== LIKE_ANY_OTHER) {
        describe("passes storeConformance():", () => {
          for (
            const { name, run } of storeConformance({
              open({ clock }) {
                // One connection for all: a store would close its own.
                const shared = { ...connection, close: () => Promise.resolve() };
                return new RedisStore(shared, { keyPrefix: freshPrefix(), timingMarginMs: 60_000, testClock: clock });
              },
            })
          ) it(name, run);
        });
      }

      it("goes to the new primary when the Sentinels fail over, and hears its messages", async () => {
        const channel = freshPrefix();
        const messages: string[] = [];
        let gaps = 0;
        await connection.subscribe(channel, (message) => messages.push(message), () => gaps++);
        const before = await sentinels.primary();
        const [sentinel] = sentinels.sentinels as [RedisProcess];
        await sentinel.command("SENTINEL", "FAILOVER", sentinels.masterName);
        await until(async () => (await sentinels.primary()).port !== before.port, 20_000);
        await comesBack(connection);
        await demote(before, await sentinels.primary());
        await until(() => gaps > 0);
        await until(async () =>
          await codeOf(connection.run(publish, [channel], ["there"])) === "none" && messages.length
        );
        assert.equal(messages[0], "there");
        await sentinels.settled();
      });
    });
  }

  describe("through connections of its own", () => {
    let connection: RedisConnection;
    before(() => {
      const { urls, masterName } = sentinels;
      connection = openNodeRedis({
        sentinels: urls,
        masterName,
        socketTimeoutMs: 2_000,
        socketConnectTimeoutMs: 2_000,
      });
    });
    after(() => connection.close());

    it("says what is wrong with a name or an address", async () => {
      const [server] = sentinels.servers as [RedisProcess];
      const { urls, masterName } = sentinels;
      const cases: readonly [RedisStoreOptions, RegExp, StoreErrorReason][] = [
        [
          { sentinels: urls, masterName: "other" },
          /"other": the Sentinel at redis:.* knows only "mymaster"; this will not heal by itself: check masterName/,
          "primary_unknown",
        ],
        [
          { sentinels: [server.url], masterName },
          /it is a Redis server, not a Sentinel; this will not heal by itself: give its address as the url/,
          "not_sentinel",
        ],
        [
          { sentinels: ["redis://127.0.0.1:1"], masterName },
          /Cannot reach any Sentinel of redis\+sentinel:.*ECONNREFUSED/,
          "connection_refused",
        ],
        [
          { cluster: [server.url] },
          /as a cluster: it is a single server; this will not heal by itself: give url = "redis:/,
          "not_cluster",
        ],
        [
          { cluster: ["redis://127.0.0.1:1"] },
          /Cannot reach any node of redis\+cluster:.*ECONNREFUSED/,
          "connection_refused",
        ],
      ];
      for (const [options, message, reason] of cases) {
        const wrong = openNodeRedis(options);
        await assert.rejects(wrong.connect(), { message, reason });
        await assert.rejects(wrong.run(increment, ["key"], []), message);
        await wrong.close();
      }
    });

    it("says that it is the Sentinels' password which is wrong or missing, and names its options", async () => {
      await using locked = await startRedis("--requirepass", "s3cr3t"); // a Sentinel refuses in the same words
      const { masterName } = sentinels;
      const said = "this will not heal by itself: check sentinelUsername and sentinelPassword " +
        "(sentinel_username, sentinel_password)";
      for (
        const [options, refusal] of [
          [{ password: "s3cr3t" }, "NOAUTH: the server requires a password"],
          [{ sentinelPassword: "old-s3cr3t" }, "WRONGPASS invalid username-password pair or user is disabled"],
        ] as const
      ) {
        const wrong = openNodeRedis({ sentinels: [locked.url], masterName, ...options });
        const message = `Cannot use the Sentinel at ${locked.url}: ${refusal}; ${said}`;
        await assert.rejects(wrong.connect(), { message, reason: "authentication" });
        await wrong.close();
      }
    });

    it("finds the primary while a Sentinel is gone, and one hangs", async () => {
      const [gone, hangs] = sentinels.sentinels as [RedisProcess, RedisProcess];
      hangs.signal("SIGSTOP");
      await gone.stop();
      const { urls, masterName } = sentinels;
      const other = openNodeRedis({ sentinels: urls, masterName });
      await other.connect();
      assert.equal(await other.run(increment, [freshPrefix()], []), 1);
      await other.close();
      hangs.signal("SIGCONT");
      await gone.start();
      await sentinels.settled();
    });

    describe("when a Sentinel that was cut off from the others names an old address", () => {
      let folder: TemporaryFolder;
      let old: RedisProcess;
      let replica: RedisProcess;
      before(async () => {
        folder = new TemporaryFolder("stale-sentinel");
        old = await startRedis();
        replica = await startRedis("--replicaof", "127.0.0.1", String(old.port));
      });
      after(async () => {
        await Promise.all([old.stop(), replica.stop()]);
        folder[Symbol.dispose]();
      });

      const STALE: readonly [what: string, server: () => RedisProcess][] = [
        ["of a replica", () => replica],
        ["of an old primary that still takes itself for one", () => old],
      ];
      for (const [what, server] of STALE) {
        for (const place of [0, 1, 3]) {
          it(`finds the primary that the others agree on: ${what}, ${place} others before it`, async () => {
            const { masterName } = sentinels;
            const stale = await startLoneSentinel(folder.path, masterName, server().port);
            const other = openNodeRedis({ sentinels: sentinels.urls.toSpliced(place, 0, stale.url), masterName });
            try {
              const key = freshPrefix();
              const startMs = performance.now();
              assert.equal(await other.run(increment, [key], []), 1);
              assert.ok(performance.now() - startMs < 2_000, `${performance.now() - startMs} ms`);
              assert.equal(await (await sentinels.primary()).command("EXISTS", key), 1);
              // It is found again, and the stale one is not followed.
              await (await sentinels.primary()).command("CLIENT", "KILL", "TYPE", "normal");
              await until(async () => await codeOf(other.run(increment, [key], [])) === "none");
              assert.equal(await old.command("EXISTS", key), 0);
            } finally {
              await other.close();
              await stale.stop();
            }
          });
        }
      }
    });

    for (const signal of ["SIGSTOP", "SIGKILL"] as const) {
      it(`goes on after ${signal} of the primary`, async () => {
        const key = freshPrefix();
        await connection.run(increment, [key], []);
        const lost = await sentinels.primary();
        let isOver = false;
        let slowestMs = 0;
        const calls = Promise.all(Array.from({ length: 5 }, async () => {
          while (!isOver) {
            const began = Date.now();
            await codeOf(connection.run(increment, [key], []));
            slowestMs = Math.max(slowestMs, Date.now() - began);
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        }));
        if (signal === "SIGKILL") await lost.stop();
        else lost.signal(signal);
        await until(async () => (await sentinels.primary()).port !== lost.port, 20_000);
        await comesBack(connection);
        isOver = true;
        await calls;
        assert.ok(slowestMs < 4_000, `a call took ${slowestMs} ms`);
        if (signal === "SIGKILL") return;
        lost.signal("SIGCONT");
        await demote(lost, await sentinels.primary());
        await sentinels.settled();
      });
    }
  });
});

/** The Sentinels would do it ten seconds later, and end its connections as well. */
async function demote(server: RedisProcess, primary: RedisProcess): Promise<void> {
  await server.command("REPLICAOF", "127.0.0.1", String(primary.port));
  await server.command("CLIENT", "KILL", "TYPE", "normal");
  await server.command("CLIENT", "KILL", "TYPE", "pubsub");
}

/** Calls are answered again soon after there is a primary. */
async function comesBack(connection: RedisConnection): Promise<void> {
  const began = Date.now();
  await until(async () => await codeOf(connection.run(increment, [freshPrefix()], [])) === "none", 10_000);
  assert.ok(Date.now() - began < 4_000, `${Date.now() - began} ms after the new primary was there`);
}

function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(() => "none", (error: StoreError) => error.code);
}
