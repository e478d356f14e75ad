import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync, type LimiterOptions, type Permit } from "../../mod.ts";
import type { Clock } from "../../src/base/clock.ts";
import { TimedQueue } from "../../src/waiting/timed_queue.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { correctedName } from "../../src/stores/correction.ts";
import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import type { ReplyTo, StoreRequest, TakeReply, Target } from "../../src/stores/store.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { forbidUnhandledRejections } from "./_unhandled.ts";

const policy = compilePolicy({ ratePerSecond: 1 });

function target(cost = 1, key = "k"): Target {
  return { limiter: "api", key, policy, cost, permits: 0 };
}

const name = correctedName(target());

function replyFor(nowUs: number, waitUs: number): TakeReply {
  return { status: "allowed", nowUs, waitUs, arrivalUs: 0, levels: [] };
}

/** A timed queue, and what became of the calls that wait in it. */
function lab() {
  const clock = new FakeClock(1_000_000_000);
  const turns = new TimedQueue(clock);
  const events: string[] = [];
  /** Waits for `atMs`. `heardMs` is how late the reply was heard. */
  const wait = (name: string, atMs: number, one = target(), heardMs = 0): AbortController => {
    const abort = new AbortController();
    const note = (what: string) => void events.push(`${name} ${what}`);
    turns.wait({
      targets: [one],
      reply: replyFor(clock.nowUs(), atMs * 1_000),
      receivedUs: clock.nowUs() + heardMs * 1_000,
      signal: abort.signal,
      giveBack: (unused, forgotten) => {
        const from = forgotten === undefined ? "" : " of nothing";
        note(`gives ${(unused.nowUs + unused.waitUs - 1_000_000_000) / 1_000}${from}`);
        return Promise.resolve();
      },
    }).then(note, () => note("left"));
    return abort;
  };
  return { clock, turns, events, wait };
}

describe("TimedQueue", () => {
  it("are passed on: a call that leaves frees the last turn", async () => {
    const { clock, events, wait } = lab();
    const [, b] = [wait("a", 10), wait("b", 20), wait("c", 30), wait("d", 40)];
    b?.abort();
    await clock.advance(20);
    assert.deepEqual(events, ["b gives 40", "b left", "a due", "c due"]);
    await clock.advance(10);
    assert.deepEqual(events.slice(4), ["d due"]);
    assert.equal(clock.pending, 0);
  });

  it("are passed on among calls with the same costs only", async () => {
    const { clock, events, wait } = lab();
    const a = wait("a", 10);
    wait("b", 20, target(2));
    wait("c", 30);
    a.abort();
    await clock.advance(10);
    assert.deepEqual(events, ["a gives 30", "a left", "c due"]);
    await clock.advance(10);
    assert.deepEqual(events.slice(3), ["b due"]);
  });

  it("keep the order of their instants where replies come in another one", async () => {
    const { clock, events, wait } = lab();
    wait("c", 30);
    wait("a", 10);
    wait("b", 20);
    await clock.advance(30);
    assert.deepEqual(events, ["a due", "b due", "c due"]);
  });

  it("keep the store's order where this process was late to hear of one", async () => {
    const { clock, events, wait } = lab();
    wait("a", 10, target(), 25);
    const b = wait("b", 20);
    b.abort();
    await clock.advance(35);
    assert.deepEqual(events, ["b gives 20", "b left", "a due"]);
  });

  it("move when their key is corrected: all give back, the last one first, and ask again in order", async () => {
    const { clock, turns, events, wait } = lab();
    wait("a", 10);
    wait("b", 20, target(2));
    wait("c", 30);
    wait("x", 10, target(1, "other"));
    turns.move({ name, forgottenUs: -Infinity, untilUs: Infinity });
    await clock.advance(0);
    assert.deepEqual(events, ["c gives 30", "b gives 20", "a gives 10", "a moved", "b moved", "c moved"]);
    assert.equal(clock.pending, 1, "that of the other key");
  });

  it("move in the order in which they came where two have one instant, whichever reply was faster", async () => {
    const { clock, turns, events, wait } = lab();
    wait("a", 20, target(), 3);
    wait("x", 10, target(2));
    wait("b", 20, target(), 1);
    turns.adopt("api");
    await clock.advance(0);
    assert.deepEqual(events.slice(3), ["x moved", "a moved", "b moved"]);
  });

  it("give nothing back of a key that was forgotten after the take", async () => {
    const { clock, turns, events, wait } = lab();
    wait("a", 10);
    const forgottenUs = clock.nowUs();
    clock.set(forgottenUs + 1_000);
    wait("b", 19);
    turns.move({ name, forgottenUs, untilUs: Infinity });
    await clock.advance(0);
    assert.deepEqual(events, ["b gives 20", "a gives 10 of nothing", "a moved", "b moved"]);
  });

  it("do not move for a block that ends before all of them", async () => {
    const { clock, turns, events, wait } = lab();
    wait("a", 10);
    turns.move({ name, forgottenUs: -Infinity, untilUs: clock.nowUs() + 10_000 });
    await clock.advance(0);
    assert.deepEqual(events, []);
  });

  it("set one timer for a whole line, and none when calls leave", async () => {
    const clock = new FakeClock();
    let timers = 0;
    const counting: Clock = {
      nowUs: () => clock.nowUs(),
      schedule: (atUs, callback) => {
        timers++;
        return clock.schedule(atUs, callback);
      },
    };
    const turns = new TimedQueue(counting);
    const aborts = Array.from({ length: 1_000 }, (_, i) => {
      const abort = new AbortController();
      const { signal } = abort;
      const reply = replyFor(clock.nowUs(), (i + 1) * 1_000_000);
      const giveBack = () => Promise.resolve();
      turns.wait({ targets: [target()], reply, receivedUs: clock.nowUs(), signal, giveBack }).catch(() => {});
      return abort;
    });
    assert.equal(timers, 1);
    for (const abort of aborts) abort.abort();
    assert.equal(timers, 1);
    assert.equal(clock.pending, 0);
    assert.ok(turns.isEmpty);
    await clock.advance(0);
  });
});

