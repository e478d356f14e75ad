/**
 * Pieces of SQL.
 *
 * @module
 */

/** The server's clock, in whole microseconds since 1970. */
export const SERVER_US = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/** A name, quoted. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text, quoted. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** An array as PostgreSQL writes it: the parameter of a statement that casts it (`$1::text::text[]`). */
export function arrayLiteral(items: readonly (string | number | null)[]): string {
  let text = "{";
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (i > 0) text += ",";
    if (item === null || item === undefined) text += "NULL";
    else if (typeof item === "number") text += item;
    else text += `"${/["\\]/.test(item) ? item.replace(/["\\]/g, "\\$&") : item}"`;
  }
  return `${text}}`;
}
