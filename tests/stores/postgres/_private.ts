import postgres from "postgres";
import type { PostgresConnection, Row, Statement } from "../../../src/stores/postgres/connections/connection.ts";
import { StoreError } from "../../../src/base/errors.ts";

export function privateConnection(url: string, max = 4): PostgresConnection {
  const sql = postgres(url, { max, fetch_types: false, onnotice: () => {} });
  const run = async (s: typeof sql | postgres.ReservedSql, { text, values, name }: Statement) => {
    try {
      return await s.unsafe(text, values as string[], { prepare: name !== undefined }) as unknown as Row[];
    } catch (cause) {
      throw new StoreError("STORE_REFUSED", (cause as Error).message, { cause });
    }
  };
  return {
    url: "private",
    query: (s) => run(sql, s),
    async transaction(first, next) {
      const r = await sql.reserve();
      try {
        const b = r.unsafe("begin");
        b.catch(() => {});
        let second: Statement | undefined;
        try {
          const rows = await run(r, first);
          second = next(rows);
        } catch (e) {
          await r.unsafe("rollback");
          throw e;
        }
        if (second === undefined) {
          await r.unsafe("commit");
          return [];
        }
        const w = run(r, second);
        w.catch(() => {});
        const c = r.unsafe("commit");
        c.catch(() => {});
        const rows = await w;
        await c;
        return rows;
      } finally {
        r.release();
      }
    },
    async listen(channel, listener) {
      await sql.listen(channel, (p) => listener.message(p));
    },
    async connect() {
      await sql`select 1`;
    },
    close: () => sql.end({ timeout: 1 }),
  };
}
