/**
 * The PostgreSQL that files of `ON_POSTGRES` share, and a corner of it for each test.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import process from "node:process";

import postgres from "postgres";

/**
 * The URL of the PostgreSQL to test against, of a user who may create schemas.
 *
 * @throws {Error} If the tests were not started by the launcher, which provides one.
 */
export function postgresUrl(): string {
  const url = process.env["RATESYNC_TEST_POSTGRES_URL"];
  if (!url) {
    throw new Error(
      "Cannot reach a PostgreSQL: RATESYNC_TEST_POSTGRES_URL is not set. Run `npm test`, which provides one for the " +
        "files of ON_POSTGRES (scripts/suite/table.ts), or set it to the URL of one whose data may be thrown away.",
    );
  }
  return url;
}

/** A name of a schema that no other test, process or run uses. Nothing is made. */
export function freshSchema(): string {
  return `test_${randomUUID().replaceAll("-", "")}`;
}

/** Removes a schema with all that is in it. */
export async function dropSchema(schema: string, url: string = postgresUrl()): Promise<void> {
  await adminQuery(`drop schema if exists "${schema}" cascade`, url);
}

/** Runs one statement, or several with `;` between them, over a connection of its own. */
export async function adminQuery(
  text: string,
  url: string = postgresUrl(),
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {}, fetch_types: false });
  try {
    return [...await sql.unsafe(text).simple()];
  } finally {
    await sql.end({ timeout: 1 });
  }
}
