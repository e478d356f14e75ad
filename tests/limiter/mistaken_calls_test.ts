import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { configure, configureLimiter, createRateSync, type LimiterOptions, rateLimited } from "@ratesync/core";

const api = { ratePerSecond: 10 } as const;

/** What a mistaken call says, and what it must not say. */
const CALLS: Readonly<Record<string, { call: () => unknown; type: string; says: RegExp; never?: RegExp }>> = {
  "run() without a function": {
    call: () => createRateSync({ limiters: { api } }).run("api", undefined as never),
    type: "TypeError",
    says: /Cannot run on limiter "api": expected a function to call, received undefined/,
  },
  "run() with options in place of the function": {
    call: () => createRateSync({ limiters: { api } }).run("api", { timeoutMs: 5 } as never),
    type: "TypeError",
    says: /expected a function to call, received an object/,
  },
  "rateLimited() with options in place of the function": {
    call: () => createRateSync({ limiters: { api } }).rateLimited({ limiter: "api" } as never, undefined as never),
    type: "TypeError",
    says: /expected one as the first argument, received an object/,
  },
  "rateLimited() without options": {
    call: () => createRateSync({ limiters: { api } }).rateLimited(() => {}, undefined as never),
    type: "TypeError",
    says: /expected options that name a limiter, received undefined/,
  },
  "rateLimited() of the default instance without a function": {
    call: () => rateLimited(undefined as never, { limiter: "api" }),
    type: "TypeError",
    says: /expected one as the first argument, received undefined/,
  },
  "a limiter that is null": {
    call: () => createRateSync({ limiters: { api: null as never } }),
    type: "ConfigError",
    says: /Cannot use limiters\.api: expected an object, received null/,
  },
  "a limiter that is a number": {
    call: () => createRateSync({ limiters: { api: 5 as never } }),
    type: "ConfigError",
    says: /Cannot use limiters\.api: expected an object, received 5/,
  },
  "configure() without options": {
    call: () => configure(null as never),
    type: "ConfigError",
    says: /Cannot use options: expected an object, received null/,
  },
  "configure() with a list": {
    call: () => configure([] as never),
    type: "ConfigError",
    says: /Cannot use options: expected an object, received an empty array/,
  },
  "configureLimiter() without options": {
    call: () => configureLimiter("api", undefined as never),
    type: "ConfigError",
    says: /limiters\.api\b/,
    never: /Cannot read|limiters\.api\.limiter/,
  },
  "settle() below a unit": {
    call: async () => await (await createRateSync({ limiters: { api } }).reserve("api")).settle(0.5),
    type: "RangeError",
    says: /actual cost must be a whole number from 0, received 0\.5/,
  },
  "settle() below 0": {
    call: async () => await (await createRateSync({ limiters: { api } }).reserve("api")).settle(-1),
    type: "RangeError",
    says: /actual cost must be a whole number from 0, received -1/,
  },
};

/** Options of other packages, and which of ours means the same. */
const WORDS: Readonly<Record<string, string>> = {
  max: "limit",
  points: "limit",
  tokensPerInterval: "limit",
  requestsPerUnit: "limit",
  duration: "windowMs",
  interval: "windowMs",
  refillRate: "ratePerSecond",
  capacity: "burst",
  concurrency: "maxConcurrent",
  keyGenerator: "key",
};

describe("A mistaken call", () => {
  for (const [what, { call, type, says, never = /is not a function/ }] of Object.entries(CALLS)) {
    it(`${what} gets an error that says what is expected`, async () => {
      const error = await (async () => void (await call()))().then(() => undefined, (thrown: Error) => thrown);
      assert.ok(error, "it was accepted");
      assert.equal(error.name, type);
      assert.match(error.message, says);
      assert.doesNotMatch(error.message, never);
    });
  }
});

describe("An option of another package", () => {
  for (const [theirs, ours] of Object.entries(WORDS)) {
    it(`${theirs} is refused by the name of ours, ${ours}`, () => {
      const options = { [theirs]: 5 } as LimiterOptions;
      assert.throws(() => createRateSync({ limiters: { api: options } }), {
        name: "ConfigError",
        path: `limiters.api.${theirs}`,
        message: new RegExp(`did you mean "${ours}"`),
      });
    });
  }

  it("windowMs alone says that limit is missing", () => {
    assert.throws(() => createRateSync({ limiters: { api: { windowMs: 1_000 } as never } }), {
      name: "ConfigError",
      message: /limit/,
    });
  });
});
