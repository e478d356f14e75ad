import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type LimiterOptions } from "../../../../mod.ts";
import { freePort } from "../../../../scripts/_free_port.ts";
import { FakeClock } from "../../../../src/testing/fake_clock.ts";
import { startWorker } from "../../../_support/processes.ts";
import { countConnections, type RedisProcess, startRedis, startServer, until } from "../_servers.ts";

const api: LimiterOptions = { ratePerSecond: 1, store: "used" };

describe("A store that is configured", () => {
  let used: RedisProcess;
  let unused: RedisProcess;
  before(async () => {
    [used, unused] = await Promise.all([startRedis(), startRedis()]);
  });
  after(() => Promise.all([used?.stop(), unused?.stop()]));

  it("is connected before the first call if a limiter uses it", async () => {
    const stores = {
      used: { engine: "redis", url: used.url },
      unused: { engine: "redis", url: unused.url },
    } as const;
    await using rs = createRateSync({ stores, limiters: { api } });
    assert.equal(rs.listStores()["used"]?.open, false);
    await until(async () => await countConnections(used) === 2);
    assert.equal(rs.listStores()["used"]?.open, true);
    assert.equal(rs.listStores()["unused"]?.open, false);
    assert.equal(await countConnections(unused), 0);
    await used.command("CONFIG", "RESETSTAT");
    assert.equal((await rs.tryAcquire("api")).allowed, true);
    assert.equal(await countConnections(used), 2);
    assert.doesNotMatch(String(await used.command("INFO", "commandstats")), /cmdstat_hello/);
  });

  it("is not connected for tests with a clock of their own, nor once it is closed", async () => {
    const stores = { used: { engine: "redis", url: used.url } } as const;
    await using fake = createRateSync({ stores, limiters: { api }, clock: new FakeClock() });
    const closed = createRateSync({ stores, limiters: { api } });
    await closed.close();
    await sleep(500);
    assert.deepEqual([fake.listStores()["used"]?.open, await countConnections(used)], [false, 0]);
  });

  it("is not reported while it cannot be reached and no call comes, and is reported when one comes", async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    const lines: string[] = [];
    const note = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
    const logger = { debug: note("debug"), info: note("info"), warn: note("warn"), error: note("error") };
    await using rs = createRateSync({ stores: { used: { engine: "redis", url } }, limiters: { api }, logger });
    await until(() => rs.listStores()["used"]?.open);
    await sleep(500);
    assert.deepEqual(lines.filter((line) => !line.startsWith("debug")), []);
    assert.equal((await rs.tryAcquire("api")).degraded, true);
    assert.equal(lines.filter((line) => /^(?:warn|error): .*Redis/.test(line)).length, 1, lines.join("\n"));
  });

  const start = (url: string, act: string) =>
    startWorker("_support/process_end_worker", [JSON.stringify({ engine: "redis", url }), act]);

  it("does not keep a process that never uses it, where nothing listens", async () => {
    await using worker = start(`redis://127.0.0.1:${await freePort()}`, "configure");
    assert.deepEqual(await endOf(worker), { code: 0, stderr: "" });
  });

  it("does not keep a process that never uses it, where nothing answers", async () => {
    await using silent = await startServer(() => {});
    await using worker = start(`redis://127.0.0.1:${silent.port}`, "configure");
    assert.equal(await worker.readLine(), "end");
    const beganMs = performance.now();
    assert.deepEqual(await endOf(worker), { code: 0, stderr: "" });
    const tookMs = performance.now() - beganMs;
    assert.ok(silent.accepted > 0);
    assert.ok(tookMs < 4_000, `it ended after ${tookMs} ms; connecting may take 5 s`);
  });

  it("keeps a process that asks while it is being connected", async () => {
    await using slow = await startServer((socket) => {
      const target = connect(used.port, "127.0.0.1").on("error", () => {});
      socket.on("close", () => target.destroy());
      target.on("close", () => socket.destroy());
      socket.pipe(target);
      setTimeout(() => target.pipe(socket), 2_000);
    });
    await using worker = start(`redis://127.0.0.1:${slow.port}`, "join");
    assert.deepEqual(await endOf(worker), { code: 0, stderr: "" });
  });
});

async function endOf(worker: ReturnType<typeof startWorker>): Promise<{ code: unknown; stderr: string }> {
  const { code, stderr } = await worker.exited;
  return { code, stderr };
}
