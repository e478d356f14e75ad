/**
 * What close looks at stores have in common (`Store.inspect`).
 *
 * @module
 */

import { systemClock } from "../base/clock.ts";
import { withTimeout } from "../base/deadline.ts";

/** How long each part may take, in milliseconds. */
const TIMEOUT_MS = 2_500;

/** How many round trips are timed, in all. */
const ROUND_TRIPS = 20;

/** One look: its parts are independent, and one that fails leaves the others alone. */
export class Look {
  /** What could not be found out, and why. */
  readonly unknown: string[] = [];

  /** Does a part. Resolves to undefined where it fails, or takes too long. */
  async attempt<Result>(what: string, act: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await withTimeout(act(), TIMEOUT_MS, () => new Error(`no answer within ${TIMEOUT_MS} ms`));
    } catch (error) {
      this.unknown.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }
}

/** How long round trips take to one of so many servers, one after the other, in milliseconds. */
export async function timeRoundTrips(trip: () => Promise<unknown>, servers: number = 1): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < ROUND_TRIPS / servers; i++) {
    const startUs = systemClock.nowUs();
    await trip();
    times.push((systemClock.nowUs() - startUs) / 1_000);
  }
  return times;
}

/**
 * By how much a server's clock is ahead of this process', in milliseconds.
 *
 * @param readUs Asks for the server's clock, in microseconds.
 */
export async function clockAheadMs(readUs: () => Promise<number>): Promise<number> {
  const sentUs = systemClock.nowUs();
  const serverUs = await readUs();
  return (serverUs - (sentUs + systemClock.nowUs()) / 2) / 1_000;
}
