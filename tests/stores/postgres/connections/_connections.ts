/**
 * What the tests of connections to PostgreSQL share.
 *
 * @module
 */

import assert from "node:assert/strict";

import { StoreError, type StoreErrorCode, type StoreErrorReason } from "../../../../mod.ts";
import type { PostgresConnection, Row, Statement } from "../../../../src/stores/postgres/connections/connection.ts";

/** A statement. */
export function statement(text: string, ...values: (string | null)[]): Statement {
  return { text, values };
}

/** The only column of the only row. */
export function only(rows: readonly Row[]): string | null | undefined {
  assert.equal(rows.length, 1);
  return Object.values(rows[0] as Row)[0];
}

/** The process id of the server's process that runs a statement. */
export async function backendOf(connection: PostgresConnection): Promise<number> {
  return Number(only(await connection.query(statement("select pg_backend_pid()::text"))));
}

/** What a StoreError should be. */
export interface ExpectedError {
  readonly code: StoreErrorCode;
  readonly reason?: StoreErrorReason | undefined;
  readonly message?: RegExp;
}

/** Checks that a promise rejects with a StoreError of this kind, whose text holds no secret. */
export async function rejectsWith(promise: Promise<unknown>, { code, reason, message }: ExpectedError): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.deepEqual({ code: error.code, reason: error.reason }, { code, reason }, error.message);
    if (message !== undefined) assert.match(error.message, message);
    assert.ok(!/secret/.test(`${error.message} ${String(error.cause)}`), error.message);
    return true;
  });
}
