/**
 * The names of everything that the store keeps in a database.
 *
 * @module
 */

/** Where a store keeps its tables and functions. */
export interface PostgresPlace {
  /** The schema. @default {"ratesync"} */
  readonly schema?: string | undefined;
  /** What the name of each table and function begins with. @default {""} */
  readonly tablePrefix?: string | undefined;
}

/** Names of tables and functions, quoted and with their schema. */
export class PostgresNames {
  /** The schema, quoted. */
  readonly schema: string;
  /** Two stores share what they keep if this is the same. */
  readonly place: string;
  readonly #prefix: string;

  /**
   * Makes the names.
   *
   * @param place Where the store keeps everything.
   */
  constructor({ schema = "ratesync", tablePrefix = "" }: PostgresPlace = {}) {
    this.schema = quoted(schema);
    this.place = JSON.stringify([schema, tablePrefix]);
    this.#prefix = tablePrefix;
  }

  /** A table or function. */
  of(name: string): string {
    return `${this.schema}.${quoted(this.#prefix + name)}`;
  }
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

/** A name in SQL. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
