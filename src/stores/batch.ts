/**
 * What a batcher needs to know: how its calls are made, and of each request.
 *
 * @module
 */

import { StoreError } from "../base/errors.ts";
import type { ReplySink, StoreCallReport } from "./store.ts";

/** How a batcher works. */
export interface BatcherOptions<Item, Reply> {
  /** Sends items as one call, now. Resolves to a reply, or an error, for each of them. Calls arrive in order. */
  send(items: readonly Item[], nowUs: number): Promise<readonly (Reply | Error)[]>;
  /** Only items of one kind go into one call. */
  kindOf(item: Item): unknown;
  /** Items that have one of these in common take effect in the order in which they were asked. */
  keysOf(item: Item): readonly string[];
  /** Whether an item takes no room in a call behind the one that was asked before it. */
  joins(item: Item, before: Item): boolean;
  /** The error of one item, where its call has failed as a whole. */
  errorOf(cause: unknown): unknown;
  /** Calls back when what was sent before has left this process. */
  afterSending(callback: () => void): void;
  /** Each is called when a call was answered, or has failed, before its callers know. There may be more later. @default {[]} */
  readonly watchers?: readonly StoreCallReport[] | undefined;
  /** The time, in microseconds. */
  nowUs(): number;
  /** The most items of a call, without those that join another; with them, eight times as many. */
  readonly maxBatch: number;
  /** The most items that wait to be sent; more are refused. */
  readonly maxQueued: number;
  /** As many calls may be in flight as soon as there is something to send. @default {3} */
  readonly minCalls?: number | undefined;
  /**
   * In how many parts the callers of a call go on, where nothing else is under way. What the first of them ask then reaches
   * the other side earlier, in more and smaller calls. @default {3}
   */
  readonly parts?: number | undefined;
  /** The most calls in flight; it may change: see `resume`. @default as many as keep the other side busy */
  readonly maxCalls?: number | undefined;
}

/** A request to a batcher. It carries what the batcher needs to know of it, so that no other object is needed. */
export interface BatchItem<Reply> {
  /** Takes the outcome; the batcher sets it. */
  sink?: ReplySink<Reply> | undefined;
  /** Whether its caller has given up while it was queued. */
  isGone?: boolean;
  /** Forgets the caller's signal; undefined where there is none. */
  leave?: (() => void) | undefined;
}

/** The refusal of an item, where too many wait already. */
export function overloaded(maxQueued: number): StoreError {
  const message = `Cannot ask the store: ${maxQueued} requests wait to be sent already`;
  return new StoreError("STORE_OVERLOADED", message, { reason: "overloaded" });
}
