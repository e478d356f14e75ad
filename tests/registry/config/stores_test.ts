import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertRefused, parse, parseStore } from "./_support.ts";

const REDIS = 'engine = "redis"\nurl = "redis://h"\n';
const KEYS =
  "engine, url, token, sentinels, master_name, sentinel_username, sentinel_password, cluster, db, username, " +
  "password, tls_ca_file, tls_cert_file, tls_key_file, tls_key_passphrase, " +
  "tls_server_name, tls_insecure, key_prefix, pool_min_size, pool_max_size, socket_timeout, " +
  "socket_connect_timeout, timing_margin_ms, max_queued, cluster_batch, fail_closed, on_store_error, decision_timeout, local_share";
/** Those of other engines, which are allowed where no engine is named. */
const OTHER_KEYS = "creds_file, nkey_seed, stream_prefix, storage, replicas, shards, auto_create, inbox_prefix, " +
  "schema, table_prefix, durable, prepare, listen_url, " +
  "max_keys, check_states";

function refused(lines: string, key: string, expected: string | RegExp, received: string): Promise<void> {
  return assertRefused(parseStore(lines), `stores.main.${key}`, expected, received);
}

describe("[stores.*]", () => {
  it("reads a memory store", async () => {
    assert.deepEqual(await parseStore('engine = "memory"'), { engine: "memory" });
    assert.deepEqual(await parseStore('engine = "memory"\nmax_keys = 1000\ncheck_states = true'), {
      engine: "memory",
      maxKeys: 1000,
      checkStates: true,
    });
  });

  it("takes a redis:// or rediss:// URL for a Redis store", async () => {
    for (const url of ["redis://h", "rediss://u:p@h:6380/1"]) {
      assert.deepEqual(await parseStore(`url = "${url}"`), { engine: "redis", url });
    }
  });

  it("takes the https:// URL of a REST endpoint, with its token, from variables too", async () => {
    const rest = { engine: "redis", url: "https://h.upstash.io", token: "t0ken" } as const;
    assert.deepEqual(await parseStore(`url = "${rest.url}"\ntoken = "${rest.token}"`), rest);
    const lines = 'engine = "redis"\nurl = "${KV_REST_API_URL:-}"\ntoken = "${KV_REST_API_TOKEN:-}"';
    assert.deepEqual(await parseStore(lines), { engine: "memory" });
    assert.deepEqual(await parseStore(lines, { KV_REST_API_URL: rest.url, KV_REST_API_TOKEN: rest.token }), rest);
  });

  it("reads durations with units", async () => {
    const store = await parseStore(
      `${REDIS}socket_timeout = "250ms"\nsocket_connect_timeout = "1.5s"\nusername = "app"`,
    );
    assert.deepEqual(store, {
      engine: "redis",
      url: "redis://h",
      username: "app",
      socketTimeoutMs: 250,
      socketConnectTimeoutMs: 1_500,
    });
  });

  it("reads clusters and Sentinels", async () => {
    assert.deepEqual(await parseStore('cluster = ["redis://a:7000", "redis://b:7000"]\npassword = "p"'), {
      engine: "redis",
      cluster: ["redis://a:7000", "redis://b:7000"],
      password: "p",
    });
    const watched = `
      engine = "redis"
      sentinels = ["redis://a:26379"]
      master_name = "main"
      sentinel_username = "s"
      sentinel_password = "\${SENTINEL_PASSWORD}"
      db = 1
    `;
    assert.deepEqual(await parseStore(watched, { SENTINEL_PASSWORD: "p" }), {
      engine: "redis",
      sentinels: ["redis://a:26379"],
      masterName: "main",
      sentinelUsername: "s",
      sentinelPassword: "p",
      db: 1,
    });
    for (const url of ["redis+cluster://a,b:7000", "rediss+sentinel://a/main"]) {
      assert.deepEqual(await parseStore(`url = "${url}"`), { engine: "redis", url });
    }
  });

  it("refuses places that contradict each other, and never shows them", async () => {
    const one = "one of url, sentinels and cluster";
    await refused('url = ""\ncluster = ["redis://:p@h"]', "url", one, "[hidden] (an empty string)");
    await refused(
      'engine = "memory"\ncluster = ["redis://:p@h"]',
      "cluster",
      "one of the keys engine, max_keys, check_states",
      'an unknown key (did you mean "cluster", an option of Redis stores?)',
    );
    await refused('cluster = "redis://:p@h"', "cluster", "an array of strings", "a string");
    await refused('cluster = ["redis://h", ""]', "cluster[1]", "a string that is not empty", '""');
  });

  it("leaves an empty user name out", async () => {
    assert.deepEqual(await parseStore(`${REDIS}username = "\${USER_:-}"`), {
      engine: "redis",
      url: "redis://h",
    });
  });

  it("is a memory store while the URL is empty", async () => {
    const lines = `
      engine = "redis"
      url = "\${REDIS_URL:-}"
      password = "\${REDIS_PASSWORD:-}"
      pool_max_size = 20
      max_keys = 10
    `;
    assert.deepEqual(await parseStore(lines), { engine: "memory", maxKeys: 10 });
    assert.deepEqual(await parseStore(lines, { REDIS_URL: "redis://h" }), {
      engine: "redis",
      url: "redis://h",
      password: "",
      poolMaxSize: 20,
    });
    assert.deepEqual(await parseStore('engine = "redis"\nurl = ""'), { engine: "memory" });
    assert.deepEqual(await parseStore('url = "${REDIS_URL:-}"'), { engine: "memory" });
  });

  it("lets a variable pick the engine", async () => {
    const lines = 'engine = "${ENGINE:-memory}"\nurl = "${URL:-}"\ndb = 1\n';
    assert.deepEqual(await parseStore(lines), { engine: "memory" });
    assert.deepEqual(await parseStore(lines, { ENGINE: "redis", URL: "redis://h" }), {
      engine: "redis",
      url: "redis://h",
      db: 1,
    });
    assert.deepEqual(await parseStore('engine = "${E:-memory}"\nurl = "redis://h"'), { engine: "memory" });
  });

  it("checks the options that it does not use", async () => {
    const empty = 'engine = "redis"\nurl = "${REDIS_URL:-}"\n';
    await refused(`${empty}db = -1`, "db", "a whole number from 0", "-1");
    await refused(`${empty}max_keys = 0`, "max_keys", "a whole number from 1", "0");
    await refused(`${empty}pool = 1`, "pool", `one of the keys ${KEYS}, ${OTHER_KEYS}`, "an unknown key");
  });

  it("refuses unknown engines and says which there are", async () => {
    await refused('engine = "kafka"', "engine", '"memory", "redis", "nats" or "postgres"', '"kafka"');
    await refused(
      'engine = "Redis"',
      "engine",
      '"memory", "redis", "nats" or "postgres"',
      '"Redis" (did you mean "redis"?)',
    );
    await refused("engine = 1", "engine", '"memory", "redis", "nats" or "postgres"', "1");
    await refused("db = 1", "engine", '"memory", "redis", "nats" or "postgres", or a url beside it', "nothing");
    await refused(
      'engine = "${X:-kafka}"',
      "engine",
      '"memory", "redis", "nats" or "postgres"',
      '"kafka" from the environment',
    );
  });

  it("refuses unknown keys with the nearest known one", async () => {
    const keys = `one of the keys ${KEYS}`;
    await refused(`${REDIS}keyPrefix = "x"`, "keyPrefix", keys, 'an unknown key (did you mean "key_prefix"?)');
    await refused(`${REDIS}pasword = "x"`, "pasword", keys, 'an unknown key (did you mean "password"?)');
    await refused(`${REDIS}"x y z" = 1`, '"x y z"', keys, "an unknown key");
    await refused(
      'ulr = "redis://h"',
      "ulr",
      `${keys}, ${OTHER_KEYS}`,
      'an unknown key (did you mean "url"?)',
    );
    await refused(
      'engine = "memory"\nurl = "redis://h"',
      "url",
      "one of the keys engine, max_keys, check_states",
      'an unknown key (did you mean "url", an option of Redis stores?)',
    );
    await refused(`${REDIS}max_keys = 5`, "max_keys", keys, "an unknown key");
    await refused(`${REDIS}__proto__ = 5`, "__proto__", keys, "an unknown key");
  });

  it("refuses URLs of other kinds, and never shows them", async () => {
    const expected = "a URL that begins with redis:// or rediss://, or https:// for a REST endpoint";
    const any = `${expected}; or nats:// or tls://; or postgres://`;
    await refused('url = "mysql://u:p@h"', "url", any, "[hidden] (a string)");
    await refused('url = "redis:h"', "url", any, "[hidden] (a string)");
    await refused('engine = "redis"\nurl = "h:6379"', "url", expected, "[hidden] (a string)");
    await refused("url = 5", "url", "a string", "[hidden] (a number)");
    await refused('engine = "redis"', "url", "a URL such as redis://localhost:6379/0", "nothing");
  });

  it("explains that values of variables are not expanded again", async () => {
    await assertRefused(
      parseStore('url = "${REDIS_URL}"', { REDIS_URL: "rediss://:${REDIS_PASSWORD}@h:6380/0" }),
      "stores.main.url",
      "a variable whose own value holds no ${...}: values are not expanded again",
      "[hidden] (a string)",
    );
  });

  it("is strict about types and ranges", async () => {
    const seconds = 'a number of seconds above 0, or a duration such as "250ms", "5s", "5m", "1.5h" or "1d"';
    const cases: [line: string, expected: string, received: string][] = [
      ["db = 1.5", "a whole number from 0", "1.5"],
      ['db = "0"', "a whole number from 0", 'string "0"'],
      ["db = true", "a whole number from 0", "true"],
      ["db = nan", "a whole number from 0", "NaN"],
      ["password = 123456", "a string", "[hidden] (a number)"],
      ["password = [1]", "a string", "[hidden] (an array of 1)"],
      ["username = 5", "a string", "5"],
      ['key_prefix = ""', "a string that is not empty", '""'],
      ["key_prefix = 1979-05-27", "a string that is not empty", "a date"],
      ["pool_min_size = 0", "a whole number from 1", "0"],
      ["pool_max_size = inf", "a whole number from 1", "Infinity"],
      ['pool_max_size = "abc"', "a whole number from 1", 'string "abc"'],
      ["timing_margin_ms = -0.5", "a number from 0", "-0.5"],
      ["socket_timeout = 0", seconds, "0 seconds"],
      ["socket_timeout = -5.0", seconds, "-5 seconds"],
      ["socket_timeout = inf", seconds, "Infinity seconds"],
      ['socket_timeout = "5"', seconds, '"5"'],
      ['socket_connect_timeout = "0s"', seconds, '"0s"'],
      ["socket_connect_timeout = {}", seconds, "an object"],
    ];
    for (const [line, expected, received] of cases) {
      await refused(REDIS + line, line.split(" ")[0]!, expected, received);
    }
  });

  it("refuses stores that are no tables, and ids that are empty or the same", async () => {
    await assertRefused(parse("stores = 1"), "stores", "a table", "a number");
    await assertRefused(parse('stores.a = "redis://h"'), "stores.a", "a table", "a string");
    await assertRefused(parse("[[stores]]"), "stores", "a table", "an array of 1");
    await assertRefused(parse('[stores.""]'), 'stores.""', "an id that is not empty", "an empty one");
    await assertRefused(
      parse('[stores.a]\nengine = "memory"\n[stores."${X:-a}"]\nengine = "memory"'),
      'stores."${X:-a}"',
      "keys that differ from each other",
      '"a" twice',
    );
  });

  it("takes any other id", async () => {
    const { stores } = await parse(
      ["a b", "a.b", "{x}", "__proto__", "toString", "é😀", "\\n"].map((id) => `[stores."${id}"]\nengine = "memory"`)
        .join("\n"),
    );
    assert.deepEqual(Object.keys(stores), ["a b", "a.b", "{x}", "__proto__", "toString", "é😀", "\n"]);
    assert.equal(({} as Record<string, unknown>).engine, undefined);
    assert.equal(stores.constructor, undefined);
  });
});
