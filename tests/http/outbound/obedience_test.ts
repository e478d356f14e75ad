import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import fc from "fast-check";

import { configureLimiter, createRateSync, type LimiterOptions } from "@ratesync/core";
import { type Fetch, limitedFetch } from "@ratesync/core/outbound";
import { FakeClock } from "@ratesync/core/testing";

import { freshPrefix, redisUrl } from "../../_support/redis.ts";
import { startServer } from "./_lab.ts";

/**
 * How long a process may not know what another one was told: turns of that age are not looked at, nor is it looked more
 * often.
 */
const LATE_MS = 40;

interface Pause {
  readonly by: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

const limiterArb: fc.Arbitrary<LimiterOptions> = fc.oneof(
  fc.record({
    ratePerSecond: fc.constantFrom(1, 3, 7, 20, 100),
    burst: fc.constantFrom(1, 2, 5),
    maxConcurrent: fc.constantFrom(1, 3, 100),
  }),
  fc.record({ ratePerSecond: fc.constantFrom(1, 3, 7, 20, 100), burst: fc.constantFrom(1, 2, 5) }),
  fc.record({
    algorithm: fc.constant("sliding_window" as const),
    limit: fc.constantFrom(2, 9),
    windowMs: fc.constant(1e3),
  }),
  fc.record({ maxConcurrent: fc.constantFrom(1, 2, 100) }),
);

const callArb = fc.record({
  /** Which of two processes calls. */
  by: fc.nat(1),
  startMs: fc.nat(4_000),
  /** What the server says to each attempt: seconds to stay away, 0 for an answer. */
  replies: fc.array(fc.constantFrom(0, 0, 1, 2, 5), { minLength: 1, maxLength: 4 }),
  takesMs: fc.nat(30),
});

describe("a limited fetch", () => {
  it("sends nothing in its own pause, and soon nothing in that of another process", async () => {
    await fc.assert(
      fc.asyncProperty(limiterArb, fc.array(callArb, { minLength: 1, maxLength: 14 }), async (limiter, calls) => {
        const clock = new FakeClock();
        const startMs = clock.nowUs() / 1_000;
        const nowMs = () => Math.round(clock.nowUs() - startMs * 1_000) / 1_000;
        const pass = (ms: number) =>
          new Promise<void>((resolve) => void clock.schedule(clock.nowUs() + ms * 1_000, resolve));
        await using rateSync = createRateSync({ clock, limiters: { partner: limiter } });
        const pauses: Pause[] = [];
        const offences: string[] = [];
        const replies = calls.map((call) => [...call.replies]);
        const processes = [0, 1].map((by) => {
          const server: Fetch = async (url) => {
            const sentMs = nowMs();
            for (const pause of pauses) {
              const known = pause.by === by ? pause.fromMs : pause.fromMs + LATE_MS;
              if (sentMs > known && sentMs < pause.untilMs - 0.002) {
                offences.push(`${by} at ${sentMs}: ${JSON.stringify(pause)}`);
              }
            }
            const place = Number(new URL(String(url)).pathname.slice(1));
            await pass(calls[place]?.takesMs ?? 0);
            const seconds = replies[place]?.shift() ?? 0;
            if (seconds === 0) return new Response("ok");
            pauses.push({ by, fromMs: nowMs(), untilMs: nowMs() + seconds * 1_000 });
            return new Response("busy", { status: 429, headers: { "retry-after": String(seconds) } });
          };
          return limitedFetch(server, { rateSync, limiter: "partner", timeoutMs: Infinity, maxRetries: 3 });
        });
        const answers = Promise.all(calls.map(async ({ by, startMs: afterMs }, i) => {
          await pass(afterMs);
          const answer = await (processes[by] as Fetch)(`http://partner.example/${i}`);
          await answer.text();
        }));
        await clock.runUntil(answers);
        assert.deepEqual(offences, []);
        assert.equal(rateSync.metrics("partner").currentConcurrent, 0, "every slot was given back");
      }),
      { numRuns: 100 },
    );
  });

  it("pauses if a server refused another process on the same Redis", async () => {
    const sentAt: number[] = [];
    let answerTold: (() => void) | undefined;
    await using server = await startServer(({ path }, response) => {
      if (path === "/other") {
        if (sentAt.push(performance.now()) === 3) answerTold?.();
        return {};
      }
      answerTold = () => void response.writeHead(429, { "retry-after": "2" }).end();
      return undefined;
    });
    const shared = { engine: "redis", url: redisUrl(), keyPrefix: freshPrefix() } as const;
    const limiters = { partner: { ratePerSecond: 10, onStoreError: "throw" } } as const;
    await using told = createRateSync({ stores: { shared }, limiters });
    await using other = createRateSync({ stores: { shared }, limiters });
    const [toldFetch, otherFetch] = [told, other].map((rateSync) => {
      return limitedFetch(fetch, { rateSync, limiter: "partner", maxRetries: 0 });
    }) as [Fetch, Fetch];
    const refused = toldFetch(`${server.url}/told`);
    while (answerTold === undefined) await sleep(5);
    const turns = Array.from({ length: 20 }, async () => await (await otherFetch(`${server.url}/other`)).text());
    assert.equal((await refused).status, 429);
    const toldMs = performance.now();
    await Promise.all(turns); // all of them given before the pause, for the two seconds after it began
    assert.deepEqual(sentAt.filter((ms) => ms > toldMs + 500 && ms < toldMs + 1_900), []);
    assert.equal(sentAt.length, 20);
    // The pause moves the turns that others wait for; a turn that had begun is asked for anew.
    const asked = other.metrics("partner").totalAcquisitions;
    const later = sentAt.filter((ms) => ms > toldMs + 500).length;
    assert.ok(asked >= 20 && asked <= 20 + 1.5 * later, `${asked} turns, ${later} of them later`);
  });

  it("uses the default instance if none is given", async () => {
    await using server = await startServer(() => ({}));
    configureLimiter("outbound_of_default", { limit: 1, windowMs: 3_600_000, timeoutMs: 0 });
    const defaultFetch = limitedFetch(fetch, { limiter: "outbound_of_default" });
    assert.equal(await (await defaultFetch(server.url)).text(), "ok");
    await assert.rejects(defaultFetch(server.url), { code: "RATE_LIMITED" });
  });
});
