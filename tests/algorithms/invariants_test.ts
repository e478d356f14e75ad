import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { stateExcess, stateProblem } from "../../src/algorithms/kernels.ts";
import type { RateState } from "../../src/algorithms/kernels.ts";
import type { RateLimit } from "../../src/algorithms/limit.ts";
import { compileLimit } from "../../src/policy/compile_policy.ts";
import { runs } from "../_support/arbitraries.ts";
import { ALGORITHMS, callsArb, type Grant, rateArb, shareArb, startArb, used } from "./_track.ts";

const WINDOW = { limit: 3, windowMs: 1 } as const;

/** States that no kernel makes, and the words that say why. */
const WRONG: readonly (readonly [limit: RateLimit, says: RegExp, state: RateState])[] = [
  [limitOf("token_bucket"), /full at 1.5 µs/, { tatUs: 1.5, tatRem: 0 }],
  [limitOf("token_bucket"), /full at 1 µs and 3 of 3/, { tatUs: 1, tatRem: 3 }],
  [limitOf("token_bucket"), /promised/, { tatUs: 1, tatRem: 0, promisedUs: -1 }],
  [limitOf("token_bucket"), /more shares/, {
    tatUs: 1,
    tatRem: 0,
    back: { us: 1, rem: 0, untilUs: 9, shares: [{ us: 2, rem: 0, endUs: 1 }] },
  }],
  [limitOf("sliding_window"), /not in order/, log([2, 1], [1, 1], 2)],
  [limitOf("sliding_window"), /run of -1 units/, log([1, 2], [-1, 1], 0)],
  [limitOf("sliding_window"), /last run is empty/, log([1, 2], [1, 0], 1)],
  [limitOf("sliding_window"), /runs of 2 units that say 3/, log([1], [2], 3)],
  [limitOf("fixed_window"), /not in order/, { windows: [{ startUs: 2, count: 1 }, { startUs: 1, count: 1 }] }],
  [limitOf("fixed_window"), /window of -1 units/, { windows: [{ startUs: 2, count: -1 }] }],
  [limitOf("fixed_window"), /last window is empty/, { windows: [{ startUs: 2, count: 0 }] }],
  [limitOf("sliding_window_counter"), /window before/, { previous: NaN, windows: [] }],
];

/** States with more units than fit. */
const FULL: readonly (readonly [limit: RateLimit, state: RateState])[] = [
  [limitOf("sliding_window"), log([1, 5], [2, 2], 4)],
  [limitOf("fixed_window"), { windows: [{ startUs: 1, count: 4 }] }],
  [limitOf("sliding_window_counter"), { previous: 4, windows: [] }],
  [limitOf("sliding_window_counter"), { previous: 0, windows: [{ startUs: 1, count: 4 }] }],
];

function limitOf(algorithm: RateLimit["algorithm"]): RateLimit {
  return compileLimit({ algorithm, ...WINDOW }, "");
}

function log(stamps: number[], units: number[], total: number): RateState {
  const page = { stampsUs: Float64Array.from(stamps), units: Float64Array.from(units), from: 0, to: stamps.length };
  return { pages: [{ ...page, sum: units.reduce((a, b) => a + b, 0) }], total, promisedUs: 0 };
}

describe("The invariants of a kernel's state", () => {
  for (const algorithm of ALGORITHMS) {
    it(`hold for ${algorithm} after takes, waits, give-backs and refunds`, () => {
      fc.assert(
        fc.property(rateArb(algorithm), startArb, callsArb, fc.array(shareArb), (limit, startUs, calls, shares) => {
          const { track, grants } = used(limit, startUs, calls);
          const check = () => {
            assert.equal(stateProblem(limit, track.state), undefined);
            assert.equal(stateExcess(limit, track.state), undefined);
          };
          check();
          for (const share of shares) {
            const grant = grants.splice(Math.floor(share * (grants.length - 1)), 1)[0] as Grant | undefined;
            if (grant !== undefined) track.giveBack(grant, 1 + Math.floor(share * (grant.cost - 1)));
            check();
            if (share < 0.5) continue;
            track.state = track.kernel.refund(track.state, track.nowUs, track.cost(share), limit);
            check();
          }
        }),
        { numRuns: runs(1_000) },
      );
    });
  }

  it("say what is wrong with a state", () => {
    for (const [limit, says, state] of WRONG) assert.match(stateProblem(limit, state) ?? "nothing", says);
    for (const [limit, state] of FULL) {
      assert.equal(stateProblem(limit, state), undefined);
      assert.match(stateExcess(limit, state) ?? "nothing", /^4 units in one window of 3$/);
    }
  });
});
