import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync } from "../../../../mod.ts";
import { startRedis } from "../_servers.ts";
import { startSlowWay } from "./_slow_way.ts";

const CALLS = 50;

/** When the answers come that another connection does not wait for, and after how many questions to that one. */
const MOMENTS: readonly [name: string, probes: number][] = [
  ["just before another connection answers", 1],
  ["after another connection has answered twice", 3],
];

/** The log of a store. */
function logTo(lines: string[]) {
  const note = (text: string) => void lines.push(text);
  return { debug() {}, info() {}, warn: note, error: note };
}

describe("A Redis store whose server gets little processor time", () => {
  for (const [name, probes] of MOMENTS) {
    it(`keeps a connection whose answers come late, ${name}`, async () => {
      await using server = await startRedis();
      await using way = await startSlowWay(server.port);
      const lines: string[] = [];
      await using rs = createRateSync({
        logger: logTo(lines),
        stores: { main: { engine: "redis", url: way.url, poolMinSize: 2, poolMaxSize: 2 } },
        limiters: { api: { limit: CALLS, windowMs: 3_600_000, decisionTimeoutMs: 20_000 } },
      });
      for (let i = 0; i < 20; i++) await rs.peek("api"); // one connection carries all of these
      way.slowDown(probes);
      const decisions = await Promise.all(Array.from({ length: CALLS }, () => rs.tryAcquire("api")));
      assert.deepEqual(decisions.filter(({ degraded }) => degraded).length, 0, lines.join("\n"));
      assert.ok(decisions.every(({ allowed }) => allowed));
      await sleep(100);
      assert.ok(way.isSlowOneOpen, "the connection was replaced");
      assert.deepEqual(lines, []);
    });
  }
});
