/**
 * The declarations that the entries of the package can reach. What users cannot name is not published.
 *
 * @module
 */

import { join } from "node:path/posix";

/** Where a statement of a declaration file begins, or the comment in front of one. */
const STATEMENTS = /^(?=\/\*\*|export |declare |import |class |interface |type |function |const |\/\/\/)/m;

const DECLARED =
  /^(?:export )?(?:default )?(?:declare )?(?:abstract )?(?:class|interface|type|function|const|let|enum) (\w+)/;

const LIST = /^(import|export) (?:type )?\{([^}]*)\} from "([^"]+)"/;
const STAR = /^export (?:type )?\* from "([^"]+)"/;
const NAMESPACE = /^import (?:type )?\* as (\w+) from "([^"]+)"/;
const INLINE = /\bimport\("([^"]+)"\)\.(\w+)/g;
const COMMENT = /\/\*[^]*?\*\//g;

interface Statement {
  readonly text: string;
  /** The text without comments. */
  readonly code: string;
  /** The name that it declares. */
  readonly name: string | undefined;
}

class Module {
  readonly path: string;
  readonly statements: readonly Statement[];
  /** Local names of what is imported or passed on, with the module and the name there; "*" for all of it. */
  readonly foreign = new Map<string, readonly [module: string, name: string]>();
  readonly wanted = new Set<string>();

  constructor(path: string, text: string) {
    this.path = path;
    const statements: Statement[] = [];
    let comment = "";
    for (const part of text.split(STATEMENTS)) {
      const code = part.replace(COMMENT, "");
      if (code.trim() === "") {
        comment += part;
        continue;
      }
      statements.push({ text: comment + part, code, name: DECLARED.exec(code)?.[1] });
      comment = "";
      const [, , names, from] = LIST.exec(code) ?? [];
      for (const name of names?.split(",") ?? []) this.#pass(name, from as string);
      const [, space, whole] = NAMESPACE.exec(code) ?? [];
      if (space !== undefined) this.foreign.set(space, [this.resolve(whole as string), "*"]);
    }
    this.statements = statements;
  }

  /** The path of a module that this one names. */
  resolve(specifier: string): string {
    return specifier.startsWith(".") ? join(this.path, "..", specifier).replace(/\.ts$/, "") : specifier;
  }

  #pass(written: string, from: string): void {
    const [name, local = name] = written.trim().replace(/^type /, "").split(" as ");
    if (name !== undefined && name !== "") this.foreign.set(local as string, [this.resolve(from), name]);
  }
}

/**
 * Cuts modules down to what the entries export, and what that needs.
 *
 * @param texts Declarations by the path of their module, without its ending.
 * @param entries The paths of the entries.
 */
export function reachable(texts: ReadonlyMap<string, string>, entries: readonly string[]): Map<string, string> {
  const modules = new Map(Array.from(texts, ([path, text]) => [path, new Module(path, text)]));
  const queue: [module: string, name: string][] = entries.map((entry) => [entry, "*"]);
  for (const [path, name] of queue) { // it grows meanwhile
    const module = modules.get(path);
    if (module === undefined || module.wanted.has(name)) continue;
    module.wanted.add(name);
    for (const statement of module.statements.filter((each) => isKept(each, module))) {
      const [, star] = STAR.exec(statement.code) ?? [];
      if (star !== undefined) queue.push([module.resolve(star), "*"]);
      for (const [, from, inline] of statement.code.matchAll(INLINE)) {
        queue.push([module.resolve(from as string), inline as string]);
      }
      if (statement.code.startsWith("import ")) continue;
      for (const word of new Set(statement.code.match(/\w+/g))) {
        const foreign = module.foreign.get(word);
        if (foreign !== undefined) queue.push([...foreign]);
        else if (module.statements.some((other) => other.name === word)) queue.push([path, word]);
      }
    }
    const passedOn = module.foreign.get(name);
    if (passedOn !== undefined) queue.push([...passedOn]);
  }
  const used = [...modules.values()].filter(({ wanted }) => wanted.size > 0);
  return new Map(used.map((module) => [module.path, textOf(module)]));
}

/** Whether a statement stays: a declaration where it is wanted, and everything else. */
function isKept({ name, code }: Statement, { wanted }: Module): boolean {
  if (wanted.has("*") || name === undefined) return !LIST.test(code) || wanted.has("*") || code.startsWith("import ");
  return wanted.has(name);
}

function textOf(module: Module): string {
  const kept = module.statements.filter((statement) => isKept(statement, module));
  const words = new Set(
    kept.filter(({ code }) => !code.startsWith("import ")).flatMap(({ code }) => code.match(/\w+/g) ?? []),
  );
  const passed = module.statements.filter((statement) => {
    return statement.code.startsWith("export ") && LIST.test(statement.code) && !kept.includes(statement);
  });
  const lists = passed.map(({ code }) => listOf(code, (name) => module.wanted.has(name))).filter((list) => list !== "");
  const own = kept.map(({ text, code }) => {
    return code.startsWith("import ") && LIST.test(code) ? listOf(code, (name) => words.has(name)) : text;
  });
  return [...own, ...lists].join("");
}

/** An import or an export of those names that are needed; empty where none is. */
function listOf(code: string, isNeeded: (local: string) => boolean): string {
  const [, , names = ""] = LIST.exec(code) ?? [];
  const needed = names.split(",").filter((name) =>
    isNeeded(name.trim().split(" as ").at(-1)?.replace(/^type /, "") ?? "")
  );
  return needed.length === 0 ? "" : code.replace(names, ` ${needed.map((name) => name.trim()).join(", ")} `);
}
