/**
 * How far ahead of the clock a promised instant can be: what tells it from one that was written before the clock stepped
 * back.
 *
 * A state that promises an instant to a caller who waits keeps the reach of that wait. A clock that only moves on brings
 * the instant nearer. So one that is farther away than the reach is known to come from before a step.
 *
 * @module
 */

/**
 * How long the wait for a promised instant was at most when it was written: 1 for 8 spans of the limit, 2 for 1 024, 3 for
 * any time. A span is a limit's window or full refill. States keep one of these because two bits fit into every value.
 */
export type Reach = 1 | 2 | 3;

const NEAR = 8;
const FAR = 1_024;

/** The reach of an instant that is promised `waitUs` from now, or the one from before where that is more. */
export function reachOf(waitUs: number, spanUs: number, before: Reach | undefined): Reach {
  const least = waitUs <= NEAR * spanUs ? 1 : waitUs <= FAR * spanUs ? 2 : 3;
  return before !== undefined && before > least ? before : least;
}

/** The latest instant that can have been promised under a clock that shows `nowUs`; `nowUs` where none is. */
export function latestPromise(nowUs: number, reach: Reach | undefined, spanUs: number): number {
  if (reach === undefined) return nowUs;
  return reach === 3 ? Infinity : nowUs + (reach === 2 ? FAR : NEAR) * spanUs;
}
