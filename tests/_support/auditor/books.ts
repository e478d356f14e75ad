/**
 * All keys of a store, as a history tells.
 *
 * @module
 */

import { marksOf, type TakeReply, type TakeRequest, type Target } from "../../../src/stores/store.ts";
import { parseWaiterId } from "../../../src/stores/waiter_id.ts";
import { countedWindows, longestWaitUs, spanUs } from "./bounds.ts";
import type { Entry } from "./history.ts";
import { Ledger, ledgerName } from "./ledger.ts";

/** A take over several targets, and what it was on each. */
export interface Together {
  /** The ledgers. */
  readonly ledgers: readonly Ledger[];
  /** The number of the take in each. */
  readonly numbers: readonly number[];
}

/** What a history comes to. */
export interface Books {
  /** One for each key that was decided about. */
  readonly ledgers: ReadonlyMap<string, Ledger>;
  /** Takes over several targets with rates. */
  readonly together: readonly Together[];
  /** What was found wrong on the way. */
  readonly problems: readonly string[];
}

/** Goes through a history while it comes about. */
export class BookKeeper implements Books {
  /** One for each key that was decided about. */
  readonly ledgers: Map<string, Ledger> = new Map();
  /** Takes over several targets with rates. */
  readonly together: Together[] = [];
  /** What was found wrong on the way. */
  readonly problems: string[] = [];
  /** What those who queue asked for. */
  readonly #queued = new Map<string, TakeRequest>();
  /** Those who were served. */
  readonly #granted = new Set<string>();

  /** Enters what has happened. */
  enter(entry: Entry): void {
    if (entry.kind === "wakeup") {
      const { id, kind, reply } = entry.wakeup;
      const request = this.#queued.get(id);
      if (kind === "granted" && request !== undefined) this.#take(request, reply, true);
      return;
    }
    const { request, reply } = entry;
    const { nowUs } = reply;
    for (const target of request.targets) this.ledgerOf(target).decidedBy(target.policy, nowUs);
    if (request.op === "take") this.#waited(request, reply as TakeReply);
    switch (request.op) {
      case "take":
        if (request.mode === "peek") return;
        if ((reply as TakeReply).status === "allowed") return this.#take(request, reply as TakeReply);
        return this.#queue(request, reply as TakeReply);
      case "poll": {
        if ((reply as TakeReply).status !== "allowed") return;
        const [target] = request.targets;
        return this.ledgerOf(target).renew(request.id, target.permits, nowUs, nowUs + target.policy.leaseTtlUs);
      }
      case "release":
        for (const target of request.targets) this.ledgerOf(target).release(request.id, nowUs);
        return;
      case "renew":
        request.targets.forEach((target, i) => {
          if ((reply as { counts: readonly number[] }).counts[i] !== 1) return;
          this.ledgerOf(target).renew(request.id, target.permits, nowUs, nowUs + target.policy.leaseTtlUs);
        });
        return;
      case "giveBack":
        request.targets.forEach((target, i) => {
          const [mark] = request.marks[i] ?? [];
          if (mark === undefined) return;
          const ledger = this.ledgerOf(target);
          if (ledger.giveBack(nowUs, target.cost, mark) > 0) return;
          this.problems.push(`${ledger.name}: ${target.cost} units were given back that no call had taken`);
        });
        return;
      case "block":
        for (const target of request.targets) {
          this.ledgerOf(target).block(nowUs, request.durationUs, request.keepLonger ?? false);
        }
        return;
      case "reset":
        for (const target of request.targets) this.ledgers.delete(ledgerName(target));
        return;
    }
  }

  /**
   * Laws 8 and 16: a wait is a window or full refill of the limits at most, behind what others were promised, as far as
   * that is believed after a step of the clock.
   */
  #waited({ targets }: TakeRequest, { status, nowUs, waitUs }: TakeReply): void {
    if (status !== "rate" && status !== "allowed" && status !== "blocked") return;
    let mostUs = 0;
    for (const target of targets) {
      const { rules, promisedUs, promisedEndUs, longestUs, blockedUs } = this.ledgerOf(target);
      const heldUs = Math.max((rules.length > 1 ? promisedEndUs : promisedUs) - nowUs, 0);
      mostUs = Math.max(mostUs, blockedUs - nowUs);
      for (const limit of target.policy.rates) {
        const spans = [8, 1_024].find((spans) => longestUs <= spans * spanUs(limit)) ?? Infinity;
        const believedUs = (spans + countedWindows(limit)) * spanUs(limit);
        mostUs = Math.max(mostUs, Math.min(heldUs, believedUs) + longestWaitUs(limit));
      }
    }
    if (waitUs <= mostUs) return;
    const names = targets.map((target) => ledgerName(target)).join(" and ");
    this.problems.push(`${names}: laws 8, 16: a wait of ${waitUs} µs, where ${mostUs} are the most`);
  }

  /** Records a take. With `isServed` the store served a waiter: by the rules of the call that made room for it. */
  #take(request: TakeRequest, reply: TakeReply, isServed = false): void {
    const { id, targets } = request;
    if (reply.repeated) return this.#holdOn(request, reply.nowUs);
    if (id !== "" && this.#granted.has(id)) {
      const names = targets.map((target) => ledgerName(target)).join(" and ");
      this.problems.push(`law 12: a call that has what it asked for was charged again: ${names}`);
    }
    this.#granted.add(id);
    const { nowUs, waitUs, times = 1 } = reply;
    const marks = marksOf(targets, reply);
    const rated: { ledger: Ledger; number: number }[] = [];
    targets.forEach((target, i) => {
      const ledger = this.ledgerOf(target);
      const { rates, leaseTtlUs, maxConcurrent } = target.policy;
      const atUs = nowUs + waitUs;
      if (atUs < ledger.blockedUs) {
        this.problems.push(`${ledger.name}: law 16: let in ${ledger.blockedUs - atUs} µs before its block ends`);
      }
      if (rates.length > 0) {
        const rules = (isServed ? ledger.latest : undefined) ?? ledger.decidedBy(target.policy, nowUs);
        const units = target.cost * times;
        rated.push({ ledger, number: ledger.take({ nowUs, atUs, units, marks: marks[i] ?? [], rules }) });
      }
      if (maxConcurrent > 0 && target.permits > 0) {
        ledger.grant(id, target.permits, nowUs, nowUs + leaseTtlUs, reply.levels[i]?.permits?.fence ?? 0);
      }
    });
    this.#queued.delete(id);
    if (rated.length < 2) return;
    this.together.push({ ledgers: rated.map(({ ledger }) => ledger), numbers: rated.map(({ number }) => number) });
  }

  /** A call that already has its permits gets the same reply again, and holds them for the full time. */
  #holdOn({ id, targets }: TakeRequest, nowUs: number): void {
    for (const target of targets) {
      if (target.permits > 0) this.ledgerOf(target).renew(id, target.permits, nowUs, nowUs + target.policy.leaseTtlUs);
    }
  }

  #queue(request: TakeRequest, { status, arrivalUs }: TakeReply): void {
    if (status !== "queued") return;
    this.#queued.set(request.id, request);
    if (!parseWaiterId(request.id).direct) return;
    this.ledgerOf(request.targets[0] as Target).queue(request.id, arrivalUs);
  }

  /** The ledger of a key. */
  ledgerOf(target: Target): Ledger {
    const name = ledgerName(target);
    const known = this.ledgers.get(name);
    if (known !== undefined) return known;
    const ledger = new Ledger(name);
    this.ledgers.set(name, ledger);
    return ledger;
  }
}
