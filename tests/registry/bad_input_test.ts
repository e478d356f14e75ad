import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { ConfigError, CostExceedsLimitError, createRateSync, NotFoundError, type RateSync } from "../../mod.ts";
import { assertFails, type Expected } from "./_errors.ts";
import { STORES } from "./_stores.ts";

const LIMITERS = {
  bucket: { ratePerSecond: 10, burst: 5 },
  window: { algorithm: "sliding_window", limit: 5, windowMs: 60_000 },
  counter: { algorithm: "sliding_window_counter", limit: 5, windowMs: 60_000 },
  fixed: { algorithm: "fixed_window", limit: 5, windowMs: 60_000 },
  several: { limits: [{ limit: 5, windowMs: 60_000 }, { limit: 100, windowMs: 3_600_000 }] },
  slots: { maxConcurrent: 5 },
  both: { ratePerSecond: 10, burst: 5, maxConcurrent: 7 },
} as const;

type Id = keyof typeof LIMITERS;
const IDS = Object.keys(LIMITERS) as Id[];

/** Every verb that takes an id. */
const VERBS: readonly [name: string, call: (rs: RateSync, id: string) => unknown][] = [
  ["acquire", (rs, id) => rs.acquire(id)],
  ["tryAcquire", (rs, id) => rs.tryAcquire(id)],
  ["peek", (rs, id) => rs.peek(id)],
  ["reserve", (rs, id) => rs.reserve(id)],
  ["acquireAll", (rs, id) => rs.acquireAll([{ limiter: "bucket" }, { limiter: id }])],
  ["tryAcquireAll", (rs, id) => rs.tryAcquireAll([{ limiter: "bucket" }, { limiter: id }])],
  ["run", (rs, id) => rs.run(id, () => assert.fail("it ran"))],
  ["rateLimited", (rs, id) => rs.rateLimited(() => assert.fail("it ran"), { limiter: id })()],
  ["reset", (rs, id) => rs.reset(id)],
  ["refund", (rs, id) => rs.refund(id, 1)],
  ["penalize", (rs, id) => rs.penalize(id, 1)],
  ["block", (rs, id) => rs.block(id, 1)],
  ["limiter", (rs, id) => rs.limiter(id)],
  ["metrics", (rs, id) => rs.metrics(id)],
  ["subscribe", (rs, id) => rs.subscribe(id, () => {})],
];

