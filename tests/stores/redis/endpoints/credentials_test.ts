import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";

import { freePort } from "../../../../scripts/_free_port.ts";
import { ConfigError, createRateSync, type RedisStoreOptions, StoreError } from "../../../../mod.ts";
import { createRedisStore } from "../../../../src/stores/redis/mod.ts";
import { TemporaryFolder } from "../../../../scripts/_temporary.ts";
import { runWorker } from "../../../_support/processes.ts";
import { freshPrefix, redisUrl } from "../../../_support/redis.ts";
import { Authority } from "../_certificates.ts";
import { type RedisProcess, startRedis, until } from "../_servers.ts";
import { startCluster, startSentinels, type TestCluster, type TestSentinels } from "../_topologies.ts";

const USER = "app";

/** A token that expires: servers take the newest one alone. */
class Token {
  readonly #servers: () => readonly RedisProcess[];
  #value = "";
  /** How often it was asked for. */
  asked = 0;

  constructor(servers: () => readonly RedisProcess[]) {
    this.#servers = servers;
  }

  readonly read = (): string => {
    this.asked++;
    return this.#value;
  };

  readonly readLater = async (): Promise<string> => await Promise.resolve(this.read());

  /** Makes servers take another one, and cuts off the connections that used the last one. */
  async renew(): Promise<void> {
    this.#value = `token-s3cr3t-${crypto.randomUUID()}`;
    for (const server of this.#servers()) {
      await server.command("ACL", "SETUSER", USER, "reset", "on", `>${this.#value}`, "~*", "&*", "+@all");
      await server.command("CLIENT", "KILL", "USER", USER);
    }
  }

  /** Nothing that is printed may hold it. */
  assertNotIn(what: unknown): void {
    assert.ok(!inspect(what, { depth: 9, showHidden: true }).includes("token-s3cr3t"), inspect(what));
  }
}

/** Decides, waits for a slot (which subscribes), loses all connections to a new token, and does it again. */
async function assertFollows(token: Token, store: RedisStoreOptions): Promise<void> {
  await token.renew();
  const rs = createRateSync({
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    stores: { main: { engine: "redis", keyPrefix: freshPrefix(), ...store } },
    limiters: {
      api: { ratePerSecond: 1_000, burst: 1_000, onStoreError: "throw" },
      slot: { maxConcurrent: 1, onStoreError: "throw" },
    },
  });
  try {
    const waitForSlot = async () => {
      const held = await rs.acquire("slot");
      const waiting = rs.acquire("slot");
      await rs.tryAcquire("api");
      await held.release();
      await (await waiting).release();
    };
    assert.equal((await rs.tryAcquire("api")).degraded, false);
    await waitForSlot();
    for (let round = 0; round < 2; round++) {
      const askedBefore = token.asked;
      await token.renew();
      await until(async () => {
        try {
          await waitForSlot();
          return true;
        } catch (error) {
          token.assertNotIn(error);
          return false;
        }
      }, 10_000);
      assert.ok(token.asked > askedBefore, "asked for again");
    }
    token.assertNotIn([rs, rs.listStores(), rs.listLimiters(), await rs.check()]);
    assert.ok(!JSON.stringify([rs, rs.listStores()]).includes("token-s3cr3t"));
  } finally {
    await rs.close();
  }
}

