/**
 * What a store may answer, by nothing but what it has answered before.
 *
 * @module
 */

import type { RateLimit } from "../../../src/algorithms/limit.ts";
import type { StoreRequest, TakeReply, TakeRequest, Target } from "../../../src/stores/store.ts";
import { BookKeeper } from "../auditor/books.ts";
import type { Kept } from "../auditor/kept.ts";
import { type Ledger, ledgerName } from "../auditor/ledger.ts";
import { latestOf } from "../auditor/too_late.ts";
import { tooMuch } from "../auditor/too_much.ts";

/** Looks on while a store answers. */
export class Oracle {
  readonly #books = new BookKeeper();
  /** Keys that an operator has corrected: what they hold is not known until they are reset. */
  readonly #corrected = new Set<string>();

  /** What is wrong with an answer; undefined if nothing is. */
  judge(request: StoreRequest, reply: TakeReply): string | undefined {
    if (request.op === "take") {
      const problem = this.#isAnsweredRight(request, reply);
      if (problem !== undefined) return problem;
    }
    const known = this.#books.problems.length;
    this.#books.enter({ kind: "executed", process: 0, request, reply });
    for (const target of request.targets) {
      if (request.op === "refund" || request.op === "penalize") this.#corrected.add(ledgerName(target));
      if (request.op === "reset") this.#corrected.delete(ledgerName(target));
    }
    if (this.#books.problems.length > known && !this.#isCorrected(request)) return this.#books.problems.at(-1);
    if (request.op !== "take" || reply.status !== "allowed" || request.mode === "peek") return undefined;
    for (const target of request.targets) {
      const ledger = this.#ledger(target);
      const problem = tooManyAtOnce(ledger, target, reply.nowUs) ??
        (this.#corrected.has(ledger.name)
          ? undefined
          : tooMuch(target.policy.rates, recent(ledger, target, reply.nowUs)));
      if (problem !== undefined) return `${ledger.name}: ${problem}`;
    }
    return undefined;
  }

  /** Law 3 and what was kept: no call is denied, or made to wait, that must be allowed. */
  #isAnsweredRight({ targets, mode, maxWaitUs }: TakeRequest, reply: TakeReply): string | undefined {
    if (targets.some((target) => this.#corrected.has(ledgerName(target)))) return undefined;
    const { nowUs, waitUs, status } = reply;
    let latestUs = nowUs;
    for (const target of targets) {
      const { rates } = target.policy;
      const ledger = this.#ledger(target);
      latestUs = Math.max(latestUs, ledger.blockedUs);
      const standing = { nowUs, kept: recent(ledger, target, nowUs), debts: ledger.debts };
      const isFresh = ledger.rules.length === 0;
      rates.forEach((rate, i) => {
        if (!isFresh) latestUs = Math.max(latestUs, latestOf(rate, standing, i, target.cost));
      });
    }
    const isFull = targets.some((target) => liveAt(this.#ledger(target), nowUs) + target.permits > most(target));
    if (status === "permits" && !isFull) return "no permit was left where there was one";
    if (status !== "permits" && nowUs + waitUs > latestUs) {
      return `a cost is let in after ${waitUs} µs, not ${latestUs - nowUs}`;
    }
    const mayPass = latestUs === nowUs || (mode === "wait" && latestUs - nowUs <= maxWaitUs);
    if (status !== "allowed" && mayPass && !isFull) return `it was denied (${status}), and must be allowed`;
    return undefined;
  }

  #isCorrected({ targets }: StoreRequest): boolean {
    return targets.some((target) => this.#corrected.has(ledgerName(target)));
  }

  #ledger(target: Target): Ledger {
    return this.#books.ledgerOf(target);
  }
}

/** What can still matter. */
function recent({ kept }: Ledger, { policy: { rates } }: Target, nowUs: number): Kept[] {
  const spanUs = Math.max(0, ...rates.map((rate) => spanOf(rate)));
  return kept.filter(({ atUs, units }) => units > 0 && atUs > nowUs - 2 * spanUs - 2);
}

function spanOf(limit: RateLimit): number {
  return limit.algorithm === "token_bucket" ? limit.burstUs + limit.intervalUs : limit.windowUs;
}

function tooManyAtOnce(ledger: Ledger, target: Target, nowUs: number): string | undefined {
  const live = liveAt(ledger, nowUs);
  return live > most(target) ? `${live} permits are held where ${most(target)} are the most` : undefined;
}

function liveAt({ held }: Ledger, nowUs: number): number {
  return held.reduce((sum, { permits, untilUs }) => sum + (untilUs > nowUs ? permits : 0), 0);
}

function most({ policy: { maxConcurrent } }: Target): number {
  return maxConcurrent === 0 ? Infinity : maxConcurrent;
}
