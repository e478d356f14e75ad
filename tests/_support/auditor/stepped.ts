/**
 * Law 8: what a store does whose clock steps back, by the time that has really passed.
 *
 * @module
 */

import type { RateLimit } from "../../../src/algorithms/limit.ts";
import type { TakeReply, Target } from "../../../src/stores/store.ts";
import type { BookKeeper } from "./books.ts";
import type { Entry } from "./history.ts";
import { unitsIn } from "./kept.ts";
import { type Ledger, ledgerName } from "./ledger.ts";

/** What is known of one key. */
interface Key {
  /** When each take is really used, by its number. */
  readonly usedUs: Map<number, number>;
  /** The latest instant that was promised, by the store's clock. */
  promisedUs: number;
  /** The longest wait that was promised. */
  longestUs: number;
}

/** Goes through a history while it comes about, behind the keeper of its books. */
export class SteppedAudit {
  /** What was found wrong. */
  readonly problems: string[] = [];
  readonly #books: BookKeeper;
  readonly #keys = new Map<Ledger, Key>();

  /**
   * Makes one.
   *
   * @param books What was taken and kept, by the store's clock.
   */
  constructor(books: BookKeeper) {
    this.#books = books;
  }

  /** Looks at what has happened at an instant of real time. */
  enter(entry: Entry, realUs: number): void {
    if (entry.kind === "executed" && entry.request.op === "take") {
      this.#checkWait(entry.request.targets, entry.reply as TakeReply);
    }
    for (const ledger of this.#books.ledgers.values()) this.#learn(ledger, realUs);
  }

  /** In every interval at most what the limits admit, and one more full limit for each step back. */
  end(steps: number): void {
    for (const [ledger, { usedUs }] of this.#keys) {
      const used = ledger.kept.map((each) => ({ ...each, atUs: usedUs.get(each.number) as number }));
      for (const limit of ledger.policies[0]?.rates ?? []) {
        for (const { atUs: fromUs } of used) {
          for (const { atUs: toUs } of used) {
            if (toUs < fromUs) continue;
            const units = unitsIn(used, fromUs, toUs);
            const most = realBound(limit, toUs - fromUs) + steps * limit.capacity;
            if (units > most) {
              this.#complain(ledger, `${units} units in ${toUs - fromUs} µs, where ${most} are the most`);
            }
          }
        }
      }
    }
  }

  /** A wait is a window or full refill at most, behind what others were promised, as far as that is believed. */
  #checkWait(targets: readonly Target[], { status, nowUs, waitUs }: TakeReply): void {
    if (status !== "rate" && status !== "allowed") return;
    let mostUs = 0;
    for (const target of targets) {
      const ledger = this.#books.ledgers.get(ledgerName(target)) as Ledger;
      const { promisedUs, longestUs } = this.#keyOf(ledger);
      for (const limit of target.policy.rates) {
        const spanUs = spanOf(limit);
        const reachUs = longestUs === 0 ? 0 : spanUs * (longestUs <= 8 * spanUs ? 8 : 1_024);
        const heldUs = Math.min(Math.max(promisedUs - nowUs, 0), reachUs);
        mostUs = Math.max(mostUs, heldUs + spanUs * (limit.algorithm === "sliding_window_counter" ? 2 : 1) + 1);
      }
    }
    if (waitUs > mostUs) {
      this.#complain(this.#books.ledgers.get(ledgerName(targets[0] as Target)) as Ledger, `a wait of ${waitUs} µs`);
    }
  }

  #learn(ledger: Ledger, realUs: number): void {
    const key = this.#keyOf(ledger);
    for (let i = ledger.kept.length - 1; i >= 0; i--) {
      const { number, atUs, marks: [mark] } = ledger.kept[i] as Ledger["kept"][0];
      if (key.usedUs.has(number)) return;
      const waitUs = mark === undefined ? 0 : atUs - mark.nowUs;
      key.usedUs.set(number, realUs + waitUs);
      if (waitUs <= 0) continue;
      key.promisedUs = Math.max(key.promisedUs, atUs);
      key.longestUs = Math.max(key.longestUs, waitUs);
    }
  }

  #keyOf(ledger: Ledger): Key {
    let key = this.#keys.get(ledger);
    if (key === undefined) this.#keys.set(ledger, key = { usedUs: new Map(), promisedUs: 0, longestUs: 0 });
    return key;
  }

  #complain({ name }: Ledger, what: string): void {
    this.problems.push(`${name}: law 8: ${what}`);
  }
}

/** The most units that a limit admits at instants that are `us` apart at most. */
export function realBound(limit: RateLimit, us: number): number {
  const { capacity } = limit;
  switch (limit.algorithm) {
    case "token_bucket": {
      const { intervalUs, intervalRem, denominator } = limit;
      const ticks = (us + (denominator > 1 ? 1 : 0)) * denominator;
      return capacity + Math.floor(ticks / (intervalUs * denominator + intervalRem));
    }
    case "sliding_window":
      return capacity * (Math.floor(us / limit.windowUs) + 1);
    case "sliding_window_counter":
      return (2 * capacity - 1) * (Math.floor(us / limit.windowUs) + 1);
    case "fixed_window":
      return capacity * (Math.floor(us / limit.windowUs) + 2);
  }
}

function spanOf(limit: RateLimit): number {
  return limit.algorithm === "token_bucket" ? limit.burstUs : limit.windowUs;
}
