/**
 * A request with the names of its rows.
 *
 * @module
 */

import { Deadlined } from "../../base/deadline.ts";
import type { BatchItem } from "../batch.ts";
import type { DoneReply, StoreRequest, TakeReply } from "../store.ts";
import { isBucketTake } from "./buckets/header.ts";
import { rowName } from "./keys.ts";

/** What is answered to a request. */
export type Reply = TakeReply | DoneReply;

/** A request that waits to be sent, or was sent. */
export class NamedRequest extends Deadlined implements BatchItem<Reply> {
  /** The request. */
  readonly request: StoreRequest;
  /** The row of each target. */
  readonly keys: readonly string[];
  /** Whether it is about a single token bucket, which SQL can decide. */
  readonly isBucket: boolean;
  sink: BatchItem<Reply>["sink"];
  isGone: boolean = false;
  leave: (() => void) | undefined;
  /** Whether it was handed to a connection. */
  isSent: boolean = false;
  /** Whether its time is over, and its caller was told so. */
  isLate: boolean = false;
  /** Called when its time is over. Must not throw. */
  onLate: (() => void) | undefined;

  /**
   * Finds the names.
   *
   * @param request The request.
   */
  constructor(request: StoreRequest) {
    super();
    this.request = request;
    this.keys = request.targets.map(rowName);
    this.isBucket = isBucketTake(request);
  }
  expire(): void {
    this.isLate = true;
    this.onLate?.();
  }
}
