/**
 * How a limiter reaches the stores that decide for it.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { StoreSession } from "./store_session.ts";

/** The store of a limiter, and the one that decides while that cannot. */
export interface StoreAccess<Session extends StoreSession = StoreSession> {
  /** The configured store, if it is open. No getter: objects that have one of their own are slow to read. */
  current(): Session | undefined;
  /** The configured store; opened if it is not. */
  client(): Promise<Session>;
  /** The store of this process, if it is open. */
  currentFallback(): Session | undefined;
  /** The store of this process, for when the configured one cannot decide; opened if it is not. */
  fallback(): Promise<Session>;
  /** How many functions of `run` are under way in the instance, and who wants to know when the last one has ended. */
  readonly runs: { count: number; onNone: (() => void) | undefined };
  /** Where time comes from. */
  readonly clock: Clock;
}
