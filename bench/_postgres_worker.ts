/**
 * One contender on PostgreSQL, in a process of its own. Its argument is JSON: what it is.
 *
 * @module
 */

import process from "node:process";

import { serveRounds } from "./_apart.ts";
import { openPostgresSubject, type PostgresSubject } from "./_postgres_subjects.ts";

const [json] = process.argv.slice(2);

await serveRounds(() => openPostgresSubject(JSON.parse(json as string) as PostgresSubject));
