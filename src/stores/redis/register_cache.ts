/**
 * What this process knows of the rules that are in use for each limiter, in all processes: it asks the register of the
 * limiter before it first decides, and again in the background while it does. It signs off when it will not do so any
 * longer.
 *
 * @module
 */

import { StoreError } from "../../base/errors.ts";
import type { Policy } from "../../policy/policy.ts";
import { wordsOf } from "../../policy/words.ts";
import type { RulesReport, Target } from "../store.ts";
import type { ScriptReply } from "./connections/connection.ts";
import { keyScriptOf } from "./key_script.ts";
import type { Script } from "./script.ts";
import { formOf, isNamed, isPlain, mattersUs, type RuleState } from "./rules.ts";

/** How long what the register said is used at most, in microseconds. Half of what `register.lua` grants. */
const VALID_US = 150_000_000;

/**
 * How long it is used before it is asked for again in the background, in microseconds: usually; and at first where others
 * were in use lately, to tell whether they still are, or as long as their keys are different ones, which is slow.
 */
const USUAL_US = 30_000_000;
const FIRST_US = 2_000_000;

/** For how long rules that others have replaced in this process are unused when it signs off from them, in microseconds. */
const REPLACED_US = 30_000_000;

/** What the cache needs of its store. */
export interface RegisterCacheOptions {
  /** Asks the register of a limiter; `args` follow the clock in the ARGV of its script. */
  register(limiter: string, args: readonly string[]): Promise<ScriptReply>;
  /** Called when other rules have come into use for a limiter, or all of them have gone. Must not throw. */
  report(report: RulesReport): void;
  /** The time by which what the register said becomes old, in microseconds. */
  nowUs(): number;
}

/** The rules of one limiter, as this process uses them. */
export class UsedRules implements RuleState {
  readonly limiter: string;
  readonly policy: Policy;
  readonly form: string;
  plainForm: string;
  nextForm = "";
  nextFromUs = 0;
  readonly isNamed: boolean;
  isMixed = false;
  /** Whether no other rules have to do with the keys of these: the scripts for that know values of one form only. */
  isAlone = true;
  /** The script that decides by these rules where they are alone, each take by one key; undefined if there is none. */
  readonly keyScript: Script | undefined;
  aloneUs = 0;
  /** As a list, for requests with one target. */
  readonly alone: readonly UsedRules[] = [this];
  /** When the register was read last, by `nowUs`; undefined where it has not been. */
  readUs: number | undefined;
  /** Why it could not be asked. */
  error: unknown;
  isUsed = true;
  /** Whether they were used since the cache was last looked through, and when they were found used there last. */
  isInUse = true;
  usedUs = 0;
  isAsking = false;
  /** Where the register has counted this process. */
  counted = "";
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
    this.isNamed = isNamed(this.form);
    this.keyScript = keyScriptOf(policy);
  }
}

/** What one store knows of the registers of its limiters. */
export class RegisterCache {
  readonly #options: RegisterCacheOptions;
  readonly #limiters = new Map<string, UsedRules[]>();
  #last: UsedRules | undefined;
  #isMissing = false;
  #busy: Promise<void> | undefined;
  #lookedUs = 0;

  /**
   * @param options What it needs of its store.
   */
  constructor(options: RegisterCacheOptions) {
    this.#options = options;
  }

