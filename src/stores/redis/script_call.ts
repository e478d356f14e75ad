/**
 * One call of a script.
 *
 * @module
 */

import type { StoreError } from "../../base/errors.ts";
import type { TakeReply } from "../store.ts";
import type { ScriptReply } from "./connections/connection.ts";
import type { Script } from "./script.ts";

/** One script call. */
export interface ScriptCall {
  /** What to run. */
  readonly script: Script;
  /** Its KEYS. */
  readonly keys: readonly string[];
  /** Its ARGV. */
  readonly args: readonly string[];
}

/** A call of a script that decides about each request by one key. */
export interface KeyCall extends ScriptCall {
  /** Reads the reply, one entry for each request; undefined if it is not that. */
  read(reply: readonly ScriptReply[]): (TakeReply | StoreError)[] | undefined;
}
