import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { lineOf, PermitQueue } from "../../src/waiting/permit_queue.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import type { TakeReply, Target } from "../../src/stores/store.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

function replyOf(status: TakeReply["status"]): TakeReply {
  return { status, nowUs: 0, waitUs: 1e6, arrivalUs: 1, levels: [] };
}

const target: Target = {
  limiter: "permits",
  key: undefined,
  policy: compilePolicy({ maxConcurrent: 1 }),
  cost: 1,
  permits: 1,
};

/** A call that queues, and the questions that it asks. */
function queued(room: PermitQueue, id = "i.1.t.1000000.1.1") {
  const asked: ((reply: TakeReply) => void)[] = [];
  const late: TakeReply[] = [];
  const call = {
    id,
    line: lineOf(target),
    targets: [],
    ask: () => new Promise<TakeReply>((resolve) => asked.push(resolve)),
    endsPlace: () => false,
    late: (reply: TakeReply) => void late.push(reply),
  };
  room.announce(call.id, target);
  return { call, asked, late, served: room.wait(call, replyOf("queued")) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("PermitQueue", () => {
  it("sends one request at a time, and one more for messages that came meanwhile", async () => {
    const room = new PermitQueue("i", new FakeClock());
    const { call, asked, served } = queued(room);
    room.missed();
    room.missed();
    room.wakeup({ id: call.id, kind: "turn", reply: { ...replyOf("queued"), waitUs: 0 } });
    assert.equal(asked.length, 1);
    asked[0]?.(replyOf("queued"));
    await turn();
    assert.equal(asked.length, 2);
    asked[1]?.(replyOf("queued"));
    await turn();
    assert.equal(asked.length, 2);
    room.missed();
    asked[2]?.(replyOf("allowed"));
    assert.equal((await served)?.status, "allowed");
    room.forget(call.id);
  });

  it("gives back what was granted to a call that is over", async () => {
    const room = new PermitQueue("i", new FakeClock());
    const { call, asked, late } = queued(room);
    room.missed();
    room.forget(call.id);
    asked[0]?.(replyOf("allowed"));
    await turn();
    assert.deepEqual(late.map(({ status }) => status), ["allowed"]);
  });

  it("asks once for each call of a line when the store has lost the place of one", async () => {
    const clock = new FakeClock();
    const room = new PermitQueue("i", clock);
    const calls = Array.from({ length: 300 }, (_, i) => queued(room, `i.${i}.t.1000000.1.1`));
    const questions = () => calls.reduce((sum, { asked }) => sum + asked.length, 0);
    room.doubt([target]);
    assert.equal(questions(), 1);
    const lost = { ...replyOf("queued"), forgotten: true };
    calls[0]?.asked[0]?.(lost);
    await turn();
    assert.equal(questions(), 300);
    for (const { asked } of calls.slice(1)) {
      asked[0]?.(lost); // they are answered one after the other
      await turn();
    }
    assert.equal(questions(), 300);
    room.doubt([target]);
    calls[0]?.asked[1]?.(replyOf("queued"));
    await turn();
    assert.equal(questions(), 301);
  });

  it("has the next call ask as soon as one was served because a lease had ended", async () => {
    const clock = new FakeClock();
    const room = new PermitQueue("i", clock);
    const [first, second] = [queued(room), queued(room, "i.1.t.1000000.1.2")];
    await clock.advance(1_000);
    assert.equal(first.asked.length, 1);
    first.asked[0]?.(replyOf("allowed"));
    await first.served;
    await turn();
    await clock.advance(2);
    // The lease of another permit of the same holder ends a moment later.
    assert.equal(second.asked.length, 1);
    second.asked[0]?.({ ...replyOf("queued"), waitUs: 5_000 });
    await turn();
    await clock.advance(5);
    assert.equal(second.asked.length, 2);
    second.asked[1]?.(replyOf("allowed"));
    await second.served;
  });
});
