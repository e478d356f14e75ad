/**
 * A function in the database.
 *
 * @module
 */

import type { PostgresNames } from "./names.ts";

/** One function. */
export interface SqlFunction {
  /** Its name, with its version. */
  readonly name: string;
  /** The statement that makes it. */
  sql(names: PostgresNames): string;
}
