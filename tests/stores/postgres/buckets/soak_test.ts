import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { runLoad } from "../../../../scripts/soak_postgres/load.ts";
import { overBucket, overWindow, violationsIn } from "../../../../scripts/soak_postgres/violations.ts";
import { adminQuery, dropSchema, freshSchema, postgresUrl } from "../../../_support/postgres.ts";

const DEADLOCKS = "SELECT deadlocks::text FROM pg_stat_database WHERE datname = current_database()";

describe("npm run soak:postgres", () => {
  it("finds no unit too many and no deadlock where SQL and kernels decide about the same keys", async () => {
    const [url, schema] = [postgresUrl(), freshSchema()];
    const before = await adminQuery(DEADLOCKS);
    const load = { url, schema, connections: 3, lanes: 40, requests: 1_500, ms: 30_000 };
    const taken: Record<string, number[]> = {};
    const keep = (key: string, us: number) => void (taken[key] ??= []).push(us);
    const results = await Promise.all([1, 2, 3].map((seed) => runLoad({ ...load, seed }, keep)));
    assert.deepEqual(violationsIn([{ taken }]), []);
    assert.ok(results.every(({ requests }) => requests > 1_400));
    assert.deepEqual(await adminQuery(DEADLOCKS), before);
    const hot = taken["hot:k0"] ?? [];
    assert.ok(hot.length > 100, "the burst of the hot key was spent");
    // One more at the instant of the last: the law notices.
    assert.equal(
      violationsIn([{ taken }, { taken: { "hot:k0": new Array<number>(110).fill(hot[0] as number) } }]).length,
      1,
    );
    await dropSchema(schema);
  });

  it("notices a unit too many in any interval", () => {
    const bucket = { ratePerSecond: 7, burst: 2 };
    assert.equal(overBucket([0, 0, 142_858, 285_715], bucket), undefined);
    assert.equal(overBucket([0, 0, 142_855], bucket), 142_855);
    assert.equal(overBucket([0, 900_000, 900_000, 900_001], bucket), 900_001);
    const log = { algorithm: "sliding_window", limit: 2, windowMs: 1 } as const;
    assert.equal(overWindow([0, 500, 1_000, 1_500], log), undefined);
    assert.equal(overWindow([0, 500, 999], log), 999);
  });
});
