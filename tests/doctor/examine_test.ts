import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { examine } from "../../src/doctor/examine.ts";
import type { Policy } from "../../src/policy/policy.ts";
import type { StoreConfig } from "../../src/registry/engines.ts";
import { instance } from "../fleet/_processes.ts";
import { openRawRedis } from "../_support/raw_redis.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { anyNats, freshStreamPrefix } from "../stores/nats/_nats.ts";
import { startRedis, startServer } from "../stores/redis/_servers.ts";

const API = { limit: 5, windowMs: 600_000 };

describe("examine()", { timeout: 60_000, concurrency: true }, () => {
  it("looks at the keys, tells those of others, and changes none", async (t) => {
    const keyPrefix = freshPrefix();
    const limiters = {
      api: API,
      window: { algorithm: "sliding_window", limit: 5, windowMs: 600_000 },
      counter: { algorithm: "sliding_window_counter", limit: 5, windowMs: 600_000 },
      fixed: { algorithm: "fixed_window", limit: 5, windowMs: 60_000_000 },
      several: { limits: [API, { algorithm: "sliding_window", limit: 5, windowMs: 60_000 }] },
      slots: { maxConcurrent: 2 },
      sharded: { limit: 5, windowMs: 600_000, keyShards: 4 },
      "odd:{id}%~": API,
    } as const;
    await using rs = instance({ engine: "redis", url: redisUrl(), keyPrefix }, limiters);
    for (const id of Object.keys(limiters) as (keyof typeof limiters)[]) {
      await rs.acquire(id);
      await rs.acquire(id, { key: "user:42" });
      await rs.block(id, 60_000, { key: "blocked" });
    }
    const raw = await openRawRedis();
    t.after(() => raw.close());
    const names = async () => (await raw.keys(`*${keyPrefix}:*`)).filter((key) => !/%fleet|%rules/.test(key)).sort();
    const [before, dump] = [await names(), await raw.dump(await names())];
    const healthy = await examine(rs, { watchMs: 0 });
    assert.deepEqual(
      healthy[0]?.findings.filter(({ what }) => /keys|state|unknown/.test(what)).map(({ level }) => level),
      ["ok"],
      JSON.stringify(healthy),
    );
    assert.deepEqual(await names(), before);
    assert.equal(await raw.dump(before), dump);
    await raw.send("HSET", `${keyPrefix}:api:theirs`, "a", "1");
    await raw.send("SET", `${keyPrefix}:gone:x`, "17", "EX", "100");
    await raw.send("SET", `${keyPrefix}:fixed:old`, "f\u0000\u0000", "EX", "100");
    const [found] = await examine(rs, { watchMs: 0 });
    const details = found?.findings.filter(({ what }) => what === "keys" || what === "old state").map(({ detail }) =>
      detail
    );
    const count = before.length + 3;
    assert.deepEqual(details, [
      `1 of all ${count} keys never expire: "${keyPrefix}:api:theirs"`,
      `1 of all ${count} keys hold what this package does not write: "${keyPrefix}:api:theirs"`,
      `1 of all ${count} keys are in the form of an earlier version: "${keyPrefix}:fixed:old". ` +
      "They are read, and written anew when they change",
      'keys of limiters that the configuration does not have: "gone". They expire by themselves',
    ]);
  });

  it("finds rules that a process which has ended without a word has left behind", async () => {
    const store = { engine: "redis", url: redisUrl(), keyPrefix: freshPrefix() } as const;
    await using one = instance(store, { api: API });
    await using doctor = instance(store, { api: { ...API, limit: 7 } });
    await one.tryAcquire("api");
    const [found] = await examine(doctor, { watchMs: 0 });
    const rules = found?.findings.find(({ what }) => what === "rules");
    assert.equal(rules?.level, "warning");
    assert.match(
      rules?.detail ?? "",
      /burst 5 \(a process, seen \d+ s ago\) in the processes, and .*burst 7 in this configuration/,
    );
  });

  it("finds on NATS what it finds on Redis: rules, keys, latency, clock, room and replicas", async () => {
    await using nats = await anyNats();
    const store = { engine: "nats", url: nats.url, streamPrefix: freshStreamPrefix() } as const;
    await using one = instance(store, { api: API, gone: API });
    await using doctor = instance(store, { api: { ...API, limit: 7 } });
    for (const key of ["a", "b"]) await one.tryAcquire("api", { key });
    const look = async () => (await examine(doctor, { watchMs: 0 }))[0]?.findings ?? [];
    const wrong = (await look()).filter(({ level, what }) => /warning|error/.test(level) && what !== "latency");
    assert.deepEqual(wrong.map(({ what, level }) => [what, level]), [["rules", "warning"]]);
    assert.match(wrong[0]?.detail ?? "", /burst 5 \(.*\) in the processes, and .*burst 7 in this configuration/);
    // What the stream tells, whether or not the process has reported.
    const { policy } = doctor.listLimiters()["api"] as { policy: Policy };
    const seen = await (await doctor.openStore("s")).inspect?.([{ limiter: "api", policy }]);
    assert.deepEqual(seen?.rules.map(({ rules, processes }) => [rules, processes]), [
      ["token_bucket 5 in 600000 ms, burst 5", 1],
    ]);
    assert.ok((seen?.rules[0]?.seenAgoMs ?? 0) < 30_000 && seen?.unknown.length === 0, JSON.stringify(seen));
    await one.tryAcquire("gone");
    const found = await look();
    assert.deepEqual([...new Set(found.map(({ what }) => what))], [
      ...["reachability", "latency", "clock", "memory", "replicas", "keys", "rules", "processes"],
    ]);
    assert.deepEqual(found.filter(({ what }) => what === "keys").map(({ detail }) => detail), [
      "all 3 keys expire by themselves",
      'keys of limiters that the configuration does not have: "gone". They expire by themselves',
    ]);
  });

  it("says what the user may not look at, and judges the rest", async () => {
    await using server = await startRedis();
    await server.command("ACL", "SETUSER", "limits", "on", ">secret", "~*", "&*", "+@all", "-scan", "-info");
    const url = server.url.replace("//", "//limits:secret@");
    await using rs = instance({ engine: "redis", url }, { api: API });
    const [found] = await examine(rs, { watchMs: 0 });
    const texts = found?.findings.map(({ level, what, detail }) => `${level} ${what} ${detail}`) ?? [];
    assert.ok(texts.some((text) => /^note unknown .*the keys: .*Grant \+scan/.test(text)), texts.join("\n"));
    assert.ok(texts.some((text) => / latency p50 /.test(text))); // on a busy machine it may be slow
    assert.ok(!JSON.stringify(found).includes("secret"));
  });

  const strangers = [
    ["a server that is not Redis", "redis", "redis"],
    ["a server that never answers", "redis", "redis"],
    ["a server that never answers to TLS", "redis", "rediss"],
    ["a PostgreSQL that never answers", "postgres", "postgres"],
    ["a NATS that never answers", "nats", "nats"],
  ] as const;
  for (const [name, engine, scheme] of strangers) {
    it(`ends within seconds at ${name}, and says so`, async () => {
      const isSilent = name.includes("never");
      await using server = await startServer((socket) => {
        if (!isSilent) socket.on("data", () => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"));
      });
      const rs = instance({ engine, url: `${scheme}://127.0.0.1:${server.port}` } as StoreConfig, { api: API });
      const startMs = Date.now();
      const found = await examine(rs);
      assert.ok(Date.now() - startMs < 10_000, `${Date.now() - startMs} ms`);
      assert.deepEqual(found.map(({ ok, findings }) => [ok, findings.map(({ level, what }) => `${level} ${what}`)]), [
        [false, ["error reachability"]],
      ]);
      assert.match(found[0]?.findings[0]?.detail ?? "", /127\.0\.0\.1.*; .*(?:check|correct) host(?:,| and) port/);
      await rs.close();
    });
  }

  it("finds a wrong password, and does not repeat it", async () => {
    await using server = await startRedis("--requirepass", "right-password");
    await using rs = instance({ engine: "redis", url: server.url.replace("//", "//:wrong-password@") }, { api: API });
    const [found] = await examine(rs);
    assert.deepEqual([found?.ok, found?.findings.map(({ level }) => level)], [false, ["error"]]);
    assert.ok(!JSON.stringify(found).includes("wrong-password"));
  });

  it("ends when the signal is aborted", async () => {
    await using rs = instance({ engine: "memory" }, { api: API });
    const abort = new AbortController();
    const examined = examine(rs, { watchMs: 60_000, signal: abort.signal });
    await sleep(200);
    abort.abort(new Error("enough"));
    await assert.rejects(examined, /enough/);
  });
});
