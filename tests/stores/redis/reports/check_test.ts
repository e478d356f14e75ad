import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";

import { freePort } from "../../../../scripts/_free_port.ts";
import { ClosedError, createRateSync, NotFoundError, type StoreCheck, type StoreProblemKind } from "../../../../mod.ts";
import { TemporaryFolder } from "../../../../scripts/_temporary.ts";
import { MemoryStore } from "../../../../src/stores/memory/memory_store.ts";
import { findings } from "../../../../src/stores/redis/check.ts";
import { createRedisStore } from "../../../../src/stores/redis/mod.ts";
import { FakeClock } from "../../../../src/testing/fake_clock.ts";
import { Remote } from "../../../limiter/_remote.ts";
import { type RedisProcess, startRedis, until } from "../_servers.ts";

const SECRET = "hunter2-s3cr3t";
const MB = 1_048_576;

/** What the ACL of docs/redis/permissions.md allows, as far as rates need it. */
const RATES = "+hello +select +ping +eval +evalsha +time +get +mget +set +incrby +getrange +setrange +pexpire".split(
  " ",
);

/** Starts a server that may follow another: that leaves a copy of the data, in a folder that goes with it. */
async function startReplica(...args: string[]): Promise<RedisProcess> {
  const folder = new TemporaryFolder("replica");
  const server = await startRedis("--dir", folder.path, ...args);
  return {
    ...server,
    async [Symbol.asyncDispose]() {
      await server.stop();
      folder[Symbol.dispose]();
    },
  };
}

/** Looks at a Redis through a store of its own. */
async function look(options: Parameters<typeof createRedisStore>[0]): Promise<StoreCheck> {
  const store = createRedisStore(options);
  try {
    return await store.check();
  } finally {
    await store.close();
  }
}

function kinds({ problems }: StoreCheck): StoreProblemKind[] {
  return problems.map((problem) => problem.kind);
}

async function inTime(check: () => Promise<StoreCheck>): Promise<StoreCheck> {
  const startMs = performance.now();
  const report = await check();
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs < 2_000, `it took ${tookMs} ms`);
  return report;
}

