import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import type { Level } from "../../src/algorithms/kernel.ts";
import type { RateLimit } from "../../src/algorithms/limit.ts";
import { DenyCache } from "../../src/shortcut/deny_cache.ts";
import type { LimiterOptions } from "../../src/policy/options.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import type { TakeReply, Target } from "../../src/stores/store.ts";
import { runs } from "../_support/arbitraries.ts";
import { callsArb, rateArb, shareArb, startArb, Track, used } from "../algorithms/_track.ts";

const RUNS = runs(500);
const CAP_US = 86_400e6;

function policyOf(options: LimiterOptions = {}): Policy {
  return compilePolicy({ ratePerSecond: 1, burst: 10, ...options });
}

/** The same with limits that were compiled already. */
function policyOver(track: Track): Policy {
  return { ...policyOf({ denyCacheMs: CAP_US / 1_000 }), rates: [track.limit], capacity: track.limit.capacity };
}

function targetOf(policy: Policy, cost: number = 1, key?: string): Target {
  return { limiter: "api", key, policy, cost, permits: policy.maxConcurrent > 0 ? 1 : 0 };
}

/** What a store says of a track. */
function replyOf(track: Track, cost: number): TakeReply {
  const waitUs = track.earliest(cost) - track.nowUs;
  const status = waitUs > 0 ? "rate" : "allowed";
  return { status, nowUs: track.nowUs, waitUs, arrivalUs: 0, levels: [{ rates: [track.level()], permits: undefined }] };
}

function denial(status: TakeReply["status"], waitUs: number): TakeReply {
  return { status, nowUs: 0, waitUs, arrivalUs: 0, levels: [{ rates: [[10e6, 0]], permits: undefined }] };
}

/** What callers see of a level: of a window, no more than all of its units are used. */
function visible([first, second]: Level, { algorithm, capacity }: RateLimit): Level {
  return algorithm === "token_bucket" ? [first, second] : [Math.min(first, capacity), second];
}

