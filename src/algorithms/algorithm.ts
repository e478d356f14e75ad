/**
 * What an algorithm provides besides its kernel: it checks the options of its limits, and describes their levels.
 *
 * @module
 */

import type { Level } from "./kernel.ts";
import type { RateLimit } from "./limit.ts";
import type { LimitOptions } from "./options.ts";
import type { Fraction } from "./rational.ts";

/** Where one limit stands after a decision, in numbers that users read. */
export interface Standing {
  /** Units that are left. */
  readonly remaining: number;
  /** The window in which `limit` units become free again, in milliseconds. */
  readonly windowMs: number;
  /** When all of `limit` is free again, with no other traffic, in milliseconds. */
  readonly resetAfterMs: number;
}

/** One algorithm. `algorithms/mod.ts` has a row for each. */
export interface Algorithm<Limit extends RateLimit> {
  /** Its name in options. */
  readonly name: Limit["algorithm"];
  /** The letter by which scripts know it. */
  readonly letter: string;
  /** Whether its state has a key of its own in Redis where a limiter has several limits. */
  readonly hasOwnKey: boolean;
  /** Where the state keeps each unit: an algorithm that counts about the same in a small state. */
  readonly counterpart?: RateLimit["algorithm"];
  /** Whether a limit that denied some cost is known to deny it until the wait is over, whatever else leaves meanwhile. */
  readonly deniesUntilReady: boolean;
  /**
   * Checks the options of a limit, and prepares them for arithmetic.
   *
   * @param options The limit as written.
   * @param prefix What error messages put in front of option names, such as `limits[1].`.
   * @throws {ConfigError} If anything is missing, contradictory or out of range.
   */
  compile(options: LimitOptions, prefix: string): Limit;
  /**
   * A part of a limit, for a process that applies it alone.
   *
   * @throws {ConfigError} If it cannot be that small.
   */
  share(limit: Limit, share: Fraction): Limit;
  /**
   * A limit for processes that hold units for a while before they use them: smaller by what refills in that time. Absent
   * where units cannot be held, or where a level does not tell a state (`fromLevel` in `kernels.ts`).
   *
   * @throws {ConfigError} If nothing is left.
   */
  lend?(limit: Limit, leaseUs: number): Limit;
  /** The numbers that scripts read after the letter. */
  numbers(limit: Limit): readonly number[];
  /** Where a limit stands. */
  standing(limit: Limit, level: Level): Standing;
  /** When a limit without a unit left has one again, in milliseconds. */
  nextUnitMs(limit: number, standing: Omit<Standing, "remaining">): number;
  /** A level some microseconds later, with no traffic since. */
  age(level: Level, ageUs: number): Level;
}
