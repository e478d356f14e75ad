import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { type HeldLease, LeaseRenewal } from "../../src/limiter/result/lease_renewal.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { FakeClock, nextTurn } from "../../src/testing/fake_clock.ts";

type Answer = boolean | "fails";

/** Answers to renewals that are under way together, and the order in which they come. */
const ANSWERS = fc.array(fc.constantFrom<Answer>(true, false, "fails"), { minLength: 1, maxLength: 5 })
  .chain((answers) => {
    const order = fc.shuffledSubarray([...answers.keys()], { minLength: answers.length });
    return fc.tuple(fc.constant(answers), order);
  });

const policy = compilePolicy({ maxConcurrent: 1, leaseTtlMs: 3_000 });

describe("LeaseRenewal", () => {
  it("trusts only the newest renewal that a lease is lost, in whatever order replies come", async () => {
    await fc.assert(fc.asyncProperty(ANSWERS, async ([answers, order]) => {
      const asked: ((answer: Answer | undefined) => void)[] = [];
      const keeper = new LeaseRenewal(new FakeClock(), () => {
        return new Promise((resolve, reject) => {
          asked.push((answer) => typeof answer === "boolean" ? resolve([answer]) : reject(new Error("of the test")));
        });
      });
      let losses = 0;
      const lease: HeldLease = {
        lease: "1",
        targets: [{ limiter: "permits", key: undefined, policy, cost: 1, permits: 1 }],
        lose: () => losses++,
        dueUs: 0,
        line: undefined,
        before: undefined,
        after: undefined,
        asked: undefined,
      };
      keeper.keep(lease);
      for (const _ of answers) keeper.hurry(); // as if the store had come back that often
      for (const i of order) {
        asked[i]?.(answers[i]);
        await nextTurn();
      }
      assert.equal(losses, answers.at(-1) === false ? 1 : 0);
      assert.equal(keeper.drop(lease), losses === 0, "what is not lost is renewed again");
    }));
  });
});
