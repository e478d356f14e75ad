/**
 * How a store uses its connection.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { PostgresPlace } from "./names.ts";

/** How a store uses its connection. */
export interface PostgresStoreSettings extends PostgresPlace {
  /** Whether tables and functions that are missing are made. @default {true} */
  readonly autoCreate?: boolean | undefined;
  /**
   * Whether a decision is on disk before it is answered. Without it, what was decided in about the last half second is
   * lost if the server crashes. @default {false}
   */
  readonly durable?: boolean | undefined;
  /**
   * How long a request of `execute` may take in all, in milliseconds, above 0, before it fails with `STORE_TIMEOUT`. Statements
   * and transactions end by the connection. @default {5_000}
   */
  readonly socketTimeoutMs?: number | undefined;
  /** How many requests may wait to be sent; more fail with `STORE_OVERLOADED`. @default {65_536} */
  readonly maxQueued?: number | undefined;
  /** A clock that replaces the server's, for tests with virtual time. Never in production. */
  readonly testClock?: Clock | undefined;
}
