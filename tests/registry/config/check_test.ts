import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConfigError } from "../../../src/base/errors.ts";
import type { LimiterOptions } from "../../../src/policy/options.ts";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import type { StoreConfig } from "../../../src/registry/engines.ts";
import { TIMEOUT_ROW } from "../../../src/stores/option_rows.ts";
import { assertRefused, parse } from "./_support.ts";

function compile(lines: string): Promise<unknown> {
  const checkLimiter = (_id: string, options: LimiterOptions) => void compilePolicy(options);
  return parse(`[limiters.api]\n${lines}`, {}, { checkLimiter });
}

function storeSays(path: string, expected: string, received: string): Promise<unknown> {
  const checkStore = (): never => {
    throw new ConfigError({ path, expected, received });
  };
  return parse('[stores.a]\nurl = "redis://:secret@h"\nsocket_timeout = "5s"\n', {}, { checkStore });
}

describe("checkLimiter", () => {
  it("gets every limiter, complete", async () => {
    const seen: [string, LimiterOptions][] = [];
    const config = await parse(
      '[stores.a]\nengine = "memory"\n[limiters."x y"]\nrate_per_second = 5\n[limiters.z]\nmax_concurrent = 1',
      {},
      { checkLimiter: (id, options) => void seen.push([id, options]) },
    );
    assert.deepEqual(seen, [
      ["x y", { store: "a", ratePerSecond: 5 }],
      ["z", { store: "a", maxConcurrent: 1 }],
    ]);
    assert.deepEqual(seen, Object.entries(config.limiters));
  });

  it("speaks of options as TOML spells them", async () => {
    await assertRefused(
      compile(""),
      "limiters.api.rate_per_second",
      /\brate_per_second, limit with window_seconds, limits, max_concurrent\b/,
      "none of them",
    );
    await assertRefused(
      compile("rate_per_second = 5\nlimit = 5\nwindow_seconds = 5"),
      "limiters.api.rate_per_second",
      /^either rate_per_second, or limit and window_seconds /,
      "5",
    );
    await assertRefused(
      compile('algorithm = "sliding_window"\nburst = 5\nlimit = 5\nwindow = "5s"'),
      "limiters.api.burst",
      /^limit and window only, with algorithm "sliding_window"$/,
      "5",
    );
    await assertRefused(compile("rate_per_second = 0"), "limiters.api.rate_per_second", /above 0/, "0");
    await assertRefused(compile("rate_per_second = -1"), "limiters.api.rate_per_second", /above 0/, "-1");
    await assertRefused(compile("max_concurrent = 0"), "limiters.api.max_concurrent", /from 1/, "0");
    await assertRefused(
      compile('limits = [{ limit = 5, window = "1s" }, { limit = 0, window = "1s" }]'),
      "limiters.api.limits[1].limit",
      /from 1/,
      "0",
    );
  });

  it("shows durations as the file has them, and what they may be in its unit", async () => {
    await assertRefused(
      compile("limit = 5\nwindow_seconds = 0"),
      "limiters.api.window_seconds",
      /^seconds above 0 \(at least 0\.000001\), at most 35 years$/,
      "0 seconds",
    );
    await assertRefused(
      compile('limit = 5\nwindow = "0s"'),
      "limiters.api.window",
      /^seconds above 0 \(at least 0\.000001\), at most 35 years$/,
      '"0s"',
    );
    await assertRefused(
      compile("limits = [{ limit = 5, window = 0 }]"),
      "limiters.api.limits[0].window",
      /^seconds above 0 \(at least 0\.000001\), at most 35 years$/,
      "0 seconds",
    );
    await assertRefused(
      compile("max_concurrent = 1\nlease_ttl = 0.05"),
      "limiters.api.lease_ttl",
      /^seconds from 0\.1 to 86400$/,
      "0.05 seconds",
    );
    await assertRefused(
      compile("limit = 5"),
      "limiters.api.window_seconds",
      /^seconds above 0 \(at least 0\.000001\), at most 35 years$/,
      "nothing, beside a limit",
    );
    const rows = [
      ["token_lease = 1000", "token_lease", "0, or seconds from 0.001 to 10", "1000 seconds"],
      ["deny_cache = 100000", "deny_cache", "seconds from 0 to 86400", "100000 seconds"],
    ] as const;
    for (const [line, key, expected, received] of rows) {
      await assertRefused(compile(`rate_per_second = 5\n${line}`), `limiters.api.${key}`, expected, received);
    }
  });

  it("passes on errors that are not a ConfigError", async () => {
    const bug = new TypeError("bug");
    const checkLimiter = (): never => {
      throw bug;
    };
    await assert.rejects(parse("[limiters.a]", {}, { checkLimiter }), (error) => error === bug);
  });
});

describe("checkStore", () => {
  it("gets every store", async () => {
    const seen: [string, StoreConfig][] = [];
    await parse(
      '[stores.a]\nurl = ""\ndb = 1\n[stores.b]\nurl = "redis://h"',
      {},
      { checkStore: (id, options) => void seen.push([id, options]) },
    );
    assert.deepEqual(seen, [["a", { engine: "memory" }], ["b", { engine: "redis", url: "redis://h" }]]);
  });

  it("speaks of options as TOML spells them, and shows no secret", async () => {
    await assertRefused(
      storeSays("poolMinSize", "at most poolMaxSize", "11"),
      "stores.a.pool_min_size",
      "at most pool_max_size",
      "11",
    );
    await assertRefused(
      storeSays("socketTimeoutMs", "less", "5000"),
      "stores.a.socket_timeout",
      "less",
      '"5s"',
    );
    await assertRefused(
      storeSays("socketTimeoutMs", TIMEOUT_ROW.check?.[0] ?? "", "0"),
      "stores.a.socket_timeout",
      "seconds, above 0 and at most 2147483.647",
      '"5s"',
    );
    await assertRefused(
      storeSays("url", "a host", "redis://:secret@h"),
      "stores.a.url",
      "a host",
      "[hidden] (a string)",
    );
    await assertRefused(storeSays("masterName", "a name", "undefined"), "stores.a.master_name", "a name", "nothing");
    await assertRefused(storeSays("", "another store", "this one"), "stores.a", "another store", "this one");
  });
});
