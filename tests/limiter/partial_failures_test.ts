import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { createRateSync, type Logger, type RateSync, StoreError, type StoreEvent } from "../../mod.ts";
import { Log } from "../../src/observe/log.ts";
import { Subscriptions } from "../../src/observe/events.ts";
import { StoreReport } from "../../src/observe/store_report.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { freshPrefix } from "../_support/redis.ts";
import { type RedisProcess, startRedis, until } from "../stores/redis/_servers.ts";

const SECRET = "s3cr3t-of-the-test";

interface Heard {
  readonly warnings: string[];
  readonly infos: string[];
  readonly logger: Logger;
}

function listen(): Heard {
  const [warnings, infos]: [string[], string[]] = [[], []];
  const warn = (message: string) => void warnings.push(message);
  return {
    warnings,
    infos,
    logger: { debug: () => {}, info: (message) => void infos.push(message), warn, error: warn },
  };
}

describe("A store that fails for calls that wait for a slot, and for no others", () => {
  let server: RedisProcess;
  before(async () => void (server = await startRedis()));
  after(() => server.stop());

  /** Another process, with every right. */
  function another(keyPrefix: string): RateSync<"slot"> {
    return createRateSync({
      stores: { shared: { engine: "redis", url: server.url, keyPrefix } },
      limiters: { slot: { maxConcurrent: 1 } },
    });
  }

  const CASES = [
    ["SUBSCRIBE is not granted", "permission", /grant this user/, ["-subscribe"]],
    ["PUBSUB is not granted", "permission", /grant this user/, ["-pubsub"]],
    ["its channels are not granted", "permission", /grant this user/, ["resetchannels"]],
  ] as const;
  for (const [what, reason, advice, rules] of CASES) {
    it(`is reported once where ${what}, opens the breaker in the end, and check() says it`, async () => {
      await server.command("ACL", "SETUSER", "limits", "reset", "on", `>${SECRET}`, "~*", "&*", "+@all");
      await server.command("ACL", "SETUSER", "limits", ...rules);
      const { warnings, logger } = listen();
      const url = server.url.replace("//", `//limits:${SECRET}@`);
      const keyPrefix = freshPrefix();
      await using rs = createRateSync({
        logger,
        stores: { shared: { engine: "redis", url, keyPrefix } },
        limiters: { slot: { maxConcurrent: 1, timeoutMs: 100 } },
      });
      // Of its own waiters a process hears in the replies to its calls: the rights are for those of others.
      await using other = another(keyPrefix);
      const held = await rs.tryAcquire("slot");
      assert.equal(held.degraded, false);
      other.acquire("slot", { timeoutMs: 60_000 }).catch(() => {});
      await until(() => other.metrics("slot").maxConcurrentReached === 1);
      await until(async () => {
        await rs.acquire("slot").then((permit) => permit.release(), () => {});
        return warnings.length > 0;
      });
      await until(async () => {
        await rs.acquire("slot").then((permit) => permit.release(), () => {});
        return rs.listStores()["shared"]?.state === "down";
      }, 10_000);
      await new Promise((resolve) => setTimeout(resolve, 700));
      assert.equal(rs.listStores()["shared"]?.state, "down", "probes need it as well");
      const { ok, problems } = await rs.check();
      assert.deepEqual([ok, problems[0]?.reason], [false, reason]);
      assert.equal(warnings.length, 1, warnings.join("\n"));
      assert.ok(warnings[0]?.includes(`(${reason})`), warnings[0]);
      assert.match(warnings[0] as string, advice);
      assert.ok(!warnings.join().includes(SECRET));
    });
  }

  it("is reported once where a permit cannot be handed over, because PUBLISH is not granted", async () => {
    await server.command("ACL", "SETUSER", "limits", "reset", "on", `>${SECRET}`, "~*", "&*", "+@all", "-publish");
    const { warnings, logger } = listen();
    const url = server.url.replace("//", `//limits:${SECRET}@`);
    const keyPrefix = freshPrefix();
    await using rs = createRateSync({
      logger,
      stores: { shared: { engine: "redis", url, keyPrefix } },
      limiters: { slot: { maxConcurrent: 1, timeoutMs: 500 } },
    });
    await using other = another(keyPrefix);
    const held = await rs.acquire("slot");
    const waiting = other.acquire("slot", { timeoutMs: 500 }).then((permit) => permit.release(), () => {});
    await until(() => other.metrics("slot").maxConcurrentReached === 1);
    await held.release();
    await waiting;
    assert.equal(warnings.length, 1, warnings.join("\n"));
    assert.match(warnings[0] as string, /\(permission\): .*; grant this user/);
    assert.equal((await rs.check()).problems[0]?.reason, "permission");
  });

  it("is reported once where there are no more connections for messages", async () => {
    const { warnings, logger } = listen();
    await using rs: RateSync<"slot"> = createRateSync({
      logger,
      stores: { shared: { engine: "redis", url: server.url, keyPrefix: freshPrefix(), poolMinSize: 1 } },
      limiters: { slot: { maxConcurrent: 1, timeoutMs: 100 } },
    });
    await rs.tryAcquire("slot");
    const clients = String(await server.command("CLIENT", "LIST")).trim().split("\n").length;
    await server.command("CONFIG", "SET", "maxclients", String(clients - 1));
    for (let i = 0; i < 10; i++) await rs.acquire("slot").then((permit) => permit.release(), () => {});
    assert.equal(warnings.length, 1, warnings.join("\n"));
    assert.ok(warnings[0]?.includes("(too_many_clients)"), warnings[0]);
  });
});

