/**
 * Which rules processes use for a limiter, and the numbers by which rows name them.
 *
 * @module
 */

import type { RateLimit } from "../../algorithms/limit.ts";
import { codecOf } from "../../algorithms/kernels.ts";
import { steadyUs, systemClock } from "../../base/clock.ts";
import type { NamedPolicy, Policy } from "../../policy/policy.ts";
import { wordsOf } from "../../policy/words.ts";
import type { RulesReport } from "../store.ts";
import type { PostgresConnection, Row } from "./connections/connection.ts";
import { RULES_US } from "./functions.ts";
import { rowName } from "./keys.ts";
import type { PostgresNames } from "./names.ts";
import { arrayLiteral } from "./sql_text.ts";

/** After how long a process tells and asks again, in microseconds: beside its calls, and before the next one. */
const AGAIN_US = 30_000_000;
const AT_LATEST_US = 240_000_000;

/** How often a process looks for rules that can be forgotten, and after how long without use it tells its own anew. */
const FORGET_US = 3_600_000_000;

/** How long what was read is taken for what is so now, in microseconds, where a row is under other rules. */
const FRESH_US = 1_000_000;

/** Rules that a row can be under. */
export interface KnownRules {
  /** Their number. */
  readonly id: number;
  /** Whose they are: the limiter as rows name it. */
  readonly row: string;
  /** As far as states need them. */
  readonly policy: Policy;
  /** When a process was last seen with them, by the store's clock. */
  readonly seenUs: number;
  /** Whether a process uses them, this one too. */
  readonly isInUse: boolean;
  /** Whether another process does. */
  readonly isUsedElsewhere: boolean;
}

/** Rules that this process uses. */
interface Own extends NamedPolicy {
  /** The limiter, as rows name it. */
  readonly row: string;
  /** The rates, as JSON. */
  readonly text: string;
  /** 0 where it is not known yet. */
  id: number;
  /** Whether they were used since they were last told. */
  isUsed: boolean;
  /** When they were last told, by the clock of this process: much later, the number may be forgotten. */
  toldUs: number;
}

/** The rules of the limiters of this process, and those of others. */
export class RuleBook {
  readonly #connection: PostgresConnection;
  readonly #names: PostgresNames;
  readonly #process: string;
  readonly #clock: () => string | null;
  readonly #nowUs: () => number;
  readonly #report: (report: RulesReport) => void;
  readonly #own = new Map<string, Own>();
  readonly #ownByPolicy = new WeakMap<Policy, Map<string, Own>>();
  readonly #byId = new Map<number, KnownRules>();
  /** The numbers of rules of others, by what was read of them. */
  readonly #read = new WeakMap<Policy, number>();
  readonly #told = new Map<string, string>();
  #askedUs = -Infinity;
  #readUs = -Infinity;
  #forgotUs: number | undefined;
  #outdated: string | null = null;
  #isOutdated = false;
  #asking: Promise<void> | undefined;

  /**
   * Asks nothing yet.
   *
   * @param options Where rules are kept, and who hears of those of others.
   */
  constructor(options: {
    readonly connection: PostgresConnection;
    readonly names: PostgresNames;
    /** This process, by a random id. */
    readonly process: string;
    /** The clock of a test, as a parameter of a statement; null for the server's. */
    readonly clock: () => string | null;
    /** The time, for spans. */
    readonly nowUs: () => number;
    readonly report: (report: RulesReport) => void;
  }) {
    this.#connection = options.connection;
    this.#names = options.names;
    this.#process = options.process;
    this.#clock = options.clock;
    this.#nowUs = options.nowUs;
    this.#report = options.report;
  }

  /** The number of rules; 0 where it is not known yet. */
  idOf({ limiter, policy }: NamedPolicy): number {
    return this.#find(limiter, policy)?.id ?? 0;
  }

  /** The rules of a number; undefined where they are not known. */
  of(id: number): KnownRules | undefined {
    return this.#byId.get(id);
  }

  /** The number of rules that this process uses, or that `of` gave. */
  refOf(limiter: string, policy: Policy): number {
    return this.#find(limiter, policy)?.id ?? this.#read.get(policy) ?? 0;
  }

  /** Whether a process uses rules, or has done so lately. */
  isInUse(limiter: string, policy: Policy): boolean {
    return this.#byId.get(this.refOf(limiter, policy))?.isInUse ?? false;
  }

  /** When a process was last seen with rules; undefined where that is not known. */
  seenUs(limiter: string, policy: Policy): number | undefined {
    return this.#byId.get(this.refOf(limiter, policy))?.seenUs;
  }

  /** Has the rules read again before the next call. */
  outdate(): void {
    this.#isOutdated = true;
  }

  /** Whether what is known is from this moment, more or less, also where the clock of a test stands still. */
  get isFresh(): boolean {
    return steadyUs(systemClock) - this.#readUs < FRESH_US;
  }

  /** What to wait for until the rules of targets are known; undefined where they are. */
  ready(targets: Iterable<NamedPolicy>): Promise<void> | undefined {
    const nowUs = this.#nowUs();
    let isMissing = this.#isOutdated;
    for (const { limiter, policy } of targets) {
      const own = this.#find(limiter, policy) ?? this.#enter(limiter, policy);
      own.isUsed = true;
      if (own.id === 0 || nowUs - own.toldUs > FORGET_US) isMissing = true;
    }
    const agoUs = nowUs - this.#askedUs;
    if (isMissing || agoUs > AT_LATEST_US || agoUs < 0) return this.#askAgain();
    if (agoUs > AGAIN_US) this.#ask().catch(() => {}); // calls that need it fail by themselves
    return undefined;
  }

