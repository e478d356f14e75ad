/**
 * A client of Bun, `new SQL()`, that the application has made.
 *
 * @module
 */

import type { Row } from "../connection.ts";
import { type ClientAdapter, transactOn } from "./adapter.ts";
import type { BunSqlLike, BunSqlReserved } from "./postgres_client.ts";

/** What the store uses of it. */
export function adaptBun(sql: BunSqlLike): ClientAdapter {
  const { listen } = sql;
  return {
    query: (statement) => run(sql, statement),
    async transaction(...work) {
      const reserved = await sql.reserve();
      const lent = {
        run: (statement: Parameters<ClientAdapter["query"]>[0]) => run(reserved, statement),
        release: () => void reserved.release(),
      };
      return await transactOn(lent, ...work);
    },
    ...(listen === undefined ? {} : {
      async listen(channel, listener) {
        let isFirst = true;
        const { unlisten } = await listen.call(sql, channel, (payload) => listener.message(payload), () => {
          if (!isFirst) listener.missed();
          isFirst = false;
        });
        return unlisten;
      },
    }),
  };
}

async function run(
  sql: Pick<BunSqlReserved, "unsafe">,
  { text, values }: Parameters<ClientAdapter["query"]>[0],
): Promise<readonly Row[]> {
  return await (values.length === 0 ? sql.unsafe(text) : sql.unsafe(text, [...values])) as readonly Row[];
}
