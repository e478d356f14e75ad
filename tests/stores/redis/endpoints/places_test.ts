import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import { ConfigError, createRateSync } from "../../../../mod.ts";
import { readSettings } from "../../../../src/stores/redis/connections/settings/settings.ts";
import { createRedisStore } from "../../../../src/stores/redis/mod.ts";
import type { RedisStoreOptions } from "../../../../src/stores/redis/options.ts";

const SECRET = "hunter2-s3cr3t";

function placesOf(options: RedisStoreOptions): object {
  const { endpoint, topology, poolMinSize } = readSettings(options);
  const { label, db, username, password, tls } = endpoint;
  const servers = topology.kind === "cluster" ? topology.seeds : topology.kind === "sentinel" ? topology.sentinels : [];
  return {
    label,
    db,
    tls,
    who: [username, password],
    servers: servers.map((server) => `${server.host} ${server.port} ${server.username} ${server.password}`),
    name: topology.kind === "sentinel" ? topology.masterName : undefined,
    poolMinSize,
  };
}

describe("Where a Redis store is", () => {
  it("may be a cluster, by URLs of nodes or by one URL", () => {
    const expected = {
      label: "redis+cluster://a:7000,b:6379",
      db: 0,
      tls: false,
      who: ["me", SECRET],
      servers: [`a 7000 me ${SECRET}`, `b 6379 me ${SECRET}`],
      name: undefined,
      poolMinSize: 1,
    };
    assert.deepEqual(
      placesOf({ cluster: ["redis://a:7000", "redis://b"], username: "me", password: SECRET }),
      expected,
    );
    assert.deepEqual(placesOf({ cluster: [`redis://me:${SECRET}@a:7000`, `redis://me:${SECRET}@b/0`] }), expected);
    assert.deepEqual(placesOf({ url: `redis+cluster://me:${SECRET}@a:7000,b` }), expected);
    assert.deepEqual(placesOf({ url: `redis+cluster://a:7000,b/0`, username: "me", password: SECRET }), expected);
    assert.equal(readSettings({ url: "rediss+cluster://[::1]:7000" }).endpoint.label, "rediss+cluster://[::1]:7000");
  });

  it("may be found by Sentinels, with their own user and password", () => {
    const expected = {
      label: "redis+sentinel://a:26379,b:7/main/2",
      db: 2,
      tls: false,
      who: ["me", SECRET],
      servers: ["a 26379 undefined undefined", "b 7 undefined undefined"],
      name: "main",
      poolMinSize: 2,
    };
    const own = { username: "me", password: SECRET };
    assert.deepEqual(
      placesOf({ sentinels: ["redis://a", "redis://b:7"], masterName: "main", db: 2, ...own }),
      expected,
    );
    assert.deepEqual(placesOf({ url: `redis+sentinel://me:${SECRET}@a,b:7/main/2` }), expected);
    const watched = { sentinels: ["redis://a"], masterName: "main", sentinelUsername: "s", sentinelPassword: "p" };
    assert.deepEqual((placesOf(watched) as { servers: string[] }).servers, ["a 26379 s p"]);
    assert.deepEqual((placesOf(watched) as { who: unknown[] }).who, [undefined, undefined]);
  });

  const CASES: readonly [options: object, path: string, says: string][] = [
    [{ url: "redis://h", cluster: ["redis://h"] }, "cluster", "one of url, sentinels and cluster"],
    [{ url: "redis://h", sentinels: ["redis://h"], masterName: "m" }, "sentinels", "one of url, sentinels and cluster"],
    [{ cluster: ["redis://h"], sentinels: ["redis://h"], masterName: "m" }, "cluster", "sentinels and cluster"],
    [{ cluster: [] }, "cluster", "one or more, received an empty one"],
    [{ cluster: `redis://:${SECRET}@h` }, "cluster", "an array of URLs"],
    [{ cluster: ["redis://h", `http://:${SECRET}@h`] }, "cluster[1]", "redis://"],
    [{ cluster: ["redis://h/1"] }, "cluster[0]", "database 0 or none"],
    [{ cluster: ["redis://h"], db: 1 }, "db", "a cluster has no other database, received 1"],
    [{ cluster: ["redis://h", "rediss://h"] }, "cluster[1]", "redis://, as cluster[0]"],
    [{ cluster: [`redis://:${SECRET}@h`, "redis://h"] }, "cluster[1]", "the user and password of cluster[0]"],
    [{ cluster: ["redis://h"], keyPrefix: "{app}" }, "keyPrefix", "no braces in a cluster"],
    [{ cluster: ["redis://h"], masterName: "m" }, "masterName", "sentinels beside it"],
    [{ cluster: ["redis://h"], clusterNodeAddresses: { a: "b" } }, "clusterNodeAddresses", "host:port to host:port"],
    [{ url: "redis://h", clusterNodeAddresses: {} }, "clusterNodeAddresses", "cluster beside it"],
    [{ url: `redis+cluster://:${SECRET}@h,/0` }, "url", "redis+cluster://"],
    [{ url: `redis+cluster://:${SECRET}@h/1` }, "url", "redis+cluster://"],
    [{ url: `redis+cluster://:${SECRET}@h?x=${SECRET}` }, "url", "nothing but db"],
    [{ url: `redis+cluster://h?password=${SECRET}` }, "url", "redis+cluster://"],
    [{ cluster: ["unix:///run/redis.sock"] }, "cluster[0]", "which has a host"],
    [{ sentinels: ["unix:///run/redis.sock"], masterName: "m" }, "sentinels[0]", "which has a host"],
    [{ sentinels: ["redis://h"] }, "masterName", "the name by which the Sentinels know the primary"],
    [{ sentinels: ["redis://h"], masterName: "a b" }, "masterName", "the name"],
    [{ sentinels: ["redis://h/3"], masterName: "m" }, "sentinels[0]", "Sentinels have none"],
    [{ url: "redis+sentinel://h" }, "masterName", "the name"],
    [{ url: "redis+sentinel://h/m", masterName: "n" }, "masterName", '"m", as the url says'],
    [{ url: "redis+sentinel://h/m/1", db: 2 }, "db", "1, as the url says"],
    [{ url: "redis+sentinel://h/m/x" }, "url", "/master name[/db]"],
    [{ url: "redis://h", sentinelPassword: SECRET }, "sentinelPassword", "sentinels beside it"],
  ];
  for (const [options, path, says] of CASES) {
    const shown = inspect(options, { breakLength: Infinity }).replaceAll(SECRET, "...");
    it(`is refused: ${path} of ${shown}`, () => {
      for (
        const use of [
          () => createRedisStore(options),
          () => createRateSync({ stores: { main: { engine: "redis", ...options } } }),
        ]
      ) {
        assert.throws(use, (error: unknown) => {
          assert.ok(error instanceof ConfigError, String(error));
          assert.ok(error.path.endsWith(path), error.path);
          assert.ok(error.message.includes(says), error.message);
          assert.ok(!inspect(error, { depth: 9 }).includes(SECRET));
          return true;
        });
      }
    });
  }
});
