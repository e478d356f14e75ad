/**
 * What a request runs on.
 *
 * @module
 */

import type { Target, WakeupListener } from "../store.ts";
import type { Entry } from "./entry.ts";
import type { PermitLedger } from "./permit_ledger.ts";

/** The entries of keys, wherever they are kept. */
export interface Entries {
  /** The entry of a target as it stands, or a fresh one. It has to be written to be kept. */
  read(target: Target, nowUs: number): Entry;
  /** Keeps an entry that was read and changed. */
  write(target: Target, entry: Entry, nowUs: number): void;
  /**
   * Writes an entry that had to be corrected, whatever is decided: after a step back of the clock, or because rules met a key
   * that others had written. Otherwise each call would correct it again, to a later instant.
   */
  settle(target: Target, nowUs: number): void;
  /** Starts a key anew: full limits, every permit free, no block. Those who wait keep their places. */
  reset(target: Target, nowUs: number): void;
}

/** Entries, a reading of the clock, and who hears of what happens. */
export interface RunContext {
  /** The state. */
  readonly entries: Entries;
  /** Where wakeups go, by instance. A waiter whose instance is not there is gone. */
  readonly listeners: ReadonlyMap<string, WakeupListener>;
  /** The reading of the clock. */
  readonly nowUs: number;
  /** Has a listener called, once what the request has changed is kept. */
  deliver(send: () => void): void;
  /** How many processes hold permits of a ledger, of which some are held. */
  processesOf(ledger: PermitLedger): number;
}
