/**
 * One key of one limiter, as its history tells: what was taken and is kept, who held permits, and who waited for them.
 *
 * @module
 */

import type { Mark } from "../../../src/algorithms/kernel.ts";
import type { RateLimit, TokenBucketLimit } from "../../../src/algorithms/limit.ts";
import type { Policy } from "../../../src/policy/policy.ts";
import { type Debt, debtAfterGiveBack, debtAfterTake, freshDebt } from "./debt.ts";
import { isOpened, type Kept, startOf } from "./kept.ts";

/** A time in which a permit was held, as the store knows it. */
export interface Held {
  /** Who held it. */
  readonly id: string;
  /** How many permits. */
  readonly permits: number;
  /** From when. */
  readonly fromUs: number;
  /** Until when: it was given back, or its lease ended. */
  untilUs: number;
}

/** A take as it is written down. */
export interface LedgerTake {
  /** The store's clock. */
  readonly nowUs: number;
  /** The instant it is for. */
  readonly atUs: number;
  /** Units. */
  readonly units: number;
  /** What it left behind in each limit. */
  readonly marks: readonly Mark[];
  /** The rules by which it was decided. */
  readonly rules: Rules;
}

/** The name of the ledger of a key. */
export function ledgerName({ limiter, key }: { readonly limiter: string; readonly key: string | undefined }): string {
  return key === undefined ? limiter : `${limiter} of ${key}`;
}

/** The rules by which some process decided about a key. */
export interface Rules {
  /** The limits. */
  readonly rates: readonly RateLimit[];
  /** The most permits; 0 where there are none. */
  readonly maxConcurrent: number;
  /** How long a lease lasts. */
  readonly leaseTtlUs: number;
}

/** The rules of a take. */
export interface TakenBy {
  /** The rules. */
  readonly rules: Rules;
  /** How many takes had been made when the key met those rules: they know little of those. */
  readonly takesBefore: number;
}

/** What happened to one key. */
export class Ledger {
  /** The limiter and the key, for messages. */
  readonly name: string;
  /** All rules by which the key was decided, in the order of their first use. */
  readonly rules: Rules[] = [];
  /** What was taken and is kept. */
  readonly kept: Kept[] = [];
  /** When it met rules that did not know it. */
  readonly metUs: number[] = [];
  /** The rules by which it was decided last. */
  latest: Rules | undefined;
  /** The rules that each take was made by, by its number. */
  readonly takenBy: Map<number, TakenBy> = new Map();
  /** The latest instant that was promised to a caller that waits. */
  promisedUs = 0;
  /** The same as other rules know it: a window tells when it ends, not when in it something was taken. */
  promisedEndUs = 0;
  /** The longest wait that was promised, to the end of the window. */
  longestUs = 0;
  /** Until when everything is denied. */
  blockedUs = 0;
  /** For each rate of the first rules what the documented rule says about its debt. */
  debts: (Debt | undefined)[] = [];
  /** Who held permits, and when. */
  readonly held: Held[] = [];
  /** Fencing tokens, and when they were given out. */
  readonly fences: { readonly nowUs: number; readonly fence: number }[] = [];
  /** Those who wait, with their arrival. */
  readonly waiting: Map<string, number> = new Map();
  /** Waiters that were overtaken by a call that came after them, and when that was. */
  readonly overtaken: Map<string, number> = new Map();
  readonly #holders = new Map<string, Held>();
  readonly #byName = new Map<string, Rules>();
  /** How many takes had been made when the key met its rules. */
  readonly #met = new Map<Rules, number>();

  /**
   * Opens it.
   *
   * @param name The limiter and the key.
   */
  constructor(name: string) {
    this.name = name;
  }

  /** The key is decided by a policy. */
  decidedBy(policy: Policy, nowUs: number): Rules {
    const rules = this.#rulesOf(policy, nowUs);
    // A key that is as good as fresh may have been forgotten, and meets its rules anew.
    if (!this.#met.has(rules) || this.#met.size > 1) {
      const memoryUs = Math.max(0, ...this.rules.flatMap(({ rates }) => rates.map(leastMemoryUs)));
      if (!this.kept.some(({ atUs, units }) => units > 0 && atUs + memoryUs > nowUs)) this.#met.clear();
    }
    if (!this.#met.has(rules)) {
      this.#met.set(rules, this.kept.length);
      if (this.kept.length > 0) this.metUs.push(nowUs);
    }
    return this.latest = rules;
  }

