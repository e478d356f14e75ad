/**
 * How a limiter reaches the stores that decide for it.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Policy } from "../policy/policy.ts";
import type { StoreSession } from "./store_session.ts";

/** Where an open store is found. An object and not a getter: every call reads it. */
export interface OpenPlace<Session> {
  /** The store, while it is open. */
  store: Session | undefined;
}

/** The store of a limiter, and the one that decides while that cannot. */
export interface StoreAccess<Session extends StoreSession = StoreSession> {
  /** The configured store, if it is open. */
  readonly open: Readonly<OpenPlace<Session>>;
  /** The configured store; opened if it is not. */
  client(): Promise<Session>;
  /** The store of this process, if it is open. */
  currentFallback(): Session | undefined;
  /** The store of this process, for when the configured one cannot decide; opened if it is not. */
  fallback(): Promise<Session>;
  /**
   * Why calls of a limiter can never be decided without a promise; undefined where only the store is not open yet, or has
   * to be asked this time.
   */
  refusalAtOnce(limiter: string, policy: Policy): Error | undefined;
  /** How many functions of `run` are under way in the instance, and who wants to know when the last one has ended. */
  readonly runs: { count: number; onNone: (() => void) | undefined };
  /** Where time comes from. */
  readonly clock: Clock;
}

/** Does something at the store of a limiter, in this turn where it is open. */
export async function atStore<Session extends StoreSession, Result>(
  access: StoreAccess<Session>,
  act: (store: Session) => Result | Promise<Result>,
): Promise<Result> {
  return await act(access.open.store ?? await access.client());
}
