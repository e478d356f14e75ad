/**
 * The statements that decide about takes from single token buckets.
 *
 * @module
 */

import { LOCK_MS, type Statement } from "../connections/connection.ts";
import { KEY_SEPARATOR } from "../keys.ts";
import type { PostgresNames } from "../names.ts";
import { arrayLiteral } from "../sql_text.ts";
import { type BucketOperands, columnsAfter, exactBase, fits, takeOnce, takeOnceWhole } from "./arithmetic.ts";
import { onceOf } from "./header.ts";
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

/** The parameters of a statement about one key, from the third on: operands, and count. */
const ONE: BucketOperands & { count: string } = {
  now: "",
  unit: "$3::bigint",
  denominator: "$4::bigint",
  full: "$5::bigint",
  most: "$6::bigint",
  near: "$7::bigint",
  far: "$8::bigint",
  count: "$9::bigint",
};

/** The same where a bucket has room for one take now. */
const ONCE = {
  us: "$3::bigint",
  rem: "$4::bigint",
  roomUs: "$5::bigint",
  roomRem: "$6::bigint",
  denominator: "$7::bigint",
};
const ONCE_WHOLE = { us: "$3::bigint", roomUs: "$4::bigint" };

/** Makes the statements of one store. */
export class BucketStatements {
  readonly #settings: BucketSettings;
  readonly #alike: string;
  readonly #any: string;
  readonly #once: string;
  readonly #onceWhole: string;
  readonly #one: string;
  readonly #isDurable: string;

  /** Writes the texts. */
  constructor(settings: BucketSettings) {
    const { names, asksAsync } = settings;
    this.#settings = settings;
    this.#isDurable = String(!asksAsync);
    // Drivers convert booleans, each in its own way.
    const typed = (type: string) => type === "boolean" ? "text::boolean" : type;
    const types = (...all: string[]) => all.map((type, i) => `$${i + 1}::${typed(type)}`).join(", ");
    const text = "text";
    const big = "bigint";
    this.#alike = `SELECT ${names.of("take_alike_1")}(${
      types(text, "integer", ...new Array<string>(10).fill(big), "boolean", big)
    }) AS reply`;
    this.#any = `SELECT ${names.of("take_buckets_1")}(${types(text, text, text, text, "boolean", big)}) AS reply`;
    const once = (clock: string) => {
      const now = this.#now(clock);
      const { tat, rem, fits } = takeOnce({ ...ONCE, now });
      return { now, columns: `tat = ${tat}, rem = ${rem}, extra = NULL`, condition: fits, answers: ", r.rem" };
    };
    const onceWhole = (clock: string) => {
      const now = this.#now(clock);
      const { tat, fits } = takeOnceWhole({ ...ONCE_WHOLE, now });
      return { now, columns: `tat = ${tat}, extra = NULL`, condition: fits, answers: "" };
    };
    const one = (clock: string) => {
      const operands = { ...ONE, now: this.#now(clock) };
      const base = exactBase(operands);
      const columns = `(tat, rem, extra) = (${columnsAfter(ONE.count, operands, base)})`;
      return { now: operands.now, columns, condition: fits(base, operands), answers: ", r.rem, r.extra" };
    };
    this.#once = this.#takeOne(once("$8"));
    this.#onceWhole = this.#takeOne(onceWhole("$5"));
    this.#one = this.#takeOne(one("$10"));
  }

  /** Decides about entries of different keys, in the order of the keys. */
  round(entries: readonly BucketEntry[]): Statement {
    const { header: { mode, numbers, once: { numbers: once } }, rules } = entries[0] as BucketEntry;
    const keys = entries.map(({ key }) => key).join(KEY_SEPARATOR);
    const isAlike = mode !== "peek" && entries.every((entry) => {
      return entry.header === entries[0]?.header && entry.rules === rules && entry.times === 1;
    });
    const clock = this.#settings.clock();
    if (isAlike) {
      const values = [keys, String(rules), ...numbers, ...once, this.#isDurable, clock];
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
   * Takes from one key, if its bucket has room: now and for all takes, if it is one, or if there was room for all the last
   * time. The row that comes back has the `clock`, and `tat`, `rem` and `extra` as they are then; the last two are absent
   * where they are always NULL. None comes back if anything else is to be done.
   */
  lone({ key, header, rules, times }: BucketEntry): Statement {
    const { isWhole, numbers, tookAll } = header;
    const once = onceOf(header, times);
    const isOnce = (times === 1 || tookAll) && once.hasRoom;
    const [us, , roomUs] = once.numbers;
    const operands = !isOnce
      ? [...numbers, String(times)]
      : isWhole
      ? [us, roomUs]
      : [...once.numbers, numbers[1] as string];
    const clock = this.#settings.clock();
    const values = [key, String(rules), ...operands, ...(clock === null ? [] : [clock])];
    if (!isOnce) return { name: "take_one_1", text: this.#one, values };
    return isWhole
      ? { name: "take_whole_1", text: this.#onceWhole, values }
      : { name: "take_once_1", text: this.#once, values };
  }

  /** The time at which the statement came: it is the same throughout. A test passes its own as the last parameter. */
  #now(parameter: string): string {
    return this.#settings.clock() === null
      ? "(date_part('epoch', statement_timestamp()) * 1e6)::bigint"
      : `${parameter}::bigint`;
  }

  #takeOne({ now, columns, condition, answers }: OneTake): string {
    const { names, asksAsync, asksLock } = this.#settings;
    // Before the row is locked.
    const asks = (asksAsync ? " AND set_config('synchronous_commit', 'off', true) = 'off'" : "") +
      (asksLock ? ` AND set_config('lock_timeout', '${LOCK_MS}', true) <> ''` : "");
    return `UPDATE ${names.of("keys")} r SET ${columns}
      WHERE r.key = $1::text AND r.rules = $2::integer AND r.state IS NULL AND ${condition}${asks}
      RETURNING ${now} AS clock, r.tat${answers}`;
  }
}

/** What a statement about one key does. */
interface OneTake {
  readonly now: string;
  readonly columns: string;
  readonly condition: string;
  readonly answers: string;
}
