import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import { StoreError } from "../../../../src/base/errors.ts";
import type { Policy } from "../../../../src/policy/policy.ts";
import { compilePolicy } from "../../../../src/policy/compile_policy.ts";
import type { RedisConnection } from "../../../../src/stores/redis/connections/connection.ts";
import { openNodeRedis } from "../../../../src/stores/redis/connections/node_redis.ts";
import { KeyNames } from "../../../../src/stores/redis/keys.ts";
import { needsOf } from "../../../../src/stores/redis/needs.ts";
import { RedisStore } from "../../../../src/stores/redis/redis_store.ts";
import type { DoneReply, StoreRequest, TakeReply, Target } from "../../../../src/stores/store.ts";
import { FakeClock } from "../../../../src/testing/fake_clock.ts";
import { openRawRedis, type RawRedis } from "../../../_support/raw_redis.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { type RedisProcess, startRedis } from "../_servers.ts";

const MOST = 2;
const WAIT_US = 6e11;
const POLICIES = [60_000, 86_400_000].map((leaseTtlMs) => compilePolicy({ maxConcurrent: MOST, leaseTtlMs }));
const COMMANDS = needsOf(POLICIES, "channel", false).commands.map((command) => command.split(" ")[0] as string);

/** The process that asks, which hears in its replies; one that hears by messages; one that has gone. */
const INSTANCES = ["one", "two", "gone"];

const stepArb = fc.record({
  ask: fc.constantFrom(...["now", "now", "wait", "wait", "release", "release"] as const),
  key: fc.nat({ max: 3 }).map((n) => n === 0 ? 1 : 0),
  instance: fc.constantFrom(0, 0, 1, 1, 2),
  pick: fc.nat({ max: 5 }),
});

const sequenceArb = fc.record({
  policy: fc.constantFrom(...POLICIES),
  /** So many batches have every right. */
  granted: fc.nat({ max: 3 }),
  batches: fc.array(
    fc.record({
      /** How many times the length of a lease passes before it. */
      later: fc.constantFrom(0, 0, 0, 0.5, 1),
      /** Whether it brings something that is not for the short way. */
      isLong: fc.boolean(),
      steps: fc.array(stepArb, { minLength: 1, maxLength: 6 }),
    }),
    { minLength: 2, maxLength: 6 },
  ),
});

type Steps = readonly (typeof stepArb extends fc.Arbitrary<infer T> ? T : never)[];
type Sequence = typeof sequenceArb extends fc.Arbitrary<infer T> ? T : never;

interface Call {
  readonly op: "take" | "release";
  readonly id: string;
  /** The key's place among the targets. */
  readonly key: number;
  readonly request: StoreRequest;
}

/** Two keys of one limiter, a process that asks, and one that waits for messages. */
class Scene {
  readonly #raw: RawRedis;
  readonly #stores: readonly [RedisStore, RedisStore];
  readonly #names: KeyNames;
  readonly #policy: Policy;
  readonly #targets: readonly [Target, Target];
  readonly #clock = new FakeClock(1_767_225_600_000_000);
  readonly #takes: Call[] = [];

