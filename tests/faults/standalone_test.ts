import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { describe, it } from "node:test";

import { createRateSync } from "../../mod.ts";
import { forbidUnhandledRejections } from "../limiter/_unhandled.ts";
import { type RedisProcess, startRedis, until } from "../stores/redis/_servers.ts";
import { FAULTS } from "./_faults.ts";
import { DECISION_MS, type Outcome, SHARE, SLACK_MS, suffer, TIGHT } from "./_traffic.ts";

const OPTIONS = { timeout: 60_000 };

/** How long Redis may be back before it decides again: two seconds, and what a busy machine adds. */
const RECOVERY_MS = 2_000 + 2 * SLACK_MS;

/** A row of the table in docs/faults.md, printed for whoever writes it. */
function row(name: string, { longestMs, recoveryMs, degraded, tight, lease }: Outcome): string {
  const held = lease.lost ? "lost" : "kept";
  return `| ${name} | ${Math.round(longestMs)} ms | ${
    Math.round(recoveryMs)
  } ms | ${degraded} | ${tight.shared} + ${tight.local} | ${held} |`;
}

describe("Traffic through a fault of one Redis", () => {
  forbidUnhandledRejections();

  for (const fault of FAULTS) {
    it(`keeps its bounds: ${fault.name}`, OPTIONS, async () => {
      const outcome = await suffer(fault);
      if (process.env["RATESYNC_FAULT_ROWS"] !== undefined) console.log(row(fault.name, outcome));
      const { allowed, degraded, charged, longestMs, recoveryMs, tight, lease } = outcome;
      assert.ok(longestMs <= DECISION_MS + SLACK_MS, `a decision took ${longestMs} ms`);
      assert.ok(recoveryMs <= RECOVERY_MS, `Redis was back for ${recoveryMs} ms`);
      assert.ok(allowed > 0);
      // Over-admission: none, unless Redis itself has forgotten. What this process allows alone is counted apart.
      assert.ok(tight.shared <= (fault.losesState ? 2 : 1) * TIGHT, `${tight.shared} of ${TIGHT}`);
      assert.ok(tight.local <= TIGHT * SHARE, `${tight.local} alone`);
      // Nothing is charged twice: what Redis counts beyond what it allowed was asked once, and not answered in time.
      assert.ok(charged <= allowed + degraded, `${charged} charged for ${allowed} and ${degraded}`);
      if (!fault.losesState) {
        assert.ok(charged >= allowed, `${charged} charged for ${allowed}`);
        assert.ok(!lease.lost, "the lease was there all the time");
      }
      assert.ok(lease.handedOn);
      assert.deepEqual(outcome.events, outcome.events.map((_, i) => i % 2 === 0 ? "store_down" : "store_up"));
    });
  }

  it("is in the table of the guide, row by row", async () => {
    const page = await readFile(new URL("../../docs/faults.md", rootUrl()), "utf8");
    const rows = page.split("\n").filter((line) => line.startsWith("| ")).map((line) => line.split("|")[1]?.trim());
    assert.deepEqual(
      rows.filter((name) => FAULTS.some((fault) => fault.name === name)),
      FAULTS.map(({ name }) => name),
    );
  });
});

/** Compiled tests lie one folder deeper than their source. */
function rootUrl(): string {
  return import.meta.url.replace("/dist/tests/", "/tests/");
}

describe("A Redis that vanishes under many calls", () => {
  forbidUnhandledRejections();

  it("leaves none of 500 calls without an answer in time, and opens the breaker", OPTIONS, async () => {
    await using server: RedisProcess = await startRedis();
    await using rs = createRateSync({
      stores: { main: { engine: "redis", url: server.url, decisionTimeoutMs: DECISION_MS } },
      limiters: { api: { limit: 100_000, windowMs: 3_600_000 } },
    });
    await rs.connect();
    await rs.tryAcquire("api");
    server.signal("SIGSTOP");
    const startMs = performance.now();
    const decisions = await Promise.all(Array.from({ length: 500 }, (_, i) => rs.tryAcquire("api", { key: `k${i}` })));
    const tookMs = performance.now() - startMs;
    assert.ok(decisions.every(({ allowed, degraded }) => allowed && degraded));
    assert.ok(tookMs <= DECISION_MS + SLACK_MS, `${tookMs} ms`);

    assert.equal(rs.listStores()["main"]?.state, "down");
    const tookUs: number[] = [];
    for (let i = 0; i < 2_000; i++) {
      const askedMs = performance.now();
      assert.ok((await rs.tryAcquire("api")).degraded);
      tookUs.push((performance.now() - askedMs) * 1_000);
    }
    const p99Us = tookUs.toSorted((a, b) => a - b)[Math.floor(tookUs.length * 0.99)] as number;
    assert.ok(p99Us < 20_000, `${p99Us} µs: nobody waits for a store that is known to be away`);

    server.signal("SIGCONT");
    await until(async () => !(await rs.peek("api")).degraded, RECOVERY_MS);
    const { state, outages } = rs.listStores()["main"] ?? {};
    assert.deepEqual({ state, outages }, { state: "up", outages: 1 });
  });
});
