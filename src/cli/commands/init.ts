/**
 * `ratesync init`
 *
 * @module
 */

import { writeFile } from "node:fs/promises";

import { reasonOf } from "../../registry/config/find.ts";
import { postgresGrants } from "../../stores/postgres/grants.ts";
import { checkPostgresOptions } from "../../stores/postgres/option_table.ts";
import { postgresSetup } from "../../stores/postgres/setup.ts";
import { type Command, defineCommand } from "../command.ts";
import { UsageError } from "../failure.ts";
import { TEMPLATE } from "../template.ts";

/** Where the package looks for the file first. */
const USUAL = "rate-sync.toml";

/** Writes a configuration file with comments. */
export const command: Command = defineCommand({
  about:
    "The file has one store and three limiters, with comments that say what each option means. It can be used as it " +
    "is: with REDIS_URL set, all processes share the limits; without it, each process counts for itself.\n\n" +
    "With --postgres, it writes no file, but prints the SQL that makes the tables and functions of a PostgreSQL store: " +
    "for stores with auto_create = false, whose user may make nothing. It can run again.",
  arguments: {
    file: { kind: "text", optional: true, completes: "file", about: `Where to write it; ./${USUAL} if left out` },
  },
  options: {
    stdout: { kind: "flag", about: "Print it, write no file" },
    force: { kind: "flag", about: "Overwrite a file that is there" },
    postgres: { kind: "flag", about: "Print the SQL for PostgreSQL instead" },
    schema: { kind: "text", value: "NAME", about: "With --postgres: the schema; ratesync if left out" },
    "table-prefix": { kind: "text", value: "TEXT", about: "With --postgres: what names of tables begin with" },
    role: { kind: "text", value: "NAME", about: "With --postgres: also grant this role what the store needs" },
  },
  examples: [
    ["ratesync init", "writes ./rate-sync.toml"],
    ["ratesync init --stdout", "shows what it would write"],
    ["ratesync init --postgres --role app", "prints SQL for psql, or for a migration"],
  ],
  async run(_context, { file = USUAL, stdout, force, postgres, schema, "table-prefix": tablePrefix, role }) {
    if (postgres) {
      const place = { ...schema === undefined ? {} : { schema }, ...tablePrefix === undefined ? {} : { tablePrefix } };
      checkPostgresOptions(place);
      const sql = [postgresSetup(place), ...role === undefined ? [] : [postgresGrants(place, role)]].join("\n");
      return { json: { sql }, text: sql };
    }
    if ([schema, tablePrefix, role].some((value) => value !== undefined)) {
      throw new UsageError("Cannot use --schema, --table-prefix or --role without --postgres", "add --postgres");
    }
    if (stdout) return { json: { text: TEMPLATE }, text: TEMPLATE.trimEnd() };
    try {
      await writeFile(file, TEMPLATE, { flag: force ? "w" : "wx" });
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === "EEXIST" || reason === "AlreadyExists") {
        throw new UsageError(`Cannot write ${file}: it is there already`, "add --force to overwrite it");
      }
      throw new UsageError(`Cannot write ${file}: ${reason}`);
    }
    return { json: { file }, text: `Wrote ${file}. ratesync check ${file === USUAL ? "" : `${file} `}checks it.` };
  },
});
