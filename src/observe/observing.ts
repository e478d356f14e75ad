/**
 * What an instance needs when it is observed: by its counts, or by observers. Loaded when it is.
 *
 * @module
 */

import { type Clock, toWallMs } from "../base/clock.ts";
import { heed } from "../base/heed.ts";
import { show } from "../base/text.ts";
import type { DenialReason } from "../decision/outcome.ts";
import type { Logger } from "./events.ts";
import type { Counts, LimiterMetrics } from "./metrics.ts";
import type { Observer, ObserverMethods } from "./observer.ts";

export { newSketches } from "./heavy_hitters.ts";

/** A copy of counts. `lastUs` is when the last call was allowed, by the clock; 0 for never. */
export function metricsOf(
  counts: Readonly<Counts>,
  denials: Readonly<Record<DenialReason, number>>,
  lastUs: number,
  clock: Clock,
): LimiterMetrics {
  const { totalAcquisitions, totalWaitMs } = counts;
  return Object.freeze({
    ...counts,
    totalDenials: Object.values(denials).reduce((sum, count) => sum + count),
    denialsByReason: Object.freeze({ ...denials }),
    queueFull: denials.queue_full,
    lastAcquisitionAtMs: lastUs === 0 ? undefined : toWallMs(clock, lastUs),
    avgWaitMs: totalAcquisitions === 0 ? 0 : totalWaitMs / totalAcquisitions,
  });
}

/** A method of an observer. None has more arguments; a list of them would take longer than the call. */
type Tell = (a?: unknown, b?: unknown, c?: unknown, d?: unknown) => unknown;

/**
 * The methods of several observers, each as one; undefined if none of them has it.
 *
 * @throws {TypeError} If one is no observer.
 */
export function joined(observers: readonly Observer[], log: Pick<Logger, "error">): ObserverMethods {
  for (const observer of observers) {
    if (typeof observer === "object" && observer !== null) continue;
    throw new TypeError(`Cannot observe: expected an object with methods of Observer, received ${show(observer)}`);
  }
  const join = (method: keyof ObserverMethods): Tell | undefined => {
    const all = observers.flatMap((observer) => (observer[method] as Tell | undefined)?.bind(observer) ?? []);
    return all.length === 0 ? undefined : all.map((tell) => guarded(tell, log)).reduce(inTurn);
  };
  return {
    decided: join("decided"),
    denied: join("denied"),
    begun: join("begun"),
    queued: join("queued"),
    dequeued: join("dequeued"),
    released: join("released"),
    storeCalled: join("storeCalled"),
  };
}

/** A method whose errors are logged. */
function guarded(tell: Tell, log: Pick<Logger, "error">): Tell {
  const failed = (error: unknown) => log.error("an observer failed", error);
  return (a, b, c, d) => {
    try {
      const answer = tell(a, b, c, d);
      if (answer !== undefined) heed(answer, failed);
      return answer;
    } catch (error) {
      failed(error);
      return undefined;
    }
  };
}

/** Two methods as one: the value of the last one counts. */
function inTurn(first: Tell, second: Tell): Tell {
  return (a, b, c, d) => {
    first(a, b, c, d);
    return second(a, b, c, d);
  };
}
