/**
 * Scripts on PostgreSQL that end by themselves, without a `close()`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync } from "../../../../mod.ts";
import { dropSchema, freshSchema, postgresUrl } from "../../../_support/postgres.ts";
import { startWorker } from "../../../_support/processes.ts";

/** How long after its last line a script may take to end. It would never end before, so this only has to be bounded. */
const END_MS = 5_000;

const ENDS: readonly [act: string, when: string][] = [
  ["configure", "has only configured its store"],
  ["connect", "has only connected"],
  ["decide", "has decided once"],
  ["storeAlone", "has asked a store without an instance, which was connecting in the background"],
  ["hold", "holds a permit that it has not released"],
  ["listen", "has waited for a permit, and still listens"],
];

describe("A script on PostgreSQL without a close() at its end", () => {
  const schemas: string[] = [];
  const schema = () => (schemas.push(freshSchema()), schemas.at(-1) as string);
  const start = (act: string, own = schema()) =>
    startWorker("stores/postgres/closing/process_end_worker", [postgresUrl(), own, act]);
  before(() => postgresUrl());
  after(async () => {
    for (const each of schemas) await dropSchema(each);
  });

  for (const [act, when] of ENDS) {
    it(`ends by itself when it ${when}`, async () => {
      await using worker = start(act);
      assert.equal(await worker.readLine(), "end");
      const exit = await Promise.race([worker.exited, sleep(END_MS, undefined, { ref: false })]);
      assert.deepEqual({ code: exit?.code, stderr: exit?.stderr }, { code: 0, stderr: "" });
    });
  }

  it("ends after a release that it does not wait for has reached PostgreSQL", async () => {
    const own = schema();
    await using worker = start("release", own);
    assert.equal((await worker.exited).code, 0);
    await using rs = createRateSync({
      stores: { main: { engine: "postgres", url: postgresUrl(), schema: own, decisionTimeoutMs: 20_000 } },
      limiters: { slot: { maxConcurrent: 1, leaseTtlMs: 60_000 } },
    });
    const decision = await rs.peek("slot");
    assert.deepEqual({ remaining: decision.remaining, degraded: decision.degraded }, { remaining: 1, degraded: false });
  });
});
