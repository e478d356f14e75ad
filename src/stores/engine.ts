/**
 * What configuration knows of a kind of store.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { StoreError } from "../base/errors.ts";
import type { OptionTable } from "../base/option_table.ts";
import type { Store } from "./store.ts";

/** What a store is opened with, beside its options. */
export interface OpenContext {
  /** Where time comes from, for stores inside this process. */
  readonly clock: Clock;
  /**
   * Called with what goes wrong in the background, such as a lost connection; with `true` if limits are weaker because of
   * it, although no call fails: counted units were lost.
   */
  readonly onError: (error: StoreError, isWeaker?: boolean) => void;
}

/** What is said of an engine whose stores are outside this process. */
export interface RemoteEngine {
  /** What log lines and messages call it. */
  readonly title: string;
  /** The URLs of its stores. A URL picks the engine where a file does not name one. */
  readonly urls: RegExp;
  /** What URLs begin with, in words, for messages. */
  readonly urlStart: string;
  /** An address, for messages. */
  readonly urlExample: string;
  /** Options that say where a store is, in place of `url`, as files spell them. */
  readonly otherPlaces: readonly string[];
  /** Whether new rules may scale or reset what others have counted: `onChange`. */
  readonly changesCounts: boolean;
  /**
   * The most units of a limit whose state keeps each of them, where the store writes all of that state with each call.
   * @default {Infinity}
   */
  readonly mostKept?: number;
}

/** One kind of store, as a row of `registry/engines.ts`. */
export interface Engine<Config> {
  /** Its options, but for `engine` and those about failures. A function, because the table is loaded when it is needed. */
  options(): OptionTable;
  /**
   * What stores outside this process need. They also take the options about failures, and another store decides while
   * they cannot. Absent where stores are inside.
   */
  readonly remote?: RemoteEngine;
  /**
   * Checks options, and tells where the store is, without credentials; undefined of one inside this process.
   *
   * @param config What was given, without the options about failures.
   * @throws {ConfigError} If something cannot be used; its path is relative to the options.
   */
  describe(config: Config): string | undefined;
  /**
   * Opens a store. It does not connect, and does not reject where a driver is missing: the calls of the store then fail
   * with a `StoreError`, so that failure policies decide.
   *
   * @param config What `describe` has checked.
   * @param context Where time comes from, and where errors go.
   */
  open(config: Config, context: OpenContext): Promise<Store>;
}
