/**
 * What an instance tells those who observe it: the one source of metrics, traces and live views.
 *
 * @module
 */

import type { Decision } from "../decision/decision.ts";
import type { StoreEvent } from "./events.ts";

/**
 * How a call that waited has ended.
 *
 * - `allowed`: It got what it waited for.
 * - `denied`: Its deadline could not be met.
 * - `aborted`: Its caller gave up.
 * - `failed`: The store failed, and the failure policy decides; or the instance was closed.
 */
export type WaitOutcome = "allowed" | "denied" | "aborted" | "failed";

/**
 * Receives what happens in an instance, as it happens. Each method is optional, and what no observer has costs nothing. The
 * methods run inside of the calls that they tell about, so they should be quick. What they throw is logged, and changes
 * nothing else.
 */
export interface Observer {
  /**
   * A call was decided; over several limiters, once for each of them.
   *
   * @param limiter The limiter's id.
   * @param key The key; undefined for the limiter as a whole.
   * @param decision The decision.
   * @param waitedMs How long the caller waited for it, in milliseconds.
   */
  decided?(limiter: string, key: string | undefined, decision: Decision, waitedMs: number): void;
  /** As `decided`, for denials alone. */
  denied?(limiter: string, key: string | undefined, decision: Decision): void;
  /**
   * A call begins that may wait. What this returns is passed to `dequeued` if it does wait: the context of a trace, for
   * example. Only one observer should have it: the value of the last one is kept.
   */
  begun?(): unknown;
  /** A call has begun to wait: for units, or for a permit. */
  queued?(limiter: string): void;
  /**
   * A call that waited has ended.
   *
   * @param limiter The limiter's id.
   * @param outcome How it has ended.
   * @param waitedMs How long it took since the call was made, in milliseconds.
   * @param begun What `begun` has returned for the call.
   */
  dequeued?(limiter: string, outcome: WaitOutcome, waitedMs: number, begun: unknown): void;
  /**
   * A permit of a limiter with `maxConcurrent` was released, or was lost.
   *
   * @param limiter The limiter's id.
   * @param heldMs How long it was held, in milliseconds.
   * @param isLost Whether its lease ended before the release.
   */
  released?(limiter: string, heldMs: number, isLost: boolean): void;
  /**
   * A store outside this process has answered a call, or the call has failed.
   *
   * @param store The store's id.
   * @param requests How many requests the call was for.
   * @param durationMs How long it took, in milliseconds, with the way there and back.
   * @param isFailed Whether it has failed.
   */
  storeCalled?(store: string, requests: number, durationMs: number, isFailed: boolean): void;
  /** A store fails, decides again, or has found other rules in other processes. */
  storeChanged?(event: StoreEvent): void;
}

/** What happens in calls: the methods of an observer, without events of stores. */
export type ObserverMethods = { [Name in Exclude<keyof Observer, "storeChanged">]: Observer[Name] | undefined };
