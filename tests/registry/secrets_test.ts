import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";

import { createRateSync, type Logger, type RateSync, type RedisStoreConfig } from "../../mod.ts";
import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { freshPrefix } from "../_support/redis.ts";
import { TOKEN } from "../_support/rest_redis.ts";
import { type RedisProcess, startRedis } from "../stores/redis/_servers.ts";

/** Stands for the secret wherever it can be put, and is no word that a message holds by chance. */
const SECRET = "S3cret%2Dmark";
/** What a message would show of it, decoded or not. */
const MARKS = ["S3cret"];

/** URLs with the secret at every position where a user may put it by mistake; PLACE is a Redis that is there. */
const URLS: readonly string[] = [
  "redis://SECRET@PLACE",
  "redis://SECRET:@PLACE",
  "redis://SECRET:x@PLACE/0",
  "redis://u:SECRET@PLACE/0",
  "redis://:SECRET@PLACE/0",
  "redis://:a/SECRET@PLACE/0",
  "redis://:SECRET/a@PLACE/0",
  "redis://:a#SECRET@PLACE",
  "redis://:a?SECRET@PLACE",
  "redis://:a@SECRET/b@PLACE",
  "redis://:a@SECRET@PLACE",
  "redis://:%zzSECRET@PLACE",
  "redis://PLACE/SECRET",
  "redis://PLACE:SECRET",
  "redis://PLACE?SECRET",
  "redis://PLACE?password=SECRET",
  "redis://PLACE?username=SECRET",
  "redis://PLACE?username=SECRET&password=SECRET",
  "redis://:x@PLACE?password=SECRET",
  "redis://PLACE?pasword=SECRET",
  "redis://PLACE?SECRET=1",
  "redis://PLACE?db=SECRET",
  "redis://PLACE?family=SECRET",
  "rediss://PLACE?ssl_cert_reqs=SECRET",
  "redis://PLACE#SECRET",
  "redis://:SECRET",
  "redis://h:SECRET",
  "redis:SECRET@PLACE",
  "redis:/:SECRET@PLACE",
  "postgres://u:SECRET@h/db",
  "SECRET",
  "SECRET@PLACE",
  "SECRET://PLACE",
  "PLACE:SECRET",
  "PLACE,password=SECRET,ssl=True",
  "unix://:SECRET@/nowhere/redis.sock",
  "unix://SECRET@/nowhere/redis.sock",
  "unix:///nowhere/redis.sock?password=SECRET",
  "unix://SECRET",
  "redis+socket://:SECRET@redis.sock",
  "redis+cluster://:SECRET@PLACE",
  "redis+cluster://SECRET@PLACE",
  "redis+cluster://PLACE/SECRET",
  "redis+cluster://:x@PLACE?SECRET",
  "redis+cluster://:a/SECRET@PLACE",
  "redis+sentinel://:SECRET@PLACE/main",
  "redis+sentinel://SECRET@PLACE/main",
  "redis+sentinel://PLACE/main/SECRET",
  "redis+sentinel://:x@PLACE/main#SECRET",
  "https://u:SECRET@h",
  "https://SECRET@h",
  "https://h?_token=SECRET",
  "https://h#SECRET",
  "https://",
  "https:SECRET",
];

const OPTIONS: readonly string[] = [
  "password",
  "username",
  "token",
  "sentinelUsername",
  "sentinelPassword",
  "tlsCa",
  "tlsCert",
  "tlsKey",
  "tlsKeyPassphrase",
  "pasword",
  "pass",
  "auth",
  "credentials",
];

/** The secret as the value of an option, right and wrong. */
const VALUES: readonly ((secret: string) => unknown)[] = [
  (secret) => secret,
  (secret) => [secret],
  (secret) => ({ secret }),
  (secret) => new Map([[secret, secret]]),
  (secret) => new Error(secret),
  (secret) => () => secret,
  (secret) => Promise.resolve(secret),
];

const LIMITERS = { api: { ratePerSecond: 5, decisionTimeoutMs: 300, onStoreError: "throw" } } as const;

