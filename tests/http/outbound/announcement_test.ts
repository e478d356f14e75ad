import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { type Announcement, readAnnouncement } from "../../../src/http/outbound/announcement.ts";
import { HEADER_FAMILIES, type ResetUnit } from "../../../src/http/outbound/families.ts";
import { AnnouncedWindow } from "../../../src/http/outbound/announced_window.ts";
import { readHttpDate, readWait } from "../../../src/http/outbound/instant.ts";
import { decisionHeaders } from "../../../src/policy/headers.ts";
import { anyText } from "../../_support/texts.ts";

const NOW_MS = Date.UTC(2026, 0, 4, 10);

function read(headers: Record<string, string>): Announcement {
  return readAnnouncement(new Headers(headers), NOW_MS, HEADER_FAMILIES);
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
  "x-hubspot-ratelimit-remaining",
  "x-hubspot-ratelimit-interval-milliseconds",
  "x-shopify-shop-api-call-limit",
  "x-ms-ratelimit-remaining-resource",
  "x-ratelimit-remaining-minute",
  "x-ratelimit-resource",
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
  fc.tuple(fc.nat(99), fc.nat(99)).map(([used, limit]) => `${used}/${limit}`),
  fc.array(fc.nat(99), { maxLength: 4 }).map((counts) => counts.map((count) => `a/b${count}Min;${count}`).join()),
);

