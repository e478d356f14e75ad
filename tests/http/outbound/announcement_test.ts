import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { type Announcement, readAnnouncement } from "../../../src/http/outbound/announcement.ts";
import { AnnouncedWindow } from "../../../src/http/outbound/announced_window.ts";
import { readHttpDate, readWait } from "../../../src/http/outbound/instant.ts";
import { decisionHeaders } from "../../../src/policy/headers.ts";

const NOW_MS = Date.UTC(2026, 0, 4, 10);

function read(headers: Record<string, string>): Announcement {
  return readAnnouncement(new Headers(headers), NOW_MS);
}

/** Every header that is read. */
const NAMES = [
  "age",
  "date",
  "ratelimit",
  "ratelimit-remaining",
  "ratelimit-reset",
  "retry-after",
  "retry-after-ms",
  "x-ratelimit-remaining",
  "x-ratelimit-reset",
  "x-ratelimit-reset-after",
  "x-ratelimit-reset-requests",
  "x-ratelimit-remaining-tokens",
  "x-rate-limit-reset",
  "anthropic-ratelimit-requests-reset",
] as const;

/** Any text that a header can hold, and texts that are nearly right. */
const valueArb = fc.oneof(
  fc.array(fc.integer({ min: 1, max: 255 }).filter((code) => code !== 10 && code !== 13), { maxLength: 60 })
    .map((codes) => String.fromCharCode(...codes)),
  fc.array(
    fc.constantFrom(
      '"a"',
      "a",
      ";",
      ",",
      "r=",
      "t=",
      "=",
      "0",
      "5",
      "-1",
      "1e9",
      "99999999999999999999",
      "limit=",
      '"',
    ),
    { maxLength: 20 },
  ).map((parts) => parts.join("")),
  fc.constantFrom("Sun, 99 Jan 2026 10:00:09 GMT", "2026-99-99T99:99:99Z", "Sun Jan  4 10:00:09 2026", "1h", "h", "."),
  fc.nat().map(String),
);

describe("readAnnouncement()", () => {
  it("never throws, and tells of nothing but numbers from 0", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...NAMES), valueArb), (headers) => {
        const { quotas, retryAfterMs = 0 } = read(headers);
        assert.ok(retryAfterMs >= 0 && retryAfterMs < Infinity);
        for (const { name, remaining = 0, resetMs = 0 } of quotas) {
          assert.ok(name.length > 0 && remaining >= 0 && resetMs >= 0 && remaining + resetMs < Infinity);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("reads back what decisions announce", () => {
    const statusArb = fc.record({
      limiter: fc.string({ minLength: 1, maxLength: 20, unit: "binary" }),
      algorithm: fc.constant("token_bucket" as const),
      limit: fc.integer({ min: 1, max: 1e12 }),
      remaining: fc.integer({ min: 1, max: 1e12 }), // of an empty one, it is announced when its next unit comes
      windowMs: fc.option(fc.integer({ min: 1, max: 1e9 }), { nil: undefined }),
      resetAfterMs: fc.integer({ min: 0, max: 1e9 }),
    });
    const factsArb = fc.record({
      limits: fc.array(statusArb, { minLength: 1, maxLength: 5 }),
      allowed: fc.boolean(),
      reason: fc.constant(undefined),
      cost: fc.constant(1),
      retryAfterMs: fc.integer({ min: 1, max: 1e9 }),
      degraded: fc.constant(false),
    });
    const seconds = (ms: number) => Math.max(Math.ceil(ms / 1_000), 1);
    fc.assert(
      fc.property(factsArb, (facts) => {
        const { quotas, retryAfterMs } = read(decisionHeaders(facts));
        assert.deepEqual(
          quotas.map(({ remaining, resetMs }) => [remaining, resetMs]),
          facts.limits.map(({ remaining, resetAfterMs }) => [remaining, seconds(resetAfterMs) * 1_000]),
        );
        assert.equal(retryAfterMs, facts.allowed ? undefined : seconds(facts.retryAfterMs) * 1_000);
      }),
    );
  });

  const lists: readonly [
    field: string,
    quotas: readonly (readonly [remaining: number, resetMs: number | undefined])[],
  ][] = [
    ['"default";r=50;t=30', [[50, 30_000]]],
    ['"a";r=0', [[0, undefined]]],
    ['"a, b; c \\" d";r=1;t=2,"e";t=4;pk=:Zm9v:;r=3', [[1, 2_000], [3, 4_000]]],
    ["default;r=50;t=30", [[50, 30_000]]],
    ['"a";a=5;w=6', [[5, 6_000]]],
    ["limit=100, remaining=7, reset=8", [[7, 8_000]]],
    ["limit=100,remaining=7", [[7, undefined]]],
    ['"a";r=-1;t=3, "b";r=1.5, "c";r=x, "d";t=5, "e";r=2', [[2, undefined]]],
    ["", []],
    ["10", []],
    ['"unclosed;r=0;t=5', []],
  ];
  for (const [field, quotas] of lists) {
    it(`reads RateLimit: ${field}`, () => {
      assert.deepEqual(read({ ratelimit: field }).quotas.map(({ remaining, resetMs }) => [remaining, resetMs]), quotas);
    });
  }

  it("ignores values of absurd length at no cost", () => {
    const startMs = performance.now();
    for (let n = 0; n < 20; n++) {
      read({
        ratelimit: '"'.repeat(60_000),
        "retry-after": "1".repeat(60_000),
        "x-ratelimit-reset": "\\".repeat(60_000),
      });
      read({ ratelimit: '"\\'.repeat(2_000), "x-ratelimit-reset": "1m".repeat(2_000) });
    }
    assert.ok(performance.now() - startMs < 5_000);
  });
});

describe("readWait()", () => {
  const waits: readonly [text: string, ms: number | undefined][] = [
    ["0", 0],
    ["30", 30_000],
    ["0.25", 250],
    [" 5 ", 5_000],
    ["999999999", 999_999_999_000],
    [String(NOW_MS / 1_000 + 9), 9_000],
    [String(NOW_MS / 1_000 + 9.5), 9_500],
    [String(NOW_MS + 9), 9],
    [String(NOW_MS / 1_000 - 9), 0],
    [String(NOW_MS * 1_000), undefined],
    ["2026-01-04T10:00:05Z", 5_000],
    ["2026-01-04T10:00:05.125Z", 5_125],
    ["2026-01-04T12:00:05+02:00", 5_000],
    ["2026-01-04T09:00:00Z", 0],
    ["Sun, 04 Jan 2026 10:00:07 GMT", 7_000],
    ["Sunday, 04-Jan-26 10:00:07 GMT", 7_000],
    ["Sun Jan  4 10:00:07 2026", 7_000],
    ["6m0s", 360_000],
    ["1h2m3.5s", 3_723_500],
    ["120ms", 120],
    ...["", "-1", "+1", "1e3", "0x10", "NaN", "Infinity", "soon", "1 2", "1,2", "2026-01-04", "s", "٣"].map((text) =>
      [text, undefined] as [string, undefined]
    ),
  ];
  for (const [text, ms] of waits) it(`reads ${JSON.stringify(text)}`, () => assert.equal(readWait(text, NOW_MS), ms));

  it("reads every date that is written in the form of today", () => {
    fc.assert(fc.property(fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }), (date) => {
      assert.equal(readHttpDate(date.toUTCString()), Math.floor(date.getTime() / 1_000) * 1_000);
    }));
  });
});