  #rulesOf(policy: Policy, nowUs: number): Rules {
    const name = rulesName(policy);
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const { rates, maxConcurrent, leaseTtlUs } = policy;
    if (this.rules.length === 0) {
      this.debts = rates.map(({ algorithm }) => algorithm === "token_bucket" ? freshDebt(nowUs) : undefined);
    }
    const rules = { rates, maxConcurrent, leaseTtlUs };
    this.#byName.set(name, rules);
    this.rules.push(rules);
    return rules;
  }

  /** Units were taken. Returns the number of the take. */
  take({ nowUs, atUs, units, marks, rules }: LedgerTake): number {
    const number = this.kept.length + 1;
    this.takenBy.set(number, { rules, takesBefore: this.#met.get(rules) ?? this.kept.length });
    if (atUs > nowUs) {
      this.promisedUs = Math.max(this.promisedUs, atUs);
      const ends = rules.rates.map((limit, i) => {
        return isOpened(limit) ? startOf(limit, { marks }, i) + limit.windowUs : atUs;
      });
      this.promisedEndUs = Math.max(this.promisedEndUs, ...ends);
      this.longestUs = Math.max(this.longestUs, ...ends.map((us) => us - nowUs));
    }
    this.kept.push({ number, atUs, taken: units, units, settled: false, marks });
    this.debts = this.debts.map((debt, i) => {
      return debt && debtAfterTake(debt, this.#bucket(i), { nowUs, atUs, units, number });
    });
    return number;
  }

  /**
   * Units of the take that left a mark were given back; by a mark without a cost, parts of them one by one. Returns its number;
   * 0 if there is no such take.
   */
  giveBack(nowUs: number, units: number, mark: Mark): number {
    const place = this.kept.findIndex((each) => {
      return !each.settled && each.units >= units && isSame(each.marks[0], mark);
    });
    const found = this.kept[place];
    if (found === undefined) return 0;
    this.kept[place] = { ...found, units: found.units - units, settled: mark.cost > 0 };
    const { number } = found;
    this.debts = this.debts.map((debt, i) => {
      return debt && debtAfterGiveBack(debt, this.#bucket(i), { nowUs, units, number });
    });
    return number;
  }

  /** Everything is denied for so long from now on; 0 lifts that. */
  block(nowUs: number, durationUs: number, keepLonger: boolean): void {
    const endsUs = durationUs > 0 ? nowUs + durationUs : 0;
    if (!keepLonger || endsUs > this.blockedUs) this.blockedUs = endsUs;
  }

  /** A call queues. */
  queue(id: string, arrivalUs: number): void {
    this.waiting.set(id, arrivalUs);
  }

  /** A permit was granted. `nameOf` names who is named in a complaint. */
  grant(id: string, permits: number, fromUs: number, untilUs: number, fence: number): void {
    const arrivalUs = this.waiting.get(id) ?? fromUs;
    this.waiting.delete(id);
    // Served at the same instant, and told of later: it was not overtaken.
    if (this.overtaken.get(id) === fromUs) this.overtaken.delete(id);
    for (const [other, otherUs] of this.waiting) {
      if (otherUs < arrivalUs && isDirect(other) && isDirect(id)) this.overtaken.set(other, fromUs);
    }
    this.fences.push({ nowUs: fromUs, fence });
    // The answer to a question may stand before the wakeup of the grant that it tells of.
    this.renew(id, permits, fromUs, untilUs);
  }

  /** A lease was renewed. */
  renew(id: string, permits: number, nowUs: number, untilUs: number): void {
    const holder = this.#holders.get(id);
    if (holder === undefined || holder.untilUs < nowUs) this.#begin(id, permits, nowUs, untilUs);
    else holder.untilUs = untilUs;
  }

  /** A permit was given back, or a place in the queue. */
  release(id: string, nowUs: number): void {
    this.waiting.delete(id);
    const holder = this.#holders.get(id);
    if (holder !== undefined) holder.untilUs = Math.min(holder.untilUs, nowUs);
    this.#holders.delete(id);
  }

  #begin(id: string, permits: number, fromUs: number, untilUs: number): void {
    const held = { id, permits, fromUs, untilUs };
    this.#holders.set(id, held);
    this.held.push(held);
  }

  #bucket(i: number): TokenBucketLimit {
    return this.rules[0]?.rates[i] as TokenBucketLimit;
  }
}

/** How long a limit remembers a unit at least. */
function leastMemoryUs(limit: RateLimit): number {
  if (limit.algorithm === "token_bucket") return limit.intervalUs;
  return limit.algorithm === "fixed_window" ? 1 : limit.windowUs;
}

const names = new WeakMap<Policy, string>();

/** The same for policies with the same rules. */
function rulesName(policy: Policy): string {
  let name = names.get(policy);
  if (name === undefined) {
    const { rates, maxConcurrent, leaseTtlUs } = policy;
    names.set(policy, name = JSON.stringify([rates, maxConcurrent, leaseTtlUs]));
  }
  return name;
}

/** Whether an id waits for a single target: then it is served in order, without asking again. */
function isDirect(id: string): boolean {
  return id.split(".")[2] === "d";
}

function isSame(one: Mark | undefined, other: Mark): boolean {
  const isSameCost = other.cost === 0 || one?.cost === other.cost;
  return one !== undefined && isSameCost && one.nowUs === other.nowUs && one.atUs === other.atUs &&
    one.level[0] === other.level[0] && one.level[1] === other.level[1];
}
