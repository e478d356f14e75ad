import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import { parse, parseStore } from "./_support.ts";

const checked = {
  checkLimiter: (_id: string, options: Parameters<typeof compilePolicy>[0]) => void compilePolicy(options),
};

describe("parseConfig() of the examples that the project comes from", () => {
  it("reads the minimal store of the setup guide", async () => {
    const { stores, limiters, http } = await parse(`
      [stores.redis_shared]
      engine = "redis"
      url = "redis://redis.internal:6379/0"
    `);
    assert.deepEqual({ ...stores }, {
      redis_shared: { engine: "redis", url: "redis://redis.internal:6379/0" },
    });
    assert.deepEqual({ ...limiters }, {});
    assert.deepEqual(http, {});
  });

  it("reads a password out of the environment, and a prefix", async () => {
    const { stores } = await parse(
      `
      [stores.redis_shared]
      engine = "redis"
      url = "redis://:\${REDIS_PASSWORD}@redis.internal:6379/0"
      key_prefix = "company_rate_limit"
      pool_max_size = 20
    `,
      { REDIS_PASSWORD: "007" },
    );
    assert.deepEqual(stores.redis_shared, {
      engine: "redis",
      url: "redis://:007@redis.internal:6379/0",
      keyPrefix: "company_rate_limit",
      poolMaxSize: 20,
    });
  });

  it("reads TLS, socket timeouts in seconds, and a limiter", async () => {
    const { stores, limiters } = await parse(
      `
      [stores.redis_shared]
      engine = "redis"
      url = "rediss://:\${REDIS_PASSWORD}@redis-primary.internal:6380/0"
      socket_timeout = 10.0
      socket_connect_timeout = 10.0

      [limiters.api_partner]
      store = "redis_shared"
      rate_per_second = 1.0
      timeout = 30.0
    `,
      { REDIS_PASSWORD: "pw" },
      checked,
    );
    assert.deepEqual(stores.redis_shared, {
      engine: "redis",
      url: "rediss://:pw@redis-primary.internal:6380/0",
      socketTimeoutMs: 10_000,
      socketConnectTimeoutMs: 10_000,
    });
    assert.deepEqual(limiters.api_partner, {
      store: "redis_shared",
      ratePerSecond: 1,
      timeoutMs: 30_000,
    });
  });

  it("reads a whole URL out of the environment", async () => {
    const url = "rediss://:pw@redis.internal:6380/0";
    assert.deepEqual(await parseStore('engine = "redis"\nurl = "${REDIS_URL}"', { REDIS_URL: url }), {
      engine: "redis",
      url,
    });
  });

  it("reads the basic example of the engine guide", async () => {
    const { stores, limiters } = await parse(
      `
      [stores.redis]
      engine = "redis"
      url = "redis://localhost:6379/0"

      [limiters.api]
      store = "redis"
      rate_per_second = 100.0
      timeout = 30.0
    `,
      {},
      checked,
    );
    assert.deepEqual(stores.redis, { engine: "redis", url: "redis://localhost:6379/0" });
    assert.deepEqual(limiters.api, { store: "redis", ratePerSecond: 100, timeoutMs: 30_000 });
  });

  it("reads every option of a store, with an empty default for the password", async () => {
    const options = `
      engine = "redis"
      url = "redis://localhost:6379/0"
      db = 0                              # Database number (0-15)
      password = "\${REDIS_PASSWORD:-}"    # Optional password
      key_prefix = "rate_limit"           # Key prefix for namespacing
      pool_min_size = 2                   # Min connections
      pool_max_size = 10                  # Max connections
      timing_margin_ms = 10.0             # Timing safety margin
      socket_timeout = 5.0                # Socket timeout (seconds)
      socket_connect_timeout = 5.0        # Connection timeout (seconds)
    `;
    const expected = {
      engine: "redis",
      url: "redis://localhost:6379/0",
      db: 0,
      password: "",
      keyPrefix: "rate_limit",
      poolMinSize: 2,
      poolMaxSize: 10,
      socketTimeoutMs: 5_000,
      socketConnectTimeoutMs: 5_000,
      timingMarginMs: 10,
    };
    assert.deepEqual(await parseStore(options), expected);
    assert.deepEqual(await parseStore(options, { REDIS_PASSWORD: "123456" }), {
      ...expected,
      password: "123456",
    });
  });

  it("reads both algorithms, with slots", async () => {
    const { limiters } = await parse(
      `
      [stores.redis]
      url = "redis://localhost"

      [limiters.api]
      store = "redis"
      rate_per_second = 100.0    # Max 100 requests per second
      max_concurrent = 50        # Max 50 simultaneous (optional)

      [limiters.login]
      store = "redis"
      algorithm = "sliding_window"
      limit = 5                  # Max 5 attempts
      window_seconds = 300       # Per 5 minutes
    `,
      {},
      checked,
    );
    assert.deepEqual({ ...limiters }, {
      api: { store: "redis", ratePerSecond: 100, maxConcurrent: 50 },
      login: { store: "redis", algorithm: "sliding_window", limit: 5, windowMs: 300_000 },
    });
  });

  it("reads the production store", async () => {
    const store = await parseStore(
      `
      engine = "redis"
      url = "rediss://:\${REDIS_PASSWORD}@redis.internal:6380/0"
      password = "\${REDIS_PASSWORD}"
      pool_max_size = 20
      socket_timeout = 10.0
    `,
      { REDIS_PASSWORD: "pw" },
    );
    assert.deepEqual(store, {
      engine: "redis",
      url: "rediss://:pw@redis.internal:6380/0",
      password: "pw",
      poolMaxSize: 20,
      socketTimeoutMs: 10_000,
    });
  });
});

describe("parseConfig() of environment variables in names", () => {
  const dynamic = `
    [stores."\${STORE:-main}"]
    engine = "memory"

    [limiters."\${TENANT:-acme}-api"]
    store = "\${STORE:-main}"
    rate_per_second = "\${RATE:-2.0}"
    max_concurrent = "\${SLOTS:-25}"

    [limiters.static]
    max_concurrent = 1
  `;

  it("uses the defaults", async () => {
    const { stores, limiters } = await parse(dynamic, {}, checked);
    assert.deepEqual(Object.keys(stores), ["main"]);
    assert.deepEqual({ ...limiters }, {
      "acme-api": { store: "main", ratePerSecond: 2, maxConcurrent: 25 },
      static: { store: "main", maxConcurrent: 1 },
    });
  });

  it("uses the variables, with numbers out of plain decimals", async () => {
    const { stores, limiters } = await parse(
      dynamic,
      { STORE: "s", TENANT: "a.b", RATE: "0.5", SLOTS: "7" },
      checked,
    );
    assert.deepEqual(Object.keys(stores), ["s"]);
    assert.deepEqual(limiters["a.b-api"], { store: "s", ratePerSecond: 0.5, maxConcurrent: 7 });
  });
});
