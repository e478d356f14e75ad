/**
 * Decides by the algorithm that new_algorithm_test.ts has added, in memory and on Redis: laws and parity. It ends with an
 * error at the first decision that is not right.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";

import { ConfigError, createRateSync } from "../../../mod.ts";
import { stateExcess, stateProblem } from "../../../src/algorithms/kernels.ts";
import type { RateLimit } from "../../../src/algorithms/limit.ts";
import type { Policy } from "../../../src/policy/policy.ts";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import type { LimiterOptions } from "../../../src/policy/options.ts";
import { MemoryStore } from "../../../src/stores/memory/memory_store.ts";
import { openNodeRedis } from "../../../src/stores/redis/connections/node_redis.ts";
import { RedisStore } from "../../../src/stores/redis/redis_store.ts";
import {
  marksOf,
  type StoreRequest,
  type TakeReply,
  type TakeRequest,
  type Target,
} from "../../../src/stores/store.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";

const WINDOW_US = 1_000_000;
const LIMIT = 5;
const ALIGNED = { algorithm: "aligned_window", limit: LIMIT, windowMs: WINDOW_US / 1_000 } as const;

const url = process.env["RATESYNC_TEST_REDIS_URL"] as string;
const connection = openNodeRedis({ url });
let seed = 1;
let prefix = 0;

/** The same numbers in every run (Park and Miller, 1988). */
function random(below: number): number {
  seed = seed * 48_271 % 2_147_483_647;
  return seed % below;
}

/** Both stores on one clock, and what both of them answer. */
class Pair {
  readonly clock = new FakeClock(1.7e15);
  readonly memory = new MemoryStore({ clock: this.clock });
  readonly redis = new RedisStore(connection, {
    keyPrefix: `toy-${process.pid}-${prefix++}`,
    timingMarginMs: 60_000,
    testClock: this.clock,
  });
  #sequence = 0;

  take(mode: TakeRequest["mode"], target: Target, maxWaitUs: number = 0): Promise<TakeReply> {
    const id = target.permits > 0 ? `i.${this.#sequence++}.d.0.${target.permits}.${target.cost}` : "";
    return this.ask({ op: "take", targets: [target], mode, maxWaitUs, id, arrivalUs: 0 }) as Promise<TakeReply>;
  }

  async ask(request: StoreRequest): Promise<unknown> {
    const [expected, actual] = await Promise.all([this.memory.execute(request), this.redis.execute(request)]);
    const what = `${request.op} of ${request.targets[0]?.cost} at ${this.clock.nowUs()}`;
    assert.deepEqual(plain(actual), plain(expected), what);
    for (const target of request.targets) this.#check(target);
    return expected;
  }

  pass(us: number): void {
    this.clock.set(this.clock.nowUs() + us);
  }

  #check(target: Target): void {
    for (const [i, state] of this.memory.statesOf(target).entries()) {
      const rate = target.policy.rates[i] as RateLimit;
      assert.equal(stateProblem(rate, state) ?? stateExcess(rate, state), undefined);
    }
  }
}

function plain(reply: object): object {
  if (!("status" in reply)) return reply;
  const { status, nowUs, waitUs, levels } = reply as TakeReply;
  return { status, nowUs, waitUs, levels };
}

function targetOf(policy: Policy, cost: number = 1): Target {
  return { limiter: "l", key: "k", policy, cost, permits: policy.maxConcurrent > 0 ? 1 : 0 };
}

/** Every verb at random: both stores give the same answers, and no window holds more than was kept. */
async function parity(options: LimiterOptions, steps: number): Promise<void> {
  const pair = new Pair();
  const policy = compilePolicy(options);
  const kept = new Map<number, number>();
  const taken: { request: TakeRequest; reply: TakeReply }[] = [];
  let admitted = 0;
  const startOf = (us: number) => Math.floor(us / WINDOW_US);
  for (let i = 0; i < steps; i++) {
    pair.pass([0, 0, 1, 1_000, 200_000, 1_500_000][random(6)] as number);
    const target = targetOf(policy, 1 + random(3));
    const verb = random(10);
    if (verb < 7) {
      const mode = (["now", "now", "now", "wait", "wait", "peek", "now"] as const)[verb] ?? "now";
      const request = { op: "take", targets: [target], mode, maxWaitUs: 2_000_000, id: "", arrivalUs: 0 } as const;
      const reply = await pair.ask(request) as TakeReply;
      if (mode === "peek" || reply.status !== "allowed") continue;
      taken.push({ request, reply });
      admitted++;
      const start = startOf(reply.nowUs + reply.waitUs);
      const units = (kept.get(start) ?? 0) + target.cost;
      kept.set(start, units);
      assert.ok(units <= LIMIT, `${units} units in one window`);
    } else if (verb === 7 && taken.length > 0) {
      const { request, reply } = taken.splice(random(taken.length), 1)[0] as (typeof taken)[0];
      await pair.ask({ op: "giveBack", targets: request.targets, marks: marksOf(request.targets, reply) });
      const start = startOf(reply.nowUs + reply.waitUs);
      kept.set(start, (kept.get(start) as number) - (request.targets[0] as Target).cost);
    } else if (verb === 8) {
      await pair.ask({ op: "block", targets: [target], durationUs: [0, 1, 300_000][random(3)] as number });
    } else if (random(8) === 0) {
      await pair.ask({ op: "reset", targets: [target] });
      kept.clear();
      taken.length = 0;
    }
  }
  assert.ok(admitted > steps / 10, `${admitted} takes were allowed`);
}

