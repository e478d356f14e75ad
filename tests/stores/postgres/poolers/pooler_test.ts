/**
 * Decisions and permits through PgBouncer in transaction mode, where no statement is prepared and no session listens.
 *
 * @module
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { createRateSync } from "../../../../mod.ts";
import { type PgBouncer, startPgBouncer } from "../../../../scripts/postgres/pgbouncer.ts";
import { SESSION_SETTINGS } from "../../../../src/stores/postgres/connections/connection.ts";
import { dropSchema, freshSchema, postgresUrl } from "../../../_support/postgres.ts";

/** What sessions of the store have besides. */
const MORE_SETTINGS = [
  "extra_float_digits",
  "statement_timeout",
  "default_transaction_isolation",
  "synchronous_commit",
];

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

  for (
    const [what, ignored] of [
      ["refuses", "extra_float_digits"],
      ["ignores", [...Object.keys(SESSION_SETTINGS), ...MORE_SETTINGS].join(",")],
    ] as const
  ) {
    it(`works with prepare: false, and says so without, where PgBouncer in session mode ${what} settings`, async () => {
      const port = Number(new URL(postgresUrl()).port);
      // Each connection of a process has one of the pooler's for itself.
      const settings = { pool_mode: "session", default_pool_size: 20, ignore_startup_parameters: ignored };
      const pooler = await startPgBouncer({ port }, settings);
      try {
        const failures = { onStoreError: "throw", decisionTimeoutMs: 20_000 } as const;
        const options = { engine: "postgres", url: pooler.url, schema, ...failures } as const;
        const open = (more: object) =>
          createRateSync({ stores: { main: { ...options, ...more } }, limiters: { slot: { maxConcurrent: 1 } } });
        await using wrong = open({});
        await assert.rejects(wrong.connect(), { reason: "command_missing", message: /set prepare to false/ });
        await using one = open({ prepare: false, listenUrl: pooler.url });
        await using other = open({ prepare: false, listenUrl: pooler.url });
        const held = await one.acquire("slot", { key: what });
        const waiting = other.acquire("slot", { key: what });
        await held.release();
        await (await waiting).release();
      } finally {
        await pooler.stop();
      }
    });
  }
});
