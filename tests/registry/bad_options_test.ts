import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import { ConfigError, createRateSync } from "../../mod.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { checkStore } from "../../src/registry/store_handle.ts";
import { createGuard } from "../../src/http/mod.ts";
import { parse } from "./config/_support.ts";

type Kind = "text" | "credential" | "number" | "duration" | "flag" | "texts" | "word";

/** An option, and what it may be. */
interface Option {
  readonly name: string;
  /** What it is called in TOML; absent where it is for code alone. */
  readonly toml?: string;
  readonly kind: Kind;
  /** Whether an empty text counts as not given. */
  readonly emptyIsNone?: boolean;
  /** Of a word: one that is misspelt, and the one that was meant. */
  readonly misspelt?: readonly [string, string];
  /** What it needs beside it. */
  readonly beside?: object;
}

const POLICY = { kind: "word", misspelt: ["alow", "allow"] } as const;
const FAILURE: readonly Option[] = [
  { name: "onStoreError", toml: "on_store_error", ...POLICY },
  { name: "failClosed", toml: "fail_closed", kind: "flag" },
  { name: "decisionTimeoutMs", toml: "decision_timeout", kind: "duration" },
  { name: "localShare", toml: "local_share", kind: "number" },
];
const REDIS: readonly Option[] = [
  { name: "url", toml: "url", kind: "text" },
  { name: "sentinels", toml: "sentinels", kind: "texts", beside: { url: undefined, masterName: "m" } },
  { name: "cluster", toml: "cluster", kind: "texts", beside: { url: undefined } },
  { name: "db", toml: "db", kind: "number" },
  { name: "username", toml: "username", kind: "credential", emptyIsNone: true },
  { name: "password", toml: "password", kind: "credential", emptyIsNone: true },
  { name: "tlsKeyPassphrase", toml: "tls_key_passphrase", kind: "text", emptyIsNone: true },
  { name: "tlsServerName", toml: "tls_server_name", kind: "text", emptyIsNone: true },
  { name: "tlsInsecure", toml: "tls_insecure", kind: "flag" },
  { name: "keyPrefix", toml: "key_prefix", kind: "text" },
  { name: "poolMinSize", toml: "pool_min_size", kind: "number" },
  { name: "poolMaxSize", toml: "pool_max_size", kind: "number" },
  { name: "socketTimeoutMs", toml: "socket_timeout", kind: "duration" },
  { name: "socketConnectTimeoutMs", toml: "socket_connect_timeout", kind: "duration" },
  { name: "timingMarginMs", toml: "timing_margin_ms", kind: "number" },
  { name: "maxQueued", toml: "max_queued", kind: "number" },
  { name: "clusterBatch", toml: "cluster_batch", kind: "word", misspelt: ["nod", "node"] },
  ...FAILURE,
];
const LIMITER: readonly Option[] = [
  { name: "algorithm", toml: "algorithm", kind: "word", misspelt: ["tokn_bucket", "token_bucket"] },
  { name: "ratePerSecond", toml: "rate_per_second", kind: "number" },
  { name: "burst", toml: "burst", kind: "number" },
  { name: "maxConcurrent", toml: "max_concurrent", kind: "number" },
  { name: "leaseTtlMs", toml: "lease_ttl", kind: "duration" },
  { name: "timeoutMs", toml: "timeout", kind: "duration" },
  { name: "denyCacheMs", toml: "deny_cache", kind: "duration" },
  { name: "tokenLeaseMs", toml: "token_lease", kind: "duration" },
  { name: "keyShards", toml: "key_shards", kind: "number" },
  { name: "onChange", toml: "on_change", kind: "word", misspelt: ["kep", "keep"] },
  ...FAILURE,
];
const MEMORY: readonly Option[] = [
  { name: "maxKeys", toml: "max_keys", kind: "number" },
  { name: "checkStates", toml: "check_states", kind: "flag" },
];
const GUARD: readonly Option[] = [
  { name: "statusCode", kind: "number" },
  { name: "waitMs", kind: "number" },
  { name: "dryRun", kind: "flag" },
  { name: "throwStoreErrors", kind: "flag" },
  { name: "headers", kind: "word", misspelt: ["draft7", "draft-7"] },
  { name: "body", kind: "word", misspelt: ["probelm", "problem"] },
  { name: "trustedProxies", kind: "texts" },
  { name: "addressHeader", kind: "text" },
];

