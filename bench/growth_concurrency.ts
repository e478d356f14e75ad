/**
 * How the cost of a decision changes with the number of calls in flight.
 *
 * @module
 */

import { compare, paceOf } from "./_compare.ts";
import { userKeys } from "./_names.ts";
import { ROOMY, tryAcquireContender } from "./_ours.ts";
import { openProbe } from "./_probe.ts";
import { type BenchContext, figure, type Report, type Row } from "./_report.ts";

/** Runs it. */
export async function growthConcurrency({ url, quick }: BenchContext): Promise<Report> {
  const pace = paceOf(quick, { warmUpMs: 300, roundMs: 250, rounds: 3 });
  const keys = userKeys(quick ? 100 : 100_000);
  const probe = await openProbe(url);
  await probe.flush();
  const rows: Row[] = [];
  for (const lanes of quick ? [1, 10] : [1, 2, 5, 10, 30, 100, 300, 1_000, 2_000, 5_000]) {
    const contender = await tryAcquireContender("ours", { url, lanes, keys, limiter: ROOMY });
    const [one] = await compare([contender], pace, probe);
    await contender.close();
    rows.push({
      "calls in flight": lanes,
      "decisions/s": one?.perSecond ?? NaN,
      "µs a decision": 1e6 / (one?.perSecond ?? NaN),
      "command µs a decision": one?.commandUs ?? NaN,
      "decisions a script call": 1 / (one?.commands ?? NaN),
      "p50 µs": one?.p50Us ?? NaN,
      "p99 µs": one?.p99Us ?? NaN,
    });
  }
  await probe.flush();
  await probe.close();
  return {
    about: `Token buckets on ${figure(keys.length)} keys, so many calls in flight.`,
    rows,
    claims: [],
    notes: [],
  };
}
