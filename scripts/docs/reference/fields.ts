/**
 * Tables of what a doc comment describes one by one: properties and options, events, and the values of a union.
 *
 * @module
 */

import { inTomlSpelling } from "../../../src/registry/config/toml_names.ts";
import type { DocMember, DocType, JsDoc } from "./deno_doc.ts";
import { memberType } from "./types.ts";

/** Makes links of the names in a text. */
export type Link = (text: string) => string;

/** A value of a union, and what it means. */
export interface Value {
  readonly value: string;
  readonly meaning: string;
}

/** Units, by the end of a name. */
const UNITS: readonly (readonly [end: RegExp, unit: string])[] = [
  [/Ms$/, "milliseconds"],
  [/(?:Us|InUs)$/, "microseconds"],
  [/PerSecond$/, "units a second"],
  [/Bytes$/, "bytes"],
];

/** How doc comments state what numbers an option takes. */
const NUMBER = String.raw`\d+(?:[ ,]\d{3})*(?:\.\d+)?`;
const RANGE = new RegExp(
  `(?:a whole number )?(?:from ${NUMBER}(?: to ${NUMBER})?|above 0(?:,? (?:and )?at most ${NUMBER})?|at least (?:${NUMBER}|\`\\w+\`)|` +
    `${NUMBER} or more(?:, at most \`\\w+\`)?)`,
);

const ITEM = /^- `([^`\n]+)`: (.*(?:\n {2}.*)*)$/gm;

/** A default at the end of a sentence, where `deno doc` takes it for text. */
const INLINE_DEFAULT = /\s@default\s([^]*)$/;

/** Types whose fields users write; those of other types are read. */
const WRITTEN = /(?:Options|Config|Extras|Rule|^AskFor)$/;

/** Types whose options `rate-sync.toml` has too, and options of them that it has not. */
const IN_FILES =
  /^(?:LimiterOptions|LimitOptions|FailureOptions|MemoryStoreConfig|RedisStoreConfig|RedisStoreOptions)$/;
const ONLY_IN_CODE: readonly string[] = ["clusterNodeAddresses"];

/** A table. Columns without any content are left out. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const used = head.map((_, i) => rows.some((row) => row[i] !== ""));
  const line = (cells: readonly string[]) => `| ${cells.filter((_, i) => used[i]).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A text in one line of a table. */
export function cell(text: string): string {
  return text.replace(/\s*\n\s*/g, " ").replaceAll("|", "\\|").trim();
}

/** Code in a table. */
export function code(text: string): string {
  return text === "" ? "" : cell(`\`${text}\``);
}

/** The fields of a type. Of options, it also tells range and default. */
export function fieldTable(owner: string, members: readonly DocMember[], link: Link): string {
  const isWritten = WRITTEN.test(owner);
  const rows = members.map((member) => [
    code(member.name),
    code(tomlName(owner, member.name)),
    link(code(withoutUndefined(memberType(member), member.optional))),
    unitOf(member),
    isWritten ? rangeOf(member) ?? "" : "",
    isWritten ? member.optional ? defaultOf(member) : "required" : "",
    link(cell(docOf(member.jsDoc).replace(INLINE_DEFAULT, ""))),
  ]);
  return table([isWritten ? "option" : "field", "in TOML", "type", "unit", "range", "default", "meaning"], rows);
}

/** The key of an option in `rate-sync.toml`; empty where it has none. */
export function tomlName(owner: string, option: string): string {
  return IN_FILES.test(owner) && !ONLY_IN_CODE.includes(option) ? inTomlSpelling(option) : "";
}

/** The unit of a number, by its name. */
function unitOf(member: DocMember): string {
  if (!/^number\b/.test(memberType(member))) return "";
  return UNITS.find(([end]) => end.test(member.name))?.[1] ?? "";
}

/** Which numbers an option takes, as its doc comment says; undefined where it does not. */
export function rangeOf(member: DocMember): string | undefined {
  if (!isNumber(member)) return undefined;
  return RANGE.exec(docOf(member.jsDoc).replace(/\s+/g, " "))?.[0];
}

/** Options that are numbers and whose doc comment does not say which, one line each. */
export function withoutRange(owner: string, members: readonly DocMember[]): string[] {
  if (!WRITTEN.test(owner)) return [];
  return members.filter((member) => isNumber(member) && rangeOf(member) === undefined)
    .map(({ name }) => `${owner}.${name}`);
}

function isNumber(member: DocMember): boolean {
  return memberType(member) === "number";
}

/** The default of an option. */
export function defaultOf({ jsDoc }: DocMember): string {
  const tag = jsDoc?.tags?.find(({ kind, value = "" }) => kind === "default" || value.startsWith("@default"));
  const text = tag?.value?.replace(/^@default\s*/, "") ?? INLINE_DEFAULT.exec(docOf(jsDoc))?.[1] ?? "";
  return tag?.kind === "default" ? code(text) : defaultText(text);
}

/** A text with the default of a parameter as a sentence. */
export function withDefault(text: string): string {
  return text.replace(INLINE_DEFAULT, (_, value: string) => ` Default: ${defaultText(value)}.`);
}

function defaultText(text: string): string {
  const [, literal] = /^\{(.*)\}$/s.exec(text) ?? [];
  return literal === undefined ? cell(text.replace(/\.$/, "")) : code(literal);
}

/** The text of a doc comment. */
export function docOf(doc: JsDoc | undefined): string {
  return doc?.doc?.trim() ?? "";
}

function withoutUndefined(type: string, optional: boolean | undefined): string {
  return optional ? type.replace(/ \| undefined$/, "") : type;
}

/** The texts of a union of texts; undefined of any other type. */
export function literalsOf(type: DocType | undefined): string[] | undefined {
  if (type?.kind !== "union") return undefined;
  const texts = (type.value as DocType[]).map(({ kind, value }) => kind === "literal" ? value.string : undefined);
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

/** What a doc comment says about single values, as a list: one item each. */
export function valuesOf(doc: string): Value[] {
  return [...doc.matchAll(ITEM)].map(([, value = "", meaning = ""]) => ({ value, meaning }));
}

/** The doc comment without that list. */
export function withoutValues(doc: string): string {
  return doc.replace(ITEM, "").replace(/\n{3,}/g, "\n\n").trim();
}

/** The kinds of event that a union of objects describes: their `type`, when they come and what they carry. */
export function eventTable(type: DocType, link: Link): string | undefined {
  if (type.kind !== "union") return undefined;
  const events = (type.value as DocType[]).map(({ value }) => (value?.properties ?? []) as DocMember[]);
  if (!events.every(([first]) => first?.name === "type")) return undefined;
  const rows = events.map(([first, ...rest]) => [
    code((first as DocMember).tsType?.repr ?? ""),
    cell(docOf(first?.jsDoc)),
    rest.map((field) => `${link(code(`${field.name}: ${memberType(field)}`))}: ${cell(docOf(field.jsDoc))}`).join(
      "<br>",
    ),
  ]);
  return table(["`type`", "when", "carries"], rows);
}
