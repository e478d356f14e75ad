import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";

import fc from "fast-check";
import { createClient } from "redis";

import { RateSyncError } from "../../../../mod.ts";
import { createRedisStore } from "../../../../src/stores/redis/mod.ts";
import type { RedisStoreOptions } from "../../../../src/stores/redis/options.ts";
import { anyText } from "../../../_support/texts.ts";
import { type RedisProcess, startRedis } from "../_servers.ts";

/** Any text, with more of what means something in a URL than chance has. */
const passwords = fc.array(
  fc.oneof(
    fc.constantFrom(..."/#?%@:&=+ []\\\"'", "%40", "%zz", "//", "://", "?db=1", "/0", "@h", "@127.0.0.1", "&password="),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 4 }),
    anyText({ minLength: 1, maxLength: 3 }),
  ),
  { minLength: 1, maxLength: 6 },
).map((parts) => parts.join("")).filter((text) => !/\p{Cs}/u.test(text));

describe("A password in the URL of a Redis store", () => {
  let redis: RedisProcess;
  let admin: ReturnType<typeof createClient>;

  before(async () => {
    redis = await startRedis();
    admin = createClient({ url: redis.url });
    await admin.connect(); // stays signed in, whatever the password becomes
  });
  after(async () => {
    admin?.destroy();
    await redis?.[Symbol.asyncDispose]();
  });

  /** Connects, or gives the error. */
  async function connect(options: RedisStoreOptions): Promise<Error | undefined> {
    try {
      const store = createRedisStore({ poolMaxSize: 1, ...options });
      try {
        await store.connect();
      } finally {
        await store.close();
      }
    } catch (error) {
      return error as Error;
    }
    return undefined;
  }

  it("connects percent-encoded and as an option, and as it is connects or names the option", async () => {
    let connected = 0;
    let named = 0;
    await fc.assert(
      fc.asyncProperty(passwords, async (password) => {
        await admin.sendCommand(["CONFIG", "SET", "requirepass", password]);
        const place = `127.0.0.1:${redis.port}`;
        assert.equal(await connect({ url: `redis://${place}/0`, password }), undefined);
        assert.equal(await connect({ url: `redis://:${encodeURIComponent(password)}@${place}/0` }), undefined);
        const error = await connect({ url: `redis://:${password}@${place}/0` });
        if (error === undefined) return void connected++;
        named++;
        assert.ok(RateSyncError.is(error), inspect(error));
        assert.match(error.message, /the option `password`/);
        if (password.length > 5) assert.ok(!inspect(error, { depth: 5 }).includes(password), inspect(error));
      }),
      {
        numRuns: 200,
        examples: [["a/b"], ["a%41"], ["p@ss/w"], ["%"], ["@127.0.0.1:1/0?"], ["\n"], [" "], ["\u0000"]],
      },
    );
    assert.ok(connected > named, `${connected} passwords connect as they are, ${named} do not`);
  });
});
