/**
 * The options of a toy store: one of each type, and one for code alone.
 *
 * @module
 */

import { numberFrom, type OptionRow } from "../../base/option_table.ts";
import type { FailureOptions } from "../../policy/options.ts";

/** A connection that the application has made itself. */
export interface ToyPool {
  /** Where it leads. */
  readonly host: string;
}

/** A toy store as configuration describes it. */
export interface ToyStoreConfig extends FailureOptions {
  /** Picks this store. */
  readonly engine: "toy";
  /** `toy://[user:password@]host`. */
  readonly url?: string;
  /** Hosts, in place of `url`. */
  readonly hosts?: readonly string[];
  /** What this client is known by. */
  readonly token?: string;
  /** The number of the shelf. @default {0} */
  readonly shelf?: number;
  /** How it writes. @default {"safe"} */
  readonly mode?: "safe" | "fast";
  /** Whether it writes at all. @default {true} */
  readonly writable?: boolean;
  /** How long it may take to acknowledge, in milliseconds. */
  readonly ackTimeoutMs?: number;
  /** A certificate. */
  readonly certificate?: string;
  /** A connection that is there already. */
  readonly pool?: ToyPool;
}

/** How they are written and checked. */
export const TOY_OPTIONS: Readonly<Record<Exclude<keyof ToyStoreConfig, "engine" | keyof FailureOptions>, OptionRow>> =
  {
    url: { type: "text", secret: true },
    hosts: { type: "texts" },
    token: { type: "text", secret: true, emptyIsNone: true },
    shelf: { type: "number", whole: true, min: 0 },
    mode: { type: ["safe", "fast"] },
    writable: { type: "boolean" },
    ackTimeoutMs: { type: "duration", positive: true, check: numberFrom("milliseconds from 1 to 1000", 1, 1_000) },
    certificate: { type: "file" },
    pool: {},
  };