describe("AnnouncedWindow", () => {
  it("is never over before the window of the server is, and after some answers nearly when it is", () => {
    const answersArb = fc.array(
      fc.record({ gapMs: fc.nat(400), thereMs: fc.nat(50), backMs: fc.nat(50) }),
      { minLength: 40, maxLength: 80 },
    );
    fc.assert(fc.property(fc.integer({ min: 4_000, max: 6_000 }), answersArb, (lengthMs, answers) => {
      const window = new AnnouncedWindow();
      let sentMs = 0;
      let closestMs = Infinity;
      for (const { gapMs, thereMs, backMs } of answers) {
        sentMs += gapMs;
        const servedMs = sentMs + thereMs;
        const endMs = Math.floor(servedMs / lengthMs) * lengthMs + lengthMs;
        const resetMs = Math.ceil((endMs - servedMs) / 1_000) * 1_000;
        if (endMs > lengthMs) break; // the first window alone
        window.see({ sentMs, receivedMs: servedMs + backMs, resetMs });
        if (window.endMs !== undefined) {
          assert.ok(window.endMs >= endMs, `${window.endMs} for ${endMs}`);
          closestMs = Math.min(closestMs, window.endMs - endMs);
        }
      }
      assert.ok(closestMs < 1_000 + 50);
    }));
  });

  it("takes the next window for what it is", () => {
    const window = new AnnouncedWindow();
    window.see({ sentMs: 0, receivedMs: 10, resetMs: 3_000 });
    window.see({ sentMs: 2_990, receivedMs: 3_000, resetMs: 1_000 });
    assert.equal(window.endMs, 3_010);
    window.see({ sentMs: 3_020, receivedMs: 3_030, resetMs: 3_000 });
    assert.equal(window.endMs, 6_030);
  });

  it("makes nothing of whole seconds that may be a millisecond", () => {
    const window = new AnnouncedWindow();
    for (let ms = 0; ms < 3_000; ms += 5) {
      window.see({ sentMs: ms, receivedMs: ms + 1, resetMs: 1_000 });
      assert.equal(window.endMs, undefined);
    }
  });
});
