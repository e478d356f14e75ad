/**
 * What a seed stands for: which faults there are, and which limits.
 *
 * @module
 */

import type { LimiterOptions, LimitOptions } from "../../src/policy/options.ts";
import type { LinkFaults } from "./link.ts";
import { Random } from "./random.ts";

/** What goes wrong in a simulation. `calm`: nothing but delays. Each kind has the faults of those before it. */
export type Weather = "calm" | "lossy" | "stormy";

/** The limiters of a simulation. */
export type LimiterId = "user" | "pool" | "shared" | "paced" | "both";

/** What a seed stands for. */
export interface Scenario {
  /** What goes wrong. */
  readonly weather: Weather;
  /** How messages fare. */
  readonly faults: LinkFaults;
  /** The limiters, for one process of the old version or of the new one. */
  limiters(version: 0 | 1): Readonly<Record<LimiterId, LimiterOptions>>;
  /** Whether the processes do not all have the same rules. */
  readonly isMixed: boolean;
  /** Whether the clock of the store steps back now and then. */
  readonly isStepping: boolean;
  /** Decides about everything else. */
  readonly random: Random;
}

/** The permits that `pool` has. */
export const PERMITS = 3;

/** How long a permit of a process that is gone stays taken, in milliseconds. */
export const LEASE_TTL_MS = 5_000;

const WEATHERS: readonly [Weather, ...Weather[]] = ["calm", "lossy", "stormy"];

const SHARED: readonly [LimitOptions, ...LimitOptions[]] = [
  { algorithm: "sliding_window", limit: 6, windowMs: 900 },
  { algorithm: "fixed_window", limit: 6, windowMs: 900 },
  { algorithm: "sliding_window_counter", limit: 6, windowMs: 900 },
  { limit: 6, windowMs: 900 },
  { limit: 7, windowMs: 900, burst: 3 },
];

/** What a simulation may be told. */
export interface ScenarioOptions {
  /** Picks the weather, in place of the seed. */
  readonly weather?: Weather | undefined;
  /** Lets two versions of the rules meet. @default {false} */
  readonly mixed?: boolean | undefined;
  /** Lets the clock of the store step back. @default {false} */
  readonly stepping?: boolean | undefined;
}

/** The scenario of a seed. */
export function scenarioOf(
  seed: number,
  { weather = WEATHERS[seed % 3] as Weather, mixed = false, stepping = false }: ScenarioOptions = {},
): Scenario {
  const random = new Random(seed);
  const shared = random.pick(SHARED);
  const changed = random.pick(SHARED);
  const isMixed = mixed && shared !== changed;
  const rest = { onStoreError: "throw", denyCacheMs: 0 } as const;
  return {
    weather,
    faults: { loss: weather === "calm" ? 0 : 0.01, slow: 0.02 },
    random,
    isMixed,
    isStepping: stepping,
    limiters: (version) => ({
      user: { ratePerSecond: 0.5, ...rest },
      pool: { maxConcurrent: PERMITS, leaseTtlMs: LEASE_TTL_MS, ...rest },
      paced: { ratePerSecond: 20, burst: 2, maxConcurrent: 2, leaseTtlMs: LEASE_TTL_MS, ...rest },
      shared: { ...(isMixed && version === 1 ? changed : shared), ...rest },
      both: { limits: [shared, { ratePerSecond: 10, burst: 4 }], ...rest },
    }),
  };
}
