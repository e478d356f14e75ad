/**
 * One decision about rates in memory, at one time: what `_plan.lua` does, line by line.
 *
 * @module
 */

import type { RateLimit } from "../../algorithms/limit.ts";
import { kernelOf, type RateState } from "../../algorithms/kernels.ts";
import { LATEST_US } from "../../algorithms/numbers.ts";
import type { PermitLevel, TakeReply, TakeRequest, TakeStatus, Target, TargetLevel } from "../store.ts";
import { levelsOf } from "./entry_table.ts";
import { PermitLedger } from "./permit_ledger.ts";
import type { Entries } from "./run_context.ts";
import { alsoTaken } from "./sections.ts";

/** For each rate of a target what its mark holds besides the level. */
export type Traces = TargetLevel["traces"];

/** Stands for the ledger of a key that is not in use. Never written. */
export const UNUSED: PermitLedger = new PermitLedger();

/** Decides about rates at one reading of the clock. */
export class RateTransaction {
  readonly #table: Entries;
  readonly #nowUs: number;
  readonly #peeks: boolean;

  /**
   * @param table The state.
   * @param nowUs The reading of the clock.
   * @param peeks Whether nothing may be written.
   */
  constructor(table: Entries, nowUs: number, peeks: boolean) {
    this.#table = table;
    this.#nowUs = nowUs;
    this.#peeks = peeks;
  }

  /**
   * Takes a target's cost whatever its rates say, unless that would be for too late a time. Returns whether it has. A
   * block does not move what is charged: it may be lifted before it ends.
   */
  penalize(target: Target): boolean {
    const atUs = this.plan(target, true);
    if (atUs > LATEST_US) return false;
    this.commit(target, atUs);
    return true;
  }

  /** The earliest instant at which all limits of a target agree, and, unless it `charges` anyway, its block. */
  plan(target: Target, charges: boolean = false): number {
    if (!this.#peeks) this.#table.settle(target, this.#nowUs);
    const { blockedUs, states } = this.#table.read(target, this.#nowUs);
    const { rates } = target.policy;
    let atUs = charges ? this.#nowUs : Math.max(this.#nowUs, blockedUs);
    for (let i = 0; i < rates.length; i++) {
      const rate = rates[i] as RateLimit;
      atUs = Math.max(atUs, kernelOf(rate).earliest(states[i] as RateState, this.#nowUs, target.cost, rate));
    }
    return atUs;
  }

  /** Takes a target's cost from all of its rates. Returns what marks hold besides the levels, where that is anything. */
  commit(target: Target, atUs: number): Traces {
    const { rates } = target.policy;
    if (rates.length === 0) return undefined;
    const entry = this.#table.read(target, this.#nowUs);
    let traces: (readonly number[] | undefined)[] | undefined;
    for (let i = 0; i < rates.length; i++) {
      const rate = rates[i] as RateLimit;
      const kernel = kernelOf(rate);
      const before = entry.states[i] as RateState;
      const after = kernel.take(before, this.#nowUs, atUs, target.cost, rate);
      entry.states[i] = after;
      const trace = kernel.trace?.(before, after, this.#nowUs, atUs);
      if (trace !== undefined) (traces ??= rates.map(() => undefined))[i] = trace;
    }
    if (entry.others !== undefined) entry.others = alsoTaken(entry.others, this.#nowUs, atUs, target.cost);
    this.#table.write(target, entry, this.#nowUs);
    return traces;
  }

  /**
   * Starts a key anew. Where what was taken before could still be given back, its states know that it cannot; but what is
   * counted by several rules begins anew for each of them.
   */
  reset(target: Target): void {
    const nowUs = this.#nowUs;
    const { rates } = target.policy;
    const { states, others } = this.#table.read(target, nowUs);
    let isKept = false;
    const after = rates.map((rate, i) => {
      const kernel = kernelOf(rate);
      const state = kernel.restart?.(states[i] as RateState, nowUs, rate) ?? kernel.fresh();
      isKept ||= kernel.freshFromUs(state, rate) > nowUs;
      return state;
    });
    this.#table.reset(target, nowUs);
    if (isKept && others === undefined) {
      this.#table.write(target, { ...this.#table.read(target, nowUs), states: after }, nowUs);
    }
  }

  /** Takes from all targets or from none, where no permits are involved. */
  take({ targets, mode, maxWaitUs, arrivalUs }: TakeRequest): TakeReply {
    const nowUs = this.#nowUs;
    let atUs = nowUs;
    for (const target of targets) atUs = Math.max(atUs, this.plan(target));
    const allowed = atUs <= nowUs || (mode === "wait" && atUs - nowUs <= maxWaitUs);
    let status: TakeStatus = allowed ? "allowed" : "rate";
    const levels: TargetLevel[] = [];
    for (const target of targets) {
      let traces: Traces;
      if (allowed && mode !== "peek") traces = this.commit(target, atUs);
      else if (!allowed && this.#table.read(target, this.#nowUs).blockedUs > nowUs) status = "blocked";
      levels.push(this.level(target, 0, traces));
    }
    const told = status === "blocked" && targets.length > 1 ? this.withBlocks(targets, levels) : levels;
    return { status, nowUs, waitUs: atUs - nowUs, arrivalUs, levels: told };
  }

  /** The levels of several targets, of which some are blocked. */
  withBlocks(targets: readonly Target[], levels: readonly TargetLevel[]): TargetLevel[] {
    return targets.map((target, i) => {
      const blockedUs = this.#table.read(target, this.#nowUs).blockedUs - this.#nowUs;
      const level = levels[i] as TargetLevel;
      return blockedUs > 0 ? { ...level, blockedUs } : level;
    });
  }

  /** Where a target stands. */
  level(target: Target, fence: number, traces?: Traces): TargetLevel {
    const entry = this.#table.read(target, this.#nowUs);
    const rates = levelsOf(target.policy, entry, this.#nowUs);
    if (target.policy.maxConcurrent === 0) {
      return traces === undefined ? { rates, permits: undefined } : { rates, permits: undefined, traces };
    }
    const ledger = entry.ledger ?? UNUSED;
    const permits: PermitLevel = { used: ledger.live(this.#nowUs), freeInUs: ledger.freeIn(this.#nowUs), fence };
    return traces === undefined ? { rates, permits } : { rates, permits, traces };
  }
}
