/**
 * A client of the npm package `postgres` that the application has made.
 *
 * @module
 */

import { type Row, TRANSACTION } from "../connection.ts";
import { sqlStateOf } from "../errors.ts";
import type { ClientAdapter } from "./adapter.ts";
import type { PostgresJsLike } from "./postgres_client.ts";

/** What the store uses of it. */
export function adaptPostgresJs(sql: PostgresJsLike, prepare: boolean): ClientAdapter {
  const run: ClientAdapter["query"] = async (statement) => await sql.unsafe(...call(statement)) as readonly Row[];
  const call = ({ text, values, name }: Parameters<typeof run>[0]) =>
    [text, [...values] as never[], { prepare: prepare && name !== undefined }] as const;
  return {
    query: run,
    async transaction(first, next, onCommit) {
      const rows = await sql.begin(TRANSACTION, async (transaction) => {
        const one = (statement: Parameters<typeof run>[0]) =>
          Promise.resolve(transaction.unsafe(...call(statement))).catch(unlessLost);
        const last = next(await one(first) as readonly Row[]);
        onCommit();
        return last === undefined ? [] : await one(last);
      });
      return rows as readonly Row[];
    },
    async listen(channel, listener) {
      let isFirst = true;
      const { unlisten } = await sql.listen(channel, (payload) => listener.message(payload), () => {
        if (!isFirst) listener.missed();
        isFirst = false;
      });
      return unlisten;
    },
  };
}

/**
 * Where the connection was lost, `begin` rejects by itself. If its callback rejected too, it would send a ROLLBACK into a
 * socket that is gone, which throws where no caller can catch it.
 */
function unlessLost(error: unknown): Promise<never> {
  if (sqlStateOf(error) === undefined) return new Promise(() => {});
  throw error;
}
