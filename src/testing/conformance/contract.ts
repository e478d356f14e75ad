/**
 * What `Store` promises beyond single decisions: who is who, what is given back, who came first, and what a signal does.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Limiter } from "../../limiter/limiter.ts";
import type { TakeRequest, WakeupListener } from "../../stores/store.ts";
import { waiterId } from "../../stores/waiter_id.ts";
import { nextTurn } from "../fake_clock.ts";
import type { Bench, Topic } from "./bench.ts";

/** What becomes of `undefined` and `null` where they are joined to a text without care. */
const NAMES_OF_NOTHING = ["undefined", "null", "NaN", "0", "false", "*", ":"] as const;

/** Cases on the contract. */
export const contract: Topic = {
  topic: "contract",
  cases: [
    {
      name: "the limiter as a whole is no key, whatever a key is called",
      covers: ["law.13"],
      async run(bench) {
        for (const options of [{ limit: 1, windowMs: 60_000 }, { maxConcurrent: 1 }] as const) {
          const limiter = bench.limiter(options);
          assert.equal((await limiter.tryAcquire()).allowed, true);
          for (const key of NAMES_OF_NOTHING) {
            assert.equal((await limiter.tryAcquire({ key })).allowed, true, `key ${key} shares the limit of the whole`);
          }
          assert.equal((await limiter.tryAcquire()).allowed, false);
          await bench.store.resetAll();
        }
      },
    },
    {
      name: "units that are given back hand out no instant that is promised to others",
      covers: ["law.10"],
      async run(bench) {
        for (const given of [0, 1, 2]) {
          const limiter = bench.limiter({ ratePerSecond: 1, burst: 1 });
          const reservations = [];
          for (let i = 0; i < 4; i++) reservations.push(await limiter.reserve());
          const [cancelled] = reservations.splice(given + 1, 1);
          await cancelled?.cancel();
          for (let i = 0; i < 3; i++) reservations.push(await limiter.reserve());
          const readyMs = reservations.map(({ readyAtMs }) => readyAtMs).sort((a, b) => a - b);
          for (let i = 1; i < readyMs.length; i++) {
            const apartMs = (readyMs[i] as number) - (readyMs[i - 1] as number);
            assert.ok(apartMs >= 1_000, `a cancelled reservation lets two calls start ${apartMs} ms apart, not 1000`);
          }
          await bench.store.resetAll();
        }
      },
    },
    {
      name: "one that queues again is served by when it first arrived",
      covers: ["law.4"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1 });
        await bench.store.listen(silentListener(bench, limiter));
        const holder = await bench.takeAndCrash(limiter);
        const early = takeOf(bench, limiter, 2, 60_000_000);
        const late = takeOf(bench, limiter, 3, 60_000_000);
        const earlyReply = await bench.store.execute(early);
        await bench.clock.advance(5);
        const lateReply = await bench.store.execute(late);
        assert.deepEqual([earlyReply.status, lateReply.status], ["queued", "queued"]);
        // The store loses everything, and another call takes the permit; then both ask again, the later one first.
        await bench.store.resetAll();
        await bench.takeAndCrash(limiter);
        const target = bench.targetOf(limiter);
        const poll = (id: string, arrivalUs: number) =>
          bench.store.execute({ op: "poll", id, arrivalUs, targets: [target] });
        assert.equal((await poll(late.id, lateReply.arrivalUs)).status, "queued");
        assert.equal((await poll(early.id, earlyReply.arrivalUs)).status, "queued");
        await bench.store.execute({ op: "release", id: holder, targets: [target] });
        await bench.settle();
        assert.equal((await poll(late.id, lateReply.arrivalUs)).status, "queued", "the later one was served first");
        assert.equal((await poll(early.id, earlyReply.arrivalUs)).status, "allowed");
      },
    },
    {
      name: "a request that rejects because of its signal has taken nothing",
      covers: ["5.12.missing.cancellation"],
      async run(bench) {
        const limiter = bench.limiter({ limit: 9, windowMs: 60_000 });
        for (const steps of [0, 1, 2, 3, 5, Infinity]) {
          const before = (await limiter.peek()).remaining;
          const abort = new AbortController();
          const outcome = settledOf(() => bench.store.execute(takeOf(bench, limiter, 1, 0), abort.signal));
          if (steps === Infinity) await nextTurn();
          else for (let step = 0; step < steps; step++) await undefined;
          abort.abort();
          const taken = await outcome === "rejected" ? 0 : 1;
          await bench.settle();
          assert.equal((await limiter.peek()).remaining, before - taken, `the request was ${await outcome}`);
        }
      },
    },
  ],
};

/** A take by a process that knows nothing of limiters. */
function takeOf(bench: Bench, limiter: Limiter, sequence: number, maxWaitUs: number): TakeRequest {
  const target = bench.targetOf(limiter);
  const { permits, cost } = target;
  const id = permits === 0 ? "" : waiterId({ instance: "contract", sequence, direct: true, maxWaitUs, permits, cost });
  return { op: "take", targets: [target], mode: maxWaitUs > 0 ? "wait" : "now", maxWaitUs, id, arrivalUs: 0 };
}

function silentListener(bench: Bench, limiter: Limiter): WakeupListener {
  return { instance: "contract", targetOf: () => bench.targetOf(limiter), wakeup: () => {}, missed: () => {} };
}

async function settledOf(ask: () => unknown): Promise<"resolved" | "rejected"> {
  try {
    await ask();
    return "resolved";
  } catch {
    return "rejected";
  }
}
