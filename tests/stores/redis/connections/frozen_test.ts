import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { startWorker } from "../../../_support/processes.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { ahead } from "../../../_support/together.ts";
import { type ForgetfulProxy, startForgetfulProxy } from "./_forgetful_proxy.ts";
import { type RedisProcess, startRedis } from "../_servers.ts";

/** The default deadline of a decision. */
const DECISION_MS = 1_000;

/** What becomes of the connections while the process is frozen. */
const LOSSES: readonly [
  how: string,
  frozenMs: number,
  lose: (proxy: ForgetfulProxy, server: RedisProcess) => unknown,
][] = [
  ["Redis has closed them (CLIENT KILL)", 500, (_proxy, server) => server.command("CLIENT", "KILL", "TYPE", "normal")],
  ["a proxy has closed them", 500, (proxy) => proxy.hangUp()],
  ["something on the way has forgotten all of them in silence", 1_500, (proxy) => proxy.forgetAll()],
  ["something on the way has forgotten one of them in silence", 1_500, (proxy) => proxy.forgetBusiest()],
];

describe("A process that is frozen between two decisions", () => {
  const jobs = LOSSES.map(([, frozenMs, lose]) => async () => {
    await using server = await startRedis();
    await using proxy = await startForgetfulProxy(server.port);
    await using worker = startWorker("stores/redis/connections/frozen_worker", [proxy.url, freshPrefix()]);
    assert.equal(await worker.readLine(), "ready");
    // A platform may freeze it as soon as it has answered: also while it reconnects in the background.
    for (let i = 0; i < 3; i++) {
      process.kill(worker.pid, "SIGSTOP");
      await sleep(frozenMs / 2);
      await lose(proxy, server);
      await sleep(frozenMs / 2);
      process.kill(worker.pid, "SIGCONT");
      worker.writeLine("invoke");
      const { allowed, degraded, ms } = JSON.parse(await worker.readLine());
      assert.deepEqual({ allowed, degraded }, { allowed: false, degraded: false }, `invocation ${i}, ${ms} ms`);
      assert.ok(ms < DECISION_MS, `${ms} ms`);
    }
  });
  const unread = async () => {
    await using server = await startRedis();
    await using proxy = await startForgetfulProxy(server.port);
    await using worker = startWorker("stores/redis/connections/frozen_worker", [proxy.url, freshPrefix()]);
    assert.equal(await worker.readLine(), "ready");
    worker.writeLine("1500");
    assert.equal(await worker.readLine(), "frozen");
    await sleep(500);
    proxy.forgetAll();
    const { degraded, ms } = JSON.parse(await worker.readLine());
    assert.ok(!degraded && ms < DECISION_MS, `degraded ${degraded}, ${ms} ms`);
  };
  const wasAway = async () => {
    await using other = await startRedis();
    await using proxy = await startForgetfulProxy(other.port);
    await using worker = startWorker("stores/redis/connections/frozen_worker", [proxy.url, freshPrefix()]);
    assert.equal(await worker.readLine(), "ready");
    await other.stop();
    worker.writeLine("invoke");
    assert.equal(JSON.parse(await worker.readLine()).degraded, true);
    process.kill(worker.pid, "SIGSTOP");
    await other.start();
    await sleep(4_000);
    process.kill(worker.pid, "SIGCONT");
    worker.writeLine("invoke");
    const { degraded, ms } = JSON.parse(await worker.readLine());
    assert.ok(!degraded && ms < DECISION_MS, `degraded ${degraded}, ${ms} ms`);
  };
  // Each has a server and a process of its own, and mostly sleeps.
  const outcomeOf = ahead([...jobs, wasAway, unread]);

  for (const [i, [how]] of LOSSES.entries()) {
    it(`is decided by Redis at its first call afterwards, in time, when ${how}`, () => outcomeOf(i));
  }

  it("is decided by Redis at its first call afterwards when Redis was away before, and is back", () =>
    outcomeOf(LOSSES.length));

  it("is decided by Redis afterwards when it reads an old answer of a connection that is forgotten since", () =>
    outcomeOf(LOSSES.length + 1));
});
