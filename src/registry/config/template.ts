/**
 * Strings with environment variables in them: `${NAME}`, `${NAME:-default}` with defaults that may hold variables
 * themselves, and `$${` for a literal `${`. Any other `$` is a dollar.
 *
 * @module
 */

import { configError, type Path } from "./document.ts";
import type { EnvReader } from "./environment.ts";

/** A variable; without `fallback` it must be set. */
interface Variable {
  readonly name: string;
  readonly fallback: readonly Part[] | undefined;
}

/** Literal text, or a variable. */
type Part = string | Variable;

/** Text after expansion. */
export interface ExpandedText {
  /** The text. */
  readonly text: string;
  /** Whether a variable was part of it, set or not. */
  readonly hasVariables: boolean;
}

/** Defaults inside defaults: more are not needed, and the stack stays shallow. */
const MAX_DEPTH = 16;

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;

/**
 * Fills in the variables of a string. Values of variables are taken as they are: a `${` inside them is not expanded.
 *
 * @param template The string as it was written.
 * @param env Reads the variables.
 * @param path Where the string stands, for errors.
 * @returns The text, and whether variables were part of it.
 * @throws {ConfigError} If a variable without default is not set, or the string is malformed.
 */
export function expandText(template: string, env: EnvReader, path: Path): ExpandedText {
  if (!template.includes("${")) return { text: template, hasVariables: false };
  const parts = new TemplateParser(template, path).parse();
  return {
    text: evaluate(parts, env, path),
    hasVariables: parts.some((part) => typeof part !== "string"),
  };
}

/** Only the default that is needed is evaluated, as in a shell. */
function evaluate(parts: readonly Part[], env: EnvReader, path: Path): string {
  let text = "";
  for (const part of parts) {
    text += typeof part === "string" ? part : valueOf(part, env, path);
  }
  return text;
}

function valueOf(variable: Variable, env: EnvReader, path: Path): string {
  const { name, fallback } = variable;
  let value: string | undefined;
  try {
    value = env(name);
  } catch {
    throw configError(
      path,
      `permission to read the environment variable ${name} (Deno: --allow-env=${name})`,
      "a refusal",
    );
  }
  if (fallback !== undefined) {
    return value === undefined || value === "" ? evaluate(fallback, env, path) : value;
  }
  if (value === undefined) {
    throw configError(
      path,
      `the environment variable ${name} to be set, or a default as in \${${name}:-default}`,
      `\${${name}}, which is not set`,
    );
  }
  return value;
}

/** Reads one string from left to right. Its errors never repeat the text: it may be a secret. */
class TemplateParser {
  readonly #text: string;
  readonly #path: Path;
  #at = 0;

  constructor(text: string, path: Path) {
    this.#text = text;
    this.#path = path;
  }

  parse(): Part[] {
    return this.#parts(0);
  }

  /** Reads up to the end of the string, or up to the `}` that ends a default. */
  #parts(depth: number): Part[] {
    const parts: Part[] = [];
    let literal = "";
    while (this.#at < this.#text.length) {
      if (depth > 0 && this.#text[this.#at] === "}") break;
      if (this.#skip("$${")) {
        literal += "${";
      } else if (this.#skip("${")) {
        if (literal !== "") parts.push(literal);
        literal = "";
        parts.push(this.#variable(depth + 1));
      } else {
        literal += this.#text[this.#at++];
      }
    }
    if (literal !== "") parts.push(literal);
    return parts;
  }

  #variable(depth: number): Variable {
    if (depth > MAX_DEPTH) {
      throw this.#error(`at most ${MAX_DEPTH} defaults inside each other`, "more");
    }
    NAME.lastIndex = this.#at;
    const name = NAME.exec(this.#text)?.[0];
    if (name === undefined) {
      throw this.#error(
        'a variable name (letters, digits and "_", no digit first) after "${"; a literal "${" is written "$${"',
        this.#at === this.#text.length ? "the end of the string" : "something else",
      );
    }
    this.#at += name.length;
    const fallback = this.#skip(":-") ? this.#parts(depth) : undefined;
    if (!this.#skip("}")) {
      throw this.#error(
        fallback === undefined
          ? '"}" or ":-" after the name of a variable; a literal "${" is written "$${"'
          : 'a "}" that ends the default',
        this.#at === this.#text.length ? "the end of the string" : "something else",
      );
    }
    return { name, fallback };
  }

  #skip(token: string): boolean {
    const found = this.#text.startsWith(token, this.#at);
    if (found) this.#at += token.length;
    return found;
  }

  #error(expected: string, received: string): Error {
    return configError(this.#path, expected, received);
  }
}