describe("DenyCache", () => {
  /** A key that denied a cost just now, with a request some time later. */
  const deniedArb = fc.record({
    limit: rateArb(),
    startUs: startArb,
    calls: callsArb,
    share: shareArb,
    later: fc.oneof(fc.double({ min: 0, max: 1.1, noNaN: true }), fc.constantFrom(0, 1)),
    laterUs: fc.constantFrom(-1, 0, 0, 1),
    asked: shareArb,
  });

  it("say what the kernel says at every later instant, for every cost that they know", () => {
    let told = 0;
    fc.assert(
      fc.property(deniedArb, ({ limit, startUs, calls, share, later, laterUs, asked }) => {
        const { track } = used(limit, startUs, calls);
        const denials = new DenyCache();
        const policy = policyOver(track);
        const cost = track.cost(share);
        const reply = replyOf(track, cost);
        const { nowUs: askedUs } = track;
        denials.remember(targetOf(policy, cost), reply, askedUs);
        track.nowUs += Math.max(Math.floor(reply.waitUs * later) + laterUs, 0);
        for (const other of [cost, track.cost(asked)]) {
          const waitUs = track.earliest(other) - track.nowUs;
          const found = denials.find(targetOf(policy, other), track.nowUs, 0);
          if (found !== undefined) {
            told++;
            assert.equal(found.status, "rate");
            assert.equal(found.waitUs, waitUs);
            assert.equal(found.nowUs, track.nowUs);
            assert.deepEqual(visible(found.levels[0]?.rates[0] as Level, limit), visible(track.level(), limit));
            assert.equal(
              denials.find(targetOf(policy, other), track.nowUs, waitUs),
              undefined,
              "it can wait that long",
            );
            assert.notEqual(denials.find(targetOf(policy, other), track.nowUs, waitUs - 1), undefined);
          } else if (other === cost && (cost === 1 || limit.algorithm === "token_bucket")) {
            assert.ok(waitUs === 0 || track.nowUs - askedUs >= CAP_US, "the store was asked without need");
          } else if (other > cost && limit.algorithm === "token_bucket") {
            const deniedUs = Math.min(reply.waitUs, CAP_US);
            assert.ok(track.nowUs >= askedUs + deniedUs, "a larger cost is denied as long as the smaller one");
          }
        }
      }),
      { numRuns: RUNS },
    );
    assert.ok(told > RUNS / 4, `only ${told} denials were remembered`);
  });

  it("deny nothing that the kernel allows, however slow the store was and whatever others have taken since", () => {
    fc.assert(
      fc.property(deniedArb, callsArb, fc.nat(5_000_000), (denied, more, latencyUs) => {
        const { track } = used(denied.limit, denied.startUs, denied.calls);
        const denials = new DenyCache();
        const policy = policyOver(track);
        const cost = track.cost(denied.share);
        denials.remember(targetOf(policy, cost), replyOf(track, cost), track.nowUs - latencyUs);
        for (const { move, share, waits } of more) {
          track.move(move);
          for (const asked of [cost, track.cost(denied.asked)]) {
            if (denials.find(targetOf(policy, asked), track.nowUs, 0) === undefined) continue;
            assert.ok(track.earliest(asked) > track.nowUs, `${asked} is allowed`);
          }
          if (waits) track.reserve(track.cost(share));
          else track.take(track.cost(share));
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("do not deny a smaller cost because of a larger one", () => {
    const denials = new DenyCache();
    const track = new Track(policyOf().rates[0] as Track["limit"], 1e15);
    track.take(5);
    const policy = policyOver(track);
    denials.remember(targetOf(policy, 10), replyOf(track, 10), track.nowUs);
    assert.equal(denials.find(targetOf(policy, 1), track.nowUs, 0), undefined);
    assert.equal(denials.find(targetOf(policy, 5), track.nowUs, 0), undefined);
    assert.equal(denials.find(targetOf(policy, 6), track.nowUs, 0)?.waitUs, 1e6);
    assert.equal(denials.find(targetOf(policy, 10), track.nowUs, 0)?.waitUs, 5e6);
  });

  it("end at the right microsecond, and after the cap at the latest", () => {
    const denials = new DenyCache();
    const short = targetOf(policyOf(), 1, "short");
    const long = targetOf(policyOf(), 1, "long");
    denials.remember(short, denial("rate", 700_000), 5);
    denials.remember(long, denial("rate", 2_000_000), 5);
    assert.equal(denials.find(short, 700_004, 0)?.waitUs, 1);
    assert.equal(denials.find(short, 700_005, 0), undefined);
    assert.equal(denials.find(long, 1_000_004, 0)?.waitUs, 1_000_001);
    assert.equal(denials.find(long, 1_000_005, 0), undefined);
  });

  it("remember a block, for the cost that was asked", () => {
    const denials = new DenyCache();
    const target = targetOf(policyOf(), 2);
    denials.remember(target, denial("blocked", 900_000), 0);
    assert.equal(denials.find(target, 1, 0)?.status, "blocked");
    assert.equal(denials.find({ ...target, cost: 1 }, 1, 0), undefined);
  });

  it("remember nothing about permits, about allowed calls, and when it is off", () => {
    const denials = new DenyCache();
    const off = targetOf(policyOf({ denyCacheMs: 0 }));
    const permits = targetOf(policyOf({ maxConcurrent: 1 }));
    const target = targetOf(policyOf());
    for (const some of [off, permits]) denials.remember(some, denial("rate", 500_000), 0);
    for (const status of ["permits", "queued", "allowed"] as const) {
      denials.remember(target, denial(status, 500_000), 0);
    }
    assert.equal(denials.isEmpty, true);
  });

  it("forget a denial when a later reply is none", () => {
    const denials = new DenyCache();
    const target = targetOf(policyOf());
    denials.remember(target, denial("rate", 500_000), 0);
    denials.remember(target, denial("allowed", 0), 1);
    assert.equal(denials.find(target, 2, 0), undefined);
  });

  it("forget single keys or all, and ignore replies to earlier requests", () => {
    const denials = new DenyCache();
    const policy = policyOf();
    const [one, other] = [targetOf(policy, 1, "one"), targetOf(policy, 1, "other")];
    for (const target of [one, other]) denials.remember(target, denial("rate", 500_000), 0);
    denials.forget([one], 10);
    assert.equal(denials.find(one, 10, 0), undefined);
    assert.equal(denials.find({ ...other, policy: policyOf() }, 10, 0), undefined, "of other rules nothing is known");
    denials.remember(other, denial("rate", 500_000), 11);
    assert.notEqual(denials.find(other, 11, 0), undefined);
    denials.remember(one, denial("rate", 500_000), 10);
    assert.equal(denials.find(one, 10, 0), undefined, "it was asked before");
    denials.remember(one, denial("rate", 500_000), 11);
    assert.notEqual(denials.find(one, 11, 0), undefined);
    denials.clear(12);
    assert.equal(denials.find(one, 12, 0), undefined);
  });

  it("remember ten thousand keys of a limiter, the newest", () => {
    const denials = new DenyCache();
    const policy = policyOf();
    const find = (i: number) => denials.find(targetOf(policy, 1, `key-${i}`), 1, 0);
    for (let i = 0; i < 10_005; i++) denials.remember(targetOf(policy, 1, `key-${i}`), denial("rate", 500_000), 0);
    assert.equal(find(4), undefined);
    assert.notEqual(find(5), undefined);
    assert.notEqual(find(10_004), undefined);
    denials.remember({ ...targetOf(policy), limiter: "another" }, denial("rate", 500_000), 0);
    assert.notEqual(find(5), undefined, "each limiter has its own");
  });
});