describe("A secret in the description of a store", () => {
  let redis: RedisProcess;
  let seen: string[] = [];

  before(async () => {
    redis = await startRedis("--requirepass", "another");
  });
  after(() => redis?.[Symbol.asyncDispose]());

  /** Everything that something prints as. */
  function look(what: unknown): void {
    seen.push(String(what), inspect(what, { depth: 9, showHidden: true }), JSON.stringify(what) ?? "");
    for (let it = what; it instanceof Error; it = it.cause) {
      seen.push(it.message, String(it.stack), JSON.stringify(it, Object.getOwnPropertyNames(it)));
    }
  }

  const logger = Object.fromEntries(
    ["debug", "info", "warn", "error"].map((level) => [level, (...words: unknown[]) => words.forEach(look)]),
  ) as unknown as Logger;

  /** Uses an instance in every way that prints something. */
  async function use(rs: RateSync<never>): Promise<void> {
    const any = rs as unknown as RateSync;
    any.subscribeStores(look);
    any.subscribe("api", look);
    look(rs);
    for (
      const act of [
        () => any.tryAcquire("api"),
        () => any.acquire("api", { key: "k", timeoutMs: 50 }),
        () => any.connect(),
        () => any.reset("api"),
        () => any.check("main"),
        () => any.metrics("api"),
        () => any.listStores(),
        () => any.listLimiters(),
      ]
    ) {
      try {
        look(await act());
      } catch (error) {
        look(error);
      }
    }
  }

  async function run(make: () => RateSync<never> | Promise<RateSync<never>>): Promise<void> {
    seen = [];
    let rs: RateSync<never> | undefined;
    try {
      rs = await make();
      await use(rs);
    } catch (error) {
      look(error);
    } finally {
      await rs?.close();
    }
    const text = seen.join("\n");
    assert.ok(text.length > 50, "something was printed");
    for (const mark of MARKS) {
      const at = text.indexOf(mark);
      assert.equal(at, -1, text.slice(Math.max(at - 300, 0), at + 300));
    }
  }

  const placed = (url: string) => url.replaceAll("SECRET", SECRET).replaceAll("PLACE", `127.0.0.1:${redis.port}`);
  const timeouts = { socketConnectTimeoutMs: 300, socketTimeoutMs: 300 };

  async function runInCode(store: object): Promise<void> {
    const main = { engine: "redis", keyPrefix: freshPrefix(), ...store } as unknown as RedisStoreConfig;
    await run(() => createRateSync({ logger, stores: { main }, limiters: LIMITERS }) as RateSync<never>);
  }

  for (const url of URLS) {
    it(`is printed by nothing: ${url}`, async () => {
      await runInCode({ url: placed(url), ...(url.startsWith("https") ? { token: TOKEN } : timeouts) });
      await runInCode({ cluster: [placed(url)], ...timeouts });
      await runInCode({ sentinels: [placed(url)], masterName: "main", ...timeouts });
    });

    it(`is printed by nothing, from a file: ${url}`, async () => {
      using folder = new TemporaryFolder("secrets");
      const path = `${folder.path}/rate-sync.toml`;
      const lines = [
        "[stores.main]",
        `url = "${placed(url)}"`,
        'socket_timeout = "300ms"',
        ...(url.startsWith("https") ? [`token = "${TOKEN}"`] : ['socket_connect_timeout = "300ms"']),
        "[limiters.api]",
        "rate_per_second = 5",
        'decision_timeout = "300ms"',
        'on_store_error = "throw"',
      ];
      writeFileSync(path, lines.join("\n"));
      await run(async () => {
        const rs = createRateSync({ logger });
        await rs.loadConfig(path);
        return rs as unknown as RateSync<never>;
      });
    });
  }

  for (const option of OPTIONS) {
    it(`is printed by nothing, as the option ${option} with any kind of value`, async () => {
      for (const value of VALUES) {
        const own = { [option]: value(SECRET) };
        await runInCode({ url: placed("redis://PLACE"), ...timeouts, ...own });
        await runInCode({ url: placed("rediss://PLACE"), ...timeouts, ...own });
        await runInCode({ url: placed("redis+sentinel://PLACE/main"), ...timeouts, ...own });
        await runInCode({ url: placed("http://PLACE"), token: TOKEN, socketTimeoutMs: 300, ...own });
      }
    });
  }
});
