/**
 * Going through all rows, in steps that delay no decision.
 *
 * @module
 */

import type { KeyQuery, StoredKey } from "../store.ts";
import type { PostgresConnection } from "./connections/connection.ts";
import { keyOfRow, rowName } from "./keys.ts";
import type { PostgresNames } from "./names.ts";
import { arrayLiteral } from "./sql_text.ts";

/** How many rows are read, or deleted, at a time. */
const STEP = 2_000;

/** The keys of a limiter. */
export async function* listRows(
  connection: PostgresConnection,
  names: PostgresNames,
  { limiter, prefix = "" }: KeyQuery,
): AsyncGenerator<StoredKey, void, void> {
  const whole = rowName({ limiter, key: undefined });
  const begin = rowName({ limiter, key: "" });
  const found = (name: string): StoredKey | undefined => {
    const stored = name === whole ? { key: undefined, isHash: false } : keyOfRow(name.slice(begin.length));
    return prefix === "" || (!stored.isHash && stored.key?.startsWith(prefix)) ? stored : undefined;
  };
  const keys = names.of("keys");
  const text = `SELECT key FROM ${keys} WHERE key > $1::text AND key < $2::text ORDER BY key LIMIT ${STEP}`;
  // The character behind a colon is a semicolon.
  const end = `${whole};`;
  let rows = await connection.query({
    text: `SELECT key FROM ${keys} WHERE key = ANY ($1::text::text[])`,
    values: [arrayLiteral([whole, begin])],
  });
  for (let after = begin;;) {
    for (const { key } of rows) {
      const stored = found(key as string);
      if (stored !== undefined) yield stored;
    }
    rows = await connection.query({ text, values: [after, end] });
    const last = rows.at(-1)?.["key"];
    if (typeof last !== "string") return;
    after = last;
  }
}

/** Deletes all rows. */
export async function deleteAll(connection: PostgresConnection, names: PostgresNames): Promise<void> {
  const keys = names.of("keys");
  const text = `DELETE FROM ${keys} WHERE key IN (SELECT key FROM ${keys} ORDER BY key LIMIT ${STEP} FOR UPDATE) ` +
    `RETURNING key`;
  for (;;) {
    const rows = await connection.query({
      text: `WITH gone AS (${text}) SELECT count(*)::text AS count FROM gone`,
      values: [],
    });
    if (Number(rows[0]?.["count"]) === 0) return;
  }
}
