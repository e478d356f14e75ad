import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import type { RedisConnection } from "../../../../src/stores/redis/connections/connection.ts";
import { openRawRedis, type RawRedis } from "../../../_support/raw_redis.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { type RestRedis, startRestRedis } from "../../../_support/rest_redis.ts";
import { connectionTo, places, plainUpstash, upstashWithMiddleware } from "./_rest_places.ts";
import { scriptOf } from "../_servers.ts";

const echo = scriptOf("return {ARGV, KEYS}");
const numbers = scriptOf("local all = {} for i, n in ipairs(ARGV) do all[i] = tonumber(n) end return {all}");
const push = scriptOf("return redis.call('RPUSH', KEYS[1], ARGV[1])");
const list = scriptOf("return redis.call('LRANGE', KEYS[1], 0, -1)");
const increment = scriptOf("return redis.call('INCR', KEYS[1])");

/** Texts that JSON, base64 or a number could be mistaken for. */
const trickyArb = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("OK", "T0s=", "null", "true", "[1]", '{"a":1}', "1e3", "007", "-0", "", " 1", "9007199254740993"),
  fc.bigInt({ min: 10n ** 15n, max: 10n ** 18n - 1n }).map(String),
  fc.tuple(fc.constantFrom("00", "t", "b", "-"), fc.nat().map(String)).map((parts) => parts.join("")),
);

/** Up to 2^53, but for the last hundred: the driver of the endpoint itself adds digits as character codes, and rounds. */
const MOST = Number.MAX_SAFE_INTEGER - 100;
const numberArb = fc.maxSafeInteger().map((n) => Math.max(-MOST, Math.min(MOST, n)));

describe("REST", () => {
  let endpoint: RestRedis;
  let raw: RawRedis;
  before(async () => {
    endpoint = await startRestRedis();
    raw = await openRawRedis();
  });
  after(async () => {
    await endpoint[Symbol.asyncDispose]();
    await raw.close();
  });

  const more = {
    "@upstash/redis without extras": plainUpstash,
    "@upstash/redis with middleware": upstashWithMiddleware,
  };
  for (const [kind, place] of Object.entries({ ...places, ...more })) {
    describe(`a connection through ${kind}`, () => {
      let connection: RedisConnection;
      let prefix: string;
      before(() => {
        connection = connectionTo(place(endpoint.url));
        prefix = freshPrefix();
      });
      after(async () => {
        await connection.deleteByPrefix(prefix);
        await connection.close();
      });

      it("returns every text as it is", () =>
        fc.assert(
          fc.asyncProperty(fc.array(trickyArb, { minLength: 1, maxLength: 6 }), async (args) => {
            assert.deepEqual(await connection.run(echo, ["key"], args), [args, ["key"]]);
          }),
          { numRuns: 100 },
        ));

      it("returns every number below 2^53 as it is", () =>
        fc.assert(
          fc.asyncProperty(fc.array(numberArb, { minLength: 1, maxLength: 6 }), async (args) => {
            assert.deepEqual(await connection.run(numbers, [], args.map(String)), [args]);
          }),
          { numRuns: 100 },
        ));

      it("runs each of many calls once, in any order", async () => {
        const texts = Array.from({ length: 100 }, (_, i) => String(i));
        await Promise.all(texts.map((text) => connection.run(push, [`${prefix}:order`], [text])));
        const arrived = await connection.run(list, [`${prefix}:order`], []) as string[];
        assert.deepEqual(arrived.toSorted(), texts.toSorted());
      });

      it("runs a script once that the server has forgotten", async () => {
        assert.equal(await connection.run(increment, [`${prefix}:flushed`], []), 1);
        await raw.send("SCRIPT", "FLUSH");
        assert.equal(await connection.run(increment, [`${prefix}:flushed`], []), 2);
      });

      it("deletes by prefix, and nothing else", async () => {
        await raw.send("SET", `${prefix}:délete:1`, "x");
        await raw.send("SET", `${prefix}:keep`, "x");
        assert.equal(await connection.deleteByPrefix(`${prefix}:délete`), 1);
        assert.deepEqual(await raw.keys(`${prefix}:keep`), [`${prefix}:keep`]);
      });

      it("rejects each call once it is closed", async () => {
        const closing = connectionTo(place(endpoint.url));
        const answered = closing.run(echo, [], ["in flight"]);
        await closing.close();
        assert.deepEqual(await answered, [["in flight"], []]);
        await assert.rejects(closing.run(echo, [], []), { code: "CLOSED" });
        await assert.rejects(closing.connect(), { code: "CLOSED" });
      });
    });
  }
});
