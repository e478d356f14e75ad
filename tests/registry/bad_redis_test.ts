import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";

import { freePort } from "../../scripts/_free_port.ts";
import {
  ConfigError,
  createRateSync,
  type RateSync,
  type RedisStoreConfig,
  StoreError,
  type StoreErrorCode,
} from "../../mod.ts";
import { type FakeServer, type RedisProcess, startRedis, startServer } from "../stores/redis/_servers.ts";
import { assertFails } from "./_errors.ts";

const SECRET = "hunter2-s3cr3t";
const ENCODED = "p%40ss%2Fw0rd-s3cr3t";
const DECODED = "p@ss/w0rd-s3cr3t";

/** An instance on a Redis, that waits for nothing long and hides nothing. */
function instance(config: Omit<RedisStoreConfig, "engine">): RateSync<"api" | "slots"> {
  return createRateSync({
    stores: { main: { engine: "redis", socketTimeoutMs: 1_000, socketConnectTimeoutMs: 1_000, ...config } },
    limiters: {
      api: { ratePerSecond: 1, onStoreError: "throw" },
      slots: { maxConcurrent: 1, onStoreError: "throw" },
    },
  });
}

describe("A Redis that cannot be used", () => {
  let locked: RedisProcess;
  let web: FakeServer;
  let silent: FakeServer;
  let closedPort: number;

  before(async () => {
    locked = await startRedis("--requirepass", SECRET, "--databases", "4");
    web = await startServer((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    silent = await startServer(() => {});
    closedPort = await freePort();
  });
  after(async () => {
    for (const server of [locked, web, silent]) await server?.[Symbol.asyncDispose]();
  });

  /** Every verb must say the same, and connect() as well. */
  async function refuse(
    config: Omit<RedisStoreConfig, "engine">,
    code: StoreErrorCode,
    ...says: (string | RegExp)[]
  ): Promise<void> {
    await using rs = instance(config);
    const expected = { type: StoreError, code, says, hides: [SECRET, DECODED, ENCODED, "wrong-s3cr3t"] };
    await assertFails(() => rs.connect(), expected);
    await assertFails(() => rs.acquire("api"), expected);
    await assertFails(() => rs.tryAcquire("api", { key: "k" }), expected);
    await assertFails(() => rs.peek("api"), expected);
    await assertFails(() => rs.acquire("slots"), expected);
    await assertFails(() => rs.reset("api"), expected);
    await assertFails(() => rs.refund("api", 1), expected);
    await assertFails(() => rs.block("api", 1), expected);
    for (const secret of expected.hides) assert.ok(!inspect(rs.listStores(), { depth: 9 }).includes(secret));
  }

  it("is not there", async () => {
    const url = `redis://:${ENCODED}@127.0.0.1:${closedPort}/0`;
    await refuse(
      { url },
      "STORE_UNAVAILABLE",
      `Cannot reach Redis at redis://127.0.0.1:${closedPort}/0`,
      "ECONNREFUSED",
    );
  });

  it("is on an unknown host", async () => {
    await refuse({ url: `redis://:${SECRET}@host.invalid` }, "STORE_UNAVAILABLE", "redis://host.invalid:6379/0");
  });

  it("wants another password", async () => {
    const { url, port } = locked;
    const label = `Cannot use Redis at redis://127.0.0.1:${port}/0`;
    await refuse({ url, password: "wrong-s3cr3t" }, "STORE_REFUSED", label, /WRONGPASS|invalid password/);
    await refuse({ url: url.replace("//", "//:wrong-s3cr3t@") }, "STORE_REFUSED", label);
    await refuse({ url, username: "nobody", password: SECRET }, "STORE_REFUSED", label);
  });

  it("requires a password, and got none", async () => {
    await refuse({ url: locked.url }, "STORE_REFUSED", /NOAUTH|Authentication required/);
  });

  it("has no such database", async () => {
    const password = SECRET;
    await refuse({ url: `${locked.url}/4`, password }, "STORE_REFUSED", `127.0.0.1:${locked.port}/4`, "out of range");
    await refuse({ url: locked.url, db: 99, password }, "STORE_REFUSED", `127.0.0.1:${locked.port}/99`, "out of range");
  });

  it("is not Redis at all", async () => {
    const url = `redis://:${ENCODED}@127.0.0.1:${web.port}`;
    await refuse({ url }, "STORE_UNAVAILABLE", /does not speak the Redis protocol|may not be Redis/);
  });

  it("accepts connections, and says nothing", async () => {
    const url = `redis://:${ENCODED}@127.0.0.1:${silent.port}`;
    const times = { socketTimeoutMs: 200, socketConnectTimeoutMs: 200 };
    await refuse({ url, ...times }, "STORE_UNAVAILABLE", "did not answer within 200 ms");
  });

  it("works with the right password, which no listing shows", async () => {
    await using rs = instance({ url: locked.url, password: SECRET });
    await rs.connect();
    assert.ok((await rs.tryAcquire("api")).allowed);
    assert.deepEqual(rs.listStores(), {
      main: {
        engine: "redis",
        url: `redis://127.0.0.1:${locked.port}/0`,
        open: true,
        connected: true,
        load: { queued: 0, calls: 0 },
        state: "up",
        downSinceMs: undefined,
        outages: 0,
        error: undefined,
      },
    });
    assert.ok(!inspect([rs, rs.listStores(), rs.listLimiters()], { depth: 9, showHidden: true }).includes(SECRET));
    assert.ok(!JSON.stringify([rs, rs.listStores(), rs.listLimiters()]).includes(SECRET));
  });
});

describe("A Redis store that is described wrongly", () => {
  const CASES: readonly [config: object, path: string, ...says: string[]][] = [
    [{}, "url", "redis://[[user]:password@]host[:port][/db]"],
    [{ url: 5 }, "url", "a value of type number"],
    [{ url: "" }, "url", "redis://"],
    [{ url: `http://:${SECRET}@localhost` }, "url", "rediss:// for TLS"],
    [{ url: `localhost:6379:${SECRET}` }, "url"],
    [{ url: `redis://:${SECRET}@localhost/x` }, "url", "a database number"],
    [{ url: `redis://:${SECRET}@localhost/0?db=${SECRET}` }, "url", "a database number, 0 or more as db in its query"],
    [{ url: `redis://${SECRET}@localhost` }, "username", "the option `password`"],
    [{ url: `redis://:x@${SECRET}/a@localhost` }, "url", "the option `password`"],
    [{ url: "redis://localhost/1", db: 2 }, "db", "1, as the url says", "received 2"],
    [{ url: "redis://localhost", db: -1 }, "db", "received -1"],
    [{ url: "redis://localhost", db: 1.5 }, "db", "received 1.5"],
    [
      { url: `redis://:${DECODED.replaceAll("@", "%40").replaceAll("/", "%2F")}@localhost`, password: SECRET },
      "password",
    ],
    [{ url: "redis://localhost", password: 12345 }, "password", "a number (not shown)"],
    [{ url: "redis://localhost", username: "me" }, "username", "a password along with it"],
    [{ url: "redis://localhost", poolMaxSize: 0 }, "poolMaxSize", "1 or more", "received 0"],
    [{ url: "redis://localhost", poolMinSize: 3, poolMaxSize: 2 }, "poolMinSize", "at most poolMaxSize, which is 2"],
    [{ url: "redis://localhost", socketTimeoutMs: 0 }, "socketTimeoutMs", "above 0", "received 0"],
    [{ url: "redis://localhost", socketConnectTimeoutMs: NaN }, "socketConnectTimeoutMs", "received NaN"],
    [{ url: "redis://localhost", keyPrefix: "" }, "keyPrefix", "a string that is not empty", 'received ""'],
    [{ url: "redis://localhost", timingMarginMs: -1 }, "timingMarginMs", "received -1"],
    [{ url: "redis://localhost", pasword: SECRET }, "pasword", 'did you mean "password"?', "an unknown option"],
    [{ url: "redis://localhost", pool_max_size: 5 }, "pool_max_size", 'did you mean "poolMaxSize"?'],
    [{ url: "redis://localhost", timeout: 5 }, "timeout"],
  ];
  for (const [config, path, ...says] of CASES) {
    it(`is refused: ${path} of ${inspect(config, { breakLength: Infinity }).replaceAll(SECRET, "...")}`, async () => {
      const stores = { main: { engine: "redis", ...config } } as unknown as Record<string, RedisStoreConfig>;
      await assertFails(() => createRateSync({ stores }), {
        type: ConfigError,
        code: "CONFIG_INVALID",
        says: [`Cannot use stores.main.${path}: expected `, ...says],
        hides: [SECRET, DECODED, "12345"],
      });
    });
  }
});