for (const [engine, store] of STORES) {
  describe(`Bad input on ${engine}`, () => {
    let rs: RateSync;
    before(() => void (rs = createRateSync<string>({ stores: { main: store() }, limiters: LIMITERS })));
    after(() => rs?.close());

    for (const [name, call] of VERBS) {
      it(`${name}() of an unknown limiter lists the known ones`, async () => {
        const says = ['Cannot find limiter "nope": known: "bucket", "window", "counter"'];
        await assertFails(() => call(rs, "nope"), { type: NotFoundError, code: "LIMITER_NOT_FOUND", says });
        const strange = { type: NotFoundError, code: "LIMITER_NOT_FOUND", says: ["known: "] } as const;
        for (const id of ["", "__proto__", "toString", "Bucket", "bucket "]) {
          await assertFails(() => call(rs, id), strange);
        }
      });
    }

    for (const id of IDS) {
      it(`refuses costs of ${id} that are not whole numbers from 1`, async () => {
        for (const cost of [0, -1, 1.5, 0.1, NaN, -Infinity, Infinity, 2 ** 53, "1", null] as number[]) {
          const expected: Expected = {
            type: RangeError,
            says: [`Cannot ask limiter "${id}": cost must be a whole number from 1, received `],
          };
          await assertFails(() => rs.acquire(id, { cost }), expected);
          await assertFails(() => rs.tryAcquire(id, { cost }), expected);
          await assertFails(() => rs.peek(id, { cost }), expected);
          await assertFails(() => rs.run(id, () => assert.fail("it ran"), { cost }), expected);
          await assertFails(() => rs.tryAcquireAll([{ limiter: id, cost }]), expected);
          await assertFails(
            () => rs.acquireAll([{ limiter: id, key: "a" }, { limiter: id, key: "b", cost }]),
            expected,
          );
        }
      });

      it(`rejects at once a cost that ${id} cannot hold`, async () => {
        for (const cost of [6, 1_000, Number.MAX_SAFE_INTEGER]) {
          const says = [`Cannot take ${cost} from limiter "${id}": it never holds more than 5`];
          const expected: Expected = { type: CostExceedsLimitError, code: "COST_EXCEEDS_LIMIT", says };
          await assertFails(() => rs.acquire(id, { cost, timeoutMs: Infinity }), expected);
          await assertFails(() => rs.tryAcquire(id, { cost }), expected);
          await assertFails(() => rs.peek(id, { cost }), expected);
        }
        const twice = [{ limiter: id, cost: 3 }, { limiter: id, cost: 3 }];
        const says = ["it never holds more than 5"];
        await assertFails(() => rs.tryAcquireAll(twice), {
          type: CostExceedsLimitError,
          code: "COST_EXCEEDS_LIMIT",
          says,
        });
        assert.equal((await rs.peek(id)).remaining, 5, "nothing was taken by any of these calls");
      });
    }

    it("refuses units of corrections that are not whole numbers from 1", async () => {
      for (const units of [0, -1, 1.5, NaN, Infinity]) {
        const expected = { type: RangeError, says: ["units must be a whole number from 1", `received ${units}`] };
        await assertFails(() => rs.refund("bucket", units), expected);
        await assertFails(() => rs.penalize("bucket", units), expected);
      }
      const reservation = await rs.reserve("window", { key: "settled" });
      for (const units of [-1, 0.5, NaN]) {
        await assertFails(() => reservation.settle(units), {
          type: RangeError,
          says: ["actual cost", `received ${units}`],
        });
      }
    });

    it("refuses invalid durations", async () => {
      for (const durationMs of [-1, NaN, Infinity, 2e12, "1" as unknown as number]) {
        const says = ["Cannot block: durationMs must be a number from 0", "received "];
        await assertFails(() => rs.block("bucket", durationMs), { type: RangeError, says });
      }
      for (const timeoutMs of [-1, NaN, "1" as unknown as number]) {
        const expected = { type: RangeError, says: ["Cannot wait: timeoutMs must be a number from 0 to Infinity"] };
        await assertFails(() => rs.acquire("bucket", { timeoutMs }), expected);
        await assertFails(() => rs.reserve("bucket", { timeoutMs }), expected);
        await assertFails(() => rs.acquireAll([{ limiter: "bucket" }], { timeoutMs }), expected);
      }
    });

    it("refuses calls that a limiter does not support", async () => {
      const noRate = {
        type: ConfigError,
        code: "CONFIG_INVALID",
        says: ["limiters.slots", "a limiter with a rate"],
      } as const;
      await assertFails(() => rs.reserve("slots"), noRate);
      await assertFails(() => rs.refund("slots", 1), noRate);
      await assertFails(() => rs.penalize("slots", 1), noRate);
      const says = ["limiters.both.maxConcurrent", "received 7"];
      await assertFails(() => rs.reserve("both"), { type: ConfigError, code: "CONFIG_INVALID", says });
      await assertFails(() => rs.acquireAll([]), { type: TypeError, says: ["the list is empty"] });
    });

    it("refuses keys that are not strings, empty or too long", async () => {
      const cases = [["", '""'], ["x".repeat(65_537), "65537 characters"], [42, "42"], [null, "null"], [
        {},
        "an object",
      ]];
      for (const [key, received] of cases as [string, string][]) {
        const says = ["key must be a string of 1 to 65536 characters", `received `, received];
        await assertFails(() => rs.tryAcquire("bucket", { key }), { type: TypeError, says });
        await assertFails(() => rs.acquire("slots", { key }), { type: TypeError, says });
        await assertFails(() => rs.reset("bucket", { key }), { type: TypeError, says });
        await assertFails(() => rs.limiter("bucket").for(key).peek(), { type: TypeError, says });
      }
    });

    it("keeps keys with unusual characters apart", async () => {
      const keys = [
        "{a}",
        "a}",
        "{a",
        "}{",
        "{}",
        "a:b",
        "a",
        "b",
        ":",
        "%",
        "%7b.a}",
        "~",
        "*",
        "?",
        "[a]",
        "\\",
        " ",
        "  ",
        "\n",
        "\r\n",
        "a\r\nFLUSHALL\r\n",
        "\0",
        "a\0",
        "a\0b",
        "💥",
        "💥💥",
        "\ud83d",
        "\udca5",
        "é",
        "e\u0301",
        "__proto__",
        "constructor",
        "x".repeat(200),
        "x".repeat(201),
        "x".repeat(10_240),
        "x".repeat(10_241),
        "{".repeat(10_240),
        "💥".repeat(5_000),
        "undefined",
        "null",
        "0",
        "-0",
        "leases",
        "{main}:leases",
        "wake:x",
      ];
      for (const id of ["window", "both", "several", "slots"]) {
        const left = new Map<string, number>();
        for (const [i, key] of keys.entries()) {
          const cost = 1 + i % 3;
          const decision = await rs.tryAcquire(id, { key, cost });
          assert.ok(decision.allowed, `${id} ${JSON.stringify(key.slice(0, 20))}`);
          assert.equal(decision.key, key);
          left.set(key, decision.limits[0]?.remaining ?? -1);
          assert.equal(left.get(key), id === "slots" ? 5 - cost : 5 - cost, "it was fresh");
          if (id === "both") await decision.permit?.release();
        }
        for (const key of keys) {
          if (id === "both") continue; // its bucket fills up again meanwhile
          assert.equal(
            (await rs.peek(id, { key })).limits[0]?.remaining,
            left.get(key),
            "another key had no part in it",
          );
        }
        for (const key of keys.slice(0, 5)) await rs.reset(id, { key });
      }
    });

    it("keeps limiters apart from the keys of others", async () => {
      const ids = ["a", "a:b", "a:b:c", "{a}", "a}", "*", "💥", "a b", "a\r\nb", "__proto__x", "x".repeat(1_024)];
      const limit = { algorithm: "fixed_window", limit: 3, windowMs: 60_000 } as const;
      const limiters = Object.fromEntries(ids.map((id) => [id, limit]));
      await using other = createRateSync<string>({ stores: { main: store() }, limiters });
      for (const id of ids) {
        for (const key of [undefined, "b", "b:c", "c", ":b"]) {
          const options = key === undefined ? {} : { key };
          assert.equal((await other.tryAcquire(id, options)).remaining, 2, `${id} ${key}`);
        }
      }
    });
  });
}
