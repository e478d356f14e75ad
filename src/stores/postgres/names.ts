/**
 * The names of everything that the store keeps in a database.
 *
 * @module
 */

import { quoted } from "./sql_text.ts";

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
