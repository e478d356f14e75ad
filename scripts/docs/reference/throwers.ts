/**
 * Which calls throw which errors, as their doc comments say.
 *
 * @module
 */

import type { JsDoc } from "./deno_doc.ts";
import { code, type Link, table } from "./fields.ts";
import type { Entry } from "./layout.ts";
import { isHidden } from "./section.ts";
import { typeText } from "./types.ts";

/** A table: each error, and the functions and methods that throw it. */
export function throwersOf(entries: readonly Entry[], link: Link): string {
  const throwers = new Map<string, Set<string>>();
  const note = (doc: JsDoc | undefined, name: string) => {
    for (const { kind, tsType } of doc?.tags ?? []) {
      if (kind !== "throws" || tsType === undefined) continue;
      for (const error of typeText(tsType).split(" | ")) {
        throwers.set(error, (throwers.get(error) ?? new Set()).add(name));
      }
    }
  };
  for (const { name, declarations } of entries.flatMap(({ symbols }) => symbols)) {
    for (const { kind, jsDoc, def } of declarations) {
      note(jsDoc, kind === "function" ? `${name}()` : name);
      for (const method of [...def.constructors ?? [], ...def.methods ?? []].filter((member) => !isHidden(member))) {
        note(method.jsDoc, method.name === "constructor" ? `new ${name}()` : `${name}.${method.name}()`);
      }
    }
  }
  const rows = [...throwers].sort(([a], [b]) => a.localeCompare(b, "en")).map(([error, names]) => [
    link(code(error)),
    [...names].map((name) => link(code(name))).join(", "),
  ]);
  return table(["error", "thrown by"], rows);
}
