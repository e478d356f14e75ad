/**
 * Ids of calls that hold or wait for permits: a store reads from an id what the call asks for, and until when.
 *
 * @module
 */

import { FOREVER_US } from "../algorithms/numbers.ts";

/** What goes into the id of one that takes permits. */
export interface WaiterIdParts {
  /** The process, as `listen` knows it; without dots. */
  readonly instance: string;
  /** A number that is not used again in this process. */
  readonly sequence: number;
  /** `true` if a permit may be handed to it directly: it has one target. */
  readonly direct: boolean;
  /** How long it may queue. */
  readonly maxWaitUs: number;
  /** The permits it takes. */
  readonly permits: number;
  /** The units it takes. */
  readonly cost: number;
  /** How long its leases last, the longest of several: that ends them in time where the store's clock steps back. */
  readonly leaseTtlUs?: number;
}

/** An id for leases and places in queues: the queue itself can read from it the request and its deadline. */
export function waiterId(parts: WaiterIdParts): string {
  const { instance, sequence, direct, maxWaitUs, permits, cost, leaseTtlUs } = parts;
  const timeoutUs = Math.min(Math.ceil(maxWaitUs), FOREVER_US);
  const own = leaseTtlUs === undefined ? sequence : `${sequence}~${leaseTtlUs}`;
  return `${instance}.${own}.${direct ? "d" : "t"}.${timeoutUs}.${permits}.${cost}`;
}

/** What an id made by `waiterId` says. */
export function parseWaiterId(id: string): WaiterIdParts {
  const [instance, own, kind, maxWaitUs, permits, cost] = id.split(".") as [string, string, ...string[]];
  return {
    instance,
    sequence: parseInt(own),
    direct: kind === "d",
    maxWaitUs: Number(maxWaitUs),
    permits: Number(permits),
    cost: Number(cost),
  };
}
