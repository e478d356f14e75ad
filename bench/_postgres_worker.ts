/**
 * One contender on PostgreSQL. Its argument is JSON: what it is.
 *
 * @module
 */

import type { Contender } from "./_load.ts";
import { openPostgresSubject, type PostgresSubject } from "./_postgres_subjects.ts";

/** Opens it. */
export function open([json = ""]: readonly string[]): Promise<Contender> {
  return openPostgresSubject(JSON.parse(json) as PostgresSubject);
}
