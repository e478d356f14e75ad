import { after, before, describe, it } from "node:test";

import { type PostgresServer, startPostgres } from "../../../scripts/postgres/server.ts";
import { PostgresStore } from "../../../src/stores/postgres/postgres_store.ts";
import { storeConformance } from "../../../src/testing/mod.ts";
import { privateConnection } from "./_private.ts";

describe("storeConformance() on PostgreSQL", () => {
  let server: PostgresServer;
  let schemas = 0;
  before(async () => {
    server = process.env.PG ? { url: process.env.PG, stop: async () => {} } as PostgresServer : await startPostgres();
  });
  after(() => server.stop());

  const cases = storeConformance({
    open: ({ clock }) =>
      new PostgresStore(privateConnection(server.url), { testClock: clock, schema: `s${schemas++}` }),
  });
  for (const { name, run } of cases) it(name, run);
});
