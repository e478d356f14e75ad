import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import { show } from "../../../../src/base/text.ts";
import type { LimiterOptions } from "../../../../src/policy/options.ts";
import type { ScriptCall } from "../../../../src/stores/redis/script_call.ts";
import { hashSlot as ourSlot } from "../../../../src/stores/redis/hash_slot.ts";
import { storedKey } from "../../../../src/stores/redis/stored_keys.ts";
import { isOfLongerPrefix, KeyNames } from "../../../../src/stores/redis/keys.ts";
import { RedisStore } from "../../../../src/stores/redis/redis_store.ts";
import type { StoreRequest, TakeReply } from "../../../../src/stores/store.ts";
import { limiterArb, runs } from "../../../_support/arbitraries.ts";
import { hashSlot } from "../../../_support/hash_slot.ts";
import { assertQueueKept } from "../../../_support/permit_laws.ts";
import {
  assertBlockLifted,
  assertCountsOn,
  assertErasJoined,
  assertFailsAlone,
  assertFarKept,
  assertFillKept,
  assertLeasesKept,
  assertLivesAlone,
  assertLivesInUse,
} from "../../../_support/redis_laws.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { anyText } from "../../../_support/texts.ts";
import { Connections, costing, Lab, target } from "../../_lab.ts";

/** Texts made of what could be mistaken for something else in a key. */
const textArb = fc.oneof(
  fc.array(fc.constantFrom("{", "}", ":", "%", "~", "\0", "\r\n", "😀", "\ud800", "\udc00", "a", "1", "%7b.", " "), {
    maxLength: 6,
  }).map((parts) => parts.join("")),
  anyText({ maxLength: 12 }),
  fc.constantFrom("a", "b", "é", "{").map((one) => one.repeat(10_000)),
);
const nameArb = fc.record({ limiter: textArb, key: fc.option(textArb, { nil: undefined }) });

/** Whose keys `listKeys` names. */
const listedArb = fc.record({
  limiter: textArb.filter((text) => text !== ""),
  key: fc.option(textArb.filter((text) => text !== ""), { nil: undefined }),
});

const shardsArb = fc.constantFrom({}, {}, { keyShards: 1 }, { keyShards: 3 }, { keyShards: 1_024 });

/** With keys of every kind: main, rings, leases, waiters. */
const FULL: LimiterOptions = {
  limits: [{ ratePerSecond: 1 }, { algorithm: "sliding_window", limit: 5, windowMs: 1_000 }],
  maxConcurrent: 1,
};

describe("storedKey()", () => {
  it("reads back from each name what it stands for, and finds no other limiter's", () => {
    const prefixArb = fc.constantFrom("app", "app:eu", "{app", "app:~3");
    fc.assert(
      fc.property(
        prefixArb,
        listedArb,
        listedArb,
        shardsArb,
        fc.boolean(),
        (prefix, named, other, shards, hasPermits) => {
          const names = new KeyNames(prefix);
          const options: LimiterOptions = hasPermits
            ? { maxConcurrent: 2, ...shards }
            : { limit: 2, windowMs: 9, ...shards };
          const of = target(options, named);
          const [main = "", leases = ""] = names.of(of);
          for (const name of hasPermits ? [main, leases] : [main]) {
            const stored = storedKey(name, names, of);
            assert.ok(stored !== undefined, `${show(name)} is not found`);
            assert.deepEqual(names.of({ ...of, ...stored }), names.of(of));
            if (!stored.isHash) assert.equal(stored.key, named.key);
            if (other.limiter !== named.limiter) assert.equal(storedKey(name, names, { ...of, ...other }), undefined);
          }
        },
      ),
      { numRuns: runs(300) },
    );
  });
});

