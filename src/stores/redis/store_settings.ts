/**
 * How a Redis store uses its connection.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { ScriptCall } from "./script_call.ts";

/** How a store uses its connection. */
export interface RedisStoreSettings {
  /** What every key begins with. @default {"rate_limit"} */
  readonly keyPrefix?: string;
  /** Added to every key's time to live, in milliseconds. @default {10} */
  readonly timingMarginMs?: number;
  /**
   * In a cluster, what one script call is about: keys of all slots of a node, where it lets that, or of one slot.
   * @default {"node"}
   */
  readonly clusterBatch?: "node" | "slot";
  /** How many requests may wait to be sent; more fail with `STORE_OVERLOADED`. @default {65_536} */
  readonly maxQueued?: number;
  /** A clock that replaces the server's, for tests with virtual time. Never in production. */
  readonly testClock?: Clock;
  /** Replaces a script before it is sent, for tests that seed mistakes. */
  readonly testScript?: (call: ScriptCall) => ScriptCall;
}
