/**
 * The statements that decide about takes from single token buckets.
 *
 * @module
 */

import { LOCK_MS, type Statement } from "../connections/connection.ts";
import type { PostgresNames } from "../names.ts";
import { arrayLiteral } from "../sql_text.ts";
import { type BucketOperands, columnsAfter, exactBase, fits, wholeBase } from "./arithmetic.ts";
import type { BucketEntry } from "./rounds.ts";

/** How takes are decided. */
export interface BucketSettings {
  /** The names of what the store keeps. */
  readonly names: PostgresNames;
  /** Whether each statement has to ask for a commit that does not wait for the disk. */
  readonly asksAsync: boolean;
  /** Whether each statement has to say how long it waits for a row. */
  readonly asksLock: boolean;
  /** The clock of a test, as a parameter of a statement; null for the server's. */
  clock(): string | null;
}

/** The parameters of a statement about one key, from the second on: rules, operands, and count. */
const ONE: BucketOperands & { rules: string; count: string } = {
  now: "",
  rules: "$2::text::integer",
  unit: "$3::text::bigint",
  denominator: "$4::text::bigint",
  full: "$5::text::bigint",
  most: "$6::text::bigint",
  near: "$7::text::bigint",
  far: "$8::text::bigint",
  count: "$9::text::bigint",
};

/** Makes the statements of one store. */
export class BucketStatements {
  readonly #settings: BucketSettings;
  readonly #alike: string;
  readonly #any: string;
  readonly #once: string;
  readonly #one: string;
  readonly #isDurable: string;

  /** Writes the texts. */
  constructor(settings: BucketSettings) {
    const { names, asksAsync } = settings;
    this.#settings = settings;
    this.#isDurable = String(!asksAsync);
    const types = (...all: string[]) => all.map((type, i) => `$${i + 1}::text${type && `::${type}`}`).join(", ");
    const big = "bigint";
    this.#alike = `SELECT ${names.of("take_alike_1")}(${
      types("", "integer", big, big, big, big, big, big, "boolean", big)
    }) AS reply`;
    this.#any = `SELECT ${names.of("take_buckets_1")}(${types("", "", "", "", "boolean", big)}) AS reply`;
    this.#once = this.#takeOne(true);
    this.#one = this.#takeOne(false);
  }

  /** Decides about entries of different keys, in the order of the keys. */
  round(entries: readonly BucketEntry[]): Statement {
    const { header: { mode, numbers }, rules } = entries[0] as BucketEntry;
    const keys = arrayLiteral(entries.map(({ key }) => key));
    const isAlike = mode !== "peek" && entries.every((entry) => {
      return entry.header === entries[0]?.header && entry.rules === rules && entry.times === 1;
    });
    const clock = this.#settings.clock();
    if (isAlike) {
      const values = [keys, String(rules), ...numbers, this.#isDurable, clock];
      return { name: "take_alike_1", text: this.#alike, values };
    }
    const starts: number[] = [];
    const terms: string[] = [];
    const known = new Map<unknown, number>();
    for (const { header, rules } of entries) {
      let start = known.get(header);
      if (start === undefined || terms[start - 1] !== String(rules)) {
        start = terms.push(String(rules), ...header.numbers) - header.numbers.length;
        known.set(header, start);
      }
      starts.push(start);
    }
    const counts = entries.map(({ header, times }) => header.mode === "peek" ? 0 : times);
    const values = [keys, arrayLiteral(counts), arrayLiteral(starts), `{${terms}}`, this.#isDurable, clock];
    return { name: "take_buckets_1", text: this.#any, values };
  }

  /**
   * Takes from one key, if its bucket has room. The row that comes back has the `clock`, and `tat`, `rem` and `extra` as they
   * are then; the last two are absent where they are always NULL. None comes back if anything else is to be done.
   */
  lone({ key, header, rules, times }: BucketEntry): Statement {
    const isOnce = header.isWhole && header.mode === "now" && times === 1;
    const [unit, denominator, full, most, near, far] = header.numbers as string[] as Six;
    const clock = this.#settings.clock();
    const values = isOnce
      ? [key, String(rules), unit, full]
      : [key, String(rules), unit, denominator, full, most, near, far, String(times)];
    if (clock !== null) values.push(clock);
    return { name: isOnce ? "take_once_1" : "take_one_1", text: isOnce ? this.#once : this.#one, values };
  }

  #takeOne(isOnce: boolean): string {
    const { names, asksAsync, asksLock } = this.#settings;
    // The time at which the statement came: it is the same throughout. A test passes its own as the last parameter.
    const now = this.#settings.clock() === null
      ? "(date_part('epoch', statement_timestamp()) * 1e6)::bigint"
      : `$${isOnce ? 5 : 10}::text::bigint`;
    const full = "$4::text::bigint";
    const operands = isOnce ? { ...ONE, now, full, most: full } : { ...ONE, now };
    const next = `${wholeBase(operands)} + ${ONE.unit}`;
    const columns = isOnce
      ? `tat = ${now} + ${next}, extra = NULL`
      : `(tat, rem, extra) = (${columnsAfter(ONE.count, operands, exactBase(operands))})`;
    const condition = isOnce ? `${next} <= ${full}` : fits(exactBase(operands), operands);
    // Before the row is locked.
    const asks = (asksAsync ? " AND set_config('synchronous_commit', 'off', true) = 'off'" : "") +
      (asksLock ? ` AND set_config('lock_timeout', '${LOCK_MS}', true) <> ''` : "");
    return `UPDATE ${names.of("keys")} r SET ${columns}
      WHERE r.key = $1::text AND r.rules = ${ONE.rules} AND r.state IS NULL AND ${condition}${asks}
      RETURNING (${now})::text AS clock, r.tat::text${isOnce ? "" : ", r.rem::text, r.extra::text"}`;
  }
}

type Six = [string, string, string, string, string, string];
