/**
 * Notices that other processes use other rules for a limiter: their messages carry them.
 *
 * @module
 */

import { wordsOf } from "../../policy/words.ts";
import type { RulesReport } from "../store.ts";
import type { RulesBook } from "./rules_book.ts";

/** For how long rules count as in use after they were seen last, in microseconds of the stream's clock. */
const IN_USE_US = 300_000_000;

interface Limiter {
  /** What this process has used last, as a text of the book. */
  own: string;
  /** Other rules of other processes: when they were seen last. */
  readonly others: Map<string, number>;
  isReported: boolean;
}

/** What processes use. */
export class RulesWatch {
  readonly #reports: ((report: RulesReport) => void)[] = [];
  readonly #limiters = new Map<string, Limiter>();

  /** Has `report` called when others are found, or have gone. */
  watch(report: (report: RulesReport) => void): void {
    this.#reports.push(report);
  }

  /** A message has carried rules: limiters and texts by turns. */
  seen(rules: readonly string[], isOwn: boolean, nowUs: number, book: RulesBook): void {
    for (let i = 0; i + 1 < rules.length; i += 2) {
      const [name, text] = [rules[i] as string, rules[i + 1] as string];
      let limiter = this.#limiters.get(name);
      if (isOwn) {
        if (limiter === undefined) {
          this.#limiters.set(name, limiter = { own: text, others: new Map(), isReported: false });
        }
        limiter.own = text;
        if (limiter.others.size > 0) this.#compare(name, limiter, nowUs, book);
      } else if (limiter !== undefined && limiter.own !== text) {
        const isNew = !limiter.others.has(text);
        limiter.others.set(text, nowUs);
        if (isNew) this.#compare(name, limiter, nowUs, book);
      }
    }
  }

  #compare(name: string, limiter: Limiter, nowUs: number, book: RulesBook): void {
    const own = wordsOf(book.policyOf(limiter.own));
    const others = new Set<string>();
    for (const [text, seenUs] of limiter.others) {
      if (text === limiter.own || nowUs - seenUs > IN_USE_US) limiter.others.delete(text);
      else others.add(wordsOf(book.policyOf(text)));
    }
    others.delete(own);
    const isMixed = others.size > 0;
    if (isMixed === limiter.isReported) return;
    limiter.isReported = isMixed;
    for (const report of this.#reports) report({ limiter: name, rules: own, others: [...others] });
  }
}
