/**
 * The form in which the functions of the database are written down.
 *
 * @module
 */

import type { PostgresNames } from "./names.ts";

/** A function in the database. */
export interface SqlFunction {
  /** Its name, with its version. */
  readonly name: string;
  /** The statement that makes it. */
  sql(names: PostgresNames): string;
}
