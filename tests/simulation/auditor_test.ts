import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { LimiterOptions } from "../../src/policy/options.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import { type DoneReply, marksOf, type StoreRequest, type TakeReply, type Target } from "../../src/stores/store.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { audit, type Expectations } from "../_support/auditor/audit.ts";
import { BookKeeper } from "../_support/auditor/books.ts";

/** What a store answers, with a mistake in it. */
type Mistake = (request: StoreRequest, reply: TakeReply | DoneReply) => Partial<TakeReply>;

const WINDOW: LimiterOptions = { algorithm: "sliding_window", limit: 2, windowMs: 1_000 };

/** A store that is not right, with an auditor who looks on. */
class Wrong {
  readonly clock = new FakeClock();
  readonly #store = new MemoryStore({ clock: this.clock });
  readonly #books = new BookKeeper();
  readonly #mistake: Mistake;

  constructor(mistake: Mistake) {
    this.#mistake = mistake;
  }

  ask(request: StoreRequest): TakeReply {
    const reply = this.#store.execute(request) as TakeReply;
    const { status, nowUs, waitUs, arrivalUs, levels } = reply;
    const { counts } = reply as unknown as DoneReply;
    const told = { status, nowUs, waitUs, arrivalUs, levels, counts, ...this.#mistake(request, reply) };
    this.#books.enter({ kind: "executed", process: 0, request, reply: told });
    return told;
  }

  take(targets: readonly Target[], id: string = ""): TakeReply {
    return this.ask({ op: "take", mode: "now", targets, maxWaitUs: 0, arrivalUs: 0, id });
  }

  problems(expected?: Expectations): string[] {
    return audit(this.#books, expected);
  }
}

const target = (policy: Policy, limiter: string = "l", key?: string): Target => {
  return { limiter, key, policy, cost: 1, permits: policy.maxConcurrent > 0 ? 1 : 0 };
};

const always: Mistake = () => ({ status: "allowed", waitUs: 0 });

describe("The auditor", () => {
  for (
    const [name, options] of Object.entries<LimiterOptions>({
      "a token bucket": { ratePerSecond: 2, burst: 2 },
      "a sliding window": WINDOW,
      "a fixed window": { ...WINDOW, algorithm: "fixed_window" },
      "a sliding window counter": { ...WINDOW, algorithm: "sliding_window_counter" },
    })
  ) {
    it(`finds more in ${name} than law 1 allows`, () => {
      const right = new Wrong(() => ({}));
      const wrong = new Wrong(always);
      for (const store of [right, wrong]) for (let i = 0; i < 3; i++) store.take([target(compilePolicy(options))]);
      assert.deepEqual(right.problems(), []);
      assert.match(wrong.problems().join(), /^l: law 1: /);
    });
  }

  it("finds more permits held than there are, and a fencing token that is older than the last one", () => {
    const policy = compilePolicy({ maxConcurrent: 1 });
    const wrong = new Wrong(always);
    for (const id of ["a.1.d.0.1.1", "a.2.d.0.1.1"]) {
      wrong.take([target(policy)], id);
      wrong.clock.set(wrong.clock.nowUs() + 1);
    }
    assert.match(wrong.problems().join(), /l: law 1: 2 permits are held where 1 are the most,l: law 1: fencing token/);
  });

  it("finds a take over two keys that was given back on one of them", () => {
    const policy = compilePolicy(WINDOW);
    const wrong = new Wrong(() => ({}));
    const targets = [target(policy, "one"), target(policy, "two")];
    const marks = marksOf(targets, wrong.take(targets)).slice(0, 1);
    wrong.ask({ op: "giveBack", targets: targets.slice(0, 1), marks });
    assert.deepEqual(wrong.problems(), ["law 7: a take of one and two was given back in part"]);
  });

  it("finds units that are given back although no call had taken them", () => {
    const wrong = new Wrong(() => ({}));
    const marks = [[{ nowUs: 1, atUs: 1, cost: 1, level: [1, 1] as const }]];
    wrong.ask({ op: "giveBack", targets: [target(compilePolicy(WINDOW))], marks });
    assert.deepEqual(wrong.problems(), ["l: 1 units were given back that no call had taken"]);
  });

  it("finds a call that is charged twice", () => {
    const wrong = new Wrong(() => ({}));
    for (let i = 0; i < 2; i++) wrong.take([target(compilePolicy(WINDOW), "l", "k")]);
    const charges = new Map([["l of k", 1]]);
    assert.deepEqual(wrong.problems({ charges }), ["l of k: law 12: one call was charged 2 units, not 1"]);
  });

  it("finds a lease that outlives its process by more than its time to live", () => {
    const policy = compilePolicy({ maxConcurrent: 1, leaseTtlMs: 100 });
    const wrong = new Wrong(() => ({}));
    const id = "a.1.d.0.1.1";
    wrong.take([target(policy)], id);
    const crashes = new Map([["a", wrong.clock.nowUs()]]);
    assert.deepEqual(wrong.problems({ crashes }), []);
    wrong.clock.set(wrong.clock.nowUs() + 50_000);
    wrong.ask({ op: "renew", targets: [target(policy)], id });
    assert.deepEqual(wrong.problems({ crashes }), ["l: law 11: a lease ended 150000 µs after its process"]);
  });

  it("finds processes with two versions of the rules that admit more than the larger bound", () => {
    const wrong = new Wrong(always);
    const policies = [WINDOW, { ...WINDOW, limit: 3 }].map((options) => compilePolicy(options));
    for (let i = 0; i < 4; i++) wrong.take([target(policies[i % 2] as Policy)]);
    assert.deepEqual(wrong.problems(), ["l: law 16: 4 units in 0 µs, where the larger of the bounds is 3"]);
  });
});