  /** Says that this process uses its rules no more. */
  async signOff(): Promise<void> {
    if (this.#own.size === 0) return;
    const text = `DELETE FROM ${this.#names.of("uses")} WHERE process = $1::text`;
    await this.#connection.query({ text, values: [this.#process] });
  }

  #find(limiter: string, policy: Policy): Own | undefined {
    return this.#ownByPolicy.get(policy)?.get(limiter);
  }

  /** Policies with the same rates are the same rules. */
  #enter(limiter: string, policy: Policy): Own {
    const text = JSON.stringify(policy.rates);
    const name = JSON.stringify([limiter, text]);
    const own = this.#own.get(name) ??
      { limiter, row: rowName({ limiter, key: undefined }), policy, text, id: 0, isUsed: true, toldUs: 0 };
    this.#own.set(name, own);
    const byLimiter = this.#ownByPolicy.get(policy) ?? new Map<string, Own>();
    this.#ownByPolicy.set(policy, byLimiter.set(limiter, own));
    return own;
  }

  /** Asks once what is under way was answered: that may not know of the latest rules. */
  async #askAgain(): Promise<void> {
    await this.#asking?.catch(() => {});
    await this.#ask();
  }

  #ask(): Promise<void> {
    return this.#asking ??= this.#askNow().finally(() => {
      this.#asking = undefined;
    });
  }

  async #askNow(): Promise<void> {
    const sent = [...this.#own.values()].filter(({ isUsed, id }) => isUsed || id === 0)
      .sort((a, b) => a.row < b.row || (a.row === b.row && a.text < b.text) ? -1 : 1);
    for (const own of sent) own.isUsed = false;
    this.#isOutdated = false;
    const [row] = await this.#connection.query({
      name: "use_rules_1",
      text: `SELECT now::text, lines FROM ${
        this.#names.of("use_rules_1")
      }($1::text, $2::text::text[], $3::text::text[], $4::text::bigint)`,
      values: [
        this.#process,
        arrayLiteral(sent.map(({ row }) => row)),
        arrayLiteral(sent.map(({ text }) => text)),
        this.#clock(),
      ],
    });
    this.#learn(row, sent);
    this.#askedUs = this.#nowUs();
    this.#readUs = steadyUs(systemClock);
    for (const own of sent) {
      own.toldUs = this.#askedUs;
      this.#tell(own);
    }
    if (this.#forgotUs === undefined) this.#forgotUs = this.#askedUs;
    else if (this.#askedUs - this.#forgotUs > FORGET_US) void this.#forget();
  }

  /** Finds rules that nothing needs any more, and forgets those of the last time. What is wrong shows at the decisions. */
  async #forget(): Promise<void> {
    this.#forgotUs = this.#askedUs;
    const text = `SELECT ${this.#names.of("forget_rules_1")}($1::text::integer[], $2::text::bigint)::text AS found`;
    const values = [this.#outdated, this.#clock()];
    this.#outdated = null;
    const [row] = await this.#connection.query({ name: "forget_rules_1", text, values }).catch(() => []);
    this.#outdated = row?.["found"] ?? null;
  }

  #learn(row: Row | undefined, sent: readonly Own[]): void {
    const nowUs = Number(row?.["now"]);
    for (const line of (row?.["lines"] ?? "").split("\n")) {
      if (line === "") continue;
      const [id, seenUs, row, text, users, others] = JSON.parse(line) as RulesLine;
      const own = sent.find((each) => each.row === row && each.text === text);
      if (own !== undefined) own.id = id;
      const policy = own?.policy ?? this.#byId.get(id)?.policy ?? readPolicy(text);
      if (policy === undefined) continue;
      if (own === undefined) this.#read.set(policy, id);
      const isUsed = seenUs > nowUs - RULES_US;
      this.#byId.set(id, {
        id,
        row,
        policy,
        seenUs,
        isInUse: isUsed && users > 0,
        isUsedElsewhere: isUsed && others > 0,
      });
    }
  }

  /** Tells of other rules of a limiter, once when they appear and once when none is left. */
  #tell({ limiter, row, policy, id }: Own): void {
    const known = [...this.#byId.values()].filter((each) => each.row === row);
    const own = ratesInWords(policy);
    const words = known.filter((each) => each.id !== id && each.isUsedElsewhere).map((each) =>
      ratesInWords(each.policy)
    );
    const others = [...new Set(words)].filter((each) => each !== own && each !== "").sort();
    const told = others.join("; ");
    if (told === (this.#told.get(limiter) ?? "")) return;
    this.#told.set(limiter, told);
    this.#report({ limiter, rules: wordsOf(policy), others });
  }
}

/** A line of `use_rules_1`. */
type RulesLine = readonly [
  id: number,
  seenUs: number,
  row: string,
  rates: string,
  users: number,
  others: number,
];

function ratesInWords({ rates }: Pick<Policy, "rates">): string {
  return wordsOf({ rates, maxConcurrent: 0 } as Policy);
}

/** Rules that another process has written; undefined where this version cannot count by them. */
function readPolicy(text: string): Policy | undefined {
  const rates = JSON.parse(text) as RateLimit[];
  try {
    rates.forEach(codecOf);
  } catch {
    return undefined;
  }
  // Of the rules of others, only the rates are read.
  return { rates } as unknown as Policy;
}
