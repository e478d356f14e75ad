/**
 * What the last word of a command line can become.
 *
 * @module
 */

import type { ArgumentSpec, CommandTable, OptionSpec, OptionSpecs, ValueSpec } from "../command.ts";
import { COMMON_OPTIONS } from "../parse.ts";
import { FILES, SHELLS } from "./shells.ts";

/** What completion offers for a word. */
export interface Candidate {
  /** The whole word. */
  readonly word: string;
  /** What it means; empty where the word says enough. */
  readonly about: string;
}

/** Finds ids in the configuration: of the file that the command line names, else of the usual one. */
export type FindIds = (kind: "limiter" | "store", configFile: string | undefined) => Promise<readonly string[]>;

/**
 * What the last of some words can become.
 *
 * @param words The words behind the name of the program; the last one is not finished and may be empty.
 * @param commands The commands.
 * @param findIds Finds ids in the configuration.
 * @returns Words that begin as the last one does, or one that stands for names of files.
 */
export async function candidatesFor(
  words: readonly string[],
  commands: CommandTable,
  findIds: FindIds,
): Promise<readonly Candidate[]> {
  const line = await read(words.slice(0, -1), commands);
  const last = words.at(-1) ?? "";
  const found = await offered(line, last, commands, findIds);
  return found.filter(({ word }) => word === FILES || word.startsWith(last));
}

/** What the finished words say. */
interface Line {
  readonly options: OptionSpecs;
  readonly args: readonly ArgumentSpec[] | undefined;
  /** How many arguments there are. */
  readonly count: number;
  /** The option whose value comes next. */
  readonly pending: OptionSpec | undefined;
  readonly configFile: string | undefined;
  /** Whether `--` has ended the options. */
  readonly isEnded: boolean;
}

async function read(words: readonly string[], commands: CommandTable): Promise<Line> {
  let options: OptionSpecs = COMMON_OPTIONS;
  let args: readonly ArgumentSpec[] | undefined;
  let [count, isEnded] = [0, false];
  let pending: string | undefined;
  let configFile: string | undefined;
  for (const word of words) {
    if (pending !== undefined) {
      if (pending === "config") configFile = word;
      pending = undefined;
    } else if (!isEnded && word === "--") isEnded = true;
    else if (!isEnded && word.startsWith("-") && word.length > 1) {
      const [name = "", value] = word.replace(/^--?/, "").split("=", 2);
      const spec = options[name];
      if (spec !== undefined && spec.kind !== "flag" && value === undefined) pending = name;
      if (name === "config" && value !== undefined) configFile = value;
    } else if (args !== undefined) count++;
    else if (Object.hasOwn(commands, word)) {
      const command = (await commands[word]?.load())?.command;
      options = { ...command?.options, ...COMMON_OPTIONS };
      args = Object.values(command?.arguments ?? {});
    }
  }
  return { options, args, count, pending: pending === undefined ? undefined : options[pending], configFile, isEnded };
}

async function offered(
  { options, args, count, pending, configFile, isEnded }: Line,
  last: string,
  commands: CommandTable,
  findIds: FindIds,
): Promise<readonly Candidate[]> {
  if (pending !== undefined) return await valuesOf(pending);
  if (!isEnded && last.startsWith("-")) {
    return Object.entries(options).map(([name, { about }]) => ({ word: `--${name}`, about }));
  }
  if (args === undefined) return commandWords();
  const spec = args[count] ?? (args.at(-1)?.kind === "texts" ? args.at(-1) : undefined);
  return spec === undefined ? [] : await valuesOf(spec);

  function commandWords(): readonly Candidate[] {
    return Object.entries(commands).map(([word, { summary }]) => ({ word, about: summary }));
  }

  async function valuesOf({ choices, completes }: ValueSpec): Promise<readonly Candidate[]> {
    if (choices !== undefined) return choices.map((word) => ({ word, about: "" }));
    if (completes === undefined) return [];
    if (completes === "file") return [{ word: FILES, about: "" }];
    if (completes === "shell") return Object.keys(SHELLS).map((word) => ({ word, about: "" }));
    if (completes === "command") return commandWords();
    return (await findIds(completes, configFile)).map((word) => ({ word, about: "" }));
  }
}
