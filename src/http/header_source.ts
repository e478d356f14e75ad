/**
 * Request headers, in whatever form a runtime has them.
 *
 * @module
 */

/**
 * Request headers: a `Headers` object, the record of `node:http` (names in lower case), or a function that takes a name
 * in lower case.
 */
export type HeaderSource =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | ((name: string) => string | undefined);

/** Reads a header, whatever holds it. */
export function readHeader(headers: HeaderSource, name: string): string | undefined {
  const key = name.toLowerCase();
  if (typeof headers === "function") return text(headers(key));
  if (typeof headers.get === "function") return text(headers.get(key));
  const value = (headers as Readonly<Record<string, unknown>>)[key];
  return Array.isArray(value) ? value.join(", ") : text(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
