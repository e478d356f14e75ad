import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { assertPipelined } from "./properties.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("assertPipelined()", () => {
  it("tries as many values as it should, several at the same time", async () => {
    let [runs, running, most] = [0, 0, 0];
    const property = fc.asyncProperty(fc.nat(), async () => {
      runs++;
      most = Math.max(most, ++running);
      await turn();
      running--;
    });
    await assertPipelined(property, { numRuns: 100 });
    assert.deepEqual([runs, most], [100, 16]);
  });

  it("reports the smallest value that fails", async () => {
    const property = fc.asyncProperty(fc.nat(1_000), async (number) => {
      await turn();
      assert.ok(number < 20, "too large");
    });
    await assert.rejects(assertPipelined(property, { numRuns: 100 }), /Counterexample: \[20\]/);
  });

  it("fails where a run fails only beside others", async () => {
    let running = 0;
    const property = fc.asyncProperty(fc.nat(), async () => {
      const others = running++;
      await turn();
      running--;
      assert.equal(others, 0);
    });
    await assert.rejects(assertPipelined(property, { numRuns: 100 }), /^Error: A run failed beside others/);
  });

  it("fails where a run would not count", async () => {
    const property = fc.asyncProperty(fc.nat(), async (number) => {
      await turn();
      fc.pre(number < 0);
    });
    await assert.rejects(assertPipelined(property, { numRuns: 10 }));
  });
});
