/**
 * The rights that a store needs in its schema.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { show } from "../../base/text.ts";
import { PostgresNames, type PostgresPlace } from "./names.ts";
import { checkPostgresPlace } from "./option_table.ts";
import { quoted } from "./sql_text.ts";

/**
 * The SQL that lets a role use the schema and all that is in it, but make nothing: for stores with `autoCreate: false`. An
 * owner runs it behind that of `postgresSetup`.
 *
 * @param place The schema and the prefix of names, as the store has them.
 * @param role The role of the store.
 * @throws {ConfigError} If one of them cannot be used.
 */
export function postgresGrants(place: PostgresPlace, role: string): string {
  checkPostgresPlace(place);
  if (typeof role !== "string" || role === "") {
    throw new ConfigError({ path: "role", expected: "the name of a role", received: show(role) });
  }
  const { schema } = new PostgresNames(place);
  const to = quoted(role);
  return `GRANT USAGE ON SCHEMA ${schema} TO ${to};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${to};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${schema} TO ${to};`;
}
