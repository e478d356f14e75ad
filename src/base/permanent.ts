/**
 * Which failures of a store are mistakes of the configuration, and not outages.
 *
 * @module
 */

import type { StoreErrorReason } from "./store_error_reasons.ts";

const PERMANENT: ReadonlySet<StoreErrorReason | undefined> = new Set<StoreErrorReason>([
  "not_redis",
  "not_postgres",
  "not_nats",
  "driver_missing",
  "authentication",
  "wrong_database",
  "cluster_node",
  "not_cluster",
  "not_sentinel",
  "primary_unknown",
  "version_unsupported",
  "schema_missing",
  "no_jetstream",
  "wrong_stream",
]);

/** Whether waiting does not heal a failure: the configuration or the server has to be changed. */
export function isPermanent(reason: StoreErrorReason | undefined): boolean {
  return PERMANENT.has(reason);
}
