/**
 * The section of one export.
 *
 * @module
 */

import type { DocDeclaration, DocDefinition, DocFunction, DocMember, DocSymbol, DocTag, JsDoc } from "./deno_doc.ts";
import {
  cell,
  code,
  docOf,
  eventTable,
  fieldTable,
  type Link,
  literalsOf,
  table,
  valuesOf,
  withDefault,
  withoutValues,
} from "./fields.ts";
import { functionOf, signatureText, typeParamsText, typeText } from "./types.ts";

/** What stands below the heading of an export. */
export function sectionOf({ name, declarations }: DocSymbol, link: Link): string {
  // What implements overloads has no comment.
  const shown = declarations.filter(({ kind, jsDoc }, i) => i === 0 || kind !== "function" || jsDoc !== undefined);
  return shown.map((declaration) => write(name, declaration, link)).join("\n\n");
}

/** The heading of an export, as the page and its anchors have it. */
export function headingOf({ name, declarations }: DocSymbol): string {
  return declarations[0]?.kind === "function" ? `${name}()` : name;
}

function write(name: string, declaration: DocDeclaration, link: Link): string {
  const { kind, jsDoc, def } = declaration;
  switch (kind) {
    case "function":
      return functionText(name, def as DocFunction, jsDoc, link);
    case "variable":
      return lines(quoted(`const ${name}: ${typeText(def.tsType)}`), prose(jsDoc, link));
    case "typeAlias":
      return aliasText(name, declaration, link);
    case "interface":
    case "class":
      return lines(prose(jsDoc, link), parentText(def, link), membersText(name, def, link), examples(jsDoc));
    default:
      throw new Error(`Cannot describe ${name}: nothing is known of ${kind}`);
  }
}

function functionText(name: string, def: DocFunction, doc: JsDoc | undefined, link: Link): string {
  return lines(quoted(signatureText(name, def)), prose(doc, link), tagsText(doc, link), examples(doc));
}

function aliasText(name: string, { def, jsDoc }: DocDeclaration, link: Link): string {
  const events = def.tsType && eventTable(def.tsType, link);
  if (events !== undefined) return lines(prose(jsDoc, link), events);
  const literals = literalsOf(def.tsType);
  if (literals === undefined) {
    return lines(quoted(`type ${name}${typeParamsText(def.typeParams)} = ${typeText(def.tsType)}`), prose(jsDoc, link));
  }
  const values = new Map(valuesOf(docOf(jsDoc)).map(({ value, meaning }) => [value, meaning]));
  const rows = literals.map((value) => [code(`"${value}"`), link(cell(values.get(value) ?? ""))]);
  return lines(link(withoutValues(docOf(jsDoc))), table(["value", "meaning"], rows));
}

function membersText(name: string, def: DocDefinition, link: Link): string {
  const members = [...def.properties ?? [], ...def.methods ?? []].filter((member) => !isHidden(member));
  const fields = members.filter((member) => functionOf(member) === undefined);
  // What implements overloads has no comment.
  const constructors = (def.constructors ?? []).filter((member) => !isHidden(member) && docOf(member.jsDoc) !== "");
  const methods = [...constructors, ...members.filter((member) => functionOf(member) !== undefined)];
  return lines(
    fields.length === 0 ? "" : fieldTable(name, fields, link),
    ...methods.map((method) => methodText(name, method, link)),
  );
}

function methodText(owner: string, method: DocMember, link: Link): string {
  const { name, jsDoc, isStatic } = method;
  const isConstructor = name === "constructor";
  const plain = name.replace(/^\[(.*)\]$/, "$1");
  const def = isConstructor ? { params: method.params ?? [], returnType: refTo(owner) } : functionOf(method);
  const called = isConstructor ? `new ${owner}` : isStatic ? `${owner}.${name}` : name;
  return lines(
    `### ${isConstructor ? `new ${owner}` : `${owner}.${plain}`}()`,
    quoted(signatureText(called, def as DocFunction)),
    prose(jsDoc, link),
    tagsText(jsDoc, link),
    examples(jsDoc),
  );
}

function refTo(typeName: string): DocFunction["returnType"] {
  return { kind: "typeRef", value: { typeName } };
}

/** What is meant for other modules of the package. */
export function isHidden({ jsDoc }: Pick<DocMember, "jsDoc">): boolean {
  return jsDoc?.tags?.some(({ kind }) => kind === "internal") ?? false;
}

function parentText({ extends: parents }: DocDefinition, link: Link): string {
  if (parents === undefined) return "";
  const names = typeof parents === "string" ? [parents] : parents.map(typeText);
  return names.length === 0 ? "" : `Also has everything of ${names.map((name) => link(code(name))).join(" and ")}.`;
}

function tagsText(doc: JsDoc | undefined, link: Link): string {
  return (doc?.tags ?? []).map((tag) => tagText(tag, link)).filter((line) => line !== "").join("\n");
}

function tagText({ kind, name, tsType, doc = "" }: DocTag, link: Link): string {
  const text = link(withDefault(doc.replace(/\s*\n\s*/g, " ").trim()));
  if (text === "") return "";
  if (kind === "param") return `- \`${name}\`: ${text}`;
  if (kind === "return") return `- Returns: ${text}`;
  if (kind !== "throws") return "";
  const classes = typeText(tsType).split(" | ").map((name) => link(code(name))).join(" or ");
  return `- Throws ${classes}: ${text}`;
}

function prose(doc: JsDoc | undefined, link: Link): string {
  return link(withDefault(docOf(doc)));
}

/** Examples are run where they stand, in the source: `typescript` fences are not run once more. */
function examples(doc: JsDoc | undefined): string {
  const found = (doc?.tags ?? []).filter(({ kind }) => kind === "example");
  return lines(...found.map(({ doc = "" }) => {
    const [title = "", ...rest] = doc.trim().split("\n");
    return `${title}:\n\n${rest.join("\n").replace(/^```ts(?: ignore)?$/gm, "```typescript").trim()}`;
  }));
}

function quoted(signature: string): string {
  return `\`\`\`typescript\n${signature}\n\`\`\``;
}

function lines(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("\n\n");
}
