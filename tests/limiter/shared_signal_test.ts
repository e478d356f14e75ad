import assert from "node:assert/strict";
import process from "node:process";
import { after, before, describe, it } from "node:test";

import { createRateSync, type RateSync } from "../../mod.ts";
import { onAbort } from "../../src/base/abort.ts";
import { limitedFetch } from "../../src/http/outbound/mod.ts";
import { nextTurn } from "../../src/testing/fake_clock.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { until } from "../stores/redis/_servers.ts";

/** More than the ten that Node allows before it warns. */
const WAITS = 20;

/** Counts the listeners of a signal. */
function watched(signal: AbortSignal): { readonly signal: AbortSignal; now: number; most: number } {
  const counts = { signal, now: 0, most: 0 };
  const listeners = new Set<unknown>();
  const update = () => {
    counts.now = listeners.size;
    counts.most = Math.max(counts.most, counts.now);
  };
  const { addEventListener, removeEventListener } = signal;
  Object.assign(signal, {
    addEventListener(type: string, listener: EventListener, options?: AddEventListenerOptions) {
      addEventListener.call(signal, type, listener, options);
      listeners.add(listener);
      update();
    },
    removeEventListener(type: string, listener: EventListener) {
      removeEventListener.call(signal, type, listener);
      listeners.delete(listener);
      update();
    },
  });
  return counts;
}

const LIMITERS = {
  rate: { ratePerSecond: 1, burst: 1 },
  slot: { maxConcurrent: 1 },
  other: { maxConcurrent: 2 },
} as const;

type Id = keyof typeof LIMITERS;
type Waits = (rs: RateSync<Id>, signal: AbortSignal) => Promise<unknown>;

const timeoutMs = Infinity;

const VERBS: Readonly<Record<string, Waits>> = {
  "acquire() for a rate": (rs, signal) => rs.acquire("rate", { signal, timeoutMs }),
  "acquire() for a slot": (rs, signal) => rs.acquire("slot", { signal, timeoutMs }),
  "acquireAll() for slots": (rs, signal) =>
    rs.acquireAll([{ limiter: "slot" }, { limiter: "other" }], { signal, timeoutMs }),
  "run()": (rs, signal) => rs.run("slot", () => {}, { signal, timeoutMs }),
  "rateLimited()": (rs, signal) => rs.rateLimited(() => {}, { limiter: "slot", signal, timeoutMs })(),
  "Reservation.ready()": async (rs, signal) => await (await rs.reserve("rate", { timeoutMs })).ready(signal),
  "limitedFetch() that waits for a unit": (rs, signal) =>
    limitedFetch(() => Promise.resolve(new Response()), { rateSync: rs, limiter: "rate", timeoutMs })(
      "http://x.test/",
      {
        signal,
      },
    ),
};

describe("One AbortSignal for many waits", () => {
  const warnings: Error[] = [];
  const remember = (warning: Error) => void warnings.push(warning);
  before(() => void process.on("warning", remember));
  after(() => void process.off("warning", remember));

  for (const engine of ["memory", "redis"] as const) {
    for (const [verb, wait] of Object.entries(VERBS)) {
      it(`${verb} on ${engine} adds one listener for ${WAITS} waits, and removes it when they are aborted`, async () => {
        await using rs = createRateSync({
          stores: {
            s: engine === "memory" ? { engine } : { engine, url: redisUrl(), keyPrefix: freshPrefix() },
          },
          limiters: LIMITERS,
        });
        await rs.acquire("rate");
        const permit = await rs.acquire("slot");
        const stop = new AbortController();
        const counts = watched(stop.signal);
        const settled = Promise.allSettled(Array.from({ length: WAITS }, () => wait(rs, stop.signal)));
        await until(() => counts.now === 1);
        for (let turn = 0; turn < 20; turn++) await nextTurn();
        stop.abort();
        const outcomes = await settled;
        assert.deepEqual(outcomes.map(({ status }) => status), outcomes.map(() => "rejected"));
        await permit.release();
        assert.equal(counts.most, 1);
        assert.deepEqual(warnings.map(({ name }) => name), []);
      });
    }
  }

  it("keeps no listener when every wait has ended by itself", async () => {
    await using rs = createRateSync({ limiters: { api: { ratePerSecond: 1_000, burst: 1 } } });
    const counts = watched(new AbortController().signal);
    await Promise.all(Array.from({ length: WAITS }, () => rs.acquire("api", { signal: counts.signal })));
    assert.deepEqual([counts.most, counts.now], [1, 0]);
  });
});

describe("onAbort()", () => {
  it("calls back in the order of the calls, once, and not those that were removed before", () => {
    const stop = new AbortController();
    const called: string[] = [];
    onAbort(stop.signal, () => called.push("first"));
    const remove = onAbort(stop.signal, () => called.push("second"));
    onAbort(stop.signal, () => called.push("third"));
    remove();
    remove();
    stop.abort();
    stop.abort();
    assert.deepEqual(called, ["first", "third"]);
  });

  it("leaves a callback alone that an earlier one has removed during the abort", () => {
    const stop = new AbortController();
    const called: string[] = [];
    onAbort(stop.signal, () => remove());
    const remove = onAbort(stop.signal, () => called.push("removed"));
    stop.abort();
    assert.deepEqual(called, []);
  });

  it("adds a new listener after the last callback was removed", () => {
    const counts = watched(new AbortController().signal);
    for (let i = 0; i < 3; i++) {
      const remove = onAbort(counts.signal, () => {});
      assert.equal(counts.now, 1);
      remove();
      assert.equal(counts.now, 0);
    }
  });
});
