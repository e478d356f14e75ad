import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { ClosedError, createRateSync, type Decision, type LimiterOptions } from "@ratesync/core";
import { byIp, createGuard, type GuardOptions, type Identify, rateLimitHeaders } from "@ratesync/core/http";
import { guardMiddleware, type NodeResponse } from "@ratesync/core/http/node";
import { FakeClock } from "@ratesync/core/testing";
import { HeaderWriter } from "../../src/http/header_writer.ts";

const LIMITERS = {
  bucket: { limit: 3, windowMs: 60_000, algorithm: "token_bucket" },
  window: { limit: 3, windowMs: 60_000, algorithm: "sliding_window" },
  two: { limits: [{ limit: 2, windowMs: 1_000 }, { limit: 3, windowMs: 60_000 }] },
  permits: { maxConcurrent: 2 },
  both: { limit: 3, windowMs: 60_000, maxConcurrent: 2 },
} satisfies Record<string, LimiterOptions>;

const OPTIONS: Record<string, Partial<GuardOptions>> = {
  plain: {},
  "all dialects": { headers: ["draft-11", "draft-7", "x-ratelimit"], exposeHeaders: true },
  "no headers": { headers: false },
  "a dry run": { dryRun: true },
  "onDenied": { onDenied: () => ({ status: 503, body: "later" }) },
  "error bodies": { body: "error", statusCode: 420 },
};

const clients = ["203.0.113.7", "203.0.113.8", "2001:db8::1", undefined];
const stepArb = fc.record({ client: fc.constantFrom(...clients), afterMs: fc.constantFrom(0, 0, 400, 30_000) });

/** What a guard decides about a sequence of requests, without what differs between guards. */
async function admissionsOf(
  limiter: keyof typeof LIMITERS,
  options: Partial<GuardOptions>,
  steps: readonly { readonly client: string | undefined; readonly afterMs: number }[],
): Promise<unknown[]> {
  const clock = new FakeClock();
  await using rateSync = createRateSync({ clock, limiters: LIMITERS });
  const guard = createGuard({ limiter, rateSync, keyClass: "ip", logger: { warn: () => {} }, ...options });
  const admissions: unknown[] = [];
  for (const { client, afterMs } of steps) {
    await clock.advance(afterMs);
    const admission = await guard.admit({ method: "GET", url: "/", headers: {}, peer: client });
    const { allowed, status, headers, body, reason, decision, isOpen } = admission;
    admissions.push({ allowed, status, headers, body, reason, isOpen, decision: decision?.toJSON() });
    if (admissions.length % 3 === 0) await admission.finish({ status: 200 });
  }
  return admissions;
}

describe("Guard.admit() in memory", () => {
  for (const limiter of Object.keys(LIMITERS) as (keyof typeof LIMITERS)[]) {
    for (const [name, options] of Object.entries(OPTIONS)) {
      it(`decides the same with and without promises: ${limiter}, ${name}`, async () => {
        const key = byIp();
        await fc.assert(
          fc.asyncProperty(fc.array(stepArb, { minLength: 1, maxLength: 12 }), async (steps) => {
            const atOnce = await admissionsOf(limiter, options, steps);
            assert.deepEqual(
              await admissionsOf(limiter, { ...options, key: async (it) => await key(it) }, steps),
              atOnce,
            );
            assert.deepEqual(await admissionsOf(limiter, { ...options, skip: () => false }, steps), atOnce);
            assert.deepEqual(await admissionsOf(limiter, { ...options, cost: () => 1 }, steps), atOnce);
          }),
          { numRuns: 15 },
        );
      });
    }
  }
});

