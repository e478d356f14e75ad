/**
 * The help, written from the tables.
 *
 * @module
 */

import type { ArgumentSpecs, Command, CommandRow, CommandTable, OptionSpecs, Outcome } from "./command.ts";
import { EXIT_MEANINGS } from "./exit.ts";
import { unknownWord } from "./failure.ts";
import type { Paint } from "./output/paint.ts";
import { padTo, widthOf, wrap } from "./output/text.ts";
import { COMMON_OPTIONS } from "./parse.ts";

/** How help is shown. */
export interface HelpStyle {
  /** Colours text. */
  readonly paint: Paint;
  /** How many columns a line may have. */
  readonly columns: number;
}

/** Wider lines are hard to read. */
const MOST_COLUMNS = 100;

/**
 * The row of a command.
 *
 * @throws {UsageError} If there is none; it names the nearest one.
 */
export function rowOf(commands: CommandTable, name: string): CommandRow {
  const row = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (row === undefined) throw unknownWord("command", name, Object.keys(commands));
  return row;
}

/** The help of the program. */
export function helpOfProgram(commands: CommandTable, style: HelpStyle): Outcome {
  const summaries = Object.entries(commands).map(([name, { summary }]) => ({ name, summary }));
  const text = sections([
    ["", "ratesync sees and operates the limits of a rate-sync.toml."],
    ["Usage", "  ratesync COMMAND [ARGUMENTS] [OPTIONS]"],
    ["Commands", list(summaries.map(({ name, summary }) => [name, summary]), style)],
    ["Options of every command", list(optionRows(COMMON_OPTIONS), style)],
    ["Exit codes", list(EXIT_MEANINGS.map(([code, meaning]) => [String(code), meaning]), style)],
    ["", "ratesync help COMMAND tells more about a command."],
  ], style);
  return { json: { commands: summaries }, text };
}

/** The help of a command. */
export async function helpOf(name: string, { summary, load }: CommandRow, style: HelpStyle): Promise<Outcome> {
  const { command } = await load();
  const { about, arguments: args, options, changes, exits = {}, examples } = command;
  const columns = Math.min(style.columns, MOST_COLUMNS);
  const paragraphs = [`${capital(summary)}.`, ...about?.split("\n\n") ?? []];
  if (changes !== undefined) {
    paragraphs.push(`This changes ${changes}. It asks first; without a terminal it needs --yes.`);
  }
  const codes = EXIT_MEANINGS.map(([code, meaning]) => [String(code), exits[code] ?? meaning] as const);
  const text = sections([
    ["", paragraphs.map((paragraph) => wrap(paragraph, columns)).join("\n\n")],
    ["Usage", `  ${usageLine(name, command)}`],
    ["Arguments", list(argumentRows(args), style)],
    ["Options", list(optionRows(options), style)],
    ["Options of every command", list(optionRows(COMMON_OPTIONS), style)],
    ["Exit codes", list(codes, style)],
    ["Examples", examples.map(([call, does]) => `  ${call}\n      ${does}`).join("\n")],
  ], style);
  return { json: { command: name, usage: usageLine(name, command), help: text }, text };
}

/** How a command is called: `ratesync keys LIMITER [OPTIONS]`. */
export function usageLine(name: string, { arguments: args, options }: Command): string {
  const words = Object.entries(args).map(([argument, { kind, optional }]) => {
    const word = argument.toUpperCase() + (kind === "texts" ? "..." : "");
    return optional ? `[${word}]` : word;
  });
  return ["ratesync", name, ...words, ...Object.keys(options).length > 0 ? ["[OPTIONS]"] : []].join(" ");
}

function argumentRows(args: ArgumentSpecs): (readonly [string, string])[] {
  return Object.entries(args).map(([name, { about }]) => [name.toUpperCase(), about]);
}

function optionRows(options: OptionSpecs): (readonly [string, string])[] {
  return Object.entries(options).map(([name, { short, value, about, kind }]) => {
    const letter = short === undefined ? "" : `-${short}, `;
    const repeated = kind === "texts" ? "; may be repeated" : "";
    return [`${letter}--${name}${value === undefined ? "" : ` ${value}`}`, about + repeated];
  });
}

/** Words on the left, what they mean on the right. */
function list(rows: readonly (readonly [string, string])[], { paint, columns }: HelpStyle): string {
  const width = Math.max(0, ...rows.map(([word]) => widthOf(word)));
  const indent = " ".repeat(width + 4);
  return rows.map(([word, meaning]) => {
    const lines = wrap(meaning, Math.min(columns, MOST_COLUMNS), indent);
    return `  ${padTo(paint("cyan", word), width)}  ${lines.trimStart()}`;
  }).join("\n");
}

function sections(parts: readonly (readonly [title: string, text: string])[], { paint }: HelpStyle): string {
  return parts.filter(([, text]) => text !== "").map(([title, text]) => {
    return title === "" ? text : `${paint("bold", title)}\n${text}`;
  }).join("\n\n");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
