import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type Logger, StoreError, type StoreEvent, type StoreRequest } from "../../mod.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { Breaker } from "../../src/resilience/breaker.ts";
import { StoreHealth } from "../../src/resilience/store_health.ts";
import { until } from "../stores/redis/_servers.ts";
import { Remote } from "./_remote.ts";
import { forbidUnhandledRejections } from "./_unhandled.ts";

const HOUR_MS = 3_600_000;

// No timer of a guard keeps a process alive: the sockets of a real store do.
let alive: ReturnType<typeof setInterval>;
before(() => void (alive = setInterval(() => {}, 1_000)));
after(() => clearInterval(alive));

/** A store whose replies can be held back. */
class Slow extends Remote {
  /** Held back while it is set. */
  gate: Promise<unknown> | undefined;

  override async execute<Request extends StoreRequest>(request: Request) {
    const reply = await super.execute(request);
    await this.gate;
    return reply;
  }
}

function lines(): { readonly all: string[]; readonly logger: Logger } {
  const all: string[] = [];
  const add = (message: string) => void all.push(message);
  return { all, logger: { debug: add, info: add, warn: add, error: add } };
}

describe("A decision that the store makes too late", () => {
  forbidUnhandledRejections();

  it("is made by the failure policy, and a late grant of the store is given back", async () => {
    const store = new Slow(new FakeClock());
    const limit = { algorithm: "fixed_window", limit: 10, windowMs: HOUR_MS, decisionTimeoutMs: 20 } as const;
    await using rs = createRateSync({
      stores: { main: store },
      limiters: { api: { ...limit, onStoreError: "deny" }, slot: { maxConcurrent: 1, decisionTimeoutMs: 20 } },
    });
    let open = () => {};
    store.gate = new Promise<void>((resolve) => open = resolve);
    const asked = [rs.tryAcquire("api", { cost: 3 }), rs.tryAcquire("slot")] as const;
    const [rate, slot] = await Promise.all(asked);
    assert.deepEqual([rate.allowed, rate.degraded, rate.reason], [false, true, "store"]);
    assert.deepEqual([slot.allowed, slot.degraded], [true, true], "a slot of this process");
    await assert.rejects(rs.acquire("api", { timeoutMs: HOUR_MS }), { code: "RATE_LIMITED" });
    open();
    store.gate = undefined;
    await until(async () => !(await rs.peek("api")).degraded);
    await until(async () => (await rs.peek("api")).remaining === 10);
    await until(async () => (await rs.peek("slot")).remaining === 1);
    assert.deepEqual(store.requests.filter(({ op }) => op === "giveBack").length, 2);
  });
});

describe("A store that fails", () => {
  forbidUnhandledRejections();

  it("is not asked after five failures in a row, and is asked again once it can decide", async () => {
    const store = new Remote(new FakeClock());
    const { all, logger } = lines();
    await using rs = createRateSync({
      stores: { main: store },
      limiters: { api: { algorithm: "fixed_window", limit: 100, windowMs: HOUR_MS } },
      logger,
    });
    const events: StoreEvent[] = [];
    rs.subscribeStores((event) => events.push(event));
    await rs.tryAcquire("api");
    store.isDown = true;
    const before = store.requests.length;
    for (let i = 0; i < 5; i++) assert.ok((await rs.tryAcquire("api")).degraded);
    assert.equal(store.requests.length, before + 5);
    assert.equal(rs.listStores()["main"]?.state, "down");
    for (let i = 0; i < 50; i++) assert.ok((await rs.tryAcquire("api")).degraded);
    assert.ok(store.requests.slice(before + 5).every((request) => request.op === "take" && request.mode === "peek"));
    assert.equal(rs.metrics("api").degradedDecisions, 55);
    store.isDown = false;
    await until(() => rs.listStores()["main"]?.state === "up");
    assert.equal((await rs.tryAcquire("api")).remaining, 98, "looks take nothing");
    assert.deepEqual(events.map(({ type }) => type), ["store_down", "store_up"]);
    assert.equal(all.filter((line) => line.includes("cannot decide")).length, 1, all.join("\n"));
    assert.equal(all.filter((line) => line.includes("falling back to in-memory")).length, 1);
    assert.equal(all.filter((line) => line.includes("available again")).length, 1);
  });

  it("keeps the places of calls that wait for a permit", async () => {
    const store = new Remote(new FakeClock());
    await using rs = createRateSync({
      stores: { main: store },
      limiters: { slot: { maxConcurrent: 1, onStoreError: "throw" } },
    });
    const held = await rs.acquire("slot");
    const waiting = rs.acquire("slot");
    await until(() => rs.metrics("slot").maxConcurrentReached === 1);
    store.isDown = true;
    for (let i = 0; i < 5; i++) await assert.rejects(rs.tryAcquire("slot"), StoreError);
    await held.release();
    await sleep(20);
    store.isDown = false;
    await until(() => rs.listStores()["main"]?.state === "up");
    void rs.reset("slot"); // the release was lost
    assert.equal((await waiting).decision.degraded, false);
  });
});

