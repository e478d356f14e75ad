import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect as nodeInspect } from "node:util";

import * as byDefault from "@ratesync/core";
import { createRateSync } from "@ratesync/core";
import { createGuard } from "@ratesync/core/http";

const PASSWORD = "s3cret-of-the-store";

type Inspect = (value: unknown) => string;

/** What the runtime itself prints with, beside `node:util`. */
const { Deno, Bun } = globalThis as { Deno?: { inspect: Inspect }; Bun?: { inspect: Inspect } };
const WAYS: readonly Inspect[] = [nodeInspect, Deno?.inspect ?? Bun?.inspect ?? nodeInspect];

function newRateSync() {
  return createRateSync({
    stores: {
      memory: { engine: "memory" },
      shared: { engine: "redis", url: `redis://user:${PASSWORD}@127.0.0.1:1` },
    },
    limiters: {
      api: { limit: 5, windowMs: 60_000, store: "memory" },
      slot: { maxConcurrent: 2, store: "memory" },
      login: { algorithm: "sliding_window", limit: 3, windowMs: 60_000, store: "shared" },
    },
  });
}

type Instance = ReturnType<typeof newRateSync>;

/** Objects that users print, and words that must be there. */
const OBJECTS: Readonly<Record<string, { make: (rs: Instance) => unknown; words: readonly string[] }>> = {
  "a decision that allows": {
    make: (rs) => rs.tryAcquire("api", { key: "user:42" }),
    words: [
      "Decision",
      "allowed: true",
      "limit: 5",
      "remaining: 4",
      "resetAfterMs",
      "retryAfterMs: 0",
      "user:42",
      "api",
    ],
  },
  "a decision that denies": {
    make: async (rs) => {
      await rs.tryAcquire("api", { cost: 5 });
      return await rs.tryAcquire("api");
    },
    words: ["Decision", "allowed: false", "rate", "limit: 5", "remaining: 0", "resetAfterMs", "retryAfterMs"],
  },
  "a decision of peek()": { make: (rs) => rs.peek("api"), words: ["Decision", "remaining: 5"] },
  "a permit for a rate": { make: (rs) => rs.acquire("api"), words: ["Permit", "waitedMs", "Decision", "remaining: 4"] },
  "a permit for a slot": {
    make: (rs) => rs.acquire("slot"),
    words: ["Permit", "waitedMs", "fencingToken", "Decision"],
  },
  "a reservation": {
    make: (rs) => rs.reserve("api"),
    words: ["Reservation", "waitMs: 0", "readyAtMs: 1", "Decision", "remaining: 4"],
  },
  "a limiter": {
    make: (rs) => rs.limiter("api"),
    words: ["Limiter", "api", "token_bucket", "metrics", "totalAcquisitions: 0"],
  },
  "a limiter for one key": {
    make: (rs) => rs.limiter("api").for("user:42"),
    words: ["KeyedLimiter", "api", "user:42"],
  },
  "a guard": {
    make: (rateSync) => createGuard({ rateSync, limiter: ["api", "slot"].map((limiter) => ({ limiter })) }),
    words: ["Guard", "api", "slot"],
  },
  "an instance": {
    make: (rs) => rs,
    words: ["RateSync", "memory", "shared", "redis", "api", "slot", "login"],
  },
  "a closed instance": {
    make: async (rs) => {
      await rs.close();
      return rs;
    },
    words: ["RateSync", "closed: true"],
  },
  "the error of a denial": {
    make: (rs) =>
      rs.acquire("api", { cost: 5 }).then(() => rs.acquire("api", { timeoutMs: 0 })).catch((error) => error),
    words: ["RateLimitedError", "RATE_LIMITED", "0 of 5 left"],
  },
  "an error of a store": {
    make: async (rs) => {
      rs.configureLimiter("login", { limit: 3, windowMs: 60_000, store: "shared", onStoreError: "throw" });
      return await rs.tryAcquire("login").catch((error) => error);
    },
    words: ["StoreError", "STORE_UNAVAILABLE", "connection_refused"],
  },
  "the functions of the default instance": {
    make: () => ({ ...byDefault }),
    words: ["acquire", "tryAcquire", "configureLimiter"],
  },
  "all of them inside of another object": {
    make: async (rs) => ({ a: { decision: await rs.tryAcquire("api"), limiter: rs.limiter("api") } }),
    words: ["Decision", "remaining: 4", "Limiter"],
  },
};

describe("console.log()", () => {
  for (const [what, { make, words }] of Object.entries(OBJECTS)) {
    it(`shows what ${what} says, and no secret`, async () => {
      const rs = newRateSync();
      try {
        const made = await make(rs);
        for (const inspect of WAYS) {
          const shown = inspect(made);
          for (const word of words) assert.ok(shown.includes(word), `${word} is not in ${shown}`);
          assert.ok(!shown.includes(PASSWORD), shown);
        }
      } finally {
        await rs.close();
      }
    });
  }

  it("shows a long key cut", async () => {
    await using rs = createRateSync({ limiters: { api: { limit: 5, windowMs: 60_000 } } });
    const key = "k".repeat(65_536);
    for (const made of [await rs.tryAcquire("api", { key }), rs.limiter("api").for(key)]) {
      for (const inspect of WAYS) assert.ok(inspect(made).length < 2_000);
    }
  });
});

/** Objects that users pass to loggers, and what must be in their JSON. */
const WRITTEN: Readonly<Record<string, readonly string[]>> = {
  "a decision that denies": ["allowed", "reason", "remaining", "resetAfterMs", "retryAfterMs"],
  "a permit for a rate": ["waitedMs", "decision"],
  "a permit for a slot": ["waitedMs", "fencingToken", "decision"],
  "a reservation": ["waitMs", "readyAtMs", "decision"],
  "a limiter": ["id", "rates", "metrics"],
  "a limiter for one key": ["limiter", "key"],
  "a guard": ["limiters"],
  "an instance": ["stores", "limiters"],
  "a closed instance": ["closed"],
  "the error of a denial": ["code", "decision"],
  "an error of a store": ["code", "reason"],
};

describe("JSON.stringify()", () => {
  for (const [what, names] of Object.entries(WRITTEN)) {
    it(`writes what ${what} says, and no secret`, async () => {
      const rs = newRateSync();
      try {
        const text = JSON.stringify(await OBJECTS[what]?.make(rs));
        const written = JSON.parse(text) as object;
        for (const name of names) assert.ok(name in written, `${name} is not in ${text}`);
        assert.ok(!text.includes(PASSWORD), text);
      } finally {
        await rs.close();
      }
    });
  }
});