  constructor(raw: RawRedis, connections: readonly [RedisConnection, RedisConnection], policy: Policy) {
    const settings = { keyPrefix: freshPrefix(), testClock: this.#clock };
    this.#raw = raw;
    this.#stores = [new RedisStore(connections[0], settings), new RedisStore(connections[1], settings)];
    this.#names = new KeyNames(settings.keyPrefix);
    this.#policy = policy;
    const target = { limiter: "permits", policy, cost: 1, permits: 1 };
    this.#targets = [{ ...target, key: "a" }, { ...target, key: "b" }];
  }

  async listen(): Promise<void> {
    for (const [i, store] of this.#stores.entries()) {
      const instance = INSTANCES[i] as string;
      await store.listen({ instance, targetOf: () => this.#targets[0], wakeup: () => {}, missed: () => {} });
    }
  }

  /** Runs a batch. Each call fails for want of the right, or its reply says what is stored. */
  async run({ later, isLong, steps }: Sequence["batches"][number], lacking: string | undefined): Promise<void> {
    this.#clock.set(this.#clock.nowUs() + later * this.#policy.leaseTtlUs);
    const calls = this.#calls(steps);
    const held = (await this.#leases()).flat();
    const [store] = this.#stores;
    const renewal: StoreRequest = { op: "renew", id: "none", targets: [this.#targets[1]] };
    const all = [...isLong ? [renewal] : [], ...calls.map(({ request }) => request)];
    const replies = await Promise.allSettled(all.map((request) => store.execute(request)));
    for (const reply of replies) {
      if (reply.status === "fulfilled") continue;
      assert.ok(reply.reason instanceof StoreError);
      assert.equal(lacking && reply.reason.reason, "permission", reply.reason.message);
    }
    const [leases, waiters] = [await this.#leases(), await this.#waiters()];
    for (const each of leases) assert.ok(each.length <= MOST, `${each.length} hold a permit`);
    const released = calls.flatMap(({ op, id }) => op === "release" ? id : []);
    for (const [i, { op, id, key }] of calls.entries()) {
      const reply = replies.at(i - calls.length) as PromiseSettledResult<TakeReply | DoneReply>;
      const [isHeld, isQueued] = [leases[key]?.includes(id), waiters[key]?.includes(id)];
      if (op === "release") {
        if (lacking !== "ZREM" && held.includes(id)) assert.ok(!isHeld, "a release that fails ends the lease, too");
      } else if (reply.status === "fulfilled" && !released.includes(id) && !id.startsWith("gone")) {
        const { status } = reply.value as TakeReply;
        assert.equal(isHeld, status === "allowed" || (status === "queued" && !isQueued), `${status}: a lease`);
        if (status !== "queued") assert.ok(!isQueued, `${status}: in the queue`);
      }
    }
  }

  #calls(steps: Steps): Call[] {
    return steps.flatMap(({ ask, key, instance, pick }): Call[] => {
      if (ask === "release") {
        const take = this.#takes.at(-1 - pick);
        if (take === undefined) return [];
        const targets: [Target] = [this.#targets[take.key] as Target];
        return [{ ...take, op: ask, request: { op: ask, id: take.id, targets } }];
      }
      const id = `${INSTANCES[instance]}.${this.#takes.length}~${this.#policy.leaseTtlUs}.d.${WAIT_US}.1.1`;
      const targets: [Target] = [this.#targets[key] as Target];
      const request = { op: "take", mode: ask, id, maxWaitUs: WAIT_US, arrivalUs: 0, targets } as const;
      const call: Call = { op: "take", id, key, request };
      this.#takes.push(call);
      return [call];
    });
  }

  #leases(): Promise<string[][]> {
    return this.#members(1, `(${this.#clock.nowUs()}`);
  }

  #waiters(): Promise<string[][]> {
    return this.#members(2, "-inf");
  }

  /** What lies at each key's set, from a score on. */
  #members(place: number, from: string): Promise<string[][]> {
    return Promise.all(this.#targets.map(async (target) => {
      const name = (await this.#names.of(target)).at(place) as string;
      return (await this.#raw.send("ZRANGEBYSCORE", name, from, "+inf") as unknown[]).map(String);
    }));
  }
}

describe("A command that a user may not run", () => {
  let server: RedisProcess;
  let raw: RawRedis;
  let connections: [limited: RedisConnection, full: RedisConnection];
  before(async () => {
    server = await startRedis();
    raw = await openRawRedis(server.url);
    await raw.send("ACL", "SETUSER", "limits", "on", ">secret", "~*", "&*", "+@all");
    const urls = [server.url.replace("//", "//limits:secret@"), server.url] as const;
    connections = [openNodeRedis({ url: urls[0] }), openNodeRedis({ url: urls[1] })];
  });
  after(async () => {
    for (const connection of connections) await connection.close();
    await raw.close();
    await server.stop();
  });

  for (const command of COMMANDS) {
    it(`fails each call for a permit that needs ${command}, and no other`, { timeout: 60_000 }, async () => {
      const property = fc.asyncProperty(sequenceArb, async ({ policy, granted, batches }) => {
        const allow = (...rules: string[]) => raw.send("ACL", "SETUSER", "limits", "+@all", ...rules);
        const scene = new Scene(raw, connections, policy);
        await allow();
        await scene.listen();
        for (const [i, batch] of batches.entries()) {
          if (i === granted) await allow(`-${command.toLowerCase()}`);
          await scene.run(batch, i < granted ? undefined : command);
        }
      });
      await fc.assert(property, { numRuns: 100 });
    });
  }
});
