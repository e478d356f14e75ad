/**
 * Logs with an object of JSON on each line.
 *
 * @module
 */

import type { Field } from "../fields.ts";
import type { LineReader, LineValues, LogFormat, ReaderOptions } from "./format.ts";
import { namesOf, TIME_NAMES, valueOfNamed } from "./names.ts";
import { readTime } from "./times.ts";

/** The format. */
export const jsonLines: LogFormat = {
  name: "json",
  title: "JSON lines",
  reader: (head, options) => {
    const isJson = head.some((line) => line.startsWith("{"));
    return isJson ? new JsonReader(options) : "no line begins with {";
  },
};

/** Remembers under which name each field was found: the lines of a log are mostly alike. */
class JsonReader implements LineReader {
  readonly headerLines = 0;
  readonly fields = "field:NAME, with dots into objects";
  readonly #wanted: readonly Field[];
  readonly #time: NamedValue;
  readonly #values: readonly NamedValue[];

  constructor({ wanted, timeField }: ReaderOptions) {
    this.#wanted = wanted;
    this.#time = new NamedValue(timeField === undefined ? TIME_NAMES : [timeField]);
    this.#values = wanted.map((field) => new NamedValue(namesOf(field)));
  }

  has(): boolean {
    return true;
  }

  read(line: string, into: LineValues): string | undefined {
    let object: unknown;
    try {
      object = JSON.parse(line);
    } catch {
      return "no JSON";
    }
    if (typeof object !== "object" || object === null || Array.isArray(object)) return "JSON that is no object";
    const timeUs = readTime(this.#time.in(object));
    if (Number.isNaN(timeUs)) return "no time that can be read";
    let hasAny = this.#wanted.length === 0;
    for (let i = 0; i < this.#wanted.length; i++) {
      const named = this.#values[i] as NamedValue;
      const text = textOf(named.in(object));
      const value = text === undefined ? undefined : valueOfNamed(this.#wanted[i] as Field, named.name, text);
      if (value !== undefined) hasAny = true;
      into.values[i] = value;
    }
    if (!hasAny) return "no field of a request";
    into.timeUs = timeUs;
    return undefined;
  }
}

type Steps = readonly string[];

/** A value that may stand under one of several names. */
class NamedValue {
  readonly #names: readonly (readonly [name: string, steps: Steps])[];
  #last: readonly [name: string, steps: Steps];

  constructor(names: readonly string[]) {
    this.#names = names.map((name) => [name, name.split(".")]);
    this.#last = this.#names[0] as readonly [string, Steps];
  }

  /** The name under which it was found last. */
  get name(): string {
    return this.#last[0];
  }

  /** The value in an object; undefined if there is none. */
  in(object: object): unknown {
    const value = at(object, this.#last[0], this.#last[1]);
    if (value !== undefined && value !== null) return value;
    for (const named of this.#names) {
      const other = at(object, named[0], named[1]);
      if (other === undefined || other === null) continue;
      this.#last = named;
      return other;
    }
    return undefined;
  }
}

/** A member by its name with dots, or by the steps to it. Only own members count: a line may have `__proto__`. */
function at(object: object, name: string, steps: Steps): unknown {
  if (Object.hasOwn(object, name)) return (object as Record<string, unknown>)[name];
  if (steps.length === 1) return undefined;
  let value: unknown = object;
  for (const step of steps) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

/** The text of a value. Caddy writes each header as a list. */
function textOf(value: unknown): string | undefined {
  const one = Array.isArray(value) ? value[0] : value;
  if (typeof one === "string") return one;
  return typeof one === "number" || typeof one === "boolean" ? String(one) : undefined;
}