/** A memory store that notes what it is asked. */
class NotingStore extends MemoryStore {
  readonly asked: string[] = [];

  override execute<Request extends StoreRequest>(request: Request): ReplyTo<Request> | Promise<ReplyTo<Request>> {
    const reply = super.execute(request);
    this.asked.push(`${request.op} ${request.targets.length}`);
    return reply;
  }
}

describe("Calls that leave a memory store in one turn", () => {
  const lab = async () => {
    const clock = new FakeClock();
    const store = new NotingStore({ clock });
    const limiters = { api: { ratePerSecond: 1, burst: 1, timeoutMs: Infinity } };
    const rs = createRateSync({ clock, stores: { main: store }, limiters });
    await rs.acquire("api");
    const aborts = Array.from({ length: 100 }, () => new AbortController());
    const calls = aborts.map(({ signal }) => rs.acquire("api", { signal }));
    const gone = Promise.allSettled(calls);
    store.asked.length = 0;
    const leave = () => aborts.forEach((abort) => abort.abort());
    return { clock, store, rs, calls, gone, leave };
  };

  it("give all they have taken back in one request, before their callers hear of it", async () => {
    const { store, rs, calls, gone, leave } = await lab();
    await using _ = rs;
    leave();
    assert.deepEqual(store.asked, []);
    await assert.rejects(calls[99] as Promise<Permit>);
    assert.deepEqual(store.asked, ["giveBack 100"]);
    await gone;
    assert.equal((await rs.peek("api")).retryAfterMs, 1_000);
  });

  it("give it back before a later call of the same turn", async () => {
    const { clock, store, rs, gone, leave } = await lab();
    await using _ = rs;
    leave();
    assert.equal(rs.tryAcquireSync("api")?.retryAfterMs, 1_000);
    assert.deepEqual(store.asked, ["giveBack 100", "take 1"]);
    await clock.runUntil(rs.acquire("api"));
    assert.equal(clock.pending, 0);
    await gone;
  });

  it("leave the store as it is if it was closed in that turn", async () => {
    const { store, rs, gone, leave } = await lab();
    leave();
    await store.close();
    await gone;
    await rs.close();
  });
});

