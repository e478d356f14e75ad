/**
 * What this process knows of the rules that are in use for each limiter, in all processes: it asks the register of the
 * limiter before it first decides, and again in the background while it does.
 *
 * @module
 */

import { StoreError } from "../../base/errors.ts";
import type { Policy } from "../../policy/policy.ts";
import type { RulesReport, Target } from "../store.ts";
import type { ScriptReply } from "./connections/connection.ts";
import { formOf, mattersUs, type RuleState, wordsOf } from "./rules.ts";

/** How long what was told is used at most, in microseconds. Half of what `register.lua` grants. */
const VALID_US = 150_000_000;

/**
 * How long it is used before it is asked for again in the background, in microseconds: usually, and at first where others
 * were in use lately, to tell whether they still are.
 */
const USUAL_US = 30_000_000;
const FIRST_US = 2_000_000;

/** What a book needs of its store. */
export interface RuleBookOptions {
  /** Asks the register of a limiter; `args` are what its script is told behind the clock. */
  register(limiter: string, args: readonly string[]): Promise<ScriptReply>;
  /** Called when other rules have come into use for a limiter, or all of them have gone. Must not throw. */
  report(report: RulesReport): void;
  /** The time by which what was told becomes old, in microseconds. */
  nowUs(): number;
}

/** The rules of one limiter, as this process uses them. */
export class RuleEntry implements RuleState {
  readonly limiter: string;
  readonly policy: Policy;
  readonly form: string;
  plainForm: string;
  nextForm = "";
  nextFromUs = 0;
  isMixed = false;
  hasMet = false;
  isSure = false;
  /** As a list, for requests with one target. */
  readonly alone: readonly RuleEntry[] = [this];
  /** When the register told of it last, by the clock of the book; undefined where it has not. */
  toldUs: number | undefined;
  /** Why it could not be asked. */
  error: unknown;
  isUsed = true;
  isAsking = false;
  /** When this process was seen with these rules, by the store's clock: first, and last. */
  firstUs = 0;
  lastUs = 0;
  /** Whether others were in use lately, and those of them that are in use besides these. */
  hasOthers = false;
  others: readonly string[] = [];

  constructor(limiter: string, policy: Policy) {
    this.limiter = limiter;
    this.policy = policy;
    this.form = this.plainForm = formOf(policy);
  }
}

/** The book of one store. */
export class RuleBook {
  readonly #options: RuleBookOptions;
  readonly #limiters = new Map<string, RuleEntry[]>();
  #last: RuleEntry | undefined;
  #isMissing = false;
  #busy: Promise<void> | undefined;
  #lookedUs = 0;

  /**
   * Makes one.
   *
   * @param options What it needs of its store.
   */
  constructor(options: RuleBookOptions) {
    this.#options = options;
  }

  /** The rules of a target. */
  of({ limiter, policy }: Target): RuleEntry {
    const last = this.#last;
    if (last !== undefined && last.policy === policy && last.limiter === limiter) {
      last.isUsed = true;
      return last;
    }
    let entries = this.#limiters.get(limiter);
    if (entries === undefined) this.#limiters.set(limiter, entries = []);
    let entry = entries.find((each) => each.policy === policy);
    if (entry === undefined) {
      entries.push(entry = new RuleEntry(limiter, policy));
      this.#isMissing = true;
    }
    entry.isUsed = true;
    return this.#last = entry;
  }