describe("A password that a function gives", () => {
  let redis: RedisProcess;
  let cluster: TestCluster;
  let sentinels: TestSentinels;
  before(async () => {
    [redis, cluster, sentinels] = await Promise.all([startRedis(), startCluster(), startSentinels()]);
  });
  after(async () => {
    for (const server of [redis, cluster, sentinels]) await server?.[Symbol.asyncDispose]();
  });

  it("is called at each connect to one server, and may return a promise", async () => {
    const token = new Token(() => [redis]);
    await assertFollows(token, { url: redis.url, username: USER, password: token.read });
    await assertFollows(token, { url: redis.url, username: () => USER, password: token.readLater });
    const inUrl = new URL(redis.url);
    inUrl.username = USER;
    await assertFollows(token, { url: inUrl.href, password: token.readLater });
  });

  it("is called at each connect to the nodes of a cluster", async () => {
    const token = new Token(() => cluster.nodes);
    await assertFollows(token, { cluster: cluster.urls, username: USER, password: token.readLater });
  });

  it("is called at each connect to Sentinels and to their primary", async () => {
    const token = new Token(() => sentinels.servers);
    const watch = new Token(() => sentinels.sentinels);
    await watch.renew();
    const { urls, masterName } = sentinels;
    const store = { sentinels: urls, masterName, username: USER, password: token.readLater };
    await assertFollows(token, { ...store, sentinelUsername: () => USER, sentinelPassword: watch.readLater });
    const asked = watch.asked;
    assert.ok(asked > 0, "at the Sentinels too");
    await watch.renew();
    await assertFollows(token, { ...store, sentinelUsername: USER, sentinelPassword: watch.read });
    assert.ok(watch.asked > asked);
  });

  it("is called at each connect over TLS", async () => {
    using folder = new TemporaryFolder("token-tls");
    const authority = new Authority(folder.path, "authority");
    authority.sign("server", { name: "IP:127.0.0.1" });
    const port = await freePort();
    const files = [
      "--tls-cert-file",
      "server.pem",
      "--tls-key-file",
      "server.key",
      "--tls-ca-cert-file",
      "authority.pem",
    ];
    const paths = files.map((word) => word.startsWith("--") ? word : authority.path(word));
    await using server = await startRedis("--tls-port", String(port), "--tls-auth-clients", "no", ...paths);
    const token = new Token(() => [server]);
    const tlsCa = authority.read("authority.pem");
    await assertFollows(token, { url: `rediss://127.0.0.1:${port}`, tlsCa, username: USER, password: token.read });
  });

  const BAD: readonly (readonly [name: string, give: () => unknown, reason: string, says: RegExp])[] = [
    [
      "throws",
      () => {
        throw new Error("no credentials");
      },
      "authentication",
      /option password has failed: no credentials/,
    ],
    ["rejects", () => Promise.reject(new Error("no credentials")), "authentication", /has failed: no credentials/],
    ["rejects with a text", () => Promise.reject("token-s3cr3t"), "authentication", /has failed: a string/],
    ["gives nothing", () => undefined, "authentication", /has to give a text, and gave undefined/],
    ["gives an empty text", () => "", "authentication", /gave an empty text/],
    ["gives an object", () => ({ token: "token-s3cr3t" }), "authentication", /gave an object/],
    ["gives bytes", () => new TextEncoder().encode("token-s3cr3t"), "authentication", /gave an object/],
    ["gives another password", () => "token-s3cr3t-old", "authentication", /WRONGPASS/],
    [
      "gives what is a part of the refusal",
      () => "PASS",
      "authentication",
      /WRONG\*\*\* .*; this will not heal by itself/,
    ],
    ["never answers", () => new Promise(() => {}), "connect_timeout", /has given nothing within 300 ms/],
  ];
  for (const [name, give, reason, says] of BAD) {
    it(`that ${name} is an error of the store, which names the option and not the value`, async () => {
      const password = give as () => string;
      const store = createRedisStore({ url: redis.url, username: USER, password, socketConnectTimeoutMs: 300 });
      try {
        await assert.rejects(store.connect(), (error) => {
          assert.ok(error instanceof StoreError, inspect(error));
          assert.equal(error.reason, reason, error.message);
          assert.match(error.message, says);
          assert.ok(!inspect(error, { depth: 9 }).includes("token-s3cr3t"));
          return true;
        });
      } finally {
        await store.close();
      }
    });
  }

  it("may fail for a while", async () => {
    const token = new Token(() => [redis]);
    await token.renew();
    let failing = true;
    const password = () => {
      if (failing) throw new Error("the service for tokens is away");
      return token.read();
    };
    const store = createRedisStore({ url: redis.url, username: USER, password });
    try {
      await assert.rejects(store.connect(), /is away/);
      failing = false;
      await until(() => store.connect().then(() => true, () => false), 3_000);
    } finally {
      await store.close();
    }
  });

  it("is for code alone, and has to be a function or a text", () => {
    for (const password of [5, true, {}, ["p"], null, Symbol("p")]) {
      for (const option of ["password", "username"]) {
        assert.throws(() => createRedisStore({ url: redis.url, [option]: password as never }), (error) => {
          assert.ok(error instanceof ConfigError, inspect(error));
          assert.equal(error.path, option);
          assert.equal(error.expected, "a string, or a function that gives one");
          return true;
        });
      }
    }
  });
});

describe("The socket of a Redis on this machine", () => {
  it("is taken in place of a host, with a database and a password", async () => {
    using folder = new TemporaryFolder("socket");
    const path = `${folder.path}/redis.sock`;
    await using server = await startRedis("--unixsocket", path);
    await server.command("CONFIG", "SET", "requirepass", "p/w");
    for (const url of [`unix://:p/w@${path}?db=3`, `redis+socket://:p%2Fw@${path}?virtual_host=3`]) {
      const keyPrefix = freshPrefix();
      await using rs = createRateSync({
        stores: { main: { engine: "redis", url, keyPrefix } },
        limiters: { api: { limit: 5, windowMs: 60_000, onStoreError: "throw" } },
      });
      assert.equal((await rs.tryAcquire("api")).remaining, 4);
      assert.equal(rs.listStores()["main"]?.url, `unix://${path}?db=3`);
      assert.equal((await rs.check()).ok, true);
    }
  });

  it("that is not there is an error with its path", async () => {
    const store = createRedisStore({ url: "unix://:s3cr3t@/nowhere/redis.sock" });
    try {
      await assert.rejects(store.connect(), (error) => {
        assert.ok(error instanceof StoreError, inspect(error));
        assert.match(error.message, /^Cannot reach Redis at unix:\/\/\/nowhere\/redis\.sock: /);
        assert.ok(!inspect(error).includes("s3cr3t"));
        return true;
      });
    } finally {
      await store.close();
    }
  });
});

describe("A process whose only call waits for a password that does not come", () => {
  it("lives until the failure policy has decided", async () => {
    const { code, stdout } = await runWorker("stores/redis/endpoints/hanging_password_worker", [redisUrl()]);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "true\n" });
  });
});
