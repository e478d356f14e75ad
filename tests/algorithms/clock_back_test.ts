import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import type { RateLimit } from "../../src/algorithms/limit.ts";
import { runs } from "../_support/arbitraries.ts";
import { countedWindows } from "../_support/auditor/bounds.ts";
import { assertBucket } from "./_bounds.ts";
import { ALGORITHMS, type Call, callsArb, type Grant, rateArb, shareArb, startArb, Track, used } from "./_track.ts";

const backArb = fc.oneof(fc.constantFrom(1, 2, 1_000), fc.nat(3_000_000), fc.nat(1e12));

/** Steps back before some of the calls. */
const backsArb = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: backArb }), {
  minLength: 50,
  maxLength: 50,
});

/** Found by chance: the clock steps back within a window that has opened, and others are promised behind it. */
const BEHIND_AN_OPEN_WINDOW: [RateLimit, number, Call[], number[], number, number] = [
  { algorithm: "sliding_window_counter", capacity: 33, windowUs: 61_000_000, stepUs: 1 },
  1_700_000_000_000_000,
  [
    { move: { by: "window", share: 1, us: -1 }, share: 0, waits: false },
    { move: { by: "retry", share: 0, us: -1 }, share: 1, waits: true },
    { move: { by: "window", share: 1, us: -1 }, share: 0, waits: true },
    { move: { by: "window", share: 1, us: -1 }, share: 1, waits: true },
    { move: { by: "us", us: 0 }, share: 1, waits: true },
    { move: { by: "window", share: 1, us: -1 }, share: 1, waits: true },
    { move: { by: "window", share: 1, us: -1 }, share: 0, waits: false },
  ],
  [0, 0, 0, 0, 0, 60_999_998, 0],
  181_151_515,
  0,
];

describe("A clock that steps back", () => {
  for (const algorithm of ALGORITHMS) {
    const worldArb = [rateArb(algorithm), startArb, callsArb] as const;

    it(`leaves no more room in ${algorithm} than there was`, () => {
      fc.assert(
        fc.property(...worldArb, backArb, (limit, startUs, calls, backUs) => {
          const { track } = used(limit, startUs, calls);
          const room = track.room();
          track.nowUs -= backUs;
          assert.ok(track.room() <= room, `${track.room()} is more than ${room}`);
        }),
        { numRuns: runs(2_000) },
      );
    });

    it(`never makes ${algorithm} grant more than the time that has really passed allows`, () => {
      fc.assert(
        fc.property(...worldArb, backsArb, (limit, startUs, calls, backs) => {
          assertRealBound(limit, stepping(limit, startUs, calls, backs).grants);
        }),
        { numRuns: runs(2_000) },
      );
    });

    it(`makes no call of ${algorithm} wait longer than its own time, behind what others were promised`, () => {
      fc.assert(
        fc.property(...worldArb, backsArb, backArb, shareArb, (limit, startUs, calls, backs, backUs, share) => {
          const { track, latestUs, longestUs } = stepping(limit, startUs, calls, backs);
          track.nowUs -= backUs;
          // A promise is believed as far ahead as it may have been when it was made.
          const reachUs = longestUs <= 8 * track.spanUs ? 8 : longestUs <= 1_024 * track.spanUs ? 1_024 : Infinity;
          const mostUs = (reachUs + countedWindows(limit)) * track.spanUs;
          const heldUs = longestUs === 0 ? 0 : Math.min(Math.max(latestUs - track.nowUs, 0), mostUs);
          const own = track.spanUs * (algorithm === "sliding_window_counter" ? 2 : 1) + 1;
          const waitUs = track.earliest(track.cost(share)) - track.nowUs;
          assert.ok(waitUs <= heldUs + own, `${waitUs} is more than ${own}, and ${heldUs} for others`);
        }),
        { numRuns: runs(2_000), examples: algorithm === "sliding_window_counter" ? [BEHIND_AN_OPEN_WINDOW] : [] },
      );
    });

    it(`leaves the wait exact that a denial by ${algorithm} tells`, () => {
      fc.assert(
        fc.property(...worldArb, backArb, shareArb, (limit, startUs, calls, backUs, share) => {
          const { track } = used(limit, startUs, calls);
          track.nowUs -= backUs;
          track.look();
          const cost = track.cost(share);
          const atUs = track.earliest(cost);
          if (atUs === track.nowUs) return;
          track.nowUs = atUs - 1;
          assert.equal(track.earliest(cost), atUs);
          track.nowUs = atUs;
          assert.equal(track.earliest(cost), atUs);
        }),
        { numRuns: runs(2_000) },
      );
    });

    it(`costs no unit of ${algorithm}: when the clock shows the same again, there is as much room`, () => {
      fc.assert(
        fc.property(...worldArb, backArb, (limit, startUs, calls, backUs) => {
          const { track } = used(limit, startUs, calls);
          const room = track.room();
          track.nowUs -= backUs;
          track.look();
          track.nowUs += backUs;
          assert.ok(track.room() >= room, `${track.room()} is less than ${room}`);
        }),
        { numRuns: runs(2_000) },
      );
    });
  }

  it("leaves a state alone that can come from it", () => {
    fc.assert(
      fc.property(rateArb(), startArb, callsArb, fc.nat(3_000_000), (limit, startUs, calls, laterUs) => {
        const { track } = used(limit, startUs, calls);
        track.nowUs += laterUs;
        assert.equal(track.settled(), track.state);
      }),
      { numRuns: runs(2_000) },
    );
  });
});

/** A track whose clock steps back now and then. The instants of its grants are those of a clock that does not. */
function stepping(
  limit: RateLimit,
  startUs: number,
  calls: readonly Call[],
  backs: readonly number[],
): { track: Track; grants: Grant[]; latestUs: number; longestUs: number } {
  const track = new Track(limit, startUs);
  const grants: Grant[] = [];
  let [steppedUs, latestUs, longestUs] = [0, 0, 0];
  for (const [i, { move, share, waits }] of calls.entries()) {
    track.move(move);
    const backUs = backs[i] as number;
    track.nowUs -= backUs;
    steppedUs += backUs;
    const grant = waits ? track.reserve(track.cost(share)) : track.take(track.cost(share));
    if (grant === undefined) {
      track.look();
      continue;
    }
    if (grant.atUs > grant.nowUs) {
      latestUs = Math.max(latestUs, grant.atUs);
      longestUs = Math.max(longestUs, grant.atUs - grant.nowUs);
    }
    grants.push({ ...grant, atUs: grant.atUs + steppedUs });
  }
  return { track, grants, latestUs, longestUs };
}

/** Fails unless the units keep to the limit, whichever windows they were counted in. */
function assertRealBound(limit: RateLimit, grants: readonly Grant[]): void {
  const units = grants.toSorted((a, b) => a.atUs - b.atUs);
  if (limit.algorithm === "token_bucket") return assertBucket(limit, units);
  const most = {
    sliding_window: limit.capacity,
    sliding_window_counter: 2 * limit.capacity - 1,
    fixed_window: 2 * limit.capacity,
  }[limit.algorithm];
  for (const [i, { atUs }] of units.entries()) {
    const inside = units.slice(0, i + 1).filter((unit) => unit.atUs > atUs - limit.windowUs);
    const sum = inside.reduce((total, { cost }) => total + cost, 0);
    assert.ok(sum <= most, `${sum} units in the window that ends at ${atUs}, where ${most} are the most`);
  }
}