describe("The keys in Redis", () => {
  let connections: Connections;
  before(async () => void (connections = await Connections.open()));
  after(() => connections.close());

  it("are never shared by different prefixes, limiters or keys", async () => {
    const prefixArb = fc.oneof(fc.constant("app"), fc.constantFrom("app:eu", "app%3a.eu", "{app", "app:~3}"), textArb)
      .filter((prefix) => prefix !== "");
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(prefixArb, prefixArb),
        nameArb,
        nameArb,
        shardsArb,
        shardsArb,
        async ([prefixA, prefixB], a, b, shardsA, shardsB) => {
          const [namesA, namesB] = [new KeyNames(prefixA), new KeyNames(prefixB)];
          const keysA = await namesA.of(target({ ...FULL, ...shardsA }, a));
          const keysB = await namesB.of(target({ ...FULL, ...shardsB }, b));
          const same = prefixA === prefixB && a.limiter === b.limiter && a.key === b.key && keysA[0] === keysB[0];
          assert.deepEqual(keysA.filter((key) => keysB.includes(key)), same ? keysA : []);
          if (prefixA === prefixB) return;
          // resetAll() of one deletes nothing of the other.
          const isOfA = (key: string) =>
            [namesA.common, `{${namesA.common}`].some((begin) =>
              key.startsWith(begin) && !isOfLongerPrefix(key, begin)
            );
          assert.deepEqual(keysB.filter(isOfA), []);
          assert.ok(keysA.every(isOfA));
          // SCAN finds all keys of a prefix by its text.
          if (/[{}%~\p{Cc}\p{Cs}]/u.test(prefixA)) return;
          assert.ok(keysA.every((key) => key.startsWith(`${prefixA}:`) || key.startsWith(`{${prefixA}:`)));
        },
      ),
      { numRuns: runs(3_000) },
    );
  });

  it("of one target lie together in a cluster, and are short", async () => {
    const names = new KeyNames("rate_limit");
    assert.equal(hashSlot("123456789"), 12_739);
    await fc.assert(
      fc.asyncProperty(nameArb, shardsArb, async (name, shards) => {
        const keys = await names.of(target({ ...FULL, ...shards }, name));
        assert.equal(keys.length, 4);
        assert.equal(new Set(keys.map(hashSlot)).size, 1);
        for (const key of keys) assert.ok(key.length < 500);
      }),
      { numRuns: runs(300) },
    );
  });

  it("with key shards lie in as many slots, by the key alone, and under the store's prefixes", async () => {
    const names = new KeyNames("rate_limit");
    const slots = new Set<number>();
    for (let i = 0; i < 500; i++) {
      const [one, other] = await Promise.all(["api", "login"].map((limiter) => {
        return names.of(target({ ...FULL, keyShards: 7 }, { limiter, key: `user:${i}` }));
      })) as [string[], string[]];
      assert.equal(hashSlot(one[0] as string), hashSlot(other[0] as string));
      slots.add(hashSlot(one[0] as string));
      for (const key of [...one, ...other]) assert.ok(key.startsWith("{rate_limit:"), key);
    }
    assert.equal(slots.size, 7);
  });

  it("have the slots that Redis gives them", () => {
    fc.assert(fc.property(textArb, (text) => assert.equal(ourSlot(text), hashSlot(text))), { numRuns: runs(300) });
  });

  it("keep callers with other names apart, in the store itself", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(nameArb, { maxLength: 6, selector: (name) => JSON.stringify(name) }),
        async (all) => {
          const lab = new Lab("redis", connections);
          for (const name of all) assert.equal((await lab.take("now", target(FULL, name))).status, "allowed");
        },
      ),
      { numRuns: runs(50) },
    );
  });

  it("expire, every one of them, whatever was asked", { timeout: 60_000 }, async () => {
    const askArb = fc.record({
      op: fc.constantFrom("now", "wait", "refund", "penalize", "block", "release", "renew", "giveBack"),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(limiterArb, fc.array(askArb, { minLength: 1, maxLength: 12 }), async (options, asks) => {
        const keyPrefix = freshPrefix();
        const store = new RedisStore(connections.connection, { keyPrefix, timingMarginMs: 60_000 });
        const listener = { instance: "i", targetOf: () => undefined, wakeup: () => {}, missed: () => {} };
        const one = target(options);
        if (one.permits > 0) await store.listen(listener);
        for (const [i, { op, share }] of asks.entries()) {
          const targets = [costing(one, share)];
          const id = `i.${i}.d.9000000.1.1`;
          const marks = [one.policy.rates.map(() => ({ nowUs: 0, atUs: 0, cost: 1, level: [0, 0] as const }))];
          if (one.permits === 0 && (op === "release" || op === "renew")) continue;
          const request: StoreRequest = op === "now" || op === "wait"
            ? { op: "take", targets, mode: op, maxWaitUs: 9e6, id, arrivalUs: 0 }
            : op === "block"
            ? { op, targets, durationUs: 1_000 }
            : op === "giveBack"
            ? { op, targets, marks }
            : op === "release" || op === "renew"
            ? { op, targets, id: `i.${i - 1}.d.9000000.1.1` }
            : { op, targets };
          await store.execute(request);
        }
        const { raw } = connections;
        const keys = [...await raw.keys(`${keyPrefix}*`), ...await raw.keys(`{${keyPrefix}*`)];
        for (const key of keys) assert.ok(Number(await raw.send("PTTL", key)) > 0, `${key} never expires`);
      }),
      { numRuns: runs(150) },
    );
  });

  it(
    "that hold something else than the store wrote fail alone, with a reason, and are left as they are",
    { timeout: 60_000 },
    async () => {
      const garbageArb = fc.tuple(
        fc.constantFrom(
          "",
          "t",
          "f",
          "c",
          "tf",
          "ff",
          "b",
          "b1234567",
          "b\0\0\0\0\0\0\0\0",
          "s",
          "S",
          "F",
          "C",
          "17",
          "M",
          "M\x01",
          "M\x02",
        ),
        fc.string({ minLength: 1, maxLength: 40 }),
      ).map((parts) => parts.join(""));
      await fc.assert(
        fc.asyncProperty(limiterArb, garbageArb, async (options, garbage) => {
          const keyPrefix = freshPrefix();
          const store = new RedisStore(connections.connection, { keyPrefix });
          const [one, other] = [target(options, { key: "garbage" }), target(options, { key: "other" })];
          const [main] = await new KeyNames(keyPrefix).of(one);
          await connections.raw.send("SET", main as string, garbage);
          const take = (asked: typeof one): StoreRequest => {
            return { op: "take", mode: "now", maxWaitUs: 0, id: "i.1.d.0.1.1", arrivalUs: 0, targets: [asked] };
          };
          const before = await connections.raw.send("GET", main as string);
          const [first, second] = await Promise.allSettled([store.execute(take(one)), store.execute(take(other))]);
          assert.equal(second.status === "fulfilled" && (second.value as TakeReply).status, "allowed");
          if (one.policy.rates.length === 0) return;
          // Nine bytes may be a block, of a time that is over or not.
          const told = first.status === "rejected" ? first.reason.reason : (first.value as TakeReply).status;
          const isBlock = Buffer.byteLength(garbage) === 9 && (told === "blocked" || told === "allowed");
          // And what has the form of a state of other rules is one, whatever program wrote it.
          const isState = /^M.[tufcl]/su.test(garbage) && (told === "allowed" || told === "rate");
          if (isBlock || isState) return;
          assert.equal(told, "foreign_state", show(garbage));
          assert.equal(await connections.raw.send("GET", main as string), before);
        }),
        { numRuns: runs(400) },
      );
    },
  );

  it("with a block that is no number fail, and are left as they are", async () => {
    const keyPrefix = freshPrefix();
    const store = new RedisStore(connections.connection, { keyPrefix });
    for (const limit of [1, 100]) {
      const asked = target({ algorithm: "sliding_window", limit, windowMs: 60_000 }, { key: `of ${limit}` });
      const request = { op: "take", mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0, targets: [asked] } as const;
      assert.equal((await store.execute(request) as TakeReply).status, "allowed");
      const [main] = await new KeyNames(keyPrefix).of(asked) as [string];
      const value = Buffer.from(await connections.raw.bytes(main) as Uint8Array);
      value.writeDoubleLE(NaN, 1); // behind the "S"
      await connections.raw.send("SET", main, value);
      await assert.rejects(store.execute(request), { code: "STORE_REFUSED", reason: "foreign_state" });
      assert.deepEqual(Buffer.from(await connections.raw.bytes(main) as Uint8Array), value);
    }
  });

  it("are left alone by a request that fails, which fails alone", () => assertFailsAlone(connections));

  it("of a limiter that now counts in another way count on", () => assertCountsOn(connections));

  it("of a bucket stay as full where the register of its old numbers was lost", () => assertFillKept(connections));

  it("of buckets that are full in a century say so", () => assertFarKept(connections));
  it("of buckets are read alike where their last digits begin anew", () => assertErasJoined(connections));
  it("of buckets in use live until these are full", () => assertLivesInUse(connections));
  it("of buckets that are asked one by one live until these are full", () => assertLivesAlone(connections));
  it("of a block that is lifted hold nothing of it", () => assertBlockLifted(connections));
  it("of leases live as long as the longest lease", () => assertLeasesKept(connections));
  it("of a queue live on while calls join it", () => assertQueueKept(connections));
});

