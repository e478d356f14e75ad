/**
 * One key of one limiter, as its history tells: what was taken and is kept, who held permits, and who waited for them.
 *
 * @module
 */

import type { Mark } from "../../../src/algorithms/kernel.ts";
import type { TokenBucketLimit } from "../../../src/algorithms/limit.ts";
import type { Policy } from "../../../src/policy/policy.ts";
import { type Debt, debtAfterGiveBack, debtAfterTake, freshDebt } from "./debt.ts";
import type { Kept } from "./kept.ts";

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
}

/** The name of the ledger of a key. */
export function ledgerName({ limiter, key }: { readonly limiter: string; readonly key: string | undefined }): string {
  return key === undefined ? limiter : `${limiter} of ${key}`;
}

/** What happened to one key. */
export class Ledger {
  /** The limiter and the key, for messages. */
  readonly name: string;
  /** Every policy by which the key was decided, in the order of their first use. */
  readonly policies: Policy[] = [];
  /** What was taken and is kept. */
  readonly kept: Kept[] = [];
  /** For each rate of the first policy what the documented rule says about its debt. */
  debts: (Debt | undefined)[] = [];
  /** Who held permits, and when. */
  readonly held: Held[] = [];
  /** Fencing tokens, and when they were given out. */
  readonly fences: { readonly nowUs: number; readonly fence: number }[] = [];
  /** Those who wait, with their arrival. */
  readonly waiting: Map<string, number> = new Map();
  /** Waiters that somebody was served before who had come after them, and when that was. */
  readonly overtaken: Map<string, number> = new Map();
  readonly #holders = new Map<string, Held>();

  /**
   * Opens it.
   *
   * @param name The limiter and the key.
   */
  constructor(name: string) {
    this.name = name;
  }

  /** The key is decided by a policy. */
  decidedBy(policy: Policy, nowUs: number): void {
    if (this.policies.length === 0) {
      this.debts = policy.rates.map(({ algorithm }) => algorithm === "token_bucket" ? freshDebt(nowUs) : undefined);
    }
    if (!this.policies.includes(policy)) this.policies.push(policy);
  }

  /** Units were taken. Returns the number of the take. */
  take({ nowUs, atUs, units, marks }: LedgerTake): number {
    const number = this.kept.length + 1;
    this.kept.push({ number, atUs, taken: units, units, settled: false, marks });
    this.debts = this.debts.map((debt, i) => {
      return debt && debtAfterTake(debt, this.#bucket(i), { nowUs, atUs, units, number });
    });
    return number;
  }

  /** Units of the take that left a mark were given back. Returns its number; 0 if there is no such take. */
  giveBack(nowUs: number, units: number, mark: Mark): number {
    const place = this.kept.findIndex((each) => {
      return !each.settled && each.units >= units && isSame(each.marks[0], mark);
    });
    const found = this.kept[place];
    if (found === undefined) return 0;
    this.kept[place] = { ...found, units: found.units - units, settled: true };
    const { number } = found;
    this.debts = this.debts.map((debt, i) => {
      return debt && debtAfterGiveBack(debt, this.#bucket(i), { nowUs, units, number });
    });
    return number;
  }

  /** Somebody queues. */
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
    // The answer to a question may stand before the notice of the grant that it tells of.
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
    return this.policies[0]?.rates[i] as TokenBucketLimit;
  }
}

/** Whether an id waits for a single target: then it is served in its turn, without being asked. */
function isDirect(id: string): boolean {
  return id.split(".")[2] === "d";
}

function isSame(one: Mark | undefined, other: Mark): boolean {
  return one !== undefined && one.cost === other.cost && one.nowUs === other.nowUs && one.atUs === other.atUs &&
    one.level[0] === other.level[0] && one.level[1] === other.level[1];
}
