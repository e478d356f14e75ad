/**
 * The tables and functions by hand, for users who may make nothing.
 *
 * @module
 */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";

import { createRateSync } from "../../../../mod.ts";
import { createPostgresStore } from "../../../../src/stores/postgres/mod.ts";
import { ratesync } from "../../../_support/cli.ts";
import { adminQuery, dropSchema, freshSchema, postgresUrl } from "../../../_support/postgres.ts";

describe("ratesync init --postgres", () => {
  const schema = freshSchema();
  after(() => dropSchema(schema));

  it("prints what a store without autoCreate needs, and may be run again", async () => {
    const { exit, stdout, stderr } = await ratesync(["init", "--postgres", "--schema", schema, "--table-prefix", "p_"]);
    assert.deepEqual({ exit, stderr }, { exit: 0, stderr: "" });
    await using rs = createRateSync({
      stores: {
        main: { engine: "postgres", url: postgresUrl(), schema, tablePrefix: "p_", autoCreate: false },
      },
      limiters: {
        bucket: { limit: 2, windowMs: 3_600_000, onStoreError: "throw", decisionTimeoutMs: 20_000 },
        window: {
          algorithm: "sliding_window",
          limit: 2,
          windowMs: 3_600_000,
          maxConcurrent: 1,
          onStoreError: "throw",
          decisionTimeoutMs: 20_000,
        },
      },
    });
    await assert.rejects(rs.connect(), { reason: "schema_missing" });
    for (let i = 0; i < 2; i++) await adminQuery(stdout);
    for (const limiter of ["bucket", "window"] as const) {
      const decision = await rs.tryAcquire(limiter);
      assert.ok(decision.allowed && !decision.degraded);
      await decision.permit?.release();
    }
  });
});

describe("PostgresStore.inspect()", () => {
  it("finds no keys and no rules before the first call, and makes no tables", async () => {
    const schema = freshSchema();
    const store = createPostgresStore({ url: postgresUrl(), schema });
    try {
      const { keys, rules, unknown } = await store.inspect([]);
      assert.deepEqual({ count: keys?.count, rules, unknown }, { count: 0, rules: [], unknown: [] });
      // It fails if the schema exists.
      await adminQuery(`create schema "${schema}"`);
    } finally {
      await store.close();
      await dropSchema(schema);
    }
  });
});
