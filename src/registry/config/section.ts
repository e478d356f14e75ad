/**
 * A table of the document, read option by option, strictly.
 *
 * @module
 */

import { DURATION_FORMS } from "../../base/duration.ts";
import { didYouMean } from "../../base/foreign_words.ts";
import { HIDDEN, kindOf, listWords, show } from "../../base/text.ts";
import { configError, FromEnvironment, type Path, type Table } from "./document.ts";
import { DURATIONS, inTomlSpelling, SECRETS } from "./toml_names.ts";
import { plain, readBoolean, readDurationMs, readNumber } from "./scalars.ts";

/** What a number may be, besides a number. */
export interface NumberRule {
  /** Only whole numbers, below 2^53. */
  readonly whole?: boolean;
  /** The least allowed. Without it, who uses the value checks its range. */
  readonly min?: number;
}

/** What a duration may be. */
export interface DurationRule {
  /** Whether 0 is refused. */
  readonly positive?: boolean;
  /** Whether `inf` is allowed. */
  readonly infinite?: boolean;
}

/** Reads the options of one table. Every getter gives `undefined` for an option that is not there. */
export class Section {
  /** Where the table stands. */
  readonly path: Path;
  readonly #values: Table;

  /**
   * Takes a value that should be a table.
   *
   * @param value The table, as expansion left it.
   * @param path Where it stands.
   * @throws {ConfigError} If it is no table.
   */
  constructor(value: unknown, path: Path) {
    if (!(value instanceof Map)) throw configError(path, "a table", kindOf(plain(value)));
    this.path = path;
    this.#values = value;
  }

  /** The keys that are there, in the order of the file. */
  get keys(): string[] {
    return [...this.#values.keys()];
  }

  /** Tells whether an option is there. */
  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** Tells whether an option's value holds an environment variable. */
  isFromEnvironment(key: string): boolean {
    return this.#values.get(key) instanceof FromEnvironment;
  }

  /** The table under a key. */
  section(key: string): Section | undefined {
    return this.has(key) ? new Section(this.#values.get(key), [...this.path, key]) : undefined;
  }

  /** The tables in the array under a key. */
  sections(key: string): Section[] | undefined {
    const items = this.#array(key, "an array of tables");
    return items?.map((item, at) => new Section(item, [...this.path, key, at]));
  }

  /** A string; `nonEmpty` refuses the empty one. */
  text(key: string, rule: { readonly nonEmpty?: boolean } = {}): string | undefined {
    if (!this.has(key)) return undefined;
    const value = plain(this.#values.get(key));
    if (typeof value === "string" && !(rule.nonEmpty && value === "")) return value;
    this.fail(key, rule.nonEmpty ? "a string that is not empty" : "a string");
  }

  /** Strings that are not empty. */
  texts(key: string): string[] | undefined {
    return this.#array(key, "an array of strings")?.map((item, at) => {
      const text = plain(item);
      if (typeof text === "string" && text !== "") return text;
      throw configError([...this.path, key, at], "a string that is not empty", show(text));
    });
  }

  /** One of several words. */
  choice<T extends string>(key: string, choices: readonly T[]): T | undefined {
    if (!this.has(key)) return undefined;
    const value = plain(this.#values.get(key));
    const choice = choices.find((word) => word === value);
    if (choice === undefined) {
      const hint = typeof value === "string" ? suggest(value, choices) : "";
      this.fail(key, listWords(choices), this.shown(key) + hint);
    }
    return choice;
  }

  /** A number; a string counts only if it came from the environment and is a plain decimal. */
  number(key: string, rule: NumberRule = {}): number | undefined {
    if (!this.has(key)) return undefined;
    const { whole = false, min = -Infinity } = rule;
    const value = readNumber(this.#values.get(key)) ?? NaN;
    if ((whole ? Number.isSafeInteger(value) : Number.isFinite(value)) && value >= min) {
      return value;
    }
    const kind = whole ? "a whole number" : "a number";
    this.fail(key, min === -Infinity ? kind : `${kind} from ${min}`, this.#shownWithType(key));
  }

  /** `true` or `false`; a string counts only if it came from the environment. */
  boolean(key: string): boolean | undefined {
    if (!this.has(key)) return undefined;
    const value = readBoolean(this.#values.get(key));
    if (value === undefined) this.fail(key, "true or false", this.#shownWithType(key));
    return value;
  }

  /** A duration in milliseconds, from a number of seconds or a text such as `5m`. */
  durationMs(key: string, rule: DurationRule = {}): number | undefined {
    if (!this.has(key)) return undefined;
    const { positive = false, infinite = false } = rule;
    const durationMs = readDurationMs(this.#values.get(key));
    const bounded = infinite || durationMs !== Infinity;
    if (durationMs !== undefined && bounded && !(positive && durationMs === 0)) return durationMs;
    const seconds = positive ? "a number of seconds above 0" : "a number of seconds from 0";
    this.fail(key, `${seconds}, or ${DURATION_FORMS}${infinite ? ", or inf" : ""}`);
  }

  /**
   * Refuses every key but these.
   *
   * @param known The keys that mean something here.
   * @throws {ConfigError} If there is another one; the message names the nearest known key.
   */
  allowOnly(known: readonly string[]): void {
    for (const key of this.#values.keys()) {
      if (known.includes(key)) continue;
      throw configError(
        [...this.path, key],
        `one of the keys ${known.join(", ")}`,
        `an unknown key${suggest(key, known)}`,
      );
    }
  }

  /** The value under a key as a message shows it: with unit and origin, or hidden. */
  shown(key: string): string {
    if (!this.has(key)) return "nothing";
    const raw = this.#values.get(key);
    const value = plain(raw);
    if (SECRETS.has(key)) return `${HIDDEN} (${value === "" ? "an empty string" : kindOf(value)})`;
    const unit = DURATIONS.has(key) && typeof value === "number" ? " seconds" : "";
    return show(value) + unit + (raw instanceof FromEnvironment ? " from the environment" : "");
  }

  /**
   * Refuses the value under a key.
   *
   * @param key The option.
   * @param expected What would have been accepted.
   * @param received What was there; the value itself if left out.
   * @throws {ConfigError} Always.
   */
  fail(key: string, expected: string, received: string = this.shown(key)): never {
    throw configError([...this.path, key], expected, received);
  }

  /** Says that a quoted number is a string: the quotes alone are easily overlooked. */
  #shownWithType(key: string): string {
    const text = this.shown(key);
    return typeof this.#values.get(key) === "string" ? `string ${text}` : text;
  }

  #array(key: string, expected: string): readonly unknown[] | undefined {
    const value = this.#values.get(key);
    if (value === undefined || Array.isArray(value)) return value;
    this.fail(key, expected, kindOf(plain(value)));
  }
}

/**
 * Words as a hint what was probably meant.
 *
 * @param word What was written.
 * @param known What could have been meant.
 * @returns ` (did you mean "..."?)`, or nothing.
 */
export function suggest(word: string, known: readonly string[]): string {
  const hint = didYouMean(word, known);
  return hint === undefined ? "" : ` (${inTomlSpelling(hint)})`;
}
