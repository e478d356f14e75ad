/**
 * Laws 10, 11 and 17: no permit is free for long while a call waits that lacks nothing else.
 *
 * @module
 */

import type { Books } from "../../tests/_support/auditor/books.ts";
import type { Held } from "../../tests/_support/auditor/ledger.ts";
import { LEASE_TTL_MS, PERMITS } from "./scenario.ts";
import type { PoolCall } from "./traffic.ts";

/** For how long a permit may be free in calm weather: a few slow messages one after the other. */
const CALM_US = 1_500_000;

/** The same where a message to the next waiter may be lost: it is asked about when leases end. */
const ROUGH_US = 2 * LEASE_TTL_MS * 1_000 + CALM_US;

/** What is known of those who wait. */
export interface IdleParts {
  /** Calls for permits. */
  readonly calls: readonly PoolCall[];
  /** Whether nothing was lost. */
  readonly isCalm: boolean;
  /** When processes have crashed. */
  readonly crashes: ReadonlyMap<number, number>;
}

/** Calls that waited although there was a permit. */
export function idleProblems(books: Books, { calls, isCalm, crashes }: IdleParts): string[] {
  const held = books.ledgers.get("pool")?.held ?? [];
  const mostUs = isCalm ? CALM_US : ROUGH_US;
  const free = freeTimes(held);
  for (const { hasRate, fromUs, untilUs, process } of calls) {
    if (!hasRate) continue;
    const endUs = Math.min(untilUs, crashes.get(process) ?? Infinity);
    for (const time of free) {
      const idleUs = Math.min(endUs, time.untilUs) - Math.max(fromUs, time.fromUs);
      if (idleUs <= mostUs || idleUs === Infinity) continue;
      return [`laws 10, 17: a permit was free for ${idleUs} µs while a caller waited that lacked nothing else`];
    }
  }
  return [];
}

/** When the store had a permit that no process held. */
function freeTimes(held: readonly Held[]): { fromUs: number; untilUs: number }[] {
  const changes = held.flatMap(({ fromUs, untilUs, permits }) => {
    return [{ atUs: fromUs, by: permits }, { atUs: Math.max(untilUs, fromUs), by: -permits }];
  }).toSorted((a, b) => a.atUs - b.atUs || a.by - b.by);
  const times: { fromUs: number; untilUs: number }[] = [];
  let count = 0;
  let freeUs: number | undefined = -Infinity;
  for (const { atUs, by } of changes) {
    count += by;
    if (count < Math.min(...PERMITS)) freeUs ??= atUs;
    else if (freeUs !== undefined) {
      times.push({ fromUs: freeUs, untilUs: atUs });
      freeUs = undefined;
    }
  }
  if (freeUs !== undefined) times.push({ fromUs: freeUs, untilUs: Infinity });
  return times;
}
