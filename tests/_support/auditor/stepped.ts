/**
 * Law 8: what a store admits whose clock steps back, by the time that has really passed.
 *
 * @module
 */

import type { BookKeeper } from "./books.ts";
import { boundIn } from "./bounds.ts";
import { unitsIn } from "./kept.ts";
import type { Ledger } from "./ledger.ts";

/** Goes through a history while it comes about, behind the keeper of its books. */
export class SteppedAudit {
  readonly #books: BookKeeper;
  /** When each take of a key is really used, by its number. */
  readonly #usedUs = new Map<Ledger, Map<number, number>>();

  /**
   * @param books What was taken and kept, by the store's clock.
   */
  constructor(books: BookKeeper) {
    this.#books = books;
  }

  /** Looks at what has happened at an instant of real time. */
  enter(realUs: number): void {
    for (const ledger of this.#books.ledgers.values()) this.#learn(ledger, realUs);
  }

  /** What is wrong: in every interval at most what the limits admit, and one more full limit for each step back. */
  problems(steps: number): string[] {
    const problems: string[] = [];
    for (const [{ name, kept, rules }, usedUs] of this.#usedUs) {
      const used = kept.map((each) => ({ ...each, atUs: usedUs.get(each.number) as number }));
      for (const limit of rules[0]?.rates ?? []) {
        for (const { atUs: fromUs } of used) {
          for (const { atUs: toUs } of used) {
            if (toUs < fromUs) continue;
            const units = unitsIn(used, fromUs, toUs);
            const most = boundIn(limit, toUs - fromUs) + steps * limit.capacity;
            if (units > most) {
              problems.push(`${name}: law 8: ${units} units in ${toUs - fromUs} µs, where ${most} are the most`);
            }
          }
        }
      }
    }
    return problems;
  }

  #learn(ledger: Ledger, realUs: number): void {
    const usedUs = this.#usedUs.get(ledger) ?? new Map<number, number>();
    this.#usedUs.set(ledger, usedUs);
    for (let i = ledger.kept.length - 1; i >= 0; i--) {
      const { number, atUs, marks: [mark] } = ledger.kept[i] as Ledger["kept"][0];
      if (usedUs.has(number)) return;
      usedUs.set(number, realUs + (mark === undefined ? 0 : atUs - mark.nowUs));
    }
  }
}
