/**
 * What a decision costs while Redis is away and the breaker is open: nothing listens on the port that is asked.
 *
 * @module
 */

import { createRateSync, type LimiterOptions } from "@ratesync/core";

import { percentile } from "./_load.ts";
import { type BenchContext, claim, type Report, type Row } from "./_report.ts";

const LIMIT: LimiterOptions = { limit: 1_000_000, windowMs: 3_600_000 };

/** Nothing listens there, on any machine that is meant for this. */
const NOWHERE = "redis://127.0.0.1:1";

/** Runs it. */
export async function outage({ quick }: BenchContext): Promise<Report> {
  const calls = quick ? 200 : 200_000;
  await using rs = createRateSync({
    stores: { main: { engine: "redis", url: NOWHERE } },
    limiters: {
      local: LIMIT,
      share: { ...LIMIT, localShare: 0.1 },
      allow: { ...LIMIT, onStoreError: "allow" },
      deny: { ...LIMIT, onStoreError: "deny" },
    },
  });
  const rows: Row[] = [];
  const p99s: number[] = [];
  for (const id of ["local", "share", "allow", "deny"] as const) {
    const decision = await rs.tryAcquire(id);
    if (!decision.degraded) throw new Error(`Cannot measure an outage: something listens at ${NOWHERE}`);
    const tookUs: number[] = [];
    for (let i = 0; i < calls; i++) {
      if (i % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
      const startMs = performance.now();
      await rs.tryAcquire(id, { key: `user:${i % 10_000}` });
      tookUs.push((performance.now() - startMs) * 1_000);
    }
    const p99Us = percentile(tookUs, 0.99);
    p99s.push(p99Us);
    rows.push({ "tryAcquire, breaker open": id, "p50 µs": percentile(tookUs, 0.5), "p99 µs": p99Us });
  }
  return {
    about: `${calls} calls one after the other, on 10 000 keys, with nothing listening where Redis should be.`,
    rows,
    claims: [
      claim(
        { what: "a decision with the breaker open: p99", better: "lower", unit: " µs", must: 1_000, aim: 100 },
        Math.max(...p99s),
      ),
    ],
    notes: [],
  };
}
