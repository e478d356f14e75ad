import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import { ConfigError, createRateSync } from "../../mod.ts";
import type { OptionTable } from "../../src/base/option_table.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { FAILURE_OPTIONS } from "../../src/policy/failure_options.ts";
import { LIMITER_OPTIONS } from "../../src/policy/option_table.ts";
import { keysOf } from "../../src/registry/config/toml_names.ts";
import { MEMORY_OPTIONS } from "../../src/stores/memory/options.ts";
import { REDIS_OPTIONS } from "../../src/stores/redis/option_table.ts";
import { checkStore } from "../../src/registry/described_store.ts";
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

const SENTINELS = { url: undefined, sentinels: ["redis://h"], masterName: "m" };
const CERTIFICATE = "-----BEGIN CERTIFICATE-----";
const KEY = "-----BEGIN PRIVATE KEY-----";

/** What rows do not say: options that functions may give, what an option needs beside it, and what an empty text means. */
const MORE: Readonly<Record<string, Partial<Option>>> = {
  username: { kind: "credential", emptyIsNone: true },
  password: { kind: "credential", emptyIsNone: true },
  sentinelUsername: { kind: "credential", emptyIsNone: true, beside: SENTINELS },
  sentinelPassword: { kind: "credential", emptyIsNone: true, beside: SENTINELS },
  sentinels: { beside: { url: undefined, masterName: "m" } },
  masterName: { emptyIsNone: true, beside: { ...SENTINELS, masterName: undefined } },
  cluster: { beside: { url: undefined } },
  token: { emptyIsNone: true, beside: { url: "https://h" } },
  tlsCa: { emptyIsNone: true },
  tlsCert: { emptyIsNone: true, beside: { tlsKey: KEY } },
  tlsKey: { emptyIsNone: true, beside: { tlsCert: CERTIFICATE } },
  tlsKeyPassphrase: { emptyIsNone: true },
  tlsServerName: { emptyIsNone: true },
  limit: { beside: { ratePerSecond: undefined, windowMs: 1_000 } },
  windowMs: { beside: { ratePerSecond: undefined, limit: 1 } },
};

const KINDS = {
  text: "text",
  texts: "texts",
  file: "text",
  boolean: "flag",
  number: "number",
  duration: "duration",
} as const;

/** The options of a table, but for those of code alone and tables of tables. */
function optionsOf(table: OptionTable): Option[] {
  return Object.entries(table).flatMap(([name, row]): Option[] => {
    const { type } = row;
    if (type === undefined || type === "tables") return [];
    const [toml = name] = keysOf(name, row);
    if (typeof type === "string") return [{ name, toml, kind: KINDS[type], ...MORE[name] }];
    const [word = ""] = type;
    return [{ name, toml, kind: "word", misspelt: [swapped(word), word] }];
  });
}

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

/** What a limit needs in a file beside one of its options. */
const BESIDE: Readonly<Record<string, string>> = { ratePerSecond: "", limit: 'window = "1s"', windowMs: "limit = 1" };

/** A limiter's store is there or not, whatever the name. */
const { store: _, ...LIMITER } = LIMITER_OPTIONS;

const HOLDERS: Readonly<Record<string, Holder>> = {
  "a Redis store": {
    options: optionsOf({ ...REDIS_OPTIONS, ...FAILURE_OPTIONS }),
    inCode: (main) => createRateSync({ stores: { main: { engine: "redis", url: "rediss://h", ...main } as never } }),
    inToml: (lines, { name }) =>
      inStore(["url", "cluster", "sentinels"].includes(name) ? 'engine = "redis"' : 'url = "rediss://h"')(lines),
  },
  "a memory store": {
    options: optionsOf(MEMORY_OPTIONS),
    inCode: (main) => createRateSync({ stores: { main: { engine: "memory", ...main } as never } }),
    inToml: inStore('engine = "memory"'),
  },
  "a limiter": {
    options: optionsOf(LIMITER),
    inCode: (api) => createRateSync({ limiters: { api: { ratePerSecond: 10, ...api } } }),
    inToml: (lines, { name }) => {
      const others = name in BESIDE ? BESIDE[name] : "rate_per_second = 10";
      return parse(`[limiters.a]\n${others}\n${lines}`, {}, CHECKS as never);
    },
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
    [{ stores: { a: { engine: "kafka" } } }, /^stores\.a\.engine$/],
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
