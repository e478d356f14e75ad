/**
 * The conformance suite: what every store must do, whatever it is made of.
 *
 * @module
 */

import type { LimiterOptions } from "../../policy/options.ts";
import { Bench, type CaseDefinition, type OpenStore, type Topic } from "./bench.ts";
import { board } from "./board.ts";
import { combined } from "./combined.ts";
import { concurrency } from "./concurrency.ts";
import { configuration } from "./configuration.ts";
import { contract } from "./contract.ts";
import { corrections } from "./corrections.ts";
import { failures } from "./failures.ts";
import { functions } from "./functions.ts";
import { keys } from "./keys.ts";
import { leases } from "./leases.ts";
import { leaving } from "./leaving.ts";
import { lifecycle } from "./lifecycle.ts";
import { metrics } from "./metrics.ts";
import { peeking } from "./peeking.ts";
import { reset } from "./reset.ts";
import { several } from "./several.ts";
import { sharing } from "./sharing.ts";
import { slidingWindow } from "./sliding_window.ts";
import { tokenBucket } from "./token_bucket.ts";
import { withinDeadline } from "./tracked_store.ts";
import { waiting } from "./waiting.ts";
import { windows } from "./windows.ts";

/** What the suite needs of a store. */
export interface StoreConformanceOptions {
  /**
   * Makes a store that takes its time from the given clock and nothing else, and that is empty. Called for every case,
   * sometimes twice; what it returns is emptied with `resetAll()` and closed at the end of the case.
   */
  readonly open: OpenStore;
  /**
   * Changes the options of each limiter before a case uses them: to see that cases hold with a feature on or off.
   *
   * @default options as they are
   */
  readonly adapt?: (options: LimiterOptions) => LimiterOptions;
  /**
   * On how many ways wakeups come, a whole number from 1; each keeps their order. 1 for one connection, the number of
   * nodes for a cluster. The suite waits for those that are under way. @default {1}
   */
  readonly wakeupPaths?: number;
  /**
   * Whether the store can push messages to a process. One that cannot tells no other process of a reset or block.
   *
   * @default {true}
   */
  readonly pushes?: boolean;
}

/** One case of the suite, for any test framework. */
export interface ConformanceCase {
  /** What holds if it passes: a claim, not repeated by another case. */
  readonly name: string;
  /** The requirements that it shows, by their numbers in the project's inventory; `law.3` is a law of the design. */
  readonly covers: readonly string[];
  /** Rejects if the claim does not hold. Takes no virtual time for real: it sleeps nowhere. */
  run(): Promise<void>;
}

const TOPICS: readonly Topic[] = [
  lifecycle,
  configuration,
  tokenBucket,
  slidingWindow,
  windows,
  concurrency,
  leases,
  waiting,
  leaving,
  combined,
  metrics,
  peeking,
  reset,
  corrections,
  sharing,
  keys,
  contract,
  several,
  functions,
  failures,
  board,
];

/** How long a case may take, in real milliseconds: long enough for any store, short enough to notice one that hangs. */
const CASE_DEADLINE_MS = 30_000;

/**
 * The conformance suite of a store.
 *
 * It drives the store through the public interface, in virtual time: no case sleeps, and each asks for exact instants.
 *
 * @param options What to test.
 *
 * @example With node:test
 * ```ts
 * import { describe, it } from "node:test";
 * import { MemoryStore } from "@ratesync/core/memory";
 * import { storeConformance } from "@ratesync/core/testing";
 *
 * describe("MemoryStore", () => {
 *   for (const { name, run } of storeConformance({ open: ({ clock }) => new MemoryStore({ clock }) })) it(name, run);
 * });
 * ```
 */
export function storeConformance(options: StoreConformanceOptions): ConformanceCase[] {
  return TOPICS.flatMap(({ topic, cases }) =>
    cases.map((definition) => ({
      name: `${topic}: ${definition.name}`,
      covers: definition.covers,
      run: () => withinDeadline(runCase(definition, options), "the end of the case", CASE_DEADLINE_MS),
    }))
  );
}

async function runCase(
  definition: CaseDefinition,
  { open, adapt = (options) => options, wakeupPaths, pushes }: StoreConformanceOptions,
): Promise<void> {
  await using bench = await Bench.open(open, adapt, { wakeupPaths, pushes });
  await definition.run(bench);
}
