/**
 * Types and signatures, as a reader would write them.
 *
 * @module
 */

import type { DocFunction, DocMember, DocParam, DocType, DocTypeParam } from "./deno_doc.ts";

/** How each kind of type is written. A kind that is missing here ends the run: the reference must not leave it out. */
const KINDS: Readonly<Record<string, (type: DocType) => string>> = {
  array: ({ value }) => `${atom(value)}[]`,
  conditional: ({ value }) =>
    `${typeText(value.checkType)} extends ${typeText(value.extendsType)} ? ${typeText(value.trueType)} : ${
      typeText(value.falseType)
    }`,
  fnOrConstructor: ({ value }) => `${paramsText(value.params)} => ${typeText(value.tsType)}`,
  indexedAccess: ({ value }) => `${typeText(value.objType)}[${typeText(value.indexType)}]`,
  intersection: ({ value }) => value.map(typeText).join(" & "),
  keyword: ({ value }) => value,
  literal: ({ value }) => value.kind === "string" ? JSON.stringify(value.string) : String(value[value.kind]),
  parenthesized: ({ value }) => `(${typeText(value)})`,
  tuple: ({ value }) => `[${value.map(typeText).join(", ")}]`,
  typeLiteral: ({ value }) => `{ ${[...value.properties ?? [], ...value.methods ?? []].map(memberText).join("; ")} }`,
  typeOperator: ({ value }) => `${value.operator} ${typeText(value.tsType)}`,
  typePredicate: ({ value }) => `${value.param.name} is ${typeText(value.type)}`,
  typeRef: ({ value }) => value.typeName + (value.typeParams ? `<${value.typeParams.map(typeText).join(", ")}>` : ""),
  union: ({ value }) => value.map(typeText).join(" | "),
};

/** A type in one line. */
export function typeText(type: DocType | undefined): string {
  if (type === undefined) return "void";
  const write = KINDS[type.kind];
  if (write === undefined) throw new Error(`Cannot write a type of the kind ${type.kind}: ${JSON.stringify(type)}`);
  return write(type);
}

function atom(type: DocType): string {
  const text = typeText(type);
  return ["union", "fnOrConstructor", "intersection"].includes(type.kind) ? `(${text})` : text;
}

/** The parameters with their parentheses. */
export function paramsText(params: readonly DocParam[]): string {
  return `(${params.map(paramText).join(", ")})`;
}

function paramText({ kind, name, optional, tsType, left, arg }: DocParam): string {
  if (kind === "assign" && left !== undefined) return `${left.name ?? "options"}?: ${typeText(left.tsType)}`;
  if (kind === "rest") return `...${arg?.name ?? "args"}: ${typeText(tsType ?? arg?.tsType)}`;
  return `${name ?? "options"}${optional ? "?" : ""}: ${typeText(tsType)}`;
}

/** `<Id extends string = string>`, or nothing. */
export function typeParamsText(params: readonly DocTypeParam[] | undefined): string {
  if (params === undefined || params.length === 0) return "";
  const texts = params.map(({ name, constraint, default: otherwise }) =>
    name + (constraint ? ` extends ${typeText(constraint)}` : "") + (otherwise ? ` = ${typeText(otherwise)}` : "")
  );
  return `<${texts.join(", ")}>`;
}

/** A function in one line, from its name on. */
export function signatureText(name: string, { typeParams, params, returnType }: DocFunction): string {
  return `${name}${typeParamsText(typeParams)}${paramsText(params)}: ${typeText(returnType)}`;
}

/** Whether a member is called, and is no getter. */
export function functionOf(member: DocMember): DocFunction | undefined {
  if (member.kind === "getter") return undefined;
  return member.functionDef ?? (member.params === undefined ? undefined : member as DocFunction);
}

/** The type of a property, also of one with a getter. */
export function memberType(member: DocMember): string {
  return typeText(member.tsType ?? member.functionDef?.returnType);
}

function memberText(member: DocMember): string {
  const called = functionOf(member);
  if (called !== undefined) return signatureText(member.name, called);
  return `${member.name}${member.optional ? "?" : ""}: ${memberType(member)}`;
}
