/**
 * The options of a memory store.
 *
 * @module
 */

import { type OptionRow, wholeNumber } from "../../base/option_table.ts";

/** A store inside this process: the embedded default. */
export interface MemoryStoreConfig {
  /** Picks this store. */
  readonly engine: "memory";
  /** The most keys held at once, from 1; past it the state nearest to fresh is forgotten first. @default {1_000_000} */
  readonly maxKeys?: number;
  /**
   * Checks every state after it was written: one that cannot be right is an error at the call that made it. For finding
   * mistakes of this package. @default {false}
   */
  readonly checkStates?: boolean;
}

/** How they are written and checked. */
export const MEMORY_OPTIONS: Readonly<Record<Exclude<keyof MemoryStoreConfig, "engine">, OptionRow>> = {
  maxKeys: {
    type: "number",
    whole: true,
    min: 1,
    check: wholeNumber(1, Number.MAX_SAFE_INTEGER, "a whole number from 1"),
  },
  checkStates: { type: "boolean" },
};
