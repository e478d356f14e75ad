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

/**
 * What becomes of rules in a simulation. `none`: all processes have the same, for ever. `mixed`: one has the old version and
 * the others have the new one, for ever. `rolling`: all begin with the old version; one after the other is replaced by a
 * process with the new one. `reload`: each process changes the rules of its limiters now and then, to and fro.
 */
export type Changes = "none" | "mixed" | "rolling" | "reload";

/** What a seed stands for. */
export interface Scenario {
  /** What goes wrong. */
  readonly weather: Weather;
  /** How messages fare. */
  readonly faults: LinkFaults;
  /** The limiters, for one process of the old version or of the new one. */
  limiters(version: 0 | 1): Readonly<Record<LimiterId, LimiterOptions>>;
  /** What becomes of rules. */
  readonly changes: Changes;
  /** Whether callers block keys: calls that wait then ask again, each process in an order of its own. */
  readonly blocks: boolean;
  /** Whether the clock of the store steps back now and then. */
  readonly isStepping: boolean;
  /** Decides about everything else. */
  readonly random: Random;
}

/** The permits that `pool` has, by the old version and by the new one. */
export const PERMITS = [3, 4] as const;

/** How long a permit of a process that is gone stays taken, in milliseconds. */
export const LEASE_TTL_MS = 5_000;

const WEATHERS: readonly [Weather, ...Weather[]] = ["calm", "lossy", "stormy"];

const CHANGES: readonly [Changes, ...Changes[]] = ["none", "mixed", "rolling", "reload"];

const SHARED: readonly [LimitOptions, ...LimitOptions[]] = [
  { algorithm: "sliding_window", limit: 6, windowMs: 900 },
  { algorithm: "fixed_window", limit: 6, windowMs: 900 },
  { algorithm: "sliding_window_counter", limit: 6, windowMs: 900 },
  { limit: 6, windowMs: 900 },
  { limit: 7, windowMs: 900, burst: 3 },
];

const PACED: readonly LimiterOptions[] = [
  { ratePerSecond: 20, burst: 2, maxConcurrent: 2 },
  {
    limits: [{ algorithm: "fixed_window", limit: 5, windowMs: 300 }, { limit: 30, windowMs: 2_000 }],
    maxConcurrent: 3,
  },
];

/** What the new version may have beside one of those. */
const CHANGED: readonly LimiterOptions[] = [
  { algorithm: "sliding_window", limit: 15, windowMs: 2_000 },
  { algorithm: "fixed_window", limit: 3, windowMs: 400 },
  { ratePerSecond: 20, burst: 8 },
  { limits: [{ algorithm: "sliding_window", limit: 5, windowMs: 500 }, { limit: 9, windowMs: 2_000 }] },
];

/** What a simulation may be told. */
export interface ScenarioOptions {
  /** Picks the weather, in place of the seed. */
  readonly weather?: Weather | undefined;
  /** Says what becomes of rules, in place of the seed. */
  readonly changes?: Changes | undefined;
  /** Lets the clock of the store step back. @default {false} */
  readonly stepping?: boolean | undefined;
}

/** The scenario of a seed. */
export function scenarioOf(
  seed: number,
  {
    weather = WEATHERS[seed % 3] as Weather,
    stepping = false,
    changes = stepping ? "none" : CHANGES[Math.floor(seed / 3) % 4] as Changes,
  }: ScenarioOptions = {},
): Scenario {
  const random = new Random(seed);
  const shared = random.pick(SHARED);
  const other = random.pick([...SHARED, ...CHANGED] as [LimiterOptions, ...LimiterOptions[]]);
  const changed = other === shared ? CHANGED[0] as LimiterOptions : other;
  const rest = { onStoreError: "throw", denyCacheMs: 0 } as const;
  return {
    weather,
    faults: { loss: weather === "calm" ? 0 : 0.01, slow: 0.02 },
    random,
    changes,
    blocks: changes !== "none" && Math.floor(seed / 12) % 2 === 0,
    isStepping: stepping,
    limiters: (version) => ({
      user: { ratePerSecond: 0.5, ...rest },
      pool: { maxConcurrent: PERMITS[version], leaseTtlMs: LEASE_TTL_MS, ...rest },
      paced: { ...PACED[version], leaseTtlMs: LEASE_TTL_MS, ...rest },
      shared: { ...(version === 1 ? changed : shared), ...rest },
      both: { limits: [shared, { ratePerSecond: 10, burst: 4 }], ...rest },
    }),
  };
}
