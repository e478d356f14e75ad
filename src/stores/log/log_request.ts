/**
 * A request on its way into a message.
 *
 * @module
 */

import type { BatchItem } from "../batch.ts";
import type { ReplySink, StoreRequest } from "../store.ts";
import type { LogReply } from "./replica.ts";

/** One item of a batch. A class, for the reason that stands at `NamedRequest` of the Redis store. */
export class LogRequest implements BatchItem<LogReply> {
  /** The request. */
  readonly request: StoreRequest;
  /** What the batcher keeps of it: see `BatchItem`. */
  sink: ReplySink<LogReply> | undefined = undefined;
  /** As there. */
  isGone = false;
  /** As there. */
  leave: (() => void) | undefined = undefined;

  /**
   * @param request The request.
   */
  constructor(request: StoreRequest) {
    this.request = request;
  }
}
