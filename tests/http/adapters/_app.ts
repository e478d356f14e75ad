/**
 * What every application of these tests is given.
 *
 * @module
 */

import type { GuardOptions } from "@ratesync/core/http";
import type { RunningServer } from "../_servers.ts";

/** What streams and hanging answers wait for. */
export class Gate {
  /** Lets them go on. */
  open!: () => void;
  /** Settled when they may. */
  readonly opened: Promise<void> = new Promise<void>((resolve) => void (this.open = resolve));
}

/** Options that an adapter of any framework takes. */
export type AnyOptions = GuardOptions;

/** Starts the application, guarded. */
export type App = (options: AnyOptions, gate: Gate) => Promise<RunningServer>;

/** Where the application redirects to. */
export const ELSEWHERE = "http://127.0.0.1:1/elsewhere";
