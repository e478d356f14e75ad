/**
 * How the cost of a decision grows with the number of limits that must agree.
 *
 * @module
 */

import type { LimitOptions, RateAlgorithm } from "@ratesync/core";

import { compare, paceOf } from "./_compare.ts";
import { userKeys } from "./_names.ts";
import { HOUR_MS, tryAcquireContender } from "./_ours.ts";
import { openProbe } from "./_probe.ts";
import { type BenchContext, figure, type Report, type Row } from "./_report.ts";

const ALGORITHMS = ["token_bucket", "fixed_window", "sliding_window_counter"] as const;

/** Runs it. */
export async function growthLimits({ url, quick }: BenchContext): Promise<Report> {
  const pace = paceOf(quick, { warmUpMs: 150, roundMs: 200, rounds: 3 });
  const options = { url, lanes: quick ? 20 : 500, keys: userKeys(quick ? 100 : 10_000) };
  const probe = await openProbe(url);
  await probe.flush();
  const rows: Row[] = [];
  for (const count of quick ? [1, 2] : [1, 2, 3, 4, 6, 8]) {
    const contenders = await Promise.all(ALGORITHMS.map((algorithm) => {
      return tryAcquireContender(algorithm, {
        ...options,
        limiter: { limits: limits(algorithm, count) },
        id: algorithm,
      });
    }));
    const measured = await compare(contenders, pace, probe);
    for (const contender of contenders) await contender.close();
    await probe.flush();
    const [bucket] = measured;
    rows.push({
      limits: count,
      "µs a decision, token_bucket": 1e6 / (bucket?.perSecond ?? NaN),
      ...Object.fromEntries(measured.map(({ name, commandUs }) => [`command µs a decision, ${name}`, commandUs])),
    });
  }
  await probe.close();
  return {
    about: `${figure(options.keys.length)} keys, ${options.lanes} calls in flight, so many limits in one limiter.`,
    rows,
    claims: [],
    notes: [],
  };
}

/** Limits over an hour, two hours and so on, none of which is ever reached. */
function limits(algorithm: RateAlgorithm, count: number): LimitOptions[] {
  return Array.from({ length: count }, (_, i) => ({
    algorithm,
    limit: 10_000 * (i + 1),
    windowMs: HOUR_MS * (i + 1),
  }));
}
