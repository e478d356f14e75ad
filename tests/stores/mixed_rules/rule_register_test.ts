import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import { FakeClock } from "../../../src/testing/fake_clock.ts";
import type { Policy } from "../../../src/policy/policy.ts";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import { KeyNames } from "../../../src/stores/redis/keys.ts";
import { RedisStore } from "../../../src/stores/redis/redis_store.ts";
import { runs } from "../../_support/arbitraries.ts";
import { freshPrefix } from "../../_support/redis.ts";
import { Connections } from "../_lab.ts";
import { Member, RegisterLab } from "./_rule_register.ts";

const SECOND_US = 1_000_000;

/** How long a process decides by what it was told, and for how long the register counts it as there. */
const VALID_US = 150 * SECOND_US;
const LEASE_US = 300 * SECOND_US;

let connections: Connections;
before(async () => void (connections = await Connections.open()));
after(() => connections.close());

const stepArb = fc.record({
  act: fc.constantFrom("ask", "ask", "ask", "ask", "ask", "leave", "crash") as fc.Arbitrary<"ask" | "leave" | "crash">,
  member: fc.integer({ min: 0, max: 4 }),
  seconds: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 400 })),
});

describe("The register of a limiter's rules", () => {
  it(
    "tells of other rules while a process decides by them, and of none once all have signed off",
    { timeout: 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(stepArb, { minLength: 1, maxLength: 60 }), async (steps) => {
          const lab = new RegisterLab(connections);
          const members = ["10", "10", "10", "20", "20"].map((rules) => new Member(rules));
          const crashedUs = new Map<string, number>();
          for (const { act, member: place, seconds } of steps) {
            lab.nowUs += seconds * SECOND_US;
            const member = members[place] as Member;
            if (act === "leave") await lab.leave(member);
            else if (act === "crash") {
              if (member.isCounted) crashedUs.set(member.rules, lab.nowUs);
              lab.forget(member);
            } else {
              const others = members.filter(({ rules }) => rules !== member.rules);
              const different = await lab.ask(member);
              const decides = others.some(({ askedUs }) => lab.nowUs - askedUs <= VALID_US);
              if (decides) assert.equal(different, 1, "a process decides by other rules");
              const other = others[0]?.rules as string;
              const hasEnded = lab.nowUs - (crashedUs.get(other) ?? -Infinity) >= 2 * LEASE_US;
              if (hasEnded && others.every(({ isCounted }) => !isCounted)) {
                assert.equal(different, 0, "all processes with other rules have signed off");
              }
            }
          }
        }),
        { numRuns: runs(600) },
      );
    },
  );

  it("counts processes anew after it was lost: the first that signs off does not take the others along", async () => {
    const lab = new RegisterLab(connections);
    const [one, two, other] = [new Member("10"), new Member("10"), new Member("20")];
    for (const member of [one, two]) await lab.ask(member);
    await lab.lose();
    for (const member of [one, two]) await lab.ask(member);
    await lab.leave(one);
    assert.equal(await lab.ask(other), 1);
    await lab.lose();
    await lab.leave(two);
    assert.equal(await lab.ask(other), 0);
  });

  it("keeps the rules of processes that have signed off for as long as their keys matter", async () => {
    const lab = new RegisterLab(connections);
    const [old, young] = [new Member("10"), new Member("20")];
    await lab.ask(old);
    await lab.leave(old);
    for (
      const [seconds, plain] of [[0, ["1 f 1 10", ""]], [60, ["1 f 1 10", ""]], [1, ["1 f 1 10", "1 f 1 20"]]] as const
    ) {
      lab.nowUs += seconds * SECOND_US;
      assert.equal(await lab.ask(young), 0);
      assert.deepEqual(lab.plain, plain);
    }
  });

  it("is not made by a process that signs off", async () => {
    const lab = new RegisterLab(connections);
    const [old, young] = [new Member("10"), new Member("20")];
    await lab.ask(old);
    await lab.lose();
    await lab.leave(old);
    await lab.ask(young);
    assert.deepEqual(lab.plain, ["1 f 1 20", ""]);
  });
});

describe("A Redis store that closes", () => {
  it("signs off, so that others hear at once that its rules are in use no more", async () => {
    const prefix = freshPrefix();
    const clock = new FakeClock();
    const open = () =>
      new RedisStore(Object.create(connections.connection, { close: { value: async () => {} } }), {
        keyPrefix: prefix,
        testClock: clock,
      });
    const limits = [10, 20].map((limit) =>
      compilePolicy({ algorithm: "fixed_window", limit, windowMs: limit * 1_000 })
    );
    const [old, other, young] = [open(), open(), open()];
    const reports: string[] = [];
    young.watchRules(({ others }) => reports.push(others.join()));
    const ask = async (store: RedisStore, place: number) => {
      const target = { limiter: "l", key: "k", policy: limits[place] as Policy, cost: 1, permits: 0 };
      await store.execute({ op: "take", targets: [target], mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0 });
    };
    const heard = async () => {
      for (let i = 0; i < 2; i++) {
        clock.set(clock.nowUs() + 6 * SECOND_US);
        await ask(young, 1);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      return reports.splice(0);
    };
    await ask(young, 1);
    clock.set(clock.nowUs() + SECOND_US);
    for (const store of [old, other]) await ask(store, 0);
    assert.deepEqual(await heard(), ["fixed_window 10 in 10000 ms"]);
    await old.close();
    assert.deepEqual(await heard(), []);
    await other.close();
    assert.deepEqual(await heard(), [""]);
  });

  it("signs off from rules that others have replaced, when it has not used them for half a minute", async () => {
    const [prefix, clock] = [freshPrefix(), new FakeClock()];
    const store = new RedisStore(connections.connection, { keyPrefix: prefix, testClock: clock });
    const register = new KeyNames(prefix).register("l");
    const [before, now] = [5, 7].map((limit) => compilePolicy({ limit, windowMs: 60_000 })) as [Policy, Policy];
    const ask = async (policy: Policy) => {
      const target = { limiter: "l", key: "k", policy, cost: 1, permits: 0 };
      await store.execute({ op: "take", targets: [target], mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0 });
      await new Promise((resolve) => setTimeout(resolve, 2));
    };
    const counts = async () => {
      const lines = String(await connections.raw.send("GET", register)).split("\n");
      return lines.filter((line) => /^\d+ \d+ \d+ \d+$/.test(line)).map((line) => line.split(" ").slice(2).join());
    };
    await ask(before);
    for (let seconds = 0; seconds < 28; seconds += 4) {
      clock.set(clock.nowUs() + 4 * SECOND_US);
      await ask(now);
    }
    assert.deepEqual(await counts(), ["0,1", "0,1"]);
    clock.set(clock.nowUs() + 7 * SECOND_US);
    await ask(now);
    assert.deepEqual((await counts()).toSorted(), ["0,0", "0,1"]);
  });
});
