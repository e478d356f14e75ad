/**
 * What a command is: its arguments and options as data, and what it does with them.
 *
 * @module
 */

import type { RateSync } from "../registry/rate_sync.ts";
import type { RateSyncConfig } from "../registry/options.ts";
import type { Paint } from "./output/paint.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * The kind of a value on the command line.
 *
 * - `flag`: `true` or `false`. Only for options.
 * - `text`: Any text.
 * - `texts`: Several texts: an option that may be repeated, or all arguments that are left.
 * - `count`: A whole number.
 * - `number`: A number.
 * - `duration`: Milliseconds, written as `500ms`, `5m` or `1.5h`.
 */
export type ValueKind = "flag" | "text" | "texts" | "count" | "number" | "duration";

/** A value on the command line. */
export interface ValueSpec {
  /** Its kind. */
  readonly kind: ValueKind;
  /** What it means, as a sentence without a full stop at the end. */
  readonly about: string;
  /** The words that are allowed, where not every text is. */
  readonly choices?: readonly string[];
  /** The least number, or the shortest duration in milliseconds. */
  readonly min?: number;
  /** The greatest number, or the longest duration in milliseconds. */
  readonly max?: number;
  /** What completion offers. @default nothing, or the `choices` */
  readonly completes?: "file" | "limiter" | "store" | "command" | "shell";
}

/** An argument. */
export interface ArgumentSpec extends ValueSpec {
  /** Whether it may be left out. Only the last ones may. @default {false} */
  readonly optional?: boolean;
}

/** An option. */
export interface OptionSpec extends ValueSpec {
  /** What the help calls its value: `FILE`. Needed unless it is a flag. */
  readonly value?: string;
  /** A letter that stands for it. */
  readonly short?: string;
}

/** Arguments by name, in their order. */
export type ArgumentSpecs = Readonly<Record<string, ArgumentSpec>>;

/** Options by name, as they are written behind `--`. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type Plain<Spec extends ValueSpec> = Spec["kind"] extends "flag" ? boolean
  : Spec["kind"] extends "texts" ? readonly string[]
  : Spec["kind"] extends "text" ? string
  : number;

type ArgumentValues<Specs extends ArgumentSpecs> = {
  readonly [Name in keyof Specs]: Specs[Name] extends
    { readonly optional: true; readonly kind: "text" | "count" | "number" | "duration" }
    ? Plain<Specs[Name]> | undefined
    : Plain<Specs[Name]>;
};

type OptionValues<Specs extends OptionSpecs> = {
  readonly [Name in keyof Specs]: Specs[Name]["kind"] extends "flag" | "texts" ? Plain<Specs[Name]>
    : Plain<Specs[Name]> | undefined;
};

/** A value that was read, of its kind. */
export type Value = boolean | number | string | readonly string[] | undefined;

/** What a command answers. A command that runs on and writes by itself leaves `json` and `text` out. */
export interface Outcome {
  /** The answer as data, for `--json`: its fields are stable. */
  readonly json?: unknown;
  /** The answer for people, without a line break at its end; empty for no output. */
  readonly text?: string;
  /** The exit code. @default {0} */
  readonly exit?: number;
}

/** A configuration that was read. */
export interface FoundConfig {
  /** The file. */
  readonly file: string;
  /** What it says. */
  readonly config: RateSyncConfig;
  /** What may not be what was meant. */
  readonly warnings: readonly string[];
}

/** A row of the table of commands. */
export interface CommandRow {
  /** What it does, in a few words without a full stop, for the list of commands. */
  readonly summary: string;
  /** Loads it. */
  load(): Promise<{ readonly command: Command }>;
}

/** The commands by name. */
export type CommandTable = Readonly<Record<string, CommandRow>>;

/** What a command works with. */
export interface Context {
  /** Input, output and environment. */
  readonly io: Surroundings;
  /** All commands. */
  readonly commands: CommandTable;
  /** Aborted when the program has to stop. A command then ends its work and may throw the signal's reason. */
  readonly signal: AbortSignal;
  /** Whether the answer is to be JSON. */
  readonly json: boolean;
  /** Whether `--yes` was given. */
  readonly yes: boolean;
  /** The store that `--store` names. */
  readonly store: string | undefined;
  /** Colours text for standard output, where that is wanted. */
  readonly paint: Paint;
  /** How many characters a line of the answer may have; `Infinity` where standard output is no terminal. */
  readonly columns: number;
  /**
   * Reads the configuration file. Only once; later calls return the same.
   *
   * @param file The file, in place of the one that `--config` or the environment names.
   * @throws {ConfigError} If there is none, or anything in it is wrong.
   */
  config(file?: string): Promise<FoundConfig>;
  /**
   * Makes an instance of the configuration, which the program closes at its end. Only once. With `--store`, it has only that
   * store and the limiters on it. Its limiters throw if the store cannot decide, whatever the file says: an operator must see
   * what the store says. Nothing is connected yet.
   *
   * @param options `quiet`: what the configuration warns of is not written to standard error, the command tells it.
   * @throws {ConfigError | UsageError} If there is no configuration file, or anything in it is wrong.
   * @throws {NotFoundError} If there is no store that `--store` names.
   */
  open(options?: { readonly quiet?: boolean }): Promise<RateSync>;
  /**
   * Asks before something is changed. With `--yes` it does not ask.
   *
   * @param question What is going to happen, as a sentence: `This deletes every key of limiter "api"`.
   * @throws {UsageError} If standard input is no terminal.
   * @throws {NotConfirmed} If the answer is not yes.
   */
  confirm(question: string): Promise<void>;
  /** Writes a warning to standard error. */
  warn(message: string): void;
  /** Shows how far long work is, in one line of a terminal; elsewhere nothing. An empty text removes the line. */
  progress(text: string): void;
}

/** A command of the program. */
export interface Command {
  /** What it does in detail, in paragraphs, for its help. */
  readonly about?: string;
  /** Its arguments, in their order. */
  readonly arguments: ArgumentSpecs;
  /** Its options, beside those that every command has. */
  readonly options: OptionSpecs;
  /** What it changes in a store: then it has to `confirm`, and the help says so. */
  readonly changes?: string;
  /** Whether it ends by itself, in its own time, when the program has to stop. Others have a tenth of a second. */
  readonly endsItself?: boolean;
  /** What exit codes mean for it, where the general meaning does not say enough. */
  readonly exits?: Readonly<Record<number, string>>;
  /** Calls with what they do: `["ratesync block api user:42 1h", "denies user:42 for an hour"]`. */
  readonly examples: readonly (readonly [call: string, does: string])[];
  /** Does it. Throws errors of this package, or a `UsageError`, for what cannot be done. */
  run(context: Context, values: Readonly<Record<string, Value>>): Promise<Outcome>;
}

/** A command, with values typed by its arguments and options. */
export interface CommandSpec<Arguments extends ArgumentSpecs, Options extends OptionSpecs>
  extends Omit<Command, "arguments" | "options" | "run"> {
  readonly arguments: Arguments;
  readonly options: Options;
  run(context: Context, values: ArgumentValues<Arguments> & OptionValues<Options>): Promise<Outcome>;
}

/** Makes a command. Its `run` gets arguments and options by name, typed by their kinds. */
export function defineCommand<const Arguments extends ArgumentSpecs, const Options extends OptionSpecs>(
  spec: CommandSpec<Arguments, Options>,
): Command {
  // What runs a command passes the values that its own specs describe, which the common type cannot say.
  return spec as unknown as Command;
}
