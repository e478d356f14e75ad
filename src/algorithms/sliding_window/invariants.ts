/**
 * What holds for every state of an exact sliding window.
 *
 * @module
 */

import type { SlidingWindowLimit } from "../limit.ts";
import type { SlidingWindowState } from "./kernel.ts";

/** What is wrong with a state; undefined if nothing is. */
export function slidingWindowProblem({ pages, total, promisedUs }: SlidingWindowState): string | undefined {
  let sum = 0;
  let lastUs = 0;
  for (const { stampsUs, units, from, to, sum: pageSum } of pages) {
    if (!(from >= 0 && from < to && to <= stampsUs.length && to <= units.length)) return `a page from ${from} to ${to}`;
    let inPage = 0;
    for (let run = from; run < to; run++) {
      const [stampUs, count] = [stampsUs[run] as number, units[run] as number];
      if (!Number.isSafeInteger(stampUs) || stampUs < lastUs) return "its runs are not in order";
      if (!Number.isSafeInteger(count) || count < 0) return `a run of ${count} units`;
      lastUs = stampUs;
      inPage += count;
    }
    if (inPage !== pageSum) return `a page of ${inPage} units that says ${pageSum}`;
    sum += inPage;
  }
  const last = pages.at(-1);
  if (last?.units[last.to - 1] === 0) return "its last run is empty";
  if (sum !== total) return `runs of ${sum} units that say ${total}`;
  return Number.isSafeInteger(promisedUs) && promisedUs >= 0 ? undefined : `an instant of ${promisedUs} µs is promised`;
}

/** More units in some window than the limit allows; undefined if there are not. */
export function slidingWindowExcess({ pages }: SlidingWindowState, limit: SlidingWindowLimit): string | undefined {
  const runs = pages.flatMap(({ stampsUs, units, from, to }) => {
    return Array.from({ length: to - from }, (_, i): [number, number] => {
      return [stampsUs[from + i] as number, units[from + i] as number];
    });
  });
  let [inside, oldest] = [0, 0];
  for (const [stampUs, units] of runs) {
    inside += units;
    for (; (runs[oldest]?.[0] as number) + limit.windowUs <= stampUs; oldest++) inside -= runs[oldest]?.[1] as number;
    if (inside > limit.capacity) return `${inside} units in one window of ${limit.capacity}`;
  }
  return undefined;
}
