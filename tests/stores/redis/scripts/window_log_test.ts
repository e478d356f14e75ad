import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import {
  assertFarRefused,
  assertForeignKept,
  assertForeignMarks,
  assertLogCut,
  assertLogEras,
  assertLogLives,
  assertManyCounted,
  assertOldRead,
  assertPagesSummed,
  assertPeekFails,
  assertRoomyLogs,
  assertStartsAgain,
  assertTurns,
  assertWindowChanged,
} from "../../../_support/window_laws.ts";
import { assertLargeCosts, compareLogs } from "../../../_support/window_logs.ts";
import { Connections } from "../../_lab.ts";

describe("The log of an exact sliding window in Redis", () => {
  let connections: Connections;
  before(async () => void (connections = await Connections.open()));
  after(() => connections.close());

  for (const [limit, windowMs] of [[70, 1_000], [300, 7_000], [300, 200_000_000], [5_000, 60_000]] as const) {
    it(`of ${limit} units in ${windowMs} ms is what the memory store keeps, over many pages`, async () => {
      const runs = [1, 2].map((seed) => compareLogs(connections, { limit, windowMs, steps: 2_500, seed }));
      const mostRuns = Math.max(...await Promise.all(runs));
      assert.ok(mostRuns > 64, `${mostRuns} runs are one page`);
    });
  }

  it("keeps costs that fill pages of runs as the memory store does", () => assertLargeCosts(connections));
  it("counts on where the 48 bits of an instant begin anew", () => assertLogEras(connections));
  it("lives until its newest unit has left the window", () => assertLogLives(connections));
  it("finds the run that decides over many pages", () => assertPagesSummed(connections));
  it("refuses units for an instant that is years ahead", () => assertFarRefused(connections));
});

describe("Windows in Redis", () => {
  let connections: Connections;
  before(async () => void (connections = await Connections.open()));
  after(() => connections.close());

  it("are read as version 0.1.0 wrote them, and counted on from there", () => assertOldRead(connections));
  it("live as long as their rules want after a change", () => assertWindowChanged(connections));
  it("count in logs with room", () => assertRoomyLogs(connections));
  it("are read over the turn of what is kept of their start", () => assertTurns(connections));
  it("count beyond what an integer holds", () => assertManyCounted(connections));
  it("are not taken from values of another program", () => assertForeignKept(connections));
  it("are not built on a value of another program", () => assertPeekFails(connections));
  it("are cut where the clock has stepped back into a log", () => assertLogCut(connections));
  it("start where the clock is after it has stepped back", () => assertStartsAgain(connections));
  it("give nothing back by marks that are not theirs", () => assertForeignMarks(connections));
});
