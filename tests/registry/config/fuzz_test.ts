import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ConfigError } from "../../../src/base/errors.ts";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import { anyText } from "../../_support/texts.ts";
import { parse } from "./_support.ts";

const KEYS = [
  "engine",
  "url",
  "db",
  "password",
  "username",
  "key_prefix",
  "pool_min_size",
  "pool_max_size",
  "timing_margin_ms",
  "max_queued",
  "cluster_batch",
  "socket_timeout",
  "socket_connect_timeout",
  "max_keys",
  "check_states",
  "store",
  "algorithm",
  "rate_per_second",
  "burst",
  "limit",
  "window_seconds",
  "window",
  "max_concurrent",
  "lease_ttl",
  "timeout",
  "fail_closed",
  "on_store_error",
  "limits",
  "trusted_proxy_networks",
  "__proto__",
  "constructor",
  "a",
  '"${A:-b}"',
  '""',
]; // every option, and some that are none

const VALUES = [
  "0",
  "1",
  "-1",
  "1.5",
  "inf",
  "nan",
  "9e99",
  "true",
  '""',
  '"5m"',
  '"a"',
  '"redis"',
  '"memory"',
  '"redis://h"',
  '"${A:-1}"',
  '"${A:-redis}"',
  '"${NO}"',
  '"${"',
  "[]",
  "[{}]",
  "[[1]]",
  "{}",
  "{limit=1,window=1}",
  "[{limit=1,window=1}]",
  "1979-05-27",
  "07:32:00",
  '"sliding_window"',
  '"deny"',
]; // of every type, right and wrong

const HEADS = [
  "[stores.a]",
  "[stores.b]",
  '[stores."${A:-a}"]',
  "[limiters.a]",
  "[limiters.b]",
  "[http]",
  "[fastapi]",
  "[[limiters.a.limits]]",
  "[x]",
  "[stores]",
  "[__proto__]",
];

const line = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...HEADS) },
  {
    weight: 8,
    arbitrary: fc.tuple(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES)).map((pair) => pair.join(" = ")),
  },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(..."[]{}=\"'.,#$-1a \n") }) },
);

async function parsesOrRefuses(toml: string): Promise<void> {
  try {
    const config = await parse(toml, {}, { checkLimiter: (_id, options) => void compilePolicy(options) });
    for (const [id, limiter] of Object.entries(config.limiters)) {
      assert.ok(id !== "");
      assert.ok(limiter.store === undefined || Object.hasOwn(config.stores, limiter.store));
      assert.ok(Object.values(limiter).every((value) => value !== undefined));
    }
    for (const store of Object.values(config.stores)) {
      const isMany = "cluster" in store || "sentinels" in store;
      const place = "url" in store ? String(store.url) : "";
      assert.ok(store.engine === "memory" || isMany || /^(https?|rediss?(\+sentinel|\+cluster)?):\/\//.test(place));
    }
  } catch (error) {
    assert.ok(error instanceof ConfigError, `${toml}\n${error}`);
    assert.ok(error.path !== "" && error.expected !== "" && error.received !== "");
  }
  assert.deepEqual(Object.keys(Object.prototype), []);
}

describe("parseConfig()", () => {
  it("returns a usable configuration or throws a ConfigError, whatever the text", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 12 }), (lines) => parsesOrRefuses(lines.join("\n"))),
      { numRuns: 2_000 },
    );
    await fc.assert(fc.asyncProperty(anyText(), parsesOrRefuses));
  });

  it("throws a ConfigError or nothing, whatever another parser returns", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true }),
        async (document) => {
          for (const root of [document, { stores: document }, { limiters: document }, { limiters: { a: document } }]) {
            try {
              await parse("", {}, { parse: () => root });
            } catch (error) {
              assert.ok(error instanceof ConfigError, String(error));
            }
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("survives nesting without end", async () => {
    for (const toml of [`a = ${"[".repeat(100_000)}`, `a = ${"{a=".repeat(100_000)}`, `a${".a".repeat(100_000)} = 1`]) {
      await parsesOrRefuses(toml);
    }
  });
});
