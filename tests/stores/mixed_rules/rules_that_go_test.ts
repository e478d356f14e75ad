import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import type { LimiterOptions } from "../../../src/policy/options.ts";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import { runs } from "../../_support/arbitraries.ts";
import {
  assertLogsNamed,
  assertMixedFast,
  assertMixedSteps,
  assertMixedWaits,
  assertNewKeysCount,
  assertRulesThatCome,
  assertRulesThatGo,
} from "../../_support/mixed_laws.ts";
import { Connections } from "../_lab.ts";
import { Processes } from "./_processes.ts";

const MINUTE_MS = 60_000;

/** Rules whose states only ever count more if they have counted more before: no window of theirs begins with a unit. */
const RULES: readonly LimiterOptions[] = [
  { limit: 5, windowMs: MINUTE_MS },
  { limit: 9, windowMs: 7 * MINUTE_MS },
  { algorithm: "sliding_window", limit: 4, windowMs: MINUTE_MS },
  { algorithm: "sliding_window", limit: 8, windowMs: 5 * MINUTE_MS },
  { limits: [{ limit: 4, windowMs: MINUTE_MS }, { algorithm: "sliding_window", limit: 9, windowMs: 5 * MINUTE_MS }] },
];

const stepArb = fc.record({
  act: fc.constantFrom("ask", "ask", "ask", "ask", "ask", "ask", "close", "crash"),
  process: fc.integer({ min: 0, max: 4 }),
  cost: fc.integer({ min: 1, max: 3 }),
  seconds: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 12, noNaN: true }), fc.integer({ min: 0, max: 400 })),
});

let connections: Connections;
before(async () => void (connections = await Connections.open()));
after(() => connections.close());

describe("Processes with different rules that come and go", () => {
  it("count every unit for as long as they are there", { timeout: 240_000 }, async () => {
    const policies = RULES.map((options) => compilePolicy(options));
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(policies, { minLength: 2, maxLength: 3 }),
        fc.array(stepArb, { minLength: 1, maxLength: 60, size: "max" }),
        async ([one, other, third], steps) => {
          assert.ok(one !== undefined && other !== undefined);
          const fleet = new Processes(connections, [one, one, other, other, third ?? one]);
          for (const { act, process, cost, seconds } of steps) {
            await fleet.pass(seconds);
            if (act === "ask") await fleet.ask(process, cost);
            else await fleet.end(process, act === "close");
          }
        },
      ),
      { numRuns: runs(150) },
    );
  });

  it("keep counts of processes that have come since they read the register", () => assertRulesThatCome(connections));

  it("count what the others take from keys without a stored value", () => assertNewKeysCount(connections));

  it("peek, and promise instants, as they deny", () => assertMixedWaits(connections));

  it("make no call wait longer than a full refill after the clock stepped back", () => {
    return assertMixedSteps(connections);
  });

  it("decide fast while all are there, each key after one slow take", () => assertMixedFast(connections));

  it("know a log by its window, whichever rules are plain", () => assertLogsNamed(connections));

  it("decide fast again once the others have closed, each key after one slow take", () => {
    return assertRulesThatGo(connections);
  });
});
