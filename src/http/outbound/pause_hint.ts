/**
 * How long to wait after a refusal, from everything that it says.
 *
 * @module
 */

import type { Announcement } from "./announcement.ts";
import type { Quota } from "./quota.ts";
import type { BodyReading } from "./limit_reading.ts";
import type { Throttled } from "./options.ts";

/** How long to pause, and what said so. */
export type PauseHint = Pick<Throttled, "waitMs" | "source">;

/** The quotas of the headers, and the one that was read otherwise. */
export function withReading({ quotas }: Announcement, { remaining, resetMs, unitMs }: BodyReading): readonly Quota[] {
  if (remaining === undefined && resetMs === undefined) return quotas;
  return [...quotas, { name: "readLimit", remaining, resetMs, exact: true, ...unitMs === undefined ? {} : { unitMs } }];
}

/**
 * How long until no quota is used up any more, in milliseconds; 0 where none is.
 *
 * @param announcement What was announced.
 * @param reserve Units that are left alone: a quota with no more is used up.
 * @param resetMsOf When a quota is whole again, in milliseconds from now, as far as that is known well.
 */
export function emptyForMs(
  { quotas }: Announcement,
  reserve: number,
  resetMsOf: (quota: Quota) => number | undefined,
): number {
  let longestMs = 0;
  for (const quota of quotas) {
    const { remaining, unitMs } = quota;
    const resetMs = resetMsOf(quota) ?? 0;
    if (remaining === undefined || remaining > reserve) continue;
    longestMs = Math.max(longestMs, unitMs === undefined ? resetMs : (reserve + 1 - remaining) * unitMs);
  }
  return longestMs;
}

/**
 * How long a refusal says to wait; the most certain source first. 0 says nothing.
 *
 * @param isLimit Whether it was certainly a limit that refused. Then a quota with units left explains it, too: another
 * one may have refused, or the request needed more than is left.
 */
export function hintOf(
  { retryAfterMs = 0, quotas }: Announcement,
  reading: BodyReading | undefined,
  isLimit: boolean,
): PauseHint | undefined {
  const longest = (some: readonly Quota[]) => Math.max(...some.map(waitOf), 0);
  const hints: readonly PauseHint[] = [
    { source: "body", waitMs: reading?.retryAfterMs ?? 0 },
    { source: "retry-after", waitMs: retryAfterMs },
    { source: "reset", waitMs: longest(quotas.filter(({ remaining }) => remaining !== undefined && remaining < 1)) },
    { source: "reset", waitMs: longest(quotas.filter(({ remaining }) => remaining === undefined)) },
    { source: "body", waitMs: reading?.waitMs ?? 0 },
    { source: "reset", waitMs: isLimit ? longest(quotas) : 0 },
  ];
  return hints.find(({ waitMs }) => waitMs > 0);
}

/** How long a refused request has to wait for a quota. */
function waitOf({ remaining = 0, resetMs = 0, unitMs }: Quota): number {
  return unitMs === undefined ? resetMs : Math.max(1 - remaining, 0) * unitMs;
}
