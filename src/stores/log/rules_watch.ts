/**
 * Which rules processes use for each limiter: their messages carry them. Notices where they differ.
 *
 * @module
 */

import type { Policy } from "../../policy/policy.ts";
import { wordsOf } from "../../policy/words.ts";
import type { RulesReport } from "../store.ts";
import type { RulesBook } from "./rules_book.ts";

/** For how long rules count as in use after they were seen last, in microseconds of the stream's clock. */
const IN_USE_US = 300_000_000;

interface Limiter {
  /** What this process has used last, as a text of the book; undefined if it has not used the limiter. */
  own: string | undefined;
  /** By rules, the sessions that have used them, and when they were seen last. */
  readonly uses: Map<string, Map<string, number>>;
  isReported: boolean;
}

/** Rules that processes use for a limiter. */
export interface RulesUse {
  /** The rules. */
  readonly policy: Policy;
  /** When a message came last that carried them. */
  readonly seenUs: number;
  /** How many processes have sent such messages. */
  readonly processes: number;
}

/** What processes use. */
export class RulesWatch {
  readonly #reports: ((report: RulesReport) => void)[] = [];
  readonly #limiters = new Map<string, Limiter>();

  /** Has `report` called when others are found, or have gone. */
  watch(report: (report: RulesReport) => void): void {
    this.#reports.push(report);
  }

  /** A message of a session has carried rules: limiters and texts by turns. */
  seen(rules: readonly string[], session: string, isOwn: boolean, nowUs: number, book: RulesBook): void {
    for (let i = 0; i + 1 < rules.length; i += 2) {
      const [name, text] = [rules[i] as string, rules[i + 1] as string];
      let limiter = this.#limiters.get(name);
      if (limiter === undefined) {
        this.#limiters.set(name, limiter = { own: undefined, uses: new Map(), isReported: false });
      }
      // A session that has not used these rules has come, or has changed its rules.
      if (!limiter.uses.get(text)?.has(session)) forgetOld(limiter, nowUs, session);
      const sessions = limiter.uses.get(text);
      if (sessions === undefined) limiter.uses.set(text, new Map([[session, nowUs]]));
      else sessions.set(session, nowUs);
      if (isOwn) limiter.own = text;
      if (limiter.own !== undefined && (isOwn ? limiter.uses.size > 1 || limiter.isReported : sessions === undefined)) {
        this.#compare(name, limiter, nowUs, book);
      }
    }
  }

  /** The rules of a limiter that are in use. */
  usesOf(name: string, nowUs: number, book: RulesBook): RulesUse[] {
    const limiter = this.#limiters.get(name);
    if (limiter === undefined) return [];
    forgetOld(limiter, nowUs);
    return Array.from(limiter.uses, ([text, sessions]) => {
      return { policy: book.policyOf(text), seenUs: Math.max(...sessions.values()), processes: sessions.size };
    });
  }

  #compare(name: string, limiter: Limiter, nowUs: number, book: RulesBook): void {
    forgetOld(limiter, nowUs);
    const own = wordsOf(book.policyOf(limiter.own as string));
    const others = new Set(Array.from(limiter.uses.keys(), (text) => wordsOf(book.policyOf(text))));
    others.delete(own);
    const isMixed = others.size > 0;
    if (isMixed === limiter.isReported) return;
    limiter.isReported = isMixed;
    for (const report of this.#reports) report({ limiter: name, rules: own, others: [...others] });
  }
}

/** Forgets what was not seen for too long, and a session that has changed its rules. */
function forgetOld({ uses }: Limiter, nowUs: number, changed?: string): void {
  for (const [text, sessions] of uses) {
    if (changed !== undefined) sessions.delete(changed);
    for (const [session, seenUs] of sessions) {
      if (nowUs - seenUs > IN_USE_US) sessions.delete(session);
      // Of a clock that has stepped back, the old times say nothing.
      else if (seenUs > nowUs) sessions.set(session, nowUs);
    }
    if (sessions.size === 0) uses.delete(text);
  }
}
