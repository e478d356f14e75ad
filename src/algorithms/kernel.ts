/**
 * What an algorithm is: pure arithmetic on a state, a clock reading and a cost.
 *
 * The Lua of the Redis store repeats each kernel line by line, under the same names; a property test holds the two
 * to the same integers.
 *
 * @module
 */

/**
 * Where a limit stands, as two integers. A token bucket tells its debt: the whole microseconds until it is full, and
 * the rest in units of 1 / `denominator`. Every other algorithm tells the units in use, and the microseconds until
 * none is.
 */
export type Level = readonly [number, number];

/** What a take left behind, by which it can be found again and given back. */
export interface Mark {
  /** The store's clock when it was decided. */
  readonly nowUs: number;
  /** The instant for which it was taken: `nowUs`, or later for one that waits. */
  readonly atUs: number;
  /** The units that were taken; 0 where parts of them may be given back one by one. Else a mark is used once. */
  readonly cost: number;
  /** What `measure` told right after it. */
  readonly level: Level;
  /** What `trace` told right after it. */
  readonly trace?: readonly number[] | undefined;
}

/** Units that were taken for one instant, or for earlier ones. */
export interface Run {
  /** The latest instant for which one of them can have been taken. */
  readonly atUs: number;
  /** How many. */
  readonly units: number;
}

/** The arithmetic of one algorithm. Instants are whole microseconds; costs are whole, from 1 to the capacity. */
export interface Kernel<Limit, State> {
  /** The state of a key that was not used. */
  fresh(): State;
  /**
   * The state as every other function takes it. A state that cannot come from a clock which shows `nowUs`, because the clock
   * stepped back, is corrected: no call waits longer than the limit's own window or full refill, beyond instants that are
   * promised to callers who wait. Any other state is returned itself. Changes nothing.
   */
  settle(state: State, nowUs: number, limit: Limit): State;
  /** The earliest instant, `nowUs` or later, at which `cost` may be taken, with no other traffic. Changes nothing. */
  earliest(state: State, nowUs: number, cost: number, limit: Limit): number;
  /** The state after `cost` was taken for `atUs`, which is not before `earliest`. May reuse `state`. */
  take(state: State, nowUs: number, atUs: number, cost: number, limit: Limit): State;
  /**
   * The state after `units` of one take were given back, as far as no other call relies on what followed from it.
   * May reuse `state`.
   */
  giveBack(state: State, nowUs: number, units: number, mark: Mark, limit: Limit): State;
  /** The state after `units` were forgiven by an operator: never better than fresh. May reuse `state`. */
  refund(state: State, nowUs: number, units: number, limit: Limit): State;
  /**
   * The state of a key that an operator has reset: it decides as a fresh one, and what was taken before cannot be given back.
   * Absent where that holds of a fresh state.
   */
  restart?(state: State, nowUs: number, limit: Limit): State;
  /**
   * What a mark holds besides the level: numbers that only `giveBack` of this kernel reads. Undefined where the level tells
   * it all, as it mostly does, and always for a kernel without this function.
   */
  trace?(before: State, after: State, nowUs: number, atUs: number): readonly number[] | undefined;
  /**
   * The units that still count, oldest first: never fewer than there are, and never earlier than they were taken. Changes
   * nothing.
   */
  runs(state: State, nowUs: number, limit: Limit): readonly Run[];
  /** Where the limit stands. Changes nothing. */
  measure(state: State, nowUs: number, limit: Limit): Level;
  /** From this instant on, the state cannot be told from a fresh one. */
  freshFromUs(state: State, limit: Limit): number;
}
