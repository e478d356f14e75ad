import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";

import { type Clock, createRateSync } from "@ratesync/core";
import fc from "fast-check";

import { CostExceedsLimitError } from "../../src/base/errors.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import type { LimiterOptions, LimitOptions } from "../../src/policy/options.ts";
import { replayLimiter } from "../../src/simulate/replay/replay_limiter.ts";
import { simulate } from "../../src/simulate/simulate.ts";
import { limitArb, runs } from "../_support/arbitraries.ts";
import { Oracle } from "./_oracle.ts";
import { LINES, logOf, type Request, START_MS, textOf } from "./_logs.ts";

const ratesArb: fc.Arbitrary<LimiterOptions> = fc.oneof(
  limitArb,
  fc.array(limitArb, { minLength: 1, maxLength: 3 }).map((limits) => ({ limits })),
);

const KEYS = ["a", undefined, "b", "k".repeat(300), ...Array.from({ length: 200 }, (_, i) => `${i}`)] as const;

const callsArb = fc.array(
  fc.record({
    moveUs: fc.oneof(fc.constantFrom(0, 0, 1, 1_000, 999_999, 1_000_000), fc.nat(3_000_000)),
    key: fc.oneof(fc.constantFrom(...KEYS.slice(0, 4)), fc.constantFrom(...KEYS)),
    cost: fc.integer({ min: 1, max: 13 }),
  }),
  { minLength: 1, maxLength: 60 },
);

/** Limits whose rates are whole numbers or one divided by one, as the oracle takes them. */
const plainLimitArb: fc.Arbitrary<LimitOptions> = fc.oneof(
  fc.record({
    ratePerSecond: fc.constantFrom(0.1, 0.5, 1, 3, 7),
    burst: fc.integer({ min: 1, max: 9 }),
  }),
  fc.record({
    algorithm: fc.constantFrom("sliding_window", "sliding_window_counter", "fixed_window"),
    limit: fc.integer({ min: 1, max: 9 }),
    windowMs: fc.constantFrom(500, 1_000, 3_000, 10_000),
  }) as fc.Arbitrary<LimitOptions>,
);

const requestsArb = fc.array(
  fc.record({
    moveMs: fc.constantFrom(0, 0, 0, 100, 250, 1_000, 2_500, 20_000),
    client: fc.nat(4),
    cost: fc.integer({ min: 1, max: 3 }),
  }),
  { minLength: 1, maxLength: 150 },
);

describe("simulate()", () => {
  it("decides as tryAcquire() of an instance whose clock shows the time of the log", async () => {
    await fc.assert(
      fc.asyncProperty(ratesArb, callsArb, async (options, calls) => {
        let nowUs = START_MS * 1_000;
        const clock: Clock = {
          nowUs: () => nowUs,
          schedule: () => assert.fail("nothing waits"),
        };
        const replayed = replayLimiter(compilePolicy(options));
        await using rs = createRateSync({ clock, limiters: { api: options }, logger: false });
        for (const { moveUs, key, cost } of calls) {
          nowUs += moveUs;
          const waitUs = replayed.decide(KEYS.indexOf(key), cost, nowUs);
          try {
            const decision = await rs.tryAcquire("api", key === undefined ? { cost } : { key, cost });
            assert.equal(waitUs / 1_000, decision.retryAfterMs);
          } catch (error) {
            if (!(error instanceof CostExceedsLimitError)) throw error;
            assert.equal(waitUs, Infinity);
          }
        }
      }),
      { numRuns: runs(200) },
    );
  });

  it("finds what an oracle finds that knows only the definitions, in every format and order", async () => {
    const formats = ["json", "alb", "csv"] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.array(plainLimitArb, { minLength: 1, maxLength: 2 }),
        requestsArb,
        fc.constantFrom(...formats),
        fc.boolean(),
        fc.array(fc.nat(3), { minLength: 150, maxLength: 150 }),
        async (limits, moves, format, isPacked, delays) => {
          let atMs = START_MS;
          const requests = moves.map(({ moveMs, client, cost }): Request => {
            return { atMs: atMs += moveMs, address: `10.0.0.${client}`, cost };
          });
          const oracle = new Oracle(limits);
          const denied = new Map<string, number>();
          let count = 0;
          for (const { atMs, address, cost = 1 } of requests) {
            if (oracle.decide(address, atMs * 1_000, cost)) continue;
            denied.set(address, (denied.get(address) ?? 0) + 1);
            count++;
          }
          // Lines may be up to three seconds late; those of one time are late by the same, and so keep their order.
          let group = 0;
          const written = requests.map((request, i) => {
            if (request.atMs !== requests[i - 1]?.atMs) group++;
            return { request, atMs: request.atMs + (delays[group % delays.length] as number) * 1_000 };
          }).sort((one, other) => one.atMs - other.atMs).map(({ request }) => request);
          const text = textOf(format, written);
          const { report } = await simulate({
            sources: [logOf(isPacked ? gzipSync(text) : text)],
            limiters: { api: { limits } },
            cost: format === "alb" ? "field:sent_bytes" : "field:cost",
          });
          assert.equal(report.requests, requests.length);
          assert.equal(report.denied, count);
          assert.equal(report.keys, new Set(requests.map(({ address }) => address)).size);
          const found = report.limiters[0]?.topKeys.filter((key) => key.denied > 0).map((key) => [key.key, key.denied]);
          assert.deepEqual(new Map(found as [string, number][]), denied);
        },
      ),
      { numRuns: runs(150) },
    );
    assert.ok(formats.every((format) => format in LINES));
  });

  it("compares as two replays of their own", async () => {
    await fc.assert(
      fc.asyncProperty(plainLimitArb, plainLimitArb, requestsArb, async (now, before, moves) => {
        let atMs = START_MS;
        const requests = moves.map(({ moveMs, client, cost }): Request => ({
          atMs: atMs += moveMs,
          address: `10.0.0.${client}`,
          cost,
        }));
        const [one, other] = [new Oracle([now]), new Oracle([before])];
        let [newlyDenied, newlyAllowed] = [0, 0];
        for (const { atMs, address, cost = 1 } of requests) {
          const [isAllowed, wasAllowed] = [one, other].map((oracle) => oracle.decide(address, atMs * 1_000, cost));
          if (wasAllowed && !isAllowed) newlyDenied++;
          if (isAllowed && !wasAllowed) newlyAllowed++;
        }
        const { report } = await simulate({
          sources: [logOf(textOf("json", requests))],
          limiters: { api: now },
          against: { api: before },
          cost: "field:cost",
        });
        const keys = report.limiters[0]?.topKeys ?? [];
        const sum = (name: "newlyDenied" | "newlyAllowed") => keys.reduce((total, key) => total + (key[name] ?? 0), 0);
        for (
          const counts of [report, report.limiters[0], {
            newlyDenied: sum("newlyDenied"),
            newlyAllowed: sum("newlyAllowed"),
          }]
        ) {
          assert.deepEqual([counts?.newlyDenied, counts?.newlyAllowed], [newlyDenied, newlyAllowed]);
        }
      }),
      { numRuns: runs(150) },
    );
  });
});