describe("Guard.admitNow()", () => {
  const request = { method: "GET", url: "/", headers: {}, peer: "203.0.113.7" };

  it("returns no promise where the store is in this process, also for a denial", async () => {
    await using rateSync = createRateSync({ limiters: { api: { limit: 1, windowMs: 60_000 } } });
    const guard = createGuard({ limiter: "api", rateSync });
    await guard.admit(request); // opens the store
    await rateSync.reset("api", { key: "ip:203.0.113.7" });
    for (const allowed of [true, false]) {
      const admission = guard.admitNow(request);
      assert.ok(!(admission instanceof Promise));
      assert.equal(admission.allowed, allowed);
    }
  });

  it("throws what admit() rejects with", async () => {
    const rateSync = createRateSync({ limiters: { api: { limit: 1, windowMs: 60_000 } } });
    const guard = createGuard({ limiter: "api", rateSync, throwStoreErrors: true });
    await guard.admit(request);
    await rateSync.close();
    await assert.rejects(async () => await guard.admitNow(request), ClosedError);
    await assert.rejects(guard.admit(request), ClosedError);
  });

  it("holds the permit of a concurrency limit until the request is finished", async () => {
    await using rateSync = createRateSync({ limiters: LIMITERS });
    const rate = await createGuard({ limiter: "bucket", rateSync }).admit(request);
    const permit = await createGuard({ limiter: "both", rateSync }).admit(request);
    assert.deepEqual([rate.isOpen, permit.isOpen], [false, true]);
    assert.equal(rateSync.metrics("both").currentConcurrent, 1);
    await permit.finish();
    assert.equal(rateSync.metrics("both").currentConcurrent, 0);
  });
});

describe("HeaderWriter", () => {
  it("writes the headers of each decision, whatever the one before had for limits", async () => {
    const clock = new FakeClock();
    await using rateSync = createRateSync({ clock, limiters: LIMITERS });
    const stepArb = fc.record({
      limiter: fc.constantFrom(...Object.keys(LIMITERS) as (keyof typeof LIMITERS)[]),
      limit: fc.integer({ min: 1, max: 9 }),
      windowMs: fc.constantFrom(1_000, 60_000),
    });
    await fc.assert(fc.asyncProperty(fc.array(stepArb, { minLength: 2, maxLength: 12 }), async (steps) => {
      const writer = new HeaderWriter(["draft-11"], false);
      for (const { limiter, limit, windowMs } of steps) {
        if (limiter === "bucket") rateSync.configureLimiter(limiter, { limit, windowMs });
        const decision: Decision = await rateSync.tryAcquire(limiter, { key: "a" });
        assert.deepEqual(writer.of(decision, 0), rateLimitHeaders(decision, "draft-11", 0));
        await decision.permit?.release();
      }
    }));
  });
});

describe("guardMiddleware()", () => {
  const key = byIp();
  const lanes: Record<string, Identify> = {
    "at once": key,
    "by promise": async (it) => await key(it),
  };

  for (const [name, by] of Object.entries(lanes)) {
    it(`calls next once, with the error of an answer that takes no headers: ${name}`, async () => {
      const broken = new Error("no headers any more");
      const setHeader = (): never => {
        throw broken;
      };
      assert.deepEqual(await passedOn({ key: by }, setHeader), [broken]);
      assert.deepEqual(await passedOn({ key: by }, () => {}), [undefined]);
    });
  }

  it("calls next no second time where it throws", async () => {
    const thrown = new Error("of a handler");
    const calls: unknown[] = [];
    await assert.rejects(
      passedOn({ key }, () => {}, (error) => {
        calls.push(error);
        throw thrown;
      }),
      (error) => error === thrown,
    );
    assert.deepEqual(calls, [undefined]);
  });
});

/** What a middleware calls `next` with for one request. */
async function passedOn(
  options: Pick<GuardOptions, "key">,
  setHeader: NodeResponse["setHeader"],
  onNext: (error: unknown) => void = () => {},
): Promise<unknown[]> {
  await using rateSync = createRateSync({ limiters: LIMITERS });
  await rateSync.connect(); // the first decision would be a promise else
  const guard = guardMiddleware({ limiter: "window", rateSync, ...options } as GuardOptions<never>);
  const request = { method: "GET", url: "/", headers: {}, socket: { remoteAddress: "203.0.113.7" } };
  const response = { headersSent: false, getHeader: () => undefined, setHeader } as Partial<NodeResponse>;
  const calls: unknown[] = [];
  guard(request as never, response as never, (error) => {
    calls.push(error);
    onNext(error);
  });
  await new Promise((resolve) => setTimeout(resolve));
  return calls;
}