/** Values of every type, with the kinds that take them. */
const VALUES: readonly (readonly [value: unknown, fits: readonly Kind[]])[] = [
  [true, ["flag"]],
  [-1, []],
  [NaN, []],
  [{}, []],
  [[5], []],
  [[], []],
  [null, []],
  [5, ["number", "duration"]],
  ["five", ["text", "credential", "texts"]],
  ["", []],
  [() => "x", ["credential"]],
  [10n, []],
  [Symbol("x"), []],
];

/** What a value looks like in TOML; undefined where it cannot be written. */
function toToml(value: unknown): string | undefined {
  if (value === null || ["function", "bigint", "symbol", "undefined"].includes(typeof value)) return undefined;
  if (Number.isNaN(value)) return "nan";
  if (Array.isArray(value)) return `[${value.map(toToml).join(", ")}]`;
  return typeof value === "object" ? "{}" : JSON.stringify(value);
}

function assertRefused(error: unknown, path: RegExp, says?: string): void {
  assert.ok(error instanceof ConfigError, inspect(error));
  assert.match(error.path, path);
  assert.ok(error.expected.length > 3 && error.received.length > 0, error.message);
  assert.ok(error.message.length < 900, error.message);
  if (says !== undefined) assert.ok(error.message.includes(says), `${says} in ${error.message}`);
}

function nameAs(name: string): RegExp {
  return new RegExp(`(?:^|\\.)${name}(?:\\[|\\.|$)`);
}

function swapped(name: string): string {
  return `${name.slice(0, -2)}${name.at(-1)}${name.at(-2)}`;
}

interface Holder {
  readonly options: readonly Option[];
  readonly inCode: (options: object) => unknown;
  readonly inToml?: (lines: string, option: Option) => Promise<unknown>;
}

const CHECKS = {
  checkStore: (_id: string, store: never) => checkStore(store),
  checkLimiter: (_id: string, limiter: never) => void compilePolicy(limiter),
};
const inStore = (first: string) => (lines: string) => parse(`[stores.a]\n${first}\n${lines}`, {}, CHECKS as never);

const HOLDERS: Readonly<Record<string, Holder>> = {
  "a Redis store": {
    options: REDIS,
    inCode: (main) => createRateSync({ stores: { main: { engine: "redis", url: "rediss://h", ...main } as never } }),
    inToml: (lines, { name }) =>
      inStore(["url", "cluster", "sentinels"].includes(name) ? 'engine = "redis"' : 'url = "rediss://h"')(lines),
  },
  "a memory store": {
    options: MEMORY,
    inCode: (main) => createRateSync({ stores: { main: { engine: "memory", ...main } as never } }),
    inToml: inStore('engine = "memory"'),
  },
  "a limiter": {
    options: LIMITER,
    inCode: (api) => createRateSync({ limiters: { api: { ratePerSecond: 10, ...api } } }),
    inToml: (lines, { name }) =>
      parse(`[limiters.a]\n${name === "ratePerSecond" ? "" : "rate_per_second = 10\n"}${lines}`, {}, CHECKS as never),
  },
  "an HTTP guard": { options: GUARD, inCode: (options) => createGuard({ limiter: "api", ...options } as never) },
};

