/**
 * Reports when a store decides less than it should: once when that begins, and once when it ends.
 *
 * @module
 */

import { type Clock, systemClock, type Timer } from "../base/clock.ts";
import type { StoreError } from "../base/errors.ts";
import { isPermanent } from "../base/permanent.ts";
import { show } from "../base/text.ts";
import type { Policy } from "../policy/policy.ts";
import type { RulesReport, Store } from "../stores/store.ts";
import type { StoreEvent, Subscriptions } from "./events.ts";
import { fallback } from "./fallback.ts";
import type { Log } from "./log.ts";

/** Single failures are over when there was none for so long, and at least one answer. In microseconds. */
const QUIET_US = 10_000_000;

/** A store that has returned so often within that time, and fails and returns again, comes and goes. */
const MOST_RETURNS = 2;

/** Single failures after which the breaker has not opened become an event after so long, in microseconds. */
const IMPAIRED_US = 1_000_000;

/** A server that is reached again and refuses for so long is news, in microseconds: a failover or a start is over then. */
const REFUSES_US = 5_000_000;

/** What a report is about, and where it goes. */
export interface ReportOptions {
  /** The store's id. */
  readonly id: string;
  /** The store. */
  readonly store: Pick<Store, "engine" | "watchRules">;
  /** Where it is, without credentials. */
  readonly place: string | undefined;
  /** What log lines call stores of its engine; undefined of an engine that is not one of this package. */
  readonly title: string | undefined;
  /** Where messages go. */
  readonly log: Log;
  /** Where events go. */
  readonly events: Subscriptions<StoreEvent>;
  /** The rules of the limiters on the store. */
  policies(): readonly Policy[];
  /** Counts the answers of the store. */
  answers(): number;
  /** What it waits by. @default the machine's clock */
  readonly clock?: Clock;
}

/** What is wrong, since when, and how much of it was reported. */
interface Trouble {
  error: StoreError;
  readonly sinceUs: number;
  /** Since when the reason is the same. */
  reasonUs: number;
  /** The reasons that the log has. */
  readonly told: Set<StoreError["reason"]>;
  isDown: boolean;
  /** Whether the store comes and goes: that is reported once, and its end when it has worked for ten seconds. */
  comesAndGoes: boolean;
  /** Whether an event has said so. */
  isEvent: boolean;
  /** The time of the last failure of a single call, and how many the store had answered then. */
  lastUs: number;
  answers: number;
  calls: number;
}

/** The report of one process on one store. */
export class StoreReport {
  readonly #options: ReportOptions;
  readonly #clock: Clock;
  #trouble: Trouble | undefined;
  #timer: Timer | undefined;
  #isAnnounced = false;
  /** When the last returns of the store were reported. */
  #returnsUs: readonly number[] = [];
  readonly #mixedRules = new Map<string, RulesReport>();

