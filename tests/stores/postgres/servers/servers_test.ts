/**
 * The servers that tests of PostgreSQL start: they start, restart with their data, follow each other and end.
 *
 * @module
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { startPgBouncer } from "../../../../scripts/postgres/pgbouncer.ts";
import { type PostgresServer, startPostgres } from "../../../../scripts/postgres/server.ts";
import { adminQuery } from "../../../_support/postgres.ts";

describe("startPostgres()", () => {
  let primary: PostgresServer;
  before(async () => {
    primary = await startPostgres({ settings: { max_connections: 30 } });
    await adminQuery("create table kept as select 1 as one", primary.url);
  });
  after(() => primary.stop());

  it("keeps the data over a crash and a restart", async () => {
    await primary.restart("crash");
    assert.equal((await adminQuery("select one from kept", primary.url))[0]?.["one"], 1);
  });

  it("starts a standby, which refuses writes until it is promoted", async () => {
    const standby = await startPostgres({ standbyOf: primary });
    try {
      assert.equal((await adminQuery("select one from kept", standby.url))[0]?.["one"], 1);
      await assert.rejects(adminQuery("insert into kept values (2)", standby.url), { code: "25006" });
      await standby.promote();
      await adminQuery("insert into kept values (2)", standby.url);
    } finally {
      await standby.stop();
    }
  });

  it("is reached through PgBouncer", async () => {
    const bouncer = await startPgBouncer(primary);
    try {
      assert.equal((await adminQuery("select one from kept", bouncer.url))[0]?.["one"], 1);
    } finally {
      await bouncer.stop();
    }
  });
});