for (const [holder, { options, inCode, inToml }] of Object.entries(HOLDERS)) {
  describe(`Bad options of ${holder}`, () => {
    for (const option of options) {
      const { name, toml, kind, emptyIsNone = false, misspelt, beside = {} } = option;

      it(`${name} refuses every value of a wrong type, and an empty one`, () => {
        for (const [value, fits] of VALUES) {
          if (fits.includes(kind) && !(kind === "texts" && typeof value === "string")) continue;
          if (value === "" && emptyIsNone) continue;
          if (kind === "texts" && Array.isArray(value) && value.length === 0 && name === "trustedProxies") continue;
          if (name === "headers" && Array.isArray(value) && value.length === 0) continue; // none but Retry-After
          assert.throws(() => inCode({ ...beside, [name]: value }), (error) => {
            assertRefused(error, nameAs(name));
            return true;
          }, inspect(value));
        }
      });

      it(`${name} is named where it is misspelt`, () => {
        assert.throws(() => inCode({ [swapped(name)]: 1 }), (error) => {
          assertRefused(error, nameAs(swapped(name)), `did you mean "${name}"?`);
          return true;
        });
      });

      if (misspelt !== undefined) {
        it(`${name} names the word that was meant, and lists all`, () => {
          const [wrong, right] = misspelt;
          for (const word of [wrong, "nonsense"]) {
            assert.throws(() => inCode({ [name]: word }), (error) => {
              assertRefused(error, nameAs(name), `"${right}"`);
              if (word === wrong) assertRefused(error, nameAs(name), `did you mean "${right}"?`);
              return true;
            });
          }
        });
      }

      if (toml === undefined || inToml === undefined) continue;
      it(`${toml} of a file refuses every value of a wrong type, an empty one, and a misspelt name`, async () => {
        for (const [value, fits] of VALUES) {
          const text = toToml(value);
          if (text === undefined || (fits.includes(kind) && kind !== "texts") || (value === "" && emptyIsNone)) {
            continue;
          }
          if (value === "" && name === "url") continue; // a memory store
          await assert.rejects(async () => await inToml(`${toml} = ${text}`, option), (error) => {
            assertRefused(error, nameAs(toml));
            return true;
          }, `${toml} = ${text}`);
        }
        await assert.rejects(async () => await inToml(`${swapped(toml)} = 1`, { ...option, name: "" }), (error) => {
          assertRefused(error, nameAs(swapped(toml)), `did you mean "${toml}"?`);
          return true;
        });
        if (misspelt === undefined) return;
        await assert.rejects(async () => await inToml(`${toml} = "${misspelt[0]}"`, option), (error) => {
          assertRefused(error, nameAs(toml), `did you mean "${misspelt[1]}"?`);
          return true;
        });
      });
    }
  });
}

describe("Bad options of createRateSync()", () => {
  const CASES: readonly (readonly [options: unknown, path: RegExp])[] = [
    [{ stores: 5 }, /^stores$/],
    [{ stores: [] }, /^stores$/],
    [{ stores: { a: 5 } }, /^stores\.a/],
    [{ stores: { a: { engine: "nats" } } }, /^stores\.a\.engine$/],
    [{ stores: { a: { engin: "redis" } } }, /^stores\.a\.engine$/],
    [{ limiters: "api" }, /^limiters$/],
    [{ limiters: { a: null } }, /^limiters\.a$/],
    [{ limiters: { a: 5 } }, /^limiters\.a$/],
    [{ http: 5 }, /^http$/],
    [{ http: { trustedProxyNetworks: 5 } }, /^http\.trustedProxyNetworks$/],
    [{ http: { trustedProxyNetworks: [""] } }, /^http\.trustedProxyNetworks$/],
    [{ http: { trustedProxies: [] } }, /^http\.trustedProxies$/],
    [{ clock: 5 }, /^clock$/],
    [{ logger: "console" }, /^logger$/],
    [{ limitters: {} }, /^limitters$/],
    [5, /^options$/],
    [null, /^options$/],
  ];
  for (const [options, path] of CASES) {
    it(`are refused with their path: ${inspect(options)}`, () => {
      assert.throws(() => createRateSync(options as never), (error) => {
        assertRefused(error, path);
        return true;
      });
    });
  }
});