describe("RedisStore.check()", () => {
  let server: RedisProcess;
  before(async () => {
    server = await startRedis("--repl-diskless-sync-delay", "0");
    await server.command("CONFIG", "SET", "maxmemory", String(100 * MB));
    await look({ url: server.url }); // loads the driver, which keeps a busy machine's event loop for seconds
  });
  after(() => server[Symbol.asyncDispose]());

  it("reports a healthy server", async () => {
    const report = await inTime(() => look({ url: server.url, password: "" }));
    const { latencyMs, version, clockOffsetMs, memoryUsedBytes, memoryHeadroom, ...rest } = report;
    assert.deepEqual(rest, {
      ok: true,
      engine: "redis",
      url: `${server.url}/0`,
      role: "primary",
      evictionPolicy: "noeviction",
      memoryLimitBytes: 100 * MB,
      keyCount: undefined,
      canRunScripts: true,
      problems: [],
      advice: [],
    });
    assert.match(version as string, /^\d+\.\d+\.\d+$/);
    assert.ok(latencyMs as number > 0 && latencyMs as number < 1_000, String(latencyMs));
    assert.ok(Math.abs(clockOffsetMs as number) < 500, String(clockOffsetMs));
    assert.ok(memoryUsedBytes as number > 0 && memoryUsedBytes as number < 50 * MB);
    assert.equal(memoryHeadroom, 1 - (memoryUsedBytes as number) / (100 * MB));
    for (const part of [report, report.problems, report.advice]) assert.ok(Object.isFrozen(part));
  });

  it("writes nothing", async () => {
    const before = await server.command("DBSIZE");
    await look({ url: server.url });
    assert.equal(await server.command("DBSIZE"), before);
  });

  it("is one check for concurrent calls", async () => {
    await server.command("CONFIG", "RESETSTAT");
    const store = createRedisStore({ url: server.url });
    const reports = await Promise.all(Array.from({ length: 20 }, () => store.check()));
    assert.equal(new Set(reports).size, 1);
    assert.match(String(await server.command("INFO", "commandstats")), /cmdstat_evalsha:calls=1,/);
    assert.notEqual(await store.check(), reports[0]);
    await store.close();
  });

  it("says that nothing listens, and answers again once something does", async () => {
    await using own = await startRedis();
    await own.stop();
    const store = createRedisStore({ url: own.url });
    const report = await inTime(() => store.check());
    assert.deepEqual([report.ok, report.url, kinds(report)], [false, `${own.url}/0`, ["unreachable"]]);
    assert.match(
      report.problems[0]?.message as string,
      /^Cannot reach Redis at redis:.*ECONNREFUSED.*; start the server, or/,
    );
    assert.deepEqual([report.latencyMs, report.role, report.canRunScripts], [undefined, undefined, undefined]);
    await own.start();
    await until(async () => (await store.check()).ok);
    await store.close();
  });

  it("answers within two seconds for a server that hangs, before and after connecting", async () => {
    await using own = await startRedis();
    const [fresh, connected] = [createRedisStore({ url: own.url }), createRedisStore({ url: own.url })];
    assert.ok((await connected.check()).ok);
    own.signal("SIGSTOP");
    const reports = await Promise.all([fresh, connected].map((store) => inTime(() => store.check())));
    for (const report of reports) {
      assert.deepEqual([report.ok, kinds(report)], [false, ["unreachable"]]);
      assert.match(report.problems[0]?.message as string, /within 1500 ms/);
    }
    own.signal("SIGCONT");
    await until(async () => (await connected.check()).ok);
    await Promise.all([fresh.close(), connected.close()]);
  });

  it("reports a replica, and its primary after a failover", async () => {
    await using own = await startReplica();
    await own.command("REPLICAOF", "127.0.0.1", String(server.port));
    await until(async () => /master_link_status:up/.test(String(await own.command("INFO", "replication"))));
    const store = createRedisStore({ url: own.url });
    const report = await store.check();
    assert.deepEqual([report.ok, report.role, kinds(report)], [false, "replica", ["replica"]]);
    assert.match(report.problems[0]?.message as string, /takes no writes: give the address of its primary/);
    await own.command("REPLICAOF", "NO", "ONE");
    assert.equal((await store.check()).role, "primary");
    await store.close();
  });

  it("warns of memory that is nearly full, and of evicted limits", async () => {
    await using own = await startRedis();
    await own.command("SET", "filler", "x".repeat(30 * MB));
    const used = Number(/used_memory:(\d+)/.exec(String(await own.command("INFO", "memory")))?.[1]);
    await own.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    await own.command("CONFIG", "SET", "maxmemory", String(Math.round(used * 1.05)));
    const report = await look({ url: own.url });
    assert.deepEqual([report.ok, report.evictionPolicy, kinds(report)], [true, "allkeys-lru", ["memory", "eviction"]]);
    assert.ok(report.memoryHeadroom as number > 0.02 && report.memoryHeadroom as number < 0.06);
    assert.match(report.problems[0]?.message as string, /keys are evicted: raise maxmemory/);
    assert.match(report.problems[1]?.message as string, /set maxmemory-policy to noeviction, or to volatile-ttl/);
  });

  it("says when memory is full, and where there is no limit", async () => {
    await using own = await startRedis();
    const unlimited = await look({ url: own.url });
    assert.deepEqual([unlimited.ok, unlimited.memoryLimitBytes, unlimited.memoryHeadroom], [true, Infinity, undefined]);
    assert.match(unlimited.advice.join(), /has no maxmemory/);
    await own.command("CONFIG", "SET", "maxmemory-policy", "volatile-lru");
    assert.match((await look({ url: own.url })).advice.join(), /volatile-ttl forgets the least/);
    await own.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
    await own.command("CONFIG", "SET", "maxmemory", "1000");
    const full = await look({ url: own.url });
    assert.deepEqual([full.ok, full.memoryHeadroom, kinds(full)], [false, 0, ["memory"]]);
    assert.match(full.problems[0]?.message as string, /memory is full .* raise maxmemory/);
  });

  it("says when memory is full of keys that may not be evicted", async () => {
    await using own = await startRedis("--maxmemory-policy", "volatile-ttl");
    await own.command("SET", "cache", "without a TTL");
    await own.command("CONFIG", "SET", "maxmemory", "1000");
    const rs = createRateSync({
      stores: { shared: { engine: "redis", url: own.url } },
      limiters: { bucket: { ratePerSecond: 5 }, window: { limit: 5, windowMs: 1_000 }, permits: { maxConcurrent: 5 } },
    });
    const report = await rs.check();
    await rs.close();
    assert.deepEqual([report.ok, report.problems[0]?.reason, kinds(report)], [false, "out_of_memory", ["memory"]]);
    assert.match(report.problems[0]?.message as string, /volatile-ttl finds no key to evict, so decisions are refused/);
  });

  it("says that a server still reads its data", async () => {
    await using primary = await startRedis("--repl-diskless-sync-delay", "0");
    await primary.command("MSET", ...Array.from({ length: 3_000 }, (_, i) => [`key:${i}`, "x".repeat(100)]).flat());
    // It reads a key a millisecond, and answers meanwhile.
    await using own = await startReplica("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024");
    const store = createRedisStore({ url: own.url });
    assert.ok((await store.check()).ok);
    await own.command("REPLICAOF", "127.0.0.1", String(primary.port));
    let report = await store.check();
    await until(async () => kinds(report = await store.check())[0] === "loading");
    assert.equal(report.ok, false);
    assert.match(report.problems[0]?.message as string, /LOADING .*it decides again once that is done$/);
    await store.close();
  });

  describe("for a user of few rights", () => {
    async function user(name: string, ...rules: string[]): Promise<StoreCheck> {
      await server.command("ACL", "SETUSER", name, "reset", "on", `>${SECRET}`, "~rate_limit:*", ...rules);
      const report = await look({ url: server.url, username: name, password: SECRET });
      assert.ok(!inspect(report).includes(SECRET));
      return report;
    }

    it("works without INFO, and says so", async () => {
      const report = await user("quiet", ...RATES);
      assert.deepEqual([report.ok, report.canRunScripts, kinds(report)], [true, true, []]);
      assert.deepEqual([report.version, report.role, report.evictionPolicy], [undefined, undefined, undefined]);
      assert.deepEqual([report.memoryUsedBytes, report.memoryHeadroom], [undefined, undefined]);
      assert.match(report.advice.join(), /may not run INFO.*grant it \+info/);
      assert.ok(Math.abs(report.clockOffsetMs as number) < 500);
    });

    it("needs only INFO to report all fields", async () => {
      const report = await user("curious", ...RATES, "+info");
      assert.deepEqual([report.ok, report.role, report.advice], [true, "primary", []]);
    });

    it("says that it may not run scripts", async () => {
      const report = await user("mute", "+@all", "-eval", "-evalsha");
      assert.deepEqual([report.ok, report.canRunScripts, kinds(report)], [false, false, ["permission"]]);
      assert.match(report.problems[0]?.message as string, /NOPERM.*grant this user eval, evalsha/);
    });

    it("says that scripts may not write, or not these keys", async () => {
      const reader = await user("reader", "+@all", "-pexpire");
      assert.deepEqual([reader.ok, reader.canRunScripts, kinds(reader)], [false, false, ["permission"]]);
      const stranger = await user("stranger", "+@all", "resetkeys", "~other:*");
      assert.deepEqual([stranger.ok, stranger.canRunScripts, kinds(stranger)], [false, false, ["permission"]]);
    });

    it("says that its password is wrong, without any", async () => {
      await user("known", ...RATES);
      const report = await look({ url: server.url, username: "known", password: `${SECRET}!` });
      assert.deepEqual([report.ok, kinds(report)], [false, ["refused"]]);
      assert.match(
        report.problems[0]?.message as string,
        /WRONGPASS.*this will not heal by itself: check username and password/,
      );
      assert.ok(!inspect(report).includes(SECRET));
    });
  });
});