describe("StoreHealth", () => {
  function health() {
    const told: string[] = [];
    const clock = new FakeClock();
    const it = new StoreHealth("main", new Remote(clock), {
      policies: () => [],
      alsoNeeded: () => undefined,
      onFirstAnswer: () => {},
      onFailure: () => {},
      onDown: () => told.push("down"),
      onStillDown: () => told.push("still down"),
      onUp: () => told.push("up"),
      onClockStep: () => {},
      onLate: () => {},
    }, clock);
    return { it, told };
  }

  it("counts calls that were under way together once", () => {
    const { it, told } = health();
    const mark = it.mark;
    for (let i = 0; i < 100; i++) it.failed(new StoreError("STORE_UNAVAILABLE", "x"), mark, []);
    assert.deepEqual(told, []);
    for (let i = 0; i < 4; i++) it.failed(new StoreError("STORE_UNAVAILABLE", "x"), it.mark, []);
    assert.deepEqual(told, ["down"]);
  });

  it("forgets failures when the store answers", () => {
    const { it, told } = health();
    for (let i = 0; i < 50; i++) {
      it.failed(new StoreError("STORE_REFUSED", "x", { reason: "out_of_memory" }), it.mark, []);
      if (i % 4 === 3) it.answered();
    }
    assert.ok(!told.includes("down"));
  });

  it("opens at once where there is no connection, or no answer at all", () => {
    for (
      const error of [
        new StoreError("STORE_UNAVAILABLE", "x", { reason: "connection_refused" }),
        new StoreError("STORE_TIMEOUT", "x"),
      ]
    ) {
      const { it, told } = health();
      it.answered();
      it.failed(error, it.mark, []);
      assert.deepEqual(told, ["down"]);
      assert.equal(it.breaker.outages, 1);
      it.close();
    }
  });

  it("is not opened by a call that was late while others were answered, a wrong request or value, or a full queue", () => {
    const { it, told } = health();
    const mark = it.mark;
    it.answered();
    it.failed(new StoreError("STORE_TIMEOUT", "x"), mark, []);
    for (let i = 0; i < 20; i++) {
      it.failed(new StoreError("STORE_REFUSED", "WRONGTYPE"), it.mark, []);
      it.failed(new StoreError("STORE_OVERLOADED", "x", { reason: "overloaded" }), it.mark, []);
      it.failed(new StoreError("STORE_REFUSED", "x", { reason: "foreign_state", isOfKey: true }), it.mark, []);
    }
    assert.deepEqual(told, []);
  });
});

describe("Breaker", () => {
  function breaker() {
    const clock = new FakeClock();
    const told: string[] = [];
    const looks: boolean[] = [];
    const it = new Breaker({
      clock,
      look: () => Promise.resolve(looks.shift() ? undefined : "unknown"),
      onDown: () => told.push("down"),
      onStillDown: () => told.push("still down"),
      onUp: () => told.push("up"),
    });
    return { it, told, looks, clock };
  }

  it("probes until the store decides, and stops when no calls come", async () => {
    const { it, told, looks, clock } = breaker();
    looks.push(false, false, true);
    it.open(new StoreError("STORE_TIMEOUT", "x"));
    for (let i = 0; i < 20 && it.error !== undefined; i++) await clock.advance(100);
    assert.deepEqual(told, ["down", "up"]);
    it.open(new StoreError("STORE_TIMEOUT", "x"));
    for (let i = 0; i < 200; i++) await clock.advance(500);
    looks.push(true);
    await clock.advance(5_000);
    assert.equal(it.downSinceUs !== undefined, true, "no call has come");
    it.missed();
    for (let i = 0; i < 20 && it.error !== undefined; i++) await clock.advance(500);
    assert.deepEqual(told, ["down", "up", "down", "up"]);
  });

  it("probes once each time that its state is read after the calls have ended", async () => {
    const { it, told, looks, clock } = breaker();
    it.open(new StoreError("STORE_TIMEOUT", "x"));
    for (let i = 0; i < 100; i++) await clock.advance(500);
    looks.push(false, true);
    it.refresh();
    for (let i = 0; i < 10; i++) await clock.advance(500);
    assert.deepEqual([told, looks.length], [["down"], 1]);
    it.refresh();
    await clock.advance(500);
    assert.deepEqual(told, ["down", "up"]);
  });

  it("ignores the failure of its first probe after the process was frozen", async () => {
    for (const [frozenUs, isStale] of [[0, false], [5_000_000, true]] as const) {
      let nowUs = 1e15;
      let due: { readonly atUs: number; readonly fire: () => void } | undefined;
      const it = new Breaker({
        clock: {
          nowUs: () => nowUs,
          schedule(atUs, fire) {
            due = { atUs, fire };
            return { cancel: () => due = undefined };
          },
        },
        // How an attempt ended that began before: it is heard at once.
        look: () => Promise.resolve(new StoreError("STORE_UNAVAILABLE", "x", { reason: "connection_refused" })),
        onDown: () => {},
        onStillDown: () => {},
        onUp: () => {},
      });
      it.open(new StoreError("STORE_TIMEOUT", "x"));
      assert.equal(it.isStale, false);
      nowUs = (due?.atUs ?? 0) + frozenUs;
      due?.fire();
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(it.isStale, isStale, `frozen for ${frozenUs} µs`);
      it.close();
    }
  });
});
