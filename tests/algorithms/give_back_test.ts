import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { compileLimit } from "../../src/policy/compile_policy.ts";
import { runs } from "../_support/arbitraries.ts";
import { assertBound } from "./_bounds.ts";
import {
  ALGORITHMS,
  type Call,
  callsArb,
  type Grant,
  type Move,
  moveArb,
  rateArb,
  shareArb,
  startArb,
  Track,
  used,
} from "./_track.ts";

/** After each call: which of the grants so far loses how much. Nothing, mostly. */
const cancelsArb = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.record({ which: shareArb, part: fc.oneof(fc.constant(1), shareArb), move: moveArb }) },
  ),
  { minLength: 50, maxLength: 50 },
);

describe("A give-back", () => {
  for (const algorithm of ALGORITHMS) {
    it(`to ${algorithm} leaves no more room than there was before the take, at any time`, () => {
      fc.assert(
        fc.property(
          rateArb(algorithm),
          startArb,
          callsArb,
          shareArb,
          fc.boolean(),
          fc.array(moveArb, { minLength: 1, maxLength: 8 }),
          (limit, startUs, calls, share, waits, moves) => {
            const { track: before } = used(limit, startUs, calls);
            const after = before.fork();
            const cost = after.cost(share);
            const grant = waits ? after.reserve(cost) : after.take(cost);
            if (grant === undefined) return;
            after.giveBack(grant);
            for (const move of moves) {
              assert.ok(after.room() <= before.room(), `${after.room()} is more than ${before.room()}`);
              assert.ok(after.earliest(cost) >= before.earliest(cost));
              before.move(move);
              after.nowUs = before.nowUs;
            }
          },
        ),
        { numRuns: runs(2_000) },
      );
    });

    it(`to ${algorithm} right after the take frees all of its units`, () => {
      fc.assert(
        fc.property(rateArb(algorithm), startArb, callsArb, shareArb, (limit, startUs, calls, share) => {
          const { track } = used(limit, startUs, calls);
          const room = track.room();
          const cost = track.cost(share);
          const grant = track.take(cost);
          if (grant === undefined) return;
          track.giveBack(grant);
          assert.equal(track.room(), room);
        }),
        { numRuns: runs(2_000) },
      );
    });

    it(`to ${algorithm} in random order keeps the bound on the units that were kept`, () => {
      fc.assert(
        fc.property(rateArb(algorithm), startArb, callsArb, cancelsArb, (limit, startUs, calls, cancels) => {
          assertBound(limit, kept(new Track(limit, startUs), calls, cancels));
        }),
        { numRuns: runs(5_000) },
      );
    });
  }

  it("to token_bucket leaves the state from before the take, if no other take followed", () => {
    const laterArb = fc.constantFrom(0, 0, 1, 1_000, 5_000_000);
    fc.assert(
      fc.property(
        rateArb("token_bucket"),
        startArb,
        callsArb,
        cancelsArb,
        shareArb,
        fc.boolean(),
        laterArb,
        fc.array(moveArb, { minLength: 1, maxLength: 8 }),
        (limit, startUs, calls, cancels, share, waits, laterUs, moves) => {
          const before = new Track(limit, startUs);
          kept(before, calls, cancels);
          const after = before.fork();
          const cost = after.cost(share);
          const grant = waits ? after.reserve(cost, laterUs) : after.take(cost);
          if (grant === undefined) return;
          const [first, ...more] = moves as [Move, ...Move[]];
          before.move(first);
          after.nowUs = before.nowUs;
          after.giveBack(grant);
          for (const move of more) {
            assert.equal(after.room(), before.room());
            assert.equal(after.earliest(cost), before.earliest(cost));
            before.move(move);
            after.nowUs = before.nowUs;
          }
        },
      ),
      { numRuns: runs(5_000) },
    );
  });

  it("to token_bucket while calls wait returns only the newest take", () => {
    const limit = compileLimit({ ratePerSecond: 1, burst: 10 }, "");
    const track = new Track(limit, 1_700_000_000_000_000);
    const first = track.reserve(10);
    const waiter = track.reserve(1);
    const level = track.level();
    track.giveBack(first);
    assert.deepEqual(track.level(), level);
    track.giveBack(waiter);
    track.giveBack(first);
    assert.equal(track.room(), 10);
  });

  it("to token_bucket moves forward by the units that were given back in front of it", () => {
    const limit = compileLimit({ limit: 10, windowMs: 4_000 }, "");
    const track = new Track(limit, 1_700_000_000_000_000);
    const [first, second] = [track.reserve(5), track.reserve(5)];
    track.nowUs += 1_000;
    track.giveBack(first);
    track.nowUs += 2_000_000;
    assert.ok(track.take(10));
    track.nowUs += 1;
    track.giveBack(second);
    assert.equal(track.room(), 0);
  });

  it("to token_bucket returns only units that have not refilled since", () => {
    const limit = compileLimit({ ratePerSecond: 100_000, burst: 10 }, "");
    const track = new Track(limit, 1_700_000_000_000_000);
    const first = track.reserve(1);
    track.nowUs += 9;
    track.reserve(1);
    track.nowUs += 1;
    track.giveBack(first);
    assert.equal(track.room(), 9);
  });
});

type Cancel = { readonly which: number; readonly part: number; readonly move: Parameters<Track["move"]>[0] };

function giveSomeBack(track: Track, grants: Grant[], { which, part, move }: Cancel): void {
  track.move(move);
  const i = Math.floor(which * (grants.length - 1));
  const grant = grants[i];
  if (grant === undefined || grant.cost < grant.taken) return; // what was settled is settled
  grants[i] = track.giveBack(grant, Math.max(Math.floor(part * grant.cost), 1));
}

function kept(track: Track, calls: readonly Call[], cancels: readonly (Cancel | undefined)[]): Grant[] {
  const grants: Grant[] = [];
  for (const [i, { move, share, waits }] of calls.entries()) {
    track.move(move);
    const cost = track.cost(share);
    const grant = waits ? track.reserve(cost) : track.take(cost);
    if (grant !== undefined) grants.push(grant);
    const cancel = cancels[i];
    if (cancel !== undefined) giveSomeBack(track, grants, cancel);
  }
  return grants;
}
