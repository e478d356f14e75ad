import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import { ConfigError, createRateSync, NotFoundError, type RateSyncOptions } from "../../mod.ts";
import { assertFails, type Expected } from "./_errors.ts";

/** What is wrong, where it is said to be, and what else the message says. */
type Case = [limiter: object, path: string, ...says: string[]];

const PACED = { ratePerSecond: 1 };

describe("createRateSync()", () => {
  const MINUTE = { windowMs: 60_000 } as const;
  const WINDOW = { ...MINUTE, algorithm: "sliding_window" } as const;

  const CASES: readonly Case[] = [
    ...[0, -1, NaN, Infinity, -Infinity, 1_000_001, "10", null, 10n].map((ratePerSecond) =>
      [{ ratePerSecond }, "ratePerSecond", "a number above 0", "at most 1 000 000", "received "] as Case
    ),
    ...[0, -1, 1.5, NaN, Infinity, "5", null].flatMap((limit) => [
      [{ ...MINUTE, limit }, "limit", "a whole number from 1 to", "received "] as Case,
      [{ ...WINDOW, limit }, "limit", "a whole number from 1 to", "received "] as Case,
    ]),
    ...[0, -1, NaN, Infinity, "60s", null].flatMap((windowMs) => [
      [{ limit: 5, windowMs }, "windowMs", "milliseconds above 0", "received "] as Case,
      [{ ...WINDOW, limit: 5, windowMs }, "windowMs", "milliseconds above 0", "received "] as Case,
    ]),
    ...[0, -1, 1.5, NaN, Infinity].flatMap((value) => [
      [{ ratePerSecond: 1, burst: value }, "burst", "a whole number from 1", `received ${value}`] as Case,
      [{ maxConcurrent: value }, "maxConcurrent", "a whole number from 1", `received ${value}`] as Case,
    ]),
    [{ ratePerSecond: 5, limit: 5, ...MINUTE }, "ratePerSecond", "not both", "received 5"],
    [{ ratePerSecond: 5, ...MINUTE }, "ratePerSecond", "not both"],
    [{ ratePerSecond: 5, ...WINDOW, limit: 5 }, "ratePerSecond", "limit and windowMs only"],
    [{}, "ratePerSecond", "at least one of ratePerSecond, limit with windowMs, limits, maxConcurrent", "none of them"],
    [{ timeoutMs: 5 }, "ratePerSecond", "none of them"],
    [{ limit: 5 }, "windowMs", "received nothing, beside a limit"],
    [MINUTE, "limit", "received nothing, beside a window"],
    [{ ...WINDOW }, "limit", "received nothing, beside a window"],
    [{ burst: 5 }, "windowMs", "milliseconds above 0"],
    [{ algorithm: "leaky", ratePerSecond: 5 }, "algorithm", '"token_bucket", "sliding_window"', '"leaky"'],
    [{ limits: [] }, "limits", "an array of 1 to 32 limits", "received 0 of them"],
    [{ limits: "5" }, "limits", "an array", 'received "5"'],
    [{ limits: [{ limit: 5, ...MINUTE }, { limit: 0, ...MINUTE }] }, "limits[1].limit", "received 0"],
    [{ limits: [null] }, "limits[0]", "an object", "received null"],
    [{ limits: [{ limit: 5, window: 5 }] }, "limits[0].window", 'did you mean "windowMs"?'],
    [{ ratePerSecond: 5, limits: [{ limit: 5, ...MINUTE }] }, "ratePerSecond", "no single limit beside limits"],
    [{ ratePerSecond: 5, leaseTtlMs: 99 }, "leaseTtlMs", "milliseconds from 100", "received 99"],
    [{ ratePerSecond: 5, timeoutMs: -1 }, "timeoutMs", "milliseconds from 0 to Infinity", "received -1"],
    [{ ratePerSecond: 5, timeoutMs: NaN }, "timeoutMs", "received NaN"],
    [{ ratePerSecond: 5, onStoreError: "ignore" }, "onStoreError", '"local", "allow", "deny" or "throw"', '"ignore"'],
    [{ ratePerSecond: 5, failClosed: "yes" }, "failClosed", "true or false", '"yes"'],
    [{ ratePerSecond: 5, failClosed: true, onStoreError: "allow" }, "failClosed", "contradicts"],
    [{ ratePerSecnd: 5 }, "ratePerSecnd", 'did you mean "ratePerSecond"?', "received an unknown option"],
    [{ rate_per_second: 5 }, "rate_per_second", 'did you mean "ratePerSecond"?'],
    [{ ratePerSecond: 5, maxConcurent: 5 }, "maxConcurent", 'did you mean "maxConcurrent"?'],
    [{ ratePerSecond: 5, timeout: 5 }, "timeout", 'did you mean "timeoutMs"?'],
    [{ ratePerSecond: 5, colour: "red" }, "colour", "one of store, algorithm, ratePerSecond"],
  ];

  for (const [limiter, path, ...says] of CASES) {
    it(`refuses ${path} of ${inspect(limiter, { breakLength: Infinity })}`, async () => {
      const expected: Expected = {
        type: ConfigError,
        code: "CONFIG_INVALID",
        says: [`Cannot use limiters.api.${path}: expected `, ...says],
      };
      const options = { limiters: { api: limiter } } as RateSyncOptions;
      await assertFails(() => createRateSync(options), expected);
      await using rs = createRateSync<string>({ limiters: { api: { ratePerSecond: 1 } } });
      const before = rs.limiter("api").policy;
      await assertFails(() => rs.configureLimiter("api", limiter), expected);
      assert.equal(rs.limiter("api").policy, before, "nothing of it was applied");
    });
  }

  it("refuses a value that is not a limiter", async () => {
    for (const limiter of [null, 5, "10/s", undefined]) {
      const options = { limiters: { api: limiter } } as unknown as RateSyncOptions;
      const says = ["limiters.api", "an object", "received "];
      await assertFails(() => createRateSync(options), { type: ConfigError, code: "CONFIG_INVALID", says });
    }
  });

  it("refuses unknown stores and lists the known ones", async () => {
    const stores = { eu: { engine: "memory" }, us: { engine: "memory" } } as const;
    const limiters = { api: { store: "asia", ratePerSecond: 1 } };
    const says = ['Cannot find store "asia": known: "eu", "us"'];
    await assertFails(() => createRateSync({ stores, limiters }), {
      type: NotFoundError,
      code: "STORE_NOT_FOUND",
      says,
    });
    await assertFails(() => createRateSync({ limiters }), {
      type: NotFoundError,
      code: "STORE_NOT_FOUND",
      says: ['Cannot find store "asia": none is configured'],
    });
    await assertFails(() => createRateSync({ stores, limiters: { api: { ratePerSecond: 1 } } }), {
      type: ConfigError,
      code: "CONFIG_INVALID",
      says: ["limiters.api.store", 'one of "eu", "us"', "received nothing"],
    });
  });

  it("refuses to decide over limiters of several stores", async () => {
    await using rs = createRateSync({
      stores: { eu: { engine: "memory" }, us: { engine: "memory" } },
      limiters: { a: { store: "eu", ratePerSecond: 1 }, b: { store: "us", ratePerSecond: 1 } },
    });
    const says = ["limiters.b.store", '"eu"', 'received "us"'];
    const expected = { type: ConfigError, code: "CONFIG_INVALID", says } as const;
    await assertFails(() => rs.tryAcquireAll([{ limiter: "a" }, { limiter: "b" }]), expected);
    await assertFails(() => rs.acquireAll([{ limiter: "a" }, { limiter: "b" }]), expected);
    assert.equal((await rs.peek("a")).remaining, 1);
  });

  it("refuses options and ids that it does not know", async () => {
    const cases: readonly [options: object, ...says: string[]][] = [
      [{ limiter: {} }, "Cannot use limiter", 'did you mean "limiters"?'],
      [{ store: {} }, "Cannot use store", 'did you mean "stores"?'],
      [{ limiters: { "": { ratePerSecond: 1 } } }, "ids of 1 to 1 024 characters", 'received ""'],
      [{ stores: { ["x".repeat(1_025)]: { engine: "memory" } } }, "stores", "ids of 1 to 1 024 characters"],
      [
        {
          stores: { a: { engine: "postgres", url: "postgres://h" } },
          limiters: { b: { ...WINDOW, limit: 10_001 } },
        },
        "limiters.b.limit",
        "at most 10000 with sliding_window in PostgreSQL",
        "the algorithm sliding_window_counter",
        "received 10001",
      ],
      [
        { stores: { a: { engine: "mysql" } } },
        "stores.a.engine",
        '"memory", "redis", "nats" or "postgres"',
        'received "mysql"',
      ],
      [{ stores: { a: {} } }, "stores.a.engine", "received undefined"],
      ...([
        [{ url: "rediss://h" }, "redis"],
        [{ url: "https://h", token: "t" }, "redis"],
        [{ cluster: ["redis://h"] }, "redis"],
        [{ url: "postgres://h" }, "postgres"],
        [{ url: "nats://h" }, "nats"],
      ] as const).map(([a, name]): [object, ...string[]] => [
        { stores: { a } },
        "stores.a.engine",
        `received undefined (did you mean "${name}"?)`,
      ]),
      [{ stores: { a: null } }, "stores.a", "an object with an engine", "received null"],
      [{ stores: { a: { engine: "memory", maxKeys: 0 } } }, "stores.a.maxKeys", "received 0"],
      [
        { stores: { a: { engine: "redis", url: "redis://h" } }, limiters: { api: { ...PACED, onChange: "reset" } } },
        "limiters.api.onChange",
        '"keep", the only choice in Redis',
        'received "reset"',
      ],
      [{ stores: { a: { engine: "memory", maxkeys: 5 } } }, "stores.a.maxkeys", 'did you mean "maxKeys"?'],
    ];
    for (const [options, ...says] of cases) {
      await assertFails(() => createRateSync(options), { type: ConfigError, code: "CONFIG_INVALID", says });
    }
  });
});