describe("A store whose only call has failed", () => {
  let server: RedisProcess;
  before(async () => void (server = await startRedis()));
  after(() => server.stop());

  it("is up again where it is looked at later, after a probe, and no sooner than after ten seconds", async () => {
    const keyPrefix = freshPrefix();
    const { warnings, infos, logger } = listen();
    await using rs: RateSync<"api"> = createRateSync({
      logger,
      stores: { shared: { engine: "redis", url: server.url, keyPrefix } },
      limiters: { api: { ratePerSecond: 1 } },
    });
    const state = () => rs.listStores()["shared"]?.state;
    await server.command("HSET", `${keyPrefix}:api`, "a", "b");
    const startMs = performance.now();
    assert.equal((await rs.tryAcquire("api")).degraded, true);
    assert.deepEqual([state(), warnings.length], ["impaired", 1]);
    await until(() => state() === "up", 15_000);
    assert.ok(performance.now() - startMs >= 9_900, "it was up before ten seconds");
    assert.match(infos.at(-1) as string, /decides everything; it failed for 1 calls/);
    assert.equal(rs.listStores()["shared"]?.error, undefined);
  });
});

describe("StoreReport", () => {
  function scene() {
    const clock = new FakeClock();
    const { warnings, infos, logger } = listen();
    const events: StoreEvent[] = [];
    const log = new Log(logger);
    const subscriptions = new Subscriptions<StoreEvent>(log);
    subscriptions.add((event) => events.push(event));
    const state = { answers: 1 };
    const report = new StoreReport({
      id: "shared",
      store: { engine: "redis" },
      place: undefined,
      title: undefined,
      log,
      events: subscriptions,
      policies: () => [],
      answers: () => state.answers,
      clock,
    });
    return { clock, warnings, infos, events, state, report };
  }

  const late = new StoreError("STORE_TIMEOUT", "late", { reason: "no_answer" });
  const wrong = new StoreError("STORE_REFUSED", "wrong", { reason: "authentication" });

  it("reports single failures once, and their end after ten seconds without one", async () => {
    const { clock, warnings, infos, events, state, report } = scene();
    for (let i = 0; i < 100; i++) {
      report.failed(late);
      state.answers++;
      await clock.advance(5_000);
    }
    assert.deepEqual([warnings.length, infos.length, report.state], [1, 0, "impaired"]);
    await clock.advance(11_000);
    assert.deepEqual([warnings.length, infos.length, report.state, report.error], [1, 1, "up", undefined]);
    assert.deepEqual(events.map(({ type }) => type), ["store_impaired", "store_up"]);
    assert.match(
      infos[0] as string,
      /available again: store "shared" decides everything; it failed for 100 calls within 495/,
    );
  });

  it("does not take silence for the end of failures", async () => {
    const { clock, infos, state, report } = scene();
    report.failed(late);
    await clock.advance(3_600_000);
    assert.deepEqual([infos.length, report.state], [0, "impaired"]);
    state.answers++;
    await clock.advance(11_000);
    assert.deepEqual([infos.length, report.state], [1, "up"]);
  });

  it("reports single failures that end in an open breaker as one event", async () => {
    const { clock, warnings, infos, events, report } = scene();
    for (let i = 0; i < 5; i++) report.failed(late);
    report.down(late);
    await clock.advance(60_000);
    report.up(1);
    assert.deepEqual(events.map(({ type }) => type), ["store_down", "store_up"]);
    assert.deepEqual([warnings.length, infos.length], [1, 1]);
  });

  it("reports a store that comes and goes until it has worked for ten seconds, and then its next outage", async () => {
    const { clock, warnings, infos, events, report } = scene();
    for (let i = 0; i < 100; i++) {
      report.down(late);
      assert.equal(report.state, "down");
      await clock.advance(80);
      report.up(80_000);
      await clock.advance(320);
    }
    assert.deepEqual([warnings.length, infos.length, report.state, report.error], [3, 3, "impaired", late]);
    assert.match(infos[2] as string, /comes and goes: store "shared" has failed and returned 3 times within 10 s/);
    await clock.advance(9_000);
    assert.equal(infos.length, 3);
    await clock.advance(1_000);
    assert.match(infos[3] as string, /available again: store "shared" decides everything; it came and went within 38/);
    assert.equal(report.state, "up");
    report.down(late);
    await clock.advance(1_000);
    report.up(1_000_000);
    assert.deepEqual([warnings.length, infos.length, report.state], [4, 5, "up"]);
    const pair = ["store_down", "store_up"];
    assert.deepEqual(events.map(({ type }) => type), [...pair, ...pair, ...pair, ...pair]);
  });

  it("reports outages that are further apart one by one", async () => {
    const { clock, warnings, infos, report } = scene();
    for (let i = 0; i < 10; i++) {
      report.down(late);
      await clock.advance(1_000);
      report.up(1_000_000);
      assert.equal(report.state, "up");
      await clock.advance(4_000);
    }
    assert.deepEqual([warnings.length, infos.length], [10, 10]);
  });

  it("warns once more where an outage turns out to be a mistake that does not heal", () => {
    const { warnings, report } = scene();
    report.down(late);
    for (let i = 0; i < 9; i++) report.stillDown(late);
    for (let i = 0; i < 9; i++) report.stillDown(wrong);
    for (let i = 0; i < 9; i++) report.stillDown(late);
    assert.deepEqual(warnings.map((line) => /\((\w+)\)/.exec(line)?.[1]), ["no_answer", "authentication"]);
  });

  it("warns once of each mistake that is found while the store is down, in whatever order", () => {
    const { warnings, report } = scene();
    const other = new StoreError("STORE_REFUSED", "other", { reason: "wrong_database" });
    report.down(late);
    for (const error of [wrong, late, wrong, other, late, other, wrong]) report.stillDown(error);
    assert.deepEqual(warnings.map((line) => /\((\w+)\)/.exec(line)?.[1]), [
      "no_answer",
      "authentication",
      "wrong_database",
    ]);
  });

  it("warns once more where the server is back and goes on refusing, but not of a start or a failover", async () => {
    const { clock, warnings, report } = scene();
    const loading = new StoreError("STORE_REFUSED", "loading", { reason: "loading" });
    const missing = new StoreError("STORE_REFUSED", "missing", { reason: "command_missing" });
    report.down(late);
    for (const error of [loading, missing, late, missing]) {
      for (let i = 0; i < 4; i++) {
        report.stillDown(error);
        await clock.advance(1_000);
      }
    }
    assert.equal(warnings.length, 1);
    for (let i = 0; i < 9; i++) {
      report.stillDown(missing);
      await clock.advance(1_000);
    }
    assert.match(warnings[1] as string, /\(command_missing\): missing$/);
    assert.equal(warnings.length, 2);
  });
});