describe("readAnnouncement()", () => {
  it("does not throw, and returns only numbers from 0", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...NAMES), valueArb), (headers) => {
        const { quotas, retryAfterMs = 0 } = read(headers);
        assert.ok(retryAfterMs >= 0 && retryAfterMs < Infinity);
        for (const { name, remaining = 0, resetMs = 0, unitMs = 0 } of quotas) {
          assert.ok(name.length > 0 && remaining >= 0 && resetMs >= 0 && unitMs >= 0);
          assert.ok(remaining + resetMs + unitMs < Infinity);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("reads back what decisions announce", () => {
    const statusArb = fc.record({
      limiter: anyText({ minLength: 1, maxLength: 20 }),
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

  const twice: readonly [
    name: string,
    headers: Record<string, string>,
    quotas: readonly (readonly [remaining: number | undefined, resetMs: number | undefined])[],
  ][] = [
    ["two quotas", { "ratelimit-remaining": "5, 0", "ratelimit-reset": "10, 60" }, [[5, 10_000], [0, 60_000]]],
    ["one reset for both", { "ratelimit-remaining": "5, 0", "ratelimit-reset": "10" }, [[5, 10_000], [0, 10_000]]],
    ["no reset", { "ratelimit-remaining": "5, 0" }, [[5, undefined], [0, undefined]]],
    ["not as often", { "ratelimit-remaining": "5, 0", "ratelimit-reset": "1, 2, 3" }, [[0, 3_000]]],
    ["one of them malformed", { "ratelimit-remaining": "x, 3", "ratelimit-reset": "1, soon" }, [[undefined, 1_000], [
      3,
      undefined,
    ]]],
    ["dates", { "ratelimit-reset": "Sun, 04 Jan 2026 10:00:05 GMT, Sun, 04 Jan 2026 10:00:07 GMT" }, [
      [undefined, 5_000],
      [undefined, 7_000],
    ]],
  ];
  for (const [name, headers, quotas] of twice) {
    it(`reads headers that were sent twice: ${name}`, () => {
      assert.deepEqual(read(headers).quotas.map(({ remaining, resetMs }) => [remaining, resetMs]), quotas);
    });
  }

  const waits: readonly [value: string, retryAfterMs: number | undefined][] = [
    ["30, 30", 30_000],
    ["5,60", 60_000],
    ["0, 7", 7_000],
    ["soon, 7", 7_000],
    ["7, -1", 7_000],
    ["soon", undefined],
    ["", undefined],
    [",", undefined],
    ["Sun, 04 Jan 2026 10:00:09 GMT, 3", 9_000],
    ["3, Sun, 04 Jan 2026 10:00:09 GMT", 9_000],
    ["Sunday, 04-Jan-26 10:00:09 GMT, Sun Jan  4 10:00:11 2026", 11_000],
    ["Wed, 31 Feb 2026 00:02:00 GMT, 4", 4_000],
  ];
  for (const [value, retryAfterMs] of waits) {
    it(`reads Retry-After: ${value}`, () => assert.equal(read({ "retry-after": value }).retryAfterMs, retryAfterMs));
  }

  it("takes the first header that asks for a wait, and ignores a window without units", () => {
    assert.equal(read({ "retry-after-ms": "0", "retry-after": "2" }).retryAfterMs, 2_000);
    assert.equal(read({ "retry-after": "0" }).retryAfterMs, 0);
    assert.deepEqual(read({ "x-hubspot-ratelimit-interval-milliseconds": "10000" }).quotas, []);
    assert.deepEqual(read({ "x-shopify-shop-api-call-limit": "5/0" }).quotas.map(({ unitMs }) => unitMs), [undefined]);
  });

  it("keeps the quotas of one service apart by their names", () => {
    const names = ["core", "search"].map((resource) => {
      return read({ "x-ratelimit-remaining": "1", "x-ratelimit-resource": resource }).quotas[0]?.name;
    });
    assert.deepEqual(names, ["x-ratelimit-remaining core", "x-ratelimit-remaining search"]);
  });

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
    ["Sun, 04 Jan 2026 10:00:07 UTC", 7_000],
    ["Sun, 04 Jan 2026 10:00:07 -0000", 7_000],
    ["Sun, 04 Jan 2026 10:00:07 +0000", 7_000],
    ["Sun, 04 Jan 2026 12:30:07 +0230", 7_000],
    ["Sun, 04 Jan 2026 07:30:07 -0230", 7_000],
    ["Sun, 4 Jan 2026 10:00:07 GMT", 7_000],
    ["4 Jan 2026 10:00:07 GMT", 7_000],
    ["Sunday, 4-Jan-26 10:00:07 UTC", 7_000],
    ["Sun Jan 4 10:00:07 2026", 7_000],
    ["2026-01-04t10:00:05z", 5_000],
    ["Wed, 31 Feb 2027 00:02:00 GMT", undefined],
    ["Thu, 29 Feb 2027 00:02:00 GMT", undefined],
    ["Wed, 00 Mar 2027 00:02:00 GMT", undefined],
    ["Wed, 31 Jun 2027 00:02:00 GMT", undefined],
    ["Sun, 04 Jan 2026 10:00:07 PST", undefined],
    ["Sun, 04 Jan 2026 24:00:07 GMT", undefined],
    ["2027-02-31T00:00:00Z", undefined],
    ["2027-13-01T00:00:00Z", undefined],
    ["6m0s", 360_000],
    ["1h2m3.5s", 3_723_500],
    ["120ms", 120],
    ...["", "-1", "+1", "1e3", "0x10", "NaN", "Infinity", "soon", "1 2", "1,2", "2026-01-04", "s", "٣"].map((text) =>
      [text, undefined] as [string, undefined]
    ),
  ];
  for (const [text, ms] of waits) it(`reads ${JSON.stringify(text)}`, () => assert.equal(readWait(text, NOW_MS), ms));

  const units: readonly [unit: ResetUnit, text: string, ms: number | undefined][] = [
    ["seconds", "2000000000", 2e12],
    ["milliseconds", "1500", 1_500],
    ["epoch_seconds", "5", 0],
    ["epoch_seconds", String(NOW_MS / 1_000 + 9), 9_000],
    ["epoch_milliseconds", String(NOW_MS + 9), 9],
    ["date", "2026-01-04T10:00:05Z", 5_000],
    ["date", "Sun, 04 Jan 2026 10:00:07 GMT", 7_000],
    ["date", "30", undefined],
    ["duration", "1m", 60_000],
    ["duration", "30", undefined],
    ["seconds", "1m", undefined],
    ["epoch_seconds", "2026-01-04T10:00:05Z", undefined],
  ];
  for (const [unit, text, ms] of units) {
    it(`reads ${text} as ${unit}`, () => assert.equal(readWait(text, NOW_MS, unit), ms));
  }

  it("reads a day where the calendar has it, and only there", () => {
    const partArb = fc.record({ year: fc.integer({ min: 1970, max: 2099 }), month: fc.nat(11), day: fc.nat(40) });
    fc.assert(fc.property(partArb, ({ year, month, day }) => {
      const date = new Date(Date.UTC(year, month, day));
      const there = day > 0 && date.getUTCMonth() === month;
      const text = `${day} ${
        "JanFebMarAprMayJunJulAugSepOctNovDec".slice(3 * month, 3 * month + 3)
      } ${year} 00:00:00 GMT`;
      assert.equal(readHttpDate(text), there ? date.getTime() : undefined);
    }));
  });

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

  it("recognises the next window", () => {
    const window = new AnnouncedWindow();
    window.see({ sentMs: 0, receivedMs: 10, resetMs: 3_000 });
    window.see({ sentMs: 2_990, receivedMs: 3_000, resetMs: 1_000 });
    assert.equal(window.endMs, 3_010);
    window.see({ sentMs: 3_020, receivedMs: 3_030, resetMs: 3_000 });
    assert.equal(window.endMs, 6_030);
  });

  it("ignores whole seconds that may mean a millisecond", () => {
    const window = new AnnouncedWindow();
    for (let ms = 0; ms < 3_000; ms += 5) {
      window.see({ sentMs: ms, receivedMs: ms + 1, resetMs: 1_000 });
      assert.equal(window.endMs, undefined);
    }
  });
});
