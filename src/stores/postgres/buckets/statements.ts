/**
 * The statements that decide about takes from single token buckets.
 *
 * @module
 */

import { LOCK_MS, SESSION_SETTINGS, type Statement } from "../connections/connection.ts";
import { KEY_SEPARATOR } from "../keys.ts";
import type { PostgresNames } from "../names.ts";
import { arrayLiteral } from "../sql_text.ts";
import { type BucketOperands, columnsAfterPart, exactBase, fits, takeOnce, takeOnceWhole } from "./arithmetic.ts";
import { onceOf } from "./header.ts";
import type { BucketEntry } from "./rounds.ts";

/** How takes are decided. */
export interface BucketSettings {
  /** The names of what the store keeps. */
  readonly names: PostgresNames;
  /** Whether each statement has to ask for a commit that does not wait for the disk. */
  readonly asksAsync: boolean;
  /** Whether each statement has to bring the settings that sessions of the store have. */
  readonly asksSettings: boolean;
  /** The clock of a test, as a parameter of a statement; null for the server's. */
  clock(): string | null;
}

/** The parameters of a statement about one key, from the third on: operands, and count. */
const ONE: BucketOperands & { count: string } = {
  now: "",
  later: "",
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

/** Each row looks through the keys of which more is taken: with too many of them, another function costs less. */
const MOST_MANY = 32;

/** Makes the statements of one store. */
export class BucketStatements {
  readonly #settings: BucketSettings;
  readonly #alike: string;
  readonly #any: string;
  readonly #parts: string;
  readonly #once: string;
  readonly #onceWhole: string;
  readonly #one: string;

  /** Writes the texts. */
  constructor(settings: BucketSettings) {
    this.#settings = settings;
    const big = "bigint";
    this.#alike = this.#call(
      "take_alike_3",
      "text",
      "integer",
      ...new Array<string>(10).fill(big),
      "text",
      "text",
      big,
    );
    this.#any = this.#call("take_buckets_3", "text", "text", "text", "text", big);
    this.#parts = this.#call("take_parts_1", "text", "text", "text", "text", big);
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
      const [now, later] = [this.#now(clock), this.#now(clock, "clock_timestamp")];
      const operands = { ...ONE, now, later };
      const columns = `(tat, rem, extra) = (${columnsAfterPart(ONE.count, operands)})`;
      return { now, columns, condition: fits(exactBase(operands), operands), answers: ", r.rem, r.extra" };
    };
    this.#once = this.#takeOne(once("$8"));
    this.#onceWhole = this.#takeOne(onceWhole("$5"));
    this.#one = this.#takeOne(one("$10"));
  }

  /**
   * Decides about entries of different keys, in the order of the keys.
   *
   * @param entries The entries.
   * @param inParts Whether there may be room for a part of an entry. If not, all of it is taken, or nothing.
   */
  round(entries: readonly BucketEntry[], inParts: boolean): Statement {
    const { header: { numbers, once: { numbers: once } }, rules } = entries[0] as BucketEntry;
    const keys = entries.map(({ key }) => key).join(KEY_SEPARATOR);
    const clock = this.#settings.clock();
    const many = inParts ? undefined : manyOf(entries);
    if (many !== undefined) {
      const values = [keys, String(rules), ...numbers, ...once, ...many, clock];
      return { name: "take_alike_3", text: this.#alike, values };
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
    const values = [keys, arrayLiteral(counts), arrayLiteral(starts), `{${terms}}`, clock];
    return inParts
      ? { name: "take_parts_1", text: this.#parts, values }
      : { name: "take_buckets_3", text: this.#any, values };
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
  #now(parameter: string, source = "statement_timestamp"): string {
    return this.#settings.clock() === null ? `(date_part('epoch', ${source}()) * 1e6)::bigint` : `${parameter}::bigint`;
  }

  /** A call of a function. The settings are there before the function runs, and when it plans its statements. */
  #call(name: string, ...types: string[]): string {
    const asks = this.#asks(Object.entries(SESSION_SETTINGS));
    const parameters = types.map((type, i) => `$${i + 1}::${type}`).join(", ");
    const condition = asks.length === 0 ? "" : ` WHERE ${asks.join(" AND ")}`;
    return `SELECT ${this.#settings.names.of(name)}(${parameters}) AS reply${condition}`;
  }

  #takeOne({ now, columns, condition, answers }: OneTake): string {
    // Before the row is locked.
    const asks = this.#asks([["lock_timeout", String(LOCK_MS)]]);
    const conditions = ["r.key = $1::text", "r.rules = $2::integer", "r.state IS NULL", condition, ...asks];
    return `UPDATE ${this.#settings.names.of("keys")} r SET ${columns}
      WHERE ${conditions.join(" AND ")}
      RETURNING ${now} AS clock, r.tat${answers}`;
  }

  /** Conditions that always hold, and set what is not set by the session, until the end of the transaction. */
  #asks(settings: readonly (readonly [name: string, value: string])[]): string[] {
    const { asksAsync, asksSettings } = this.#settings;
    const all = [...(asksAsync ? [["synchronous_commit", "off"] as const] : []), ...(asksSettings ? settings : [])];
    return all.map(([name, value]) => `set_config('${name}', '${value}', true) <> ''`);
  }
}

/** What a statement about one key does. */
interface OneTake {
  readonly now: string;
  readonly columns: string;
  readonly condition: string;
  readonly answers: string;
}

/**
 * The keys of which alike entries take more than once, and how often; undefined where `take_alike_3` cannot decide about the
 * entries.
 */
function manyOf(entries: readonly BucketEntry[]): readonly [keys: string | null, times: string | null] | undefined {
  const [{ header, rules }] = entries as [BucketEntry];
  if (header.mode === "peek") return undefined;
  const many: BucketEntry[] = [];
  for (const entry of entries) {
    if (entry.header !== header || entry.rules !== rules) return undefined;
    if (entry.times === 1) continue;
    if (many.push(entry) > MOST_MANY || !header.isWhole || header.mode !== "now") return undefined;
    if (!onceOf(header, entry.times).hasRoom) return undefined;
  }
  if (many.length === 0) return [null, null];
  return [many.map(({ key }) => key).join(KEY_SEPARATOR), arrayLiteral(many.map(({ times }) => times))];
}
