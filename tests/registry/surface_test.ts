import assert from "node:assert/strict";
import { describe, it } from "node:test";

import * as core from "@ratesync/core";

/** Every name that both an instance and the default instance have. */
const NAMES = [
  "acquire",
  "acquireAll",
  "block",
  "check",
  "close",
  "configureLimiter",
  "configureStore",
  "connect",
  "explain",
  "heavyHitters",
  "limiter",
  "listLimiters",
  "listStores",
  "loadConfig",
  "metrics",
  "observe",
  "peek",
  "penalize",
  "rateLimited",
  "refund",
  "reserve",
  "reset",
  "resetAll",
  "run",
  "subscribe",
  "subscribeStores",
  "tryAcquire",
  "tryAcquireAll",
  "tryAcquireSync",
] as const;

type Name = (typeof NAMES)[number];
type Instance = core.RateSync<string>;

/** Fails to compile where the two differ: each can stand for the other. */
const byDefault: Pick<typeof core, Name> = core;
const asInstance: Pick<Instance, Name> = byDefault;
const asDefault = (rs: Instance): Pick<typeof core, Name> => rs;

/** How to call each, and what it needs. */
const CALLS: { readonly [N in Name]: (it: Pick<Instance, Name>) => unknown } = {
  acquire: (it) => it.acquire("api"),
  acquireAll: (it) => it.acquireAll([{ limiter: "api" }]),
  block: (it) => it.block("api", 0),
  check: (it) => it.check(),
  close: (it) => it.close(),
  configureLimiter: (it) => it.configureLimiter("api", { ratePerSecond: 1_000, burst: 1_000 }),
  configureStore: (it) => it.configureStore("memory", { engine: "memory" }),
  connect: (it) => it.connect(),
  explain: (it) => it.explain("api"),
  heavyHitters: (it) => it.heavyHitters("api"),
  limiter: (it) => it.limiter("api"),
  listLimiters: (it) => it.listLimiters(),
  listStores: (it) => it.listStores(),
  loadConfig: (it) => it.loadConfig("no-such-file.toml").catch(() => "a promise that rejects"),
  metrics: (it) => it.metrics("api"),
  observe: (it) => it.observe({}),
  peek: (it) => it.peek("api"),
  penalize: (it) => it.penalize("api", 1),
  rateLimited: (it) => it.rateLimited(() => 1, { limiter: "api" }),
  refund: (it) => it.refund("api", 1),
  reserve: (it) => it.reserve("api"),
  reset: (it) => it.reset("api"),
  resetAll: (it) => it.resetAll(),
  run: (it) => it.run("api", () => 1),
  subscribe: (it) => it.subscribe("api", () => {}),
  subscribeStores: (it) => it.subscribeStores(() => {}),
  tryAcquire: (it) => it.tryAcquire("api"),
  tryAcquireAll: (it) => it.tryAcquireAll([{ limiter: "api" }]),
  tryAcquireSync: (it) => it.tryAcquireSync("api"),
};

function kindOf(value: unknown): string {
  return value instanceof Promise ? "a promise" : `a value of type ${typeof value}`;
}

function bound(rs: Instance): Pick<Instance, Name> {
  const entries = NAMES.map((name) => [name, (rs[name] as (...args: unknown[]) => unknown).bind(rs)]);
  return Object.fromEntries(entries) as Pick<Instance, Name>;
}

describe("The default instance beside an instance", () => {
  it("has every method of an instance under the same name", () => {
    const methods = Object.getOwnPropertyNames(core.RateSync.prototype).filter((name) => {
      const { value } = Object.getOwnPropertyDescriptor(core.RateSync.prototype, name) ?? {};
      // A store itself is for the package's own programs, and the JSON of a module would say nothing.
      return !["constructor", "openStore", "toJSON"].includes(name) && typeof value === "function";
    });
    assert.deepEqual(methods.sort(), [...NAMES].sort());
    for (const name of NAMES) assert.equal(typeof core[name], "function", name);
  });

  it("returns a promise exactly where an instance does, and the same kind of value", async () => {
    const rs = core.createRateSync({ limiters: { api: { ratePerSecond: 1_000, burst: 1_000 } } }) as Instance;
    core.configureLimiter("api", { ratePerSecond: 1_000, burst: 1_000 });
    assert.ok(asDefault(rs));
    const last: Name[] = [...NAMES.filter((name) => name !== "close"), "close"];
    const instance = bound(rs);
    for (const name of last) {
      const results = [CALLS[name](asInstance), CALLS[name](instance)];
      assert.equal(kindOf(results[0]), kindOf(results[1]), name);
      const [mine, others] = await Promise.all(results);
      assert.equal(typeof mine, typeof others, name);
    }
  });

  it("takes a logger at any time, and refuses other values", async () => {
    const lines: string[] = [];
    const add = (message: string) => void lines.push(message);
    const logger: core.Logger = { debug: add, info: add, warn: add, error: add };
    core.configure({ logger });
    core.configureLimiter("api", { ratePerSecond: 1 });
    core.subscribe("api", () => {
      throw new Error("a subscriber that fails");
    });
    await core.tryAcquire("api");
    assert.deepEqual(lines, ["rate-sync: a subscriber failed"]);
    core.configure({ logger: false });
    await core.tryAcquire("api");
    assert.equal(lines.length, 1);
    for (const options of [{ logger: true }, { logger: { warn: add } }, { logger: null }, { loger: console }]) {
      assert.throws(() => core.configure(options as never), core.ConfigError, JSON.stringify(options));
    }
    await core.close();
  });
});

describe("RateSyncOptions.logger", () => {
  const wrong: readonly (readonly [logger: unknown, received: RegExp])[] = [
    [true, /received true$/],
    [null, /received null$/],
    [1, /received 1$/],
    ["console", /received "console"$/],
    ["", /received ""$/],
    [{}, /received one without debug$/],
    [{ debug() {}, info() {}, warn() {} }, /received one without error$/],
    [{ ...console, warn: "loud" }, /received one without warn$/],
  ];
  for (const [logger, received] of wrong) {
    it(`refuses ${received.source}`, () => {
      assert.throws(() => core.createRateSync({ logger: logger as core.Logger }), (error) => {
        assert.ok(error instanceof core.ConfigError);
        assert.equal(error.path, "logger");
        assert.match(error.message, /expected an object with debug, info, warn and error, such as console; or false/);
        assert.match(error.message, received);
        return true;
      });
    });
  }

  it("may throw: decisions go on", async () => {
    const fails = () => {
      throw new Error("the logger fails");
    };
    await using rs = core.createRateSync({
      logger: { debug: fails, info: fails, warn: fails, error: fails },
      stores: { shared: { engine: "redis", url: "redis://127.0.0.1:1" } },
      limiters: { api: { ratePerSecond: 1 } },
    });
    assert.equal((await rs.tryAcquire("api")).degraded, true);
  });
});