/** Rules in which one unit comes each second. */
const ONE_A_SECOND: Record<string, LimiterOptions> = {
  token_bucket: { ratePerSecond: 1 },
  fixed_window: { algorithm: "fixed_window", limit: 1, windowMs: 1_000 },
  sliding_window: { algorithm: "sliding_window", limit: 1, windowMs: 1_000 },
};

describe("A correction reaches calls that wait for a rate,", () => {
  forbidUnhandledRejections();

  for (const [name, options] of Object.entries(ONE_A_SECOND)) {
    /** Calls that wait for the instants 1, 2 and 3 s, and after how long each was served. */
    const waiting = async () => {
      const clock = new FakeClock();
      const rs = createRateSync({ clock, limiters: { api: { timeoutMs: Infinity, ...options } } });
      await rs.acquire("api");
      const startUs = clock.nowUs();
      const served: number[] = [];
      const calls = [0, 1, 2].map(async () => {
        await rs.acquire("api");
        served.push((clock.nowUs() - startUs) / 1_000);
      });
      await clock.advance(500);
      return { clock, rs, served, calls };
    };

    it(`if it is reset(): it serves them at once, as a full limit allows, with ${name}`, async () => {
      const { clock, rs, served, calls } = await waiting();
      await using _ = rs;
      await rs.reset("api");
      await clock.runUntil(Promise.all(calls));
      assert.deepEqual(served, [500, 1_500, 2_500]);
    });

    it(`if it is resetAll(): it serves them at once, as a full limit allows, with ${name}`, async () => {
      const { clock, rs, served, calls } = await waiting();
      await using _ = rs;
      await rs.resetAll();
      await clock.runUntil(Promise.all(calls));
      assert.deepEqual(served, [500, 1_500, 2_500]);
    });

    it(`if it is block(): it holds them back until it ends, with ${name}`, async () => {
      const { clock, rs, served, calls } = await waiting();
      await using _ = rs;
      await rs.block("api", 5_000);
      await clock.runUntil(Promise.all(calls));
      assert.deepEqual(served, [5_500, 6_500, 7_500]);
      assert.equal(clock.pending, 0);
    });

    it(`if it is block() of 0: it lets them go on, with ${name}`, async () => {
      const { clock, rs, served, calls } = await waiting();
      await using _ = rs;
      await rs.block("api", 60_000);
      await clock.advance(2_500);
      assert.deepEqual(served, []);
      await rs.block("api", 0);
      await clock.runUntil(Promise.all(calls));
      assert.equal(served[0], 3_000);
      assert.ok(
        (served as readonly number[]).every((ms) => ms <= 5_000),
        `the last one was served after ${served[2]} ms`,
      );
    });
  }

  it("if it is block(): it denies a call at once that cannot wait for its end", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({ clock, limiters: { api: { ratePerSecond: 1, timeoutMs: 3_000 } } });
    await rs.acquire("api");
    const call = rs.acquire("api");
    await clock.advance(500);
    const denied = assert.rejects(call, (error: { decision?: { reason?: string } }) => {
      return error.decision?.reason === "blocked";
    });
    await rs.block("api", 5_000);
    await denied;
    assert.equal(clock.pending, 0);
  });

  it("if it is reset() of one limiter of several: the units of the others are given back and taken once", async () => {
    const clock = new FakeClock();
    const limiters = {
      api: { ratePerSecond: 1 },
      plan: { ratePerSecond: 0.001, burst: 10 },
    } as const;
    await using rs = createRateSync({ clock, limiters });
    await rs.acquire("api");
    await rs.acquire("plan");
    const call = rs.acquireAll([{ limiter: "api" }, { limiter: "plan" }]);
    await clock.advance(500);
    await rs.reset("api");
    assert.equal((await clock.runUntil(call)).waitedMs, 500);
    assert.equal((await rs.peek("plan")).remaining, 8);
  });
});