describe("RedisStore.check(), of rights", () => {
  /** How servers of every kind say it: Redis 6.0, 7.0, and Redis 7.2 and above as well as Valkey. */
  const refusals = [
    "@user_script: 1: The user executing the script can't run this command or subcommand",
    "The user executing the script can't access at least one of the keys mentioned in the command arguments",
    "ERR ACL failure in script: User app has no permissions to run the 'pexpire' command",
    "ERR ACL failure in script: No permissions to access a key",
    "NOPERM User app has no permissions to run the 'eval' command",
  ];
  for (const refusal of refusals) {
    it(`understands ${JSON.stringify(refusal)}`, () => {
      const { reply, ...times } = answer(0);
      const found = findings({ ...times, reply: [...reply as string[], refusal] });
      assert.deepEqual([found.canRunScripts, found.problems?.map(({ kind }) => kind)], [false, ["permission"]]);
    });
  }
});

/** An answer of a server whose clock is so far ahead, after a call that took 10 ms. */
function answer(aheadMs: number, latencyMs = 10): Parameters<typeof findings>[0] {
  const sentUs = 1_795_255_321_000_000;
  const serverUs = sentUs + (latencyMs / 2 + aheadMs) * 1_000;
  const reply = [
    String(Math.floor(serverUs / 1e6)),
    String(serverUs % 1e6),
    "redis_version:7.0.15\r\nrole:master\r\n",
  ];
  return { reply, sentUs, receivedUs: sentUs + latencyMs * 1_000 };
}

