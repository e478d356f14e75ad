/**
 * A request that waits for its answer.
 *
 * @module
 */

import { Deadlined } from "../../../base/deadline.ts";
import type { StoreError } from "../../../base/errors.ts";
import type { NatsMessage } from "./client.ts";

/** A request without an answer. */
export class Pending extends Deadlined {
  readonly token: string;
  readonly subject: string;
  readonly resolve: (message: NatsMessage) => void;
  readonly reject: (error: StoreError) => void;

  constructor(
    token: string,
    subject: string,
    resolve: (message: NatsMessage) => void,
    reject: (error: StoreError) => void,
  ) {
    super();
    this.token = token;
    this.subject = subject;
    this.resolve = resolve;
    this.reject = reject;
  }
}
