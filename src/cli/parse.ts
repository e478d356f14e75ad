/**
 * From the words of the command line to values.
 *
 * @module
 */

import { parseArgs } from "node:util";

import { DURATION_FORMS, parseDuration } from "../base/duration.ts";
import { listWords, show } from "../base/text.ts";
import type { ArgumentSpec, ArgumentSpecs, OptionSpec, OptionSpecs, Value, ValueSpec } from "./command.ts";
import { unknownWord, UsageError } from "./failure.ts";

/** Options that every command has. */
export const COMMON_OPTIONS: OptionSpecs = {
  config: {
    kind: "text",
    value: "FILE",
    completes: "file",
    about:
      "The configuration file; else RATE_SYNC_CONFIG names it, or it is ./rate-sync.toml or ./config/rate-sync.toml",
  },
  store: { kind: "text", value: "ID", completes: "store", about: "Only this store, and the limiters on it" },
  json: { kind: "flag", about: "Print one JSON value, also for errors" },
  yes: { kind: "flag", short: "y", about: "Change what the command changes without asking" },
  "no-color": { kind: "flag", about: "No colours; NO_COLOR and FORCE_COLOR in the environment are respected too" },
  help: { kind: "flag", short: "h", about: "Show help" },
  version: { kind: "flag", short: "V", about: "Show the version" },
};

/** What the command line says. */
export interface Parsed {
  /** Options by name; those that were not given are `false`, an empty list or undefined. */
  readonly options: Readonly<Record<string, Value>>;
  /** The arguments. */
  readonly positionals: readonly string[];
}

/** The place of the first word that is no option, and no value of one that every command has; -1 if there is none. */
export function placeOfCommand(argv: readonly string[]): number {
  const found = tokensOf(argv, COMMON_OPTIONS).find(({ kind }) => kind !== "option");
  return found?.kind === "positional" ? found.index : -1;
}

/** Whether a flag that every command has seems to be wanted, for errors of a command line that cannot be read. */
export function hasFlag(argv: readonly string[], name: string): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end === -1 ? undefined : end).includes(`--${name}`);
}

/**
 * Reads options, and leaves the other words as arguments.
 *
 * @param argv The words.
 * @param specs The options that are known.
 * @throws {UsageError} If one is not known, or its value cannot be used.
 */
export function parseOptions(argv: readonly string[], specs: OptionSpecs): Parsed {
  const given = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokensOf(argv, specs)) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
    if (spec === undefined) {
      const isShort = !rawName.startsWith("--");
      const advice = isShort ? "a key or another argument that begins with - goes behind --" : undefined;
      throw unknownWord("option", rawName, Object.keys(specs).map((known) => `--${known}`), advice);
    }
    if (spec.kind === "flag") {
      if (value !== undefined) throw new UsageError(`Option ${rawName} takes no value, received ${show(value)}`);
      given.set(name, []);
    } else {
      // Node takes the next word even if it is an option.
      if (value === undefined || (!inlineValue && /^-./.test(value) && !/^-\d/.test(value))) {
        throw new UsageError(`Option ${rawName} needs a value: ${rawName} ${spec.value}`);
      }
      given.set(name, [...given.get(name) ?? [], value]);
    }
  }
  const options = Object.entries(specs).map(([name, spec]) => [name, optionValue(name, spec, given.get(name))]);
  return { options: Object.fromEntries(options), positionals };
}

/**
 * Gives arguments their names.
 *
 * @throws {UsageError} If there are too few or too many, or one cannot be used.
 */
export function parseArguments(positionals: readonly string[], specs: ArgumentSpecs): Record<string, Value> {
  const left = [...positionals];
  const values = Object.entries(specs).map(([name, spec]): [string, Value] => {
    if (spec.kind === "texts") {
      const texts = left.splice(0);
      if (texts.length === 0 && !spec.optional) throw missing(name, spec);
      return [name, texts];
    }
    const word = left.shift();
    if (word === undefined && !spec.optional) throw missing(name, spec);
    return [name, word === undefined ? undefined : read(word, name.toUpperCase(), spec)];
  });
  if (left.length > 0) {
    const most = Object.keys(specs).length;
    const allowed = most === 0
      ? "this command takes none"
      : `the last one is ${Object.keys(specs).at(-1)?.toUpperCase()}`;
    throw new UsageError(`Too many arguments: ${allowed}, received ${listWords(left, "and")} besides`);
  }
  return Object.fromEntries(values);
}

function missing(name: string, { about }: ArgumentSpec): UsageError {
  return new UsageError(`Missing argument ${name.toUpperCase()}: ${about}`);
}

function optionValue(name: string, spec: OptionSpec, given: readonly string[] | undefined): Value {
  if (spec.kind === "flag") return given !== undefined;
  if (spec.kind === "texts") return (given ?? []).map((text) => read(text, `--${name}`, spec) as string);
  if (given === undefined) return undefined;
  if (given.length > 1) throw new UsageError(`Option --${name} was given ${given.length} times, once is allowed`);
  return read(given[0] as string, `--${name}`, spec);
}

function read(text: string, name: string, { kind, choices, min = 0, max = Infinity }: ValueSpec): string | number {
  if (choices !== undefined && !choices.includes(text)) throw unknownWord(`value of ${name}:`, text, choices);
  if (kind === "text" || kind === "texts" || kind === "flag") return text;
  if (kind === "duration") return readDuration(text, name, min, max);
  const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
  if (!(number >= min && number <= max) || (kind === "count" && !Number.isSafeInteger(number))) {
    const range = max === Infinity ? `from ${min}` : `from ${min} to ${max}`;
    throw new UsageError(
      `Cannot use ${name}: expected a ${kind === "count" ? "whole " : ""}number ${range}, received ${show(text)}`,
    );
  }
  return number;
}

function readDuration(text: string, name: string, min: number, max: number): number {
  let durationMs = NaN;
  try {
    durationMs = parseDuration(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  if (durationMs >= min && durationMs <= max) return durationMs;
  const least = min > 0 ? `, from ${min} ms` : "";
  const most = max < Infinity ? `, up to ${max} ms` : "";
  throw new UsageError(`Cannot use ${name}: expected ${DURATION_FORMS}${least}${most}, received ${show(text)}`);
}

type Token =
  | { readonly kind: "positional"; readonly index: number; readonly value: string }
  | { readonly kind: "option-terminator"; readonly index: number }
  | {
    readonly kind: "option";
    readonly index: number;
    readonly name: string;
    readonly rawName: string;
    readonly value: string | undefined;
    readonly inlineValue: boolean | undefined;
  };

function tokensOf(argv: readonly string[], specs: OptionSpecs): readonly Token[] {
  const options = Object.entries(specs).map(([name, { kind, short }]) => {
    const type: "boolean" | "string" = kind === "flag" ? "boolean" : "string";
    return [name, short === undefined ? { type } : { type, short }] as const;
  });
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(options),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  return tokens as readonly Token[];
}
