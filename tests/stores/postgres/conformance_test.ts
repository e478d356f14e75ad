import { after, describe, it } from "node:test";

import { openPostgresJs } from "../../../src/stores/postgres/connections/postgres_js.ts";
import { PostgresStore } from "../../../src/stores/postgres/postgres_store.ts";
import { storeConformance } from "../../../src/testing/mod.ts";
import { dropSchema, freshSchema, postgresUrl } from "../../_support/postgres.ts";

describe("storeConformance() on PostgreSQL", () => {
  const schema = freshSchema();
  // Each store is left empty. Making tables takes longer than most cases.
  let stores = 0;
  after(() => dropSchema(schema));

  const cases = storeConformance({
    open: ({ clock }) =>
      new PostgresStore(openPostgresJs({ url: postgresUrl() }), {
        testClock: clock,
        schema,
        tablePrefix: `s${stores++ % 4}_`,
      }),
  });
  for (const { name, run } of cases) it(name, run);
});