  /** The rules of a target. */
  of({ limiter, policy }: Target): UsedRules {
    const last = this.#last;
    if (last !== undefined && last.policy === policy && last.limiter === limiter) {
      last.isUsed = last.isInUse = true;
      return last;
    }
    let entries = this.#limiters.get(limiter);
    if (entries === undefined) this.#limiters.set(limiter, entries = []);
    let entry = entries.find((each) => each.policy === policy);
    if (entry === undefined) {
      entries.push(entry = new UsedRules(limiter, policy));
      this.#isMissing = true;
    }
    entry.isUsed = entry.isInUse = true;
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
        const ageUs = entry.readUs === undefined ? Infinity : Math.abs(nowUs - entry.readUs);
        if (entry.isInUse) entry.usedUs = nowUs;
        entry.isInUse = false;
        const isReplaced = !this.#isCurrent(entry) && Math.abs(nowUs - entry.usedUs) >= REPLACED_US;
        if (ageUs < Infinity && !entry.isAsking && (isReplaced || ageUs >= VALID_US && !entry.isUsed)) {
          this.#forget(limiter, entry);
          void this.#signOff(entry);
        } else if (ageUs >= VALID_US) missing.push(this.#ask(entry));
        else if (ageUs >= this.#intervalUs(entry) && entry.isUsed && !entry.isAsking) void this.#ask(entry);
      }
    }
    if (missing.length === 0) return undefined;
    return this.#busy = Promise.all(missing).then(() => {
      this.#busy = undefined;
    });
  }

  /** Asks whether others have come into use, because a key of these rules has to do with some. */
  sawOthers(entry: UsedRules): void {
    if (entry.isMixed) return;
    const ageUs = Math.abs(this.#options.nowUs() - (entry.readUs ?? 0));
    if (ageUs >= FIRST_US && !entry.isAsking) void this.#ask(entry);
  }

  /** Signs off from all rules. Never rejects: what the register does not hear of ends by itself. */
  async close(): Promise<void> {
    await Promise.all([...this.#limiters.values()].flat().map((entry) => this.#signOff(entry)));
  }

  async #signOff(entry: UsedRules): Promise<void> {
    if (entry.counted === "") return;
    const args = argsOf(entry, true);
    entry.counted = "";
    await this.#options.register(entry.limiter, args).catch(() => {});
  }

  #intervalUs(entry: UsedRules): number {
    if (!this.#isCurrent(entry)) return VALID_US * 0.8;
    const { firstUs, lastUs, hasOthers, isMixed } = entry;
    if (isMixed) return FIRST_US;
    return hasOthers ? Math.min(Math.max(FIRST_US, lastUs - firstUs), USUAL_US) : USUAL_US;
  }

  /** Whether these are the newest rules of their limiter in this process; older ones only bring to an end what they began. */
  #isCurrent(entry: UsedRules): boolean {
    return this.#limiters.get(entry.limiter)?.at(-1) === entry;
  }

  #forget(limiter: string, entry: UsedRules): void {
    const left = this.#limiters.get(limiter)?.filter((each) => each !== entry) ?? [];
    if (left.length === 0) this.#limiters.delete(limiter);
    else this.#limiters.set(limiter, left);
    if (this.#last === entry) this.#last = undefined;
  }

  /** Never rejects. */
  async #ask(entry: UsedRules): Promise<void> {
    entry.isAsking = true;
    entry.isUsed = false;
    try {
      this.#read(entry, await this.#options.register(entry.limiter, argsOf(entry, false)));
      entry.error = undefined;
    } catch (error) {
      entry.error = error;
      if (entry.readUs === undefined) this.#isMissing = true;
    } finally {
      entry.isAsking = false;
    }
  }

  #read(entry: UsedRules, reply: ScriptReply): void {
    if (!Array.isArray(reply) || reply.length < 6) {
      throw new StoreError("STORE_REFUSED", "Cannot read which rules are in use: the register's reply is another one", {
        reason: "invalid_answer",
      });
    }
    const [now, plain, next, from, different, counted, ...others] = reply.map(String) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    entry.counted = counted;
    entry.plainForm = plain;
    entry.nextForm = next;
    entry.nextFromUs = Number(from);
    entry.isMixed = Number(different) > 0;
    entry.isAlone = !entry.isMixed && (entry.isNamed || isPlain(entry));
    entry.lastUs = Number(now);
    entry.aloneUs = entry.isMixed ? 0 : entry.lastUs;
    if (entry.readUs === undefined) entry.firstUs = entry.lastUs;
    entry.readUs = this.#options.nowUs();
    entry.hasOthers = others.length > 0;
    this.#compare(entry, others);
  }

  /** Reports others that are in use besides these: those that were seen since, and not because this process used them. */
  #compare(entry: UsedRules, others: readonly string[]): void {
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

function argsOf({ policy, form, counted }: UsedRules, leaves: boolean): string[] {
  return [form, wordsOf(policy), String(mattersUs(policy)), counted, leaves ? "1" : "0"];
}
