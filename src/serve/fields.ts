/**
 * Reads the fields of a request, and refuses what cannot be used by naming what is allowed.
 *
 * @module
 */

import { nearest } from "../base/nearest.ts";
import { listWords, show } from "../base/text.ts";
import { Problem } from "./problem.ts";

/** What a field must be. */
export type Field =
  | { readonly kind: "text"; readonly most: number; readonly needed?: boolean }
  | { readonly kind: "whole" | "number"; readonly least: number; readonly most: number; readonly needed?: boolean }
  | { readonly kind: "flag"; readonly needed?: boolean };

/** The fields of a request by name. */
export type Fields = Readonly<Record<string, Field>>;

/** What was read. */
export type FieldValues<Known extends Fields> = {
  readonly [Name in keyof Known]:
    | (Known[Name] extends { kind: "text" } ? string : Known[Name] extends { kind: "flag" } ? boolean : number)
    | (Known[Name] extends { needed: true } ? never : undefined);
};

/**
 * Reads an object.
 *
 * @param value What was received.
 * @param fields What may be in it.
 * @param at Where it is in the body: `requests[3]`, empty for the body itself.
 * @throws {Problem} If it is no object, has an unknown field, lacks one, or has one that cannot be used.
 */
export function readFields<const Known extends Fields>(value: unknown, fields: Known, at: string): FieldValues<Known> {
  const received = objectOf(value, at);
  const names = Object.keys(fields);
  for (const name of Object.keys(received)) {
    if (names.includes(name)) continue;
    const meant = nearest(name, names);
    const hint = meant === undefined ? `known: ${listWords(names, "and")}` : `did you mean ${show(meant)}?`;
    throw new Problem("FIELD_INVALID", `There is no field ${show(pathOf(at, name))}; ${hint}`, {
      field: pathOf(at, name),
      known: names,
    });
  }
  const read: Record<string, unknown> = {};
  for (const name of names) {
    const found = received[name];
    const field = fields[name] as Field;
    if (found === undefined && !field.needed) continue;
    if (!fits(found, field)) refuse(pathOf(at, name), wordsFor(field), found);
    read[name] = found;
  }
  return read as FieldValues<Known>;
}

/**
 * An object of a body.
 *
 * @throws {Problem} If it is none.
 */
export function objectOf(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  refuse(at, "an object", value);
}

/** Throws the problem of a field. */
export function refuse(field: string, expected: string, received: unknown): never {
  const what = received === undefined ? "nothing" : show(received);
  const where = field === "" ? "the body" : field;
  throw new Problem("FIELD_INVALID", `Cannot use ${where}: expected ${expected}, received ${what}`, { field });
}

function pathOf(at: string, name: string): string {
  return at === "" ? name : `${at}.${name}`;
}

function fits(value: unknown, field: Field): boolean {
  if (field.kind === "flag") return typeof value === "boolean";
  if (field.kind === "text") return typeof value === "string" && value !== "" && value.length <= field.most;
  const isNumber = typeof value === "number" && value >= field.least && value <= field.most;
  return isNumber && (field.kind === "number" || Number.isSafeInteger(value));
}

function wordsFor(field: Field): string {
  if (field.kind === "flag") return "true or false";
  if (field.kind === "text") return `a string of 1 to ${field.most} characters`;
  const kind = field.kind === "whole" ? "a whole number" : "a number";
  return `${kind} from ${field.least} to ${field.most}`;
}