describe("RedisStore.check(), of clocks", () => {
  it("measures the offset from the middle of the call", () => {
    for (const ms of [0, 250, -250, 999, -999, 5_000]) {
      const offsetMs = findings(answer(ms)).clockOffsetMs as number;
      assert.ok(Math.abs(offsetMs - ms) < 5, `${offsetMs} in place of ${ms}`); // the wall clock counts milliseconds
    }
  });

  it("warns above a second, and says which clock is ahead", () => {
    assert.deepEqual(findings(answer(1_000)).problems, []);
    const [ahead] = findings(answer(1_500)).problems ?? [];
    assert.match(ahead?.message as string, /^The server's clock is 1\.5 s ahead of this process'/);
    assert.deepEqual([ahead?.kind, ahead?.stopsDecisions], ["clock", false]);
    assert.match(findings(answer(-90_000)).problems?.[0]?.message as string, /is 90\.0 s behind this process'/);
  });

  it("does not take a slow call for a wrong clock", () => {
    assert.deepEqual(findings(answer(1_400, 1_000)).problems, []);
    assert.equal(findings(answer(1_600, 1_000)).problems?.length, 1);
  });
});

describe("RateSync.check()", () => {
  it("checks the only store, or the named one", async () => {
    await using one = createRateSync({ stores: { main: { engine: "memory" } } });
    assert.equal((await one.check()).engine, "memory");
    await using two = createRateSync({ stores: { a: { engine: "memory" }, b: { engine: "memory" } } });
    assert.equal((await two.check("b")).ok, true);
    await assert.rejects(two.check(), /expected one of "a", "b", received nothing/);
    await assert.rejects(two.check("c"), NotFoundError);
    await two.close();
    await assert.rejects(two.check("a"), ClosedError);
  });

  it("counts the keys of a memory store", async () => {
    await using rs = createRateSync({ limiters: { api: { ratePerSecond: 1 } } });
    for (const key of ["a", "b", "c"]) await rs.tryAcquire("api", { key });
    const { ok, engine, keyCount, problems, latencyMs } = await rs.check();
    assert.deepEqual({ ok, engine, keyCount, problems, latencyMs }, {
      ok: true,
      engine: "memory",
      keyCount: 3,
      problems: [],
      latencyMs: 0,
    });
    const store = new MemoryStore();
    await store.close();
    assert.match((await store.check()).problems[0]?.message as string, /it is closed/);
  });

  it("answers for a Redis that is not there", async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    await using rs = createRateSync({ stores: { main: { engine: "redis", url } } });
    const report = await inTime(() => rs.check());
    assert.deepEqual([report.ok, report.engine, report.url, kinds(report)], [
      false,
      "redis",
      `${url}/0`,
      ["unreachable"],
    ]);
  });

  it("answers for stores of one's own, with check() or without", async () => {
    const plain = new Remote(new FakeClock());
    const broken = Object.assign(new Remote(new FakeClock()), {
      check: () => Promise.reject(new Error("no line")),
    });
    const hung = Object.assign(new Remote(new FakeClock()), { check: () => new Promise<never>(() => {}) });
    await using rs = createRateSync({ stores: { plain, broken, hung } });
    const report = await rs.check("plain");
    assert.deepEqual([report.ok, report.engine], [true, "remote"]);
    assert.match(report.advice.join(), /has no check\(\)/);
    assert.deepEqual((await rs.check("broken")).problems, [
      { kind: "unreachable", message: "no line", stopsDecisions: true },
    ]);
    const keepAlive = setInterval(() => {}, 1_000);
    assert.match((await inTime(() => rs.check("hung"))).problems[0]?.message as string, /does not answer within/);
    clearInterval(keepAlive);
  });
});
