/**
 * What the doctor finds, and what it looks at.
 *
 * @module
 */

import type { Fleet } from "../fleet/fleet.ts";
import type { NamedPolicy } from "../policy/policy.ts";
import type { StoreCheck } from "../stores/check.ts";
import type { StoreInspection } from "../stores/inspection.ts";

/**
 * How bad it is.
 *
 * - `ok`: As it should be.
 * - `note`: Something to know. Nothing has to be done.
 * - `warning`: It works, but limits may not hold, or not for long.
 * - `error`: It does not work.
 */
export type Level = "ok" | "note" | "warning" | "error";

/** One thing that was looked at. */
export interface Finding {
  /** What was looked at: `latency`, `rights`. */
  readonly what: string;
  /** How bad it is. */
  readonly level: Level;
  /** What was found, in plain words, without secrets. */
  readonly detail: string;
  /** What to do; undefined where nothing has to be done. */
  readonly advice: string | undefined;
}

/** What is known of a store when it is judged. */
export interface ExaminedStore {
  /** The store's id. */
  readonly store: string;
  /** The limiters on it, as the configuration has them. */
  readonly limiters: readonly NamedPolicy[];
  /** What a quick look found. */
  readonly check: StoreCheck;
  /** What a close look found; undefined of a store that has none. */
  readonly inspection: StoreInspection | undefined;
  /** What the processes that use the store report. */
  readonly fleet: Fleet;
}

/** Judges one thing. It says nothing about what is not known, and about what does not apply. */
export type Judge = (examined: ExaminedStore) => readonly Finding[];

/** Makes a finding. */
export function finding(what: string, level: Level, detail: string, advice?: string): Finding {
  return { what, level, detail, advice };
}