  /** Asks what must be known before the next call is sent; undefined where nothing must. */
  refresh(): Promise<void> | undefined {
    if (this.#busy !== undefined) return this.#busy.then(() => this.refresh());
    const nowUs = this.#options.nowUs();
    if (!this.#isMissing && Math.abs(nowUs - this.#lookedUs) < FIRST_US) return undefined;
    this.#lookedUs = nowUs;
    this.#isMissing = false;
    const missing: Promise<void>[] = [];
    for (const [limiter, entries] of this.#limiters) {
      for (const entry of entries.slice()) {
        const ageUs = entry.toldUs === undefined ? Infinity : Math.abs(nowUs - entry.toldUs);
        if (ageUs < Infinity && ageUs >= VALID_US && !entry.isUsed) this.#forget(limiter, entry);
        else if (ageUs >= VALID_US) missing.push(this.#ask(entry));
        else if (ageUs >= this.#intervalUs(entry) && entry.isUsed && !entry.isAsking) void this.#ask(entry);
      }
    }
    if (missing.length === 0) return undefined;
    return this.#busy = Promise.all(missing).then(() => {
      this.#busy = undefined;
    });
  }

  /** Notes that a key of these rules has to do with others. */
  met(entry: RuleEntry): void {
    entry.hasMet = true;
    if (entry.isMixed || entry.isSure) return;
    const ageUs = Math.abs(this.#options.nowUs() - (entry.toldUs ?? 0));
    if (ageUs >= FIRST_US && !entry.isAsking) void this.#ask(entry);
  }

  #intervalUs(entry: RuleEntry): number {
    if (!this.#isCurrent(entry)) return VALID_US * 0.8;
    const { firstUs, lastUs, hasOthers } = entry;
    if (!hasOthers) return USUAL_US;
    return Math.min(Math.max(FIRST_US, lastUs - firstUs), USUAL_US);
  }

  /** Whether these are the newest rules of their limiter in this process; older ones only bring to an end what they began. */
  #isCurrent(entry: RuleEntry): boolean {
    return this.#limiters.get(entry.limiter)?.at(-1) === entry;
  }

  #forget(limiter: string, entry: RuleEntry): void {
    const left = this.#limiters.get(limiter)?.filter((each) => each !== entry) ?? [];
    if (left.length === 0) this.#limiters.delete(limiter);
    else this.#limiters.set(limiter, left);
    if (this.#last === entry) this.#last = undefined;
  }

  /** Never rejects. */
  async #ask(entry: RuleEntry): Promise<void> {
    const { limiter, policy, form } = entry;
    entry.isAsking = true;
    entry.isUsed = false;
    try {
      const args = [form, wordsOf(policy), String(mattersUs(policy))];
      this.#told(entry, await this.#options.register(limiter, args));
      entry.error = undefined;
    } catch (error) {
      entry.error = error;
      if (entry.toldUs === undefined) this.#isMissing = true;
    } finally {
      entry.isAsking = false;
    }
  }

  #told(entry: RuleEntry, reply: ScriptReply): void {
    if (!Array.isArray(reply) || reply.length < 5) {
      throw new StoreError("STORE_REFUSED", "Cannot read which rules are in use: the register's reply is another one", {
        reason: "invalid_answer",
      });
    }
    const [now, plain, next, from, different, ...others] = reply.map(String) as [
      string,
      string,
      string,
      string,
      string,
    ];
    entry.plainForm = plain;
    entry.nextForm = next;
    entry.nextFromUs = Number(from);
    entry.isMixed = Number(different) > 0;
    entry.isSure = !entry.isMixed && (entry.hasMet || entry.isSure);
    entry.hasMet = false;
    entry.lastUs = Number(now);
    if (entry.toldUs === undefined) entry.firstUs = entry.lastUs;
    entry.toldUs = this.#options.nowUs();
    entry.hasOthers = others.length > 0;
    this.#compare(entry, others);
  }

  /** Reports others that are in use besides these: those that were seen since, and not because this process used them. */
  #compare(entry: RuleEntry, others: readonly string[]): void {
    const { limiter, policy, firstUs } = entry;
    const own = this.#limiters.get(limiter) ?? [];
    const found: string[] = [];
    for (let i = 0; i + 1 < others.length; i += 2) {
      const [words, seenUs] = [others[i] as string, Number(others[i + 1])];
      const isOwn = own.some((each) => each !== entry && wordsOf(each.policy) === words && each.lastUs >= seenUs);
      if (!isOwn && (seenUs > firstUs || entry.others.includes(words))) found.push(words);
    }
    if (!this.#isCurrent(entry)) return;
    const isNews = found.length > 0 !== entry.others.length > 0;
    entry.others = found;
    if (isNews) this.#options.report({ limiter, rules: wordsOf(policy), others: found });
  }
}
