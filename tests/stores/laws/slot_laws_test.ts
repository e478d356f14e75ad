import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import type { DoneReply, PollRequest, TakeReply, TakeRequest, Target } from "../../../src/stores/store.ts";
import { runs } from "../../_support/arbitraries.ts";
import { assertPipelined } from "../../_support/properties.ts";
import { assertStatus, Connections, ENGINES, Lab, target } from "../_lab.ts";

const TTL_US = 100_000;
const permits = (maxConcurrent: number) => target({ maxConcurrent, leaseTtlMs: TTL_US / 1_000 });

/** What is done with a lease, by its holder or by another call. */
const commandsArb = fc.array(
  fc.record({
    us: fc.oneof(fc.constantFrom(0, 0, 1, TTL_US - 1, TTL_US), fc.nat(TTL_US)),
    what: fc.constantFrom("take", "take", "take", "release", "release again", "renew", "release of another"),
    pick: fc.nat(20),
  }),
  { minLength: 1, maxLength: 40 },
);

for (const engine of ENGINES) {
  describe(`The laws of permits, in ${engine}`, () => {
    let connections: Connections;
    before(async () => void (connections = await Connections.open()));
    after(() => connections.close());

    function poll({ id, targets }: TakeRequest, { arrivalUs }: TakeReply): PollRequest {
      return { op: "poll", id, arrivalUs, targets: [targets[0] as Target] };
    }

    it(
      "never more leases than permits, whatever is renewed, released twice or by others",
      { timeout: 120_000 },
      async () => {
        await assertPipelined(
          fc.asyncProperty(fc.integer({ min: 1, max: 4 }), commandsArb, async (max, commands) => {
            const lab = new Lab(engine, connections);
            const one = permits(max);
            const ends = new Map<string, number>();
            const known: string[] = [];
            let lastFence = 0;
            for (const { us, what, pick } of commands) {
              lab.pass(us);
              const nowUs = lab.clock.nowUs();
              const live = () => [...ends.values()].filter((endUs) => endUs > nowUs).length;
              const id = known[pick % known.length] ?? "i.999.d.0.1.1";
              if (what === "take") {
                const request = lab.request("now", [one]);
                const reply = await lab.ask(request);
                assert.equal(reply.status, live() < max ? "allowed" : "permits");
                if (reply.status !== "allowed") continue;
                for (const [lease, endUs] of ends) if (endUs <= nowUs) ends.delete(lease);
                ends.set(request.id, nowUs + TTL_US);
                known.push(request.id);
                const [level] = reply.levels;
                assert.equal(level?.permits?.used, live());
                assert.ok((level?.permits?.fence ?? 0) > lastFence, "the fence rises");
                lastFence = level?.permits?.fence ?? 0;
              } else if (what === "renew") {
                const endUs = ends.get(id);
                const held = endUs !== undefined && (endUs > nowUs || live() < max);
                const reply = await lab.ask({ op: "renew", id, targets: [one] }) as DoneReply;
                assert.deepEqual(reply.counts, [held ? 1 : 0]);
                if (held) ends.set(id, nowUs + TTL_US);
              } else {
                const whose = what === "release of another" ? "j.1.d.0.1.1" : id;
                const reply = await lab.ask({ op: "release", id: whose, targets: [one] }) as DoneReply;
                assert.deepEqual(reply.counts, [ends.delete(whose) ? 1 : 0]);
                if (what === "release again") {
                  assert.deepEqual((await lab.ask({ op: "release", id: whose, targets: [one] }) as DoneReply).counts, [
                    0,
                  ]);
                }
              }
              assert.ok(live() <= max);
            }
          }),
          { numRuns: runs(80) },
        );
      },
    );

    it("a lease that is not renewed is free exactly at its time to live", async () => {
      const lab = new Lab(engine, connections);
      assertStatus(await lab.take("now", permits(1)), "allowed");
      lab.pass(TTL_US - 1);
      const denied = await lab.take("now", permits(1));
      assertStatus(denied, "permits");
      assert.equal(denied.waitUs, 1);
      lab.pass(1);
      assertStatus(await lab.take("now", permits(1)), "allowed");
    });

    it("calls are served in the order of arrival, and none jumps the queue", { timeout: 60_000 }, async () => {
      await assertPipelined(
        fc.asyncProperty(fc.array(fc.nat(2), { minLength: 2, maxLength: 8 }), async (gaps) => {
          const lab = new Lab(engine, connections);
          await lab.listen();
          const one = permits(1);
          let holder = lab.request("now", [one]);
          assertStatus(await lab.ask(holder), "allowed");
          const waiting: PollRequest[] = [];
          for (const us of gaps) {
            lab.pass(us);
            const request = lab.request("wait", [one]);
            const reply = await lab.ask(request);
            assertStatus(reply, "queued");
            waiting.push(poll(request, reply));
          }
          for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
            await lab.ask({ op: "release", id: holder.id, targets: [one] });
            assertStatus(await lab.take("now", one), "permits");
            for (const other of waiting) assertStatus(await lab.ask(other) as TakeReply, "queued");
            assertStatus(await lab.ask(next) as TakeReply, "allowed");
            holder = { ...holder, id: next.id };
          }
        }),
        { numRuns: runs(25) },
      );
    });

    it("a waiter holds no rate while it waits for a permit", async () => {
      const lab = new Lab(engine, connections);
      await lab.listen();
      const one = target({ ratePerSecond: 1, burst: 5, maxConcurrent: 1 });
      const holder = lab.request("now", [one]);
      assertStatus(await lab.ask(holder), "allowed");
      const queued = await lab.take("wait", { ...one, cost: 4 });
      assertStatus(queued, "queued");
      assert.deepEqual(queued.levels[0]?.rates, [[1_000_000, 0]], "only what the holder took");
      const freed = { ...one, policy: { ...one.policy, maxConcurrent: 0 }, permits: 0, cost: 4 };
      assertStatus(await lab.take("peek", freed), "allowed");
    });

    it("a waiter holds no permit while it waits for a rate", async () => {
      const lab = new Lab(engine, connections);
      await lab.listen();
      const one = target({ ratePerSecond: 1, burst: 1, maxConcurrent: 2 });
      const other = target({ maxConcurrent: 2 });
      assertStatus(await lab.take("now", one), "allowed");
      const queued = await lab.take("wait", one);
      assertStatus(queued, "queued");
      assert.equal(queued.waitUs, 1_000_000);
      assert.equal(queued.levels[0]?.permits?.used, 1);
      assert.equal((await lab.take("peek", other)).levels[0]?.permits?.used, 1);
    });

    it("a call that waits for several limiters asks again when the other rate allows it, not before", async () => {
      const lab = new Lab(engine, connections);
      await lab.listen();
      const rate = target({ ratePerSecond: 1, burst: 4 }, { limiter: "rate", cost: 4 });
      const permit = target({ maxConcurrent: 1, leaseTtlMs: 60_000 }, { limiter: "permit" });
      assertStatus(await lab.take("now", rate), "allowed");
      const request = lab.request("wait", [rate, permit]);
      const queued = await lab.ask(request);
      assertStatus(queued, "queued");
      assert.equal(queued.waitUs, 4_000_000);
      lab.pass(4_000_000);
      assertStatus(await lab.ask({ ...request, arrivalUs: queued.arrivalUs }), "allowed");
    });

    it("a call that waits for several limiters hears how long the permits take, with other numbers in each", async () => {
      const lab = new Lab(engine, connections);
      await lab.listen();
      const rate = target({ ratePerSecond: 1, burst: 9 }, { limiter: "rate", cost: 3 });
      const wide = target({ maxConcurrent: 3 }, { limiter: "wide", permits: 3 });
      const permit = permits(1);
      assertStatus(await lab.take("now", permit), "allowed");
      for (const targets of [[rate, permit], [wide, permit]]) {
        const queued = await lab.take("wait", ...targets);
        assertStatus(queued, "queued");
        assert.ok(queued.waitUs >= TTL_US, `${queued.waitUs}`);
      }
    });

    it("a call that hears late of its permit holds it for the full time from then on", async () => {
      const lab = new Lab(engine, connections);
      await lab.listen();
      const one = permits(1);
      const holder = lab.request("now", [one]);
      await lab.ask(holder);
      const request = lab.request("wait", [one]);
      const queued = await lab.ask(request);
      await lab.ask({ op: "release", id: holder.id, targets: [one] });
      lab.pass(TTL_US - 1);
      assertStatus(await lab.ask(poll(request, queued)) as TakeReply, "allowed");
      lab.pass(TTL_US - 1);
      assertStatus(await lab.take("now", one), "permits");
      lab.pass(1);
      assertStatus(await lab.take("now", one), "allowed");
    });

    it("a call over several limiters that has its permits is not charged again when it asks again", async () => {
      const lab = new Lab(engine, connections);
      await lab.listen();
      const rate = target({ ratePerSecond: 1, burst: 4 }, { limiter: "rate", cost: 2 });
      const one = permits(1);
      const holder = lab.request("now", [one]);
      await lab.ask(holder);
      const request = lab.request("wait", [rate, one]);
      const { arrivalUs } = await lab.ask(request);
      await lab.ask({ op: "release", id: holder.id, targets: [one] });
      const again = { ...request, arrivalUs };
      const served = await lab.ask(again);
      assertStatus(served, "allowed");
      assert.equal(served.repeated, undefined);
      lab.pass(TTL_US - 1);
      const repeated = await lab.ask(again);
      assertStatus(repeated, "allowed");
      assert.equal(repeated.repeated, true);
      const fence = (reply: TakeReply) => reply.levels[1]?.permits?.fence ?? 0;
      assert.ok(fence(repeated) > fence(served));
      assert.deepEqual(repeated.levels[0]?.rates, [[2_000_000 - (TTL_US - 1), 0]]);
      lab.pass(TTL_US - 1);
      assertStatus(await lab.take("now", one), "permits");
      lab.pass(1);
      assertStatus(await lab.take("now", one), "allowed");
      assertStatus(await lab.ask(again), "queued");
    });

    it("a call that asks again hears once that its place was lost, and has it again", async () => {
      const lab = new Lab(engine, connections);
      await lab.listen();
      const one = permits(1);
      const holder = lab.request("now", [one]);
      await lab.ask(holder);
      const [first, second] = [lab.request("wait", [one]), lab.request("wait", [one])];
      const known = poll(first, await lab.ask(first));
      const elsewhere = target({ maxConcurrent: 1, leaseTtlMs: TTL_US / 1_000 }, { limiter: "elsewhere" });
      const lost: PollRequest = { ...poll(second, await lab.ask(second)), targets: [elsewhere] };
      const asks = async (request: PollRequest) => {
        const { status, forgotten } = await lab.ask(request) as TakeReply;
        return [status, forgotten === true];
      };
      assert.deepEqual(await asks(known), ["queued", false]);
      await lab.ask(lab.request("now", [elsewhere]));
      assert.deepEqual(await asks(lost), ["queued", true]);
      assert.deepEqual(await asks(lost), ["queued", false]);
      const free: PollRequest = { ...lost, targets: [{ ...elsewhere, limiter: "free" }] };
      assert.deepEqual(await asks(free), ["allowed", true]);
      assert.deepEqual(await asks(free), ["allowed", false]);
    });

    it("after a step back of the clock, leases end in their own length, and those who renew keep theirs", async () => {
      const stepArb = fc.constantFrom(1, TTL_US / 2, TTL_US, 3_600_000_000, 1e12);
      // All leases begin within a quarter of their length, so none has ended in the three quarters that are looked at.
      const gapsArb = fc.array(fc.nat(TTL_US / 16 - 1), { minLength: 1, maxLength: 4 });
      await assertPipelined(
        fc.asyncProperty(stepArb, fc.nat(3), gapsArb, async (stepUs, alive, gaps) => {
          const lab = new Lab(engine, connections);
          await lab.listen();
          const one = permits(gaps.length);
          const holders = gaps.map(() => lab.request("now", [one]));
          for (const [i, request] of holders.entries()) {
            assertStatus(await lab.ask(request), "allowed");
            lab.pass(gaps[i] as number);
          }
          lab.pass(-stepUs);
          const renewed = holders.slice(0, Math.min(alive, gaps.length - 1));
          const waiter = lab.request("wait", [one]);
          for (let i = 0; i < 4; i++) {
            for (const { id } of renewed) {
              assert.deepEqual((await lab.ask({ op: "renew", id, targets: [one] }) as DoneReply).counts, [1]);
            }
            const reply = i === 0 ? await lab.ask(waiter) : await lab.take("now", one);
            assertStatus(reply, i === 0 ? "queued" : "permits");
            assert.ok(reply.waitUs <= TTL_US, `a wait of ${reply.waitUs} µs`);
            if (i < 3) lab.pass(TTL_US / 4);
          }
          lab.pass(TTL_US / 4);
          await lab.ask({ op: "release", id: waiter.id, targets: [one] });
          for (const { id } of renewed) await lab.ask({ op: "renew", id, targets: [one] });
          for (let i = renewed.length; i < gaps.length; i++) assertStatus(await lab.take("now", one), "allowed");
          assertStatus(await lab.take("now", one), "permits");
        }),
        { numRuns: runs(60) },
      );
    });

    it("a denial for want of a permit writes nothing, with others in the queue", async () => {
      const lab = new Lab(engine, connections);
      await lab.listen();
      const one = target({ ratePerSecond: 1, burst: 9, maxConcurrent: 1 });
      await lab.take("now", one);
      await lab.take("wait", one);
      const stored = await lab.dump([one]);
      assertStatus(await lab.take("now", one), "permits");
      assertStatus(await lab.take("peek", one), "permits");
      assert.equal(await lab.dump([one]), stored);
    });
  });
}
