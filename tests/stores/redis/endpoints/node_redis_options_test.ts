import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import { ConfigError } from "../../../../src/base/errors.ts";
import { openNodeRedis } from "../../../../src/stores/redis/connections/node_redis.ts";
import { readEndpoint } from "../../../../src/stores/redis/connections/settings/url.ts";
import type { RedisStoreOptions } from "../../../../src/stores/redis/options.ts";

const url = "redis://localhost";

function refusal(options: object): ConfigError {
  try {
    openNodeRedis(options as RedisStoreOptions);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error;
  }
  assert.fail(`accepted ${inspect(options)}`);
}

describe("readEndpoint()", () => {
  it("fills in the port, the database and no credentials", () => {
    assert.deepEqual({ ...readEndpoint({ url }) }, {
      host: "localhost",
      port: 6379,
      tls: false,
      db: 0,
      label: "redis://localhost:6379/0",
    });
  });

  it("takes everything from the URL, percent-decoded", () => {
    assert.deepEqual({ ...readEndpoint({ url: "rediss://us%2Fer:p%40ss@[::1]:7000/3" }) }, {
      host: "::1",
      port: 7000,
      tls: true,
      db: 3,
      username: "us/er",
      password: "p@ss",
      isEncoded: true,
      label: "rediss://[::1]:7000/3",
    });
  });

  it("takes values that the URL lacks from the options", () => {
    const endpoint = readEndpoint({ url, db: 2, username: "app", password: "pw" });
    assert.equal(endpoint.db, 2);
    assert.equal(endpoint.username, "app");
    assert.equal(endpoint.password, "pw");
    assert.equal(readEndpoint({ url: `${url}/`, db: 2 }).db, 2);
  });

  it("takes options that say the same as the URL", () => {
    const options = { url: "redis://app:pw@h/2", db: 2, username: "app", password: "pw" };
    assert.equal(readEndpoint(options).label, "redis://h:6379/2");
  });

  it("uses the default user where only a password is given", () => {
    assert.equal(readEndpoint({ url, password: "pw" }).username, "default");
    assert.equal(readEndpoint({ url: "redis://:pw@h" }).username, "default");
    assert.equal(readEndpoint({ url: "redis://:pw@h", username: "" }).username, "default");
  });

  it("takes an empty password as none", () => {
    assert.equal(readEndpoint({ url, password: "" }).password, undefined);
    assert.equal(readEndpoint({ url: "redis://:pw@h", password: "" }).password, "pw");
  });
});

describe("openNodeRedis() options", () => {
  const refused: [name: string, options: object, path: string][] = [
    ["another scheme", { url: "http://localhost" }, "url"],
    ["a host without a scheme", { url: "localhost:6379" }, "url"],
    ["a URL without a host", { url: "redis:///0" }, "url"],
    ["a text that is no URL", { url: "redis" }, "url"],
    ["no URL", {}, "url"],
    ["a port that is none", { url: "redis://localhost:99999" }, "url"],
    ["a path that is no number", { url: "redis://localhost/abc" }, "url"],
    ["an unknown word in the query", { url: "redis://localhost?dc=1" }, "url"],
    ["a negative database", { url, db: -1 }, "db"],
    ["half a database", { url, db: 1.5 }, "db"],
    ["a database that is a text", { url, db: "1" }, "db"],
    ["a database that contradicts the URL", { url: `${url}/1`, db: 2 }, "db"],
    ["database 0 that contradicts the URL", { url: `${url}/1`, db: 0 }, "db"],
    ["a password that contradicts the URL", { url: "redis://:a@h", password: "b" }, "password"],
    ["a password that is a number", { url, password: 1 }, "password"],
    ["a user that contradicts the URL", { url: "redis://a:b@h", username: "c" }, "username"],
    ["a user without a password", { url, username: "app" }, "username"],
    ["no connection at all", { url, poolMaxSize: 0 }, "poolMaxSize"],
    ["half a connection", { url, poolMinSize: 1.5 }, "poolMinSize"],
    ["a pool that begins above its end", { url, poolMinSize: 3, poolMaxSize: 2 }, "poolMinSize"],
    ["a timeout of 0", { url, socketTimeoutMs: 0 }, "socketTimeoutMs"],
    ["an endless timeout", { url, socketTimeoutMs: Infinity }, "socketTimeoutMs"],
    ["a connect timeout of NaN", { url, socketConnectTimeoutMs: NaN }, "socketConnectTimeoutMs"],
  ];
  for (const [name, options, path] of refused) {
    it(`refuses ${name}`, () => assert.equal(refusal(options).path, path));
  }

  it("accepts poolMaxSize: 1 alone as a pool of one connection", () => {
    openNodeRedis({ url, poolMaxSize: 1 });
  });

  const secrets: object[] = [
    { url: "http://user:hunter2@localhost" },
    { url: "redis://user:hunter2@" },
    { url: "redis://user:hunter2@localhost:99999" },
    { url: "redis://user:h@nt/hunter2@localhost" },
    { url: "redis://hunter2@localhost" },
    { url: "redis://user:1@localhost#hunter2" },
    { url: "redis://hunter2@localhost/abc" },
    { url: "redis://:hunter2" },
    { url: "redis://:a@localhost?password=hunter2" },
    { url: "redis://localhost?pasword=hunter2" },
    { url: "redis://localhost?hunter2" },
    { url: "redis://localhost?family=hunter2" },
    { url: "user:hunter2@localhost" },
    { url: "redis://user:hunter2@localhost/abc" },
    { url: "redis://user:a@localhost", password: "hunter2" },
    { url: "redis://user:hunter2@localhost", password: "a" },
    { url: "redis://user:hunter2@localhost", username: "other" },
    { url: "redis://user:hunter2@localhost/1", db: 2 },
    { url, username: "app", password: ["hunter2"] },
  ];
  for (const options of secrets) {
    it(`keeps the password out of what it says about ${JSON.stringify(options)}`, () => {
      assert.doesNotMatch(inspect(refusal(options)).split("\n    at ")[0] ?? "", /hunter2/);
    });
  }
});