  constructor(options: ReportOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    options.store.watchRules?.((report) => this.#mixed(report));
  }

  /** The limiters for which other processes use other rules; undefined where there are none. */
  get mixedRules(): readonly RulesReport[] | undefined {
    return this.#mixedRules.size > 0 ? [...this.#mixedRules.values()] : undefined;
  }

  /** Whether the store decides everything, not all of it, or nothing. */
  get state(): "up" | "impaired" | "down" {
    if (this.#trouble === undefined) return "up";
    return this.#trouble.isDown ? "down" : "impaired";
  }

  /** Whether single failures may have ended: there was none for ten seconds, nor an answer. */
  get isUnsure(): boolean {
    const trouble = this.#trouble;
    return trouble !== undefined && !trouble.isDown && this.#isQuiet(trouble) && !this.#hasAnswered(trouble);
  }

  /** Why the store does not decide everything; undefined while it does. */
  get error(): StoreError | undefined {
    return this.#trouble?.error;
  }

  /** The store has answered for the first time. */
  announce(): void {
    if (this.#isAnnounced) return;
    this.#isAnnounced = true;
    const { id, store: { engine }, place, title, log } = this.#options;
    const at = place === undefined ? "" : ` at ${place}`;
    log.info(
      title !== undefined
        ? `Rate limiter using ${title} backend: store ${show(id)}${at}`
        : `store ${show(id)} uses ${engine}${at}`,
    );
  }

  /** One call for these limiters has failed, and the breaker is closed. */
  failed(error: StoreError, limiters: readonly string[] = []): void {
    const nowUs = this.#clock.nowUs();
    const answers = this.#options.answers();
    const trouble = this.#trouble;
    if (trouble !== undefined) {
      trouble.lastUs = nowUs;
      trouble.answers = answers;
      trouble.calls++;
      return;
    }
    this.#trouble = {
      error,
      sinceUs: nowUs,
      reasonUs: nowUs,
      told: new Set([error.reason]),
      isDown: false,
      comesAndGoes: false,
      isEvent: false,
      lastUs: nowUs,
      answers,
      calls: 1,
    };
    const what = error.isOfKey ? ` for a key of ${limiters.map((id) => show(id)).join(" or ")}` : "";
    this.#warn(error, `${this.#name} fails, ${fallback(this.#options.policies())}`, what);
    this.#checkLater(nowUs + IMPAIRED_US);
  }

  /** The breaker has opened. */
  down(error: StoreError): void {
    const before = this.#trouble;
    const nowUs = this.#clock.nowUs();
    this.#timer?.cancel();
    const told = before?.told ?? new Set();
    const isNews = before === undefined || (isPermanent(error.reason) && !told.has(error.reason));
    this.#trouble = {
      error,
      sinceUs: before?.sinceUs ?? nowUs,
      reasonUs: nowUs,
      told,
      isDown: true,
      comesAndGoes: before?.comesAndGoes === true,
      isEvent: true,
      lastUs: nowUs,
      answers: 0,
      calls: 0,
    };
    if (isNews) this.#warnDown(error, told);
    if (before?.comesAndGoes !== true) {
      this.#options.events.emit({ type: "store_down", store: this.#options.id, error });
    }
  }

  /** The breaker is open, and a probe has failed for this reason. */
  stillDown(error: StoreError): void {
    const trouble = this.#trouble;
    if (trouble === undefined) return;
    const { told } = trouble;
    const nowUs = this.#clock.nowUs();
    if (error.reason !== trouble.error.reason) trouble.reasonUs = nowUs;
    trouble.error = error;
    if (told.has(error.reason)) return;
    // A mistake of the configuration is news, because waiting does not help. So is a server that is back, and refuses.
    const isNews = error.code === "STORE_REFUSED" && nowUs - trouble.reasonUs >= REFUSES_US;
    if (isNews || isPermanent(error.reason)) this.#warnDown(error, told);
  }

  /** The breaker has closed again. */
  up(downUs: number): void {
    this.#isAnnounced = true;
    const nowUs = this.#clock.nowUs();
    const trouble = this.#trouble;
    this.#returnsUs = this.#returnsUs.filter((atUs) => nowUs - atUs < QUIET_US);
    if (trouble !== undefined && (trouble.comesAndGoes || this.#returnsUs.length >= MOST_RETURNS)) {
      return this.#keepsComing(trouble, nowUs);
    }
    this.#returnsUs = [...this.#returnsUs, nowUs];
    this.#over(`store ${show(this.#options.id)} decides, after ${seconds(downUs)}`, downUs);
  }

  /** The store is back, as so often: it counts as up when it has worked for ten seconds. */
  #keepsComing(trouble: Trouble, nowUs: number): void {
    const { id, log, answers } = this.#options;
    if (!trouble.comesAndGoes) {
      const again = `store ${show(id)} has failed and returned ${MOST_RETURNS + 1} times within ${QUIET_US / 1e6} s`;
      log.recovered(`${this.#name} comes and goes: ${again}; the next line is when no call has failed for as long`);
    }
    trouble.comesAndGoes = true;
    trouble.isDown = false;
    trouble.lastUs = nowUs;
    trouble.answers = answers() - 1; // a probe was answered
    this.#checkLater(nowUs + QUIET_US);
  }

  /** Writes a warning that is about the store, but not about whether it decides. */
  warn(message: string): void {
    this.#options.log.warn(`store ${show(this.#options.id)}: ${message}`);
  }

  /** Ends the timer. */
  close(): void {
    this.#timer?.cancel();
  }

  #mixed(report: RulesReport): void {
    const { id, log, events } = this.#options;
    const { limiter, rules, others } = report;
    const where = `store ${show(id)}: limiter ${show(limiter)}`;
    this.#mixedRules.delete(limiter);
    if (others.length > 0) {
      this.#mixedRules.set(limiter, report);
      log.warn(
        `${where} has other rules in other processes: ${
          others.join(" and ")
        }, here ${rules}. Each process decides by its ` +
          "own rules, and counts every unit. If this is no deploy, give all processes the same configuration",
      );
    } else log.recovered(`${where} has the same rules everywhere again: ${rules}`);
    events.emit({ type: "mixed_rules", store: id, limiter, rules, others });
  }

  #over(what: string, forUs: number): void {
    const { id, log, events } = this.#options;
    const wasEvent = this.#trouble?.isEvent;
    this.#trouble = undefined;
    this.#timer?.cancel();
    log.recovered(`${this.#name} available again: ${what}`);
    if (wasEvent) events.emit({ type: "store_up", store: id, downMs: forUs / 1_000 });
  }

  #warnDown(error: StoreError, told: Trouble["told"]): void {
    told.add(error.reason);
    this.#warn(error, `${this.#name} unavailable, ${fallback(this.#options.policies())}`);
  }

  #warn({ code, reason, message }: StoreError, what: string, forWhat = ""): void {
    const store = show(this.#options.id);
    this.#options.log.warn(`${what}: store ${store} cannot decide${forWhat} (${reason ?? code}): ${message}`);
  }

  #checkLater(atUs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.schedule(atUs, () => this.#check(), { background: true });
  }

  /** Looks whether single failures go on. */
  #check(): void {
    const trouble = this.#trouble;
    if (trouble === undefined || trouble.isDown) return;
    const { id, events } = this.#options;
    const nowUs = this.#clock.nowUs();
    if (!trouble.isEvent) {
      trouble.isEvent = true;
      events.emit({ type: "store_impaired", store: id, error: trouble.error });
    }
    const isOver = this.#isQuiet(trouble) && this.#hasAnswered(trouble);
    if (!isOver) return this.#checkLater(Math.max(trouble.lastUs + QUIET_US, nowUs + IMPAIRED_US));
    const forUs = trouble.lastUs - trouble.sinceUs;
    const calls = trouble.comesAndGoes ? "came and went" : `failed for ${trouble.calls} calls`;
    this.#over(`store ${show(id)} decides everything; it ${calls} within ${seconds(forUs)}`, forUs);
  }

  #isQuiet({ lastUs }: Trouble): boolean {
    return this.#clock.nowUs() - lastUs >= QUIET_US;
  }

  #hasAnswered({ answers }: Trouble): boolean {
    return this.#options.answers() > answers;
  }

  get #name(): string {
    const { title, store } = this.#options;
    return title ?? `store of engine ${show(store.engine)}`;
  }
}

function seconds(us: number): string {
  return `${(us / 1e6).toFixed(1)} s`;
}
