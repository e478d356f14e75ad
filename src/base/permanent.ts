/**
 * Which failures of a store are mistakes of the configuration, and not outages.
 *
 * @module
 */

import type { StoreErrorReason } from "./errors.ts";

const PERMANENT: ReadonlySet<StoreErrorReason | undefined> = new Set<StoreErrorReason>([
  "not_redis",
  "driver_missing",
  "authentication",
  "wrong_database",
  "cluster_node",
]);

/** Whether waiting does not heal a failure: the configuration has to be changed. */
export function isPermanent(reason: StoreErrorReason | undefined): boolean {
  return PERMANENT.has(reason);
}