/** A denial says exactly when the same call is allowed, and writes nothing. */
async function exactWait(): Promise<void> {
  const pair = new Pair();
  const policy = compilePolicy(ALIGNED);
  pair.pass(400_000);
  await pair.take("now", targetOf(policy, LIMIT));
  for (let i = 0; i < 3; i++) {
    const denial = await pair.take("now", targetOf(policy));
    assert.deepEqual([denial.status, denial.waitUs], ["rate", 600_000]);
  }
  pair.pass(599_999);
  assert.equal((await pair.take("now", targetOf(policy))).status, "rate");
  pair.pass(1);
  assert.equal((await pair.take("now", targetOf(policy))).status, "allowed");
}

/** What stands in a limit is kept when the algorithm of a limiter changes, to the toy and from it. */
function changedRules(): void {
  const other = { algorithm: "token_bucket", limit: LIMIT, windowMs: 60_000 } as const;
  for (const [before, after] of [[ALIGNED, other], [other, ALIGNED]]) {
    const store = new MemoryStore({ clock: new FakeClock(1.7e15) });
    const ask = (options: LimiterOptions, cost: number) => {
      const targets = [targetOf(compilePolicy(options), cost)];
      return store.execute({ op: "take", targets, mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0 }) as TakeReply;
    };
    assert.equal(ask(before as LimiterOptions, LIMIT - 1).status, "allowed");
    assert.equal(ask(after as LimiterOptions, 2).status, "rate");
    assert.equal(ask(after as LimiterOptions, 1).status, "allowed");
  }
}

/** What users of the package see of it. */
async function publicSurface(): Promise<void> {
  await using rs = createRateSync({
    stores: { here: { engine: "memory", checkStates: true }, there: { engine: "redis", url } },
    limiters: {
      here: { store: "here", ...ALIGNED, windowMs: 3_600_000 },
      there: { store: "there", ...ALIGNED, windowMs: 3_600_000 },
      permits: { store: "there", ...ALIGNED, windowMs: 3_600_000, maxConcurrent: 2 },
    },
  });
  for (const id of ["here", "there", "permits"] as const) {
    await rs.reset(id);
    const decision = await rs.tryAcquire(id, { cost: 2 });
    assert.deepEqual([decision.allowed, decision.limits[0]?.remaining], [true, LIMIT - 2]);
    assert.equal(decision.limits[0]?.algorithm, "aligned_window");
    assert.match(decision.headers()["RateLimit"] as string, /r=/);
    await decision.permit?.release();
    const permit = await rs.acquire(id, { cost: LIMIT - 2 });
    await permit.release();
    assert.equal((await rs.tryAcquire(id)).reason, "rate");
    const { deniedBy, limiters } = await rs.explain(id);
    assert.equal(deniedBy?.rule, `${LIMIT} per 1 h, aligned_window`);
    assert.match(limiters[0]?.limits[0]?.standing ?? "", /^5 taken/);
    await rs.refund(id, 1);
    assert.equal((await rs.tryAcquire(id)).allowed, true);
    await rs.reset(id);
  }
  const lease = { ...ALIGNED, tokenLeaseMs: 100 };
  assert.throws(() => compilePolicy(lease), ConfigError, "units of this algorithm cannot be lent");
}

await parity(ALIGNED, 1_500);
await parity({ limits: [ALIGNED, { algorithm: "fixed_window", limit: 1_000, windowMs: 60_000 }] }, 500);
await parity({ limits: [{ ratePerSecond: 1_000, burst: 100 }, ALIGNED] }, 500);
await exactWait();
changedRules();
await publicSurface();
await connection.close();
console.log("decided");
