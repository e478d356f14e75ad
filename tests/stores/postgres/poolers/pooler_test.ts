/**
 * Decisions and permits through PgBouncer in transaction mode, where no statement is prepared and no session listens.
 *
 * @module
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { createRateSync } from "../../../../mod.ts";
import { type PgBouncer, startPgBouncer } from "../../../../scripts/postgres/pgbouncer.ts";
import { dropSchema, freshSchema, postgresUrl } from "../../../_support/postgres.ts";

describe("A PostgreSQL store through PgBouncer", () => {
  const schema = freshSchema();
  let bouncer: PgBouncer;
  before(async () => {
    bouncer = await startPgBouncer({ port: Number(new URL(postgresUrl()).port) }, { default_pool_size: 2 });
  });
  after(async () => {
    await bouncer.stop();
    await dropSchema(schema);
  });

  const open = () =>
    createRateSync({
      stores: {
        main: { engine: "postgres", url: `${bouncer.url}?pgbouncer=true`, schema, decisionTimeoutMs: 20_000 },
      },
      limiters: {
        bucket: { ratePerSecond: 0.01, burst: 100 },
        window: { algorithm: "fixed_window", limit: 100, windowMs: 3_600_000 },
        slot: { maxConcurrent: 1, timeoutMs: 60_000 },
      },
    });

  it("admits exactly the limit, from several processes on few connections", async () => {
    await using one = open();
    await using other = open();
    for (const limiter of ["bucket", "window"] as const) {
      const calls = Array.from({ length: 150 }, (_, i) => (i % 2 === 0 ? one : other).tryAcquire(limiter));
      const decisions = await Promise.all(calls);
      assert.equal(decisions.filter(({ degraded }) => degraded).length, 0);
      assert.equal(decisions.filter(({ allowed }) => allowed).length, 100, limiter);
    }
  });

  it("hands a permit over to a call that waits in another process, which asks for its messages", async () => {
    await using one = open();
    await using other = open();
    const held = await one.acquire("slot");
    const waiting = other.acquire("slot");
    await held.release();
    const permit = await waiting;
    assert.equal(permit.decision.degraded, false);
    await permit.release();
  });
});
