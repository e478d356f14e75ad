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

/** Whether no waiting heals a failure: somebody has to change the configuration. */
export function isPermanent(reason: StoreErrorReason | undefined): boolean {
  return PERMANENT.has(reason);
}
