import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync } from "../../mod.ts";
import { forbidUnhandledRejections } from "../limiter/_unhandled.ts";
import { type RedisProcess, startRedis, until } from "../stores/redis/_servers.ts";
import { holdToBounds, RECOVERY_MS, rowsUnder } from "./_bounds.ts";
import { FAULTS, startVictim, type VictimFault } from "./_faults.ts";
import { DECISION_MS, LEASE_MS, type Outcome, SLACK_MS, suffer } from "./_traffic.ts";

const OPTIONS = { timeout: 60_000 };

/** Longer leases than this are not tried. */
const LONGEST_LEASE_MS = 10_000;

/**
 * A permit is lost where Redis is away for longer than its lease. On a machine that is so slow, the fault happens once
 * more under a longer lease.
 */
async function sufferWithinLease(fault: VictimFault, leaseTtlMs: number = LEASE_MS): Promise<Outcome> {
  await using victim = await startVictim(fault.args, leaseTtlMs);
  const outcome = await suffer(fault, victim);
  const isWithin = outcome.lease.heldMs < leaseTtlMs || leaseTtlMs > LONGEST_LEASE_MS;
  return isWithin ? outcome : await sufferWithinLease(fault, leaseTtlMs * 4);
}

// Each fault has a server of its own, and mostly waits.
describe("Traffic through a fault of one Redis", { concurrency: 3 }, () => {
  forbidUnhandledRejections();

  for (const fault of FAULTS) {
    it(`keeps its bounds: ${fault.name}`, OPTIONS, async () => {
      holdToBounds(fault, await sufferWithinLease(fault));
    });
  }

  it("is in the table of the guide, row by row", async () => {
    assert.deepEqual(await rowsUnder("One Redis"), FAULTS.map(({ name }) => name));
  });
});

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
    assert.ok(p99Us < 20_000, `${p99Us} µs: no call waits for a store that is known to be away`);

    server.signal("SIGCONT");
    await until(async () => !(await rs.peek("api")).degraded, RECOVERY_MS);
    const { state, outages } = rs.listStores()["main"] ?? {};
    assert.deepEqual({ state, outages }, { state: "up", outages: 1 });
  });
});
