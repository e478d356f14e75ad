/**
 * A request on its way into a message.
 *
 * @module
 */

import type { BatchItem } from "../batch.ts";
import type { ReplySink, StoreRequest } from "../store.ts";
import type { LogReply } from "./replica.ts";

/**
 * One item of a batch. A class: V8 may come to make objects of a literal in the old generation, where everything that
 * they hold grows old with them.
 */
export class LogRequest implements BatchItem<LogReply> {
  /** The request. */
  readonly request: StoreRequest;
  sink: ReplySink<LogReply> | undefined = undefined;
  isGone = false;
  leave: (() => void) | undefined = undefined;

  /**
   * @param request The request.
   */
  constructor(request: StoreRequest) {
    this.request = request;
  }
}
