/**
 * How the messages of Redis to the calls of this process that wait arrive.
 *
 * @module
 */

import type { StoreError } from "../../base/errors.ts";
import type { DoneReply, TakeReply, WakeupListener } from "../store.ts";
import type { NamedRequest } from "./named_request.ts";

/** The messages of one store: pushed to it, or fetched. */
export interface Messages {
  /** Whether they lie in inboxes until they are fetched. */
  readonly areFetched: boolean;
  /** The ids of the calls that wait, as far as that matters to {@linkcode receive}. */
  readonly waiting: readonly string[];
  /** From now on, messages for an instance go to its listener. */
  listen(listener: WakeupListener): Promise<void>;
  /** The instances whose messages should come with the reply to a script call for these requests. */
  callersOf(batch: readonly NamedRequest[]): readonly string[];
  /** Takes note of which calls wait, and which do not any more. Absent where messages come by themselves. */
  replied?(batch: readonly NamedRequest[], replies: readonly (TakeReply | DoneReply | StoreError)[]): void;
  /** Takes the messages of a reply; `waitingBefore` are those that were waiting when it was sent. */
  receive(messages: readonly string[], waitingBefore: readonly string[]): void;
  /** A call has failed whose reply may have held messages for these instances: their calls ask again later. */
  lost(callers: readonly string[]): void;
  /** All calls that wait ask again now. */
  missed(): void;
  /** Fetches nothing more. */
  close(): void;
}
