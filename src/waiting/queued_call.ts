/**
 * What the queue for permits knows of a call.
 *
 * @module
 */

import type { TakeReply, Target } from "../stores/store.ts";

/** A call that queues. */
export interface QueuedCall {
  /** Its id in the store. */
  readonly id: string;
  /** Calls of one line queue for the same permits: one of them asks again for all. */
  readonly line: string;
  /** What it asks for. */
  readonly targets: readonly Target[];
  /** Asks the store again. */
  ask(arrivalUs: number): Promise<TakeReply>;
  /** Whether rules have changed so that its place is of no use: it must ask anew. */
  endsPlace(): boolean;
  /** Takes a reply that came when the call was over: what it granted must be given back. */
  late?(reply: TakeReply): void;
}
