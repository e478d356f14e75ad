/**
 * How the cost of a decision grows with the size of an exact sliding window.
 *
 * @module
 */

import type { LimiterOptions } from "@ratesync/core";

import { inFlight, percentile } from "./_load.ts";
import { around } from "./_names.ts";
import { HOUR_MS, openRateSync } from "./_ours.ts";
import { openProbe, type Probe } from "./_probe.ts";
import type { BenchContext, Report, Row } from "./_report.ts";

/** Runs it. */
export async function growthWindow({ url, quick }: BenchContext): Promise<Report> {
  const calls = quick ? 50 : 3_000;
  const lanes = quick ? 5 : 50;
  const probe = await openProbe(url);
  const rows: Row[] = [];
  for (const limit of quick ? [5, 100] : [5, 10, 100, 1_000, 10_000, 100_000]) {
    const rounds: Measure[] = [];
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      rounds.push(await measure(url, probe, { limit, calls, lanes }));
    }
    const median = (of: (round: Measure) => number) => percentile(rounds.map(of), 0.5);
    rows.push({
      "window size": limit,
      "µs a decision": median((round) => round.us),
      "command µs a decision": median((round) => round.commandUs),
      "bytes a full window": median((round) => round.bytes),
    });
  }
  await probe.flush();
  await probe.close();
  return {
    about: `Exact sliding windows that are half full at first and fill up, ${lanes} calls in flight. Smaller windows ` +
      "have more keys, so that every call is allowed.",
    rows,
    claims: [],
    notes: [],
  };
}

interface Measure {
  readonly us: number;
  readonly commandUs: number;
  readonly bytes: number;
}

async function measure(
  url: string,
  probe: Probe,
  { limit, calls, lanes }: { readonly limit: number; readonly calls: number; readonly lanes: number },
): Promise<Measure> {
  await probe.flush();
  const limiter: LimiterOptions = { algorithm: "sliding_window", limit, windowMs: HOUR_MS };
  await using rs = openRateSync(url, { api: limiter });
  const half = Math.floor(limit / 2);
  const keys = Array.from({ length: Math.ceil(calls / (limit - half)) }, (_, i) => `user:${i}`);
  for (let i = 0; i < keys.length; i += lanes) {
    await Promise.all(keys.slice(i, i + lanes).map((key) => rs.tryAcquire("api", { key, cost: half })));
  }
  const contender = inFlight("ours", {
    lanes,
    call: async (i) => {
      const { allowed } = await rs.tryAcquire("api", { key: around(keys, i) });
      if (!allowed) throw new Error("Cannot measure a window: it is full too early");
    },
  });
  await probe.reset();
  const { ms } = await contender.round(calls);
  const { commandUs } = await probe.read();
  await probe.flush();
  await rs.tryAcquire("api", { key: "full", cost: limit });
  return { us: ms / calls * 1_000, commandUs: commandUs / calls, bytes: await probe.bytes() };
}