describe("The clock", () => {
  let connections: Connections;
  before(async () => void (connections = await Connections.open()));
  after(() => connections.close());

  it("is the server's: no script gets another one", async () => {
    const calls: ScriptCall[] = [];
    const store = new RedisStore(connections.connection, {
      keyPrefix: freshPrefix(),
      testScript: (call) => (calls.push(call), call),
    });
    const serverUs = async () => {
      const [seconds, us] = await connections.raw.send("TIME") as [string, string];
      return Number(seconds) * 1e6 + Number(us);
    };
    const realNow = Date.now;
    Date.now = () => realNow() + 5 * 3_600_000;
    try {
      for (
        const options of [
          { ratePerSecond: 1 },
          FULL,
          { limits: [{ ratePerSecond: 1 }, { limit: 1, windowMs: 1 }] },
          { limits: [{ ratePerSecond: 1 }, { algorithm: "sliding_window" as const, limit: 1, windowMs: 1 }] },
        ]
      ) {
        const targets = [target(options, { key: JSON.stringify(options), limiter: JSON.stringify(options) })];
        const before = await serverUs();
        const { nowUs } = await store.execute(
          { op: "take", mode: "now", maxWaitUs: 0, id: "i.1.d.0.1.1", arrivalUs: 0, targets },
        );
        assert.ok(before <= nowUs && nowUs <= await serverUs());
      }
    } finally {
      Date.now = realNow;
    }
    // The grace of 10 ms, without a clock.
    for (const { script, args } of calls) assert.equal(args[0], script.name === "register" ? "" : "10");
    assert.deepEqual([...new Set(calls.map(({ script }) => script.name))].toSorted(), [
      "bucket",
      "coordinate",
      "decide",
      "register",
      "several",
    ]);
  });
});
