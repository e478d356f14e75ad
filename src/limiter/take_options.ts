/**
 * How to take, and what becomes of it.
 *
 * @module
 */

import type { TakeReply, Target } from "../stores/store.ts";

/** What became of a take, after all waiting. */
export interface Taken {
  /** The last reply: allowed, or the denial. */
  readonly reply: TakeReply;
  /** The id of the leases that are held, if slots were taken; else empty. */
  readonly id: string;
  /** How long the caller waited, in milliseconds, beside the calls themselves. */
  readonly waitedMs: number;
  /** Whether the call queued for a permit. */
  readonly wasQueued: boolean;
}

/** How to take. */
export interface TakeOptions {
  /** What to take from. */
  readonly targets: readonly Target[];
  /** The longest acceptable wait, in microseconds. */
  readonly maxWaitUs: number;
  /** Gives up. */
  readonly signal: AbortSignal | undefined;
  /** Takes for a later instant, but does not wait for it. */
  readonly reserveOnly?: boolean;
  /** Told when the call found every permit taken and queues. */
  queued(): void;
}
