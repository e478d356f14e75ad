import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { createRateSync, type LimiterOptions, type Logger, StoreError } from "../../../mod.ts";
import { type NatsServer, startNats } from "../../../scripts/nats/server.ts";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import { VERSION } from "../../../src/stores/log/message.ts";
import { LogStore } from "../../../src/stores/log/log_store.ts";
import { stateOf } from "../log/_state.ts";
import { until } from "../redis/_servers.ts";
import { startMovedClock } from "./_moved_clock.ts";
import { freshStreamPrefix, streamWith } from "./_nats.ts";
import { askJetStream } from "./_operator.ts";

const HOUR_S = 3_600;
/** Longer than decisions take on a busy machine. */
const PATIENT = { denyCacheMs: 0, decisionTimeoutMs: 20_000 } as const;

/** Some processes on one stream, whose warnings are kept. */
function fleet<Limiters extends Readonly<Record<string, LimiterOptions>>>(
  url: string,
  streamPrefix: string,
  limiters: Limiters,
) {
  return [1, 2].map(() => {
    const warnings: string[] = [];
    const quiet = () => {};
    const warn = (message: string) => void warnings.push(message);
    const logger: Logger = { debug: quiet, info: quiet, warn, error: warn };
    const store = new LogStore(streamWith({ url, streamPrefix, storage: "memory" }), { aliveMs: 1e9 });
    return { store, warnings, rs: createRateSync({ logger, stores: { shared: store }, limiters }) };
  });
}

describe("Processes on a NATS server", () => {
  let server: NatsServer;
  before(async () => {
    server = await startNats();
  });
  after(() => server[Symbol.asyncDispose]());

  it("of an old version stop deciding at the first message of a newer one, say why, and let failure policies decide", async () => {
    const streamPrefix = freshStreamPrefix();
    const rules = { limit: 10, windowMs: 36_000_000, ...PATIENT };
    const processes = fleet(server.url, streamPrefix, {
      strict: { ...rules, onStoreError: "throw" },
      closed: { ...rules, onStoreError: "deny" },
      local: rules,
    });
    for (const { rs } of processes) assert.equal((await rs.tryAcquire("strict")).allowed, true);
    const newer = streamWith({ url: server.url, streamPrefix });
    await newer.connect();
    await newer.publish("0", "newer", new TextEncoder().encode(`[${VERSION + 1},"newer",1,[],{"unknown":true}]`));
    const before = (await newer.state("0")).last;
    for (const { rs, warnings } of processes) {
      await until(async () => !(await rs.check()).ok);
      const { problems: [problem] } = await rs.check();
      assert.deepEqual([problem?.kind, problem?.reason, problem?.stopsDecisions], ["refused", "foreign_state", true]);
      assert.match(problem?.message ?? "", /newer version .* Update this process/);
      await assert.rejects(rs.tryAcquire("strict"), (error) => {
        return error instanceof StoreError && error.reason === "foreign_state" &&
          /Update this process/.test(error.message);
      });
      const [closed, local] = [await rs.tryAcquire("closed"), await rs.tryAcquire("local")];
      assert.deepEqual([closed.allowed, closed.degraded, local.degraded], [false, true, true]);
      assert.match(warnings.join("\n"), /foreign_state.*Update this process/);
    }
    assert.equal((await newer.state("0")).last, before, "nothing was added to a history that is not understood");
    // A process that starts now finds it among what it reads first.
    const [late] = fleet(server.url, streamPrefix, { strict: rules });
    await assert.rejects(async () => await late?.rs.connect(), /newer version/);
    for (const { rs, store } of [...processes, late as typeof processes[number]]) {
      await rs.close();
      await store.close();
    }
    await newer.close();
  });

  for (
    const [what, aheadS, says] of [["back", -HOUR_S, /set back by 3[56]\d\d\.\d s/], [
      "forward",
      HOUR_S,
      /forward by 3[56]/,
    ]] as const
  ) {
    it(`hold the same state after its clock is set ${what}, keep to their limits, and report it`, async () => {
      await using clock = await startMovedClock(server.port);
      const streamPrefix = freshStreamPrefix();
      const processes = fleet(`nats://127.0.0.1:${clock.port}`, streamPrefix, {
        bucket: { limit: 20, windowMs: 20 * HOUR_S * 1_000, ...PATIENT },
        window: { algorithm: "fixed_window", limit: 20, windowMs: 20 * HOUR_S * 1_000, ...PATIENT },
        log: { algorithm: "sliding_window", limit: 20, windowMs: 20 * HOUR_S * 1_000, ...PATIENT },
      });
      const spend = async () => {
        const spent = { bucket: 0, window: 0, log: 0 };
        for (const limiter of ["bucket", "window", "log"] as const) {
          const calls = processes.flatMap(({ rs }) => Array.from({ length: 15 }, () => rs.tryAcquire(limiter)));
          spent[limiter] = (await Promise.all(calls)).filter(({ allowed }) => allowed).length;
        }
        return spent;
      };
      const last = async () => (await askJetStream(server.url, `STREAM.INFO.${streamPrefix}-0`)).state.last_seq;
      assert.deepEqual(await spend(), { bucket: 20, window: 20, log: 20 });
      for (const { rs } of processes) assert.deepEqual((await rs.check()).problems, []);
      clock.setAfter(await last(), aheadS);
      // An hour forward is a unit of the bucket. Backward, nothing is gained, and nothing is counted twice.
      const gained = { bucket: aheadS > 0 ? 1 : 0, window: 0, log: 0 };
      assert.deepEqual(await spend(), gained);
      for (const { rs, warnings } of processes) {
        await until(() => warnings.length > 0);
        const { ok, problems } = await rs.check();
        assert.ok(
          ok && problems.some(({ kind, message }) => kind === "clock" && says.test(message)),
          JSON.stringify(problems),
        );
        assert.equal(warnings.filter((warning) => says.test(warning)).length, 1, warnings.join("\n"));
      }
      clock.setAfter(await last(), 0);
      // What was set back by an hour is set forward by one.
      assert.deepEqual(await spend(), { bucket: aheadS < 0 ? 1 : 0, window: 0, log: 0 });
      const [one, two] = processes.map(({ store }) => store) as [LogStore, LogStore];
      await two.listKeys({ limiter: "log", policy: compilePolicy({ limit: 1, windowMs: 1_000 }) }).next();
      await until(() => JSON.stringify(stateOf(one)) === JSON.stringify(stateOf(two)), 10_000);
      for (const { rs, store } of processes) {
        await rs.close();
        await store.close();
      }
    });
  }
});
