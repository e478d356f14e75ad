import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import type { DocMember } from "../../scripts/docs/reference/deno_doc.ts";
import { defaultOf } from "../../scripts/docs/reference/fields.ts";
import { readEntries } from "../../scripts/docs/reference/reference.ts";
import { readManifests } from "../../scripts/package/manifests.ts";
import { readSettings as readOutbound } from "../../src/http/outbound/options.ts";
import { maxWaitUs } from "../../src/limiter/call_options.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { readSettings as readRedis } from "../../src/stores/redis/connections/settings/settings.ts";

const symbols = (await readEntries((await readManifests()).deno)).flatMap((entry) => entry.symbols);

/** What the code makes of options. */
const COMPILED: Readonly<Record<string, (options: object) => unknown>> = {
  LimiterOptions: (options) => {
    const policy = compilePolicy({ ratePerSecond: 1, burst: 100_000, ...options });
    return { ...policy, timeoutMs: maxWaitUs(undefined, [policy]) };
  },
  FailureOptions: (options) => compilePolicy({ ratePerSecond: 1, ...options }),
  LimitOptions: (options) => compilePolicy({ limit: 1, windowMs: 1_000, ...options }),
  RedisStoreOptions: (options) => readRedis({ url: "redis://localhost", ...options }),
  LimitedFetchOptions: (options) => readOutbound({ limiter: "api", ...options }),
};

/** Options that show in nothing that is compiled: `keyPrefix` in the names of keys, and so on. */
const UNSEEN: readonly string[] = [
  "clusterBatch",
  "keyPrefix",
  "maxQueued",
  "timingMarginMs",
  "tlsInsecure",
  "username",
  "cost",
];

/** Another value than the default. */
const OTHERS: Readonly<Record<string, unknown>> = {
  algorithm: "fixed_window",
  localShare: 0.5,
  onChange: "reset",
  onStoreError: "deny",
  retryBudget: 0.5,
};

function otherThan(name: string, value: unknown): unknown {
  if (name in OTHERS) return OTHERS[name];
  return typeof value === "boolean" ? !value : Number(value) + 1;
}

/** The default that a doc comment gives as code; undefined where it gives words or none. */
function literalOf(member: DocMember): unknown {
  const [, text = ""] = /^`(.+)`$/.exec(defaultOf(member)) ?? [];
  if (text.startsWith('"')) return JSON.parse(text);
  return /^(?:true|false|[\d_.]+)$/.test(text) ? JSON.parse(text.replaceAll("_", "")) : undefined;
}

describe("the defaults of options", () => {
  let tried = 0;
  for (const [owner, compile] of Object.entries(COMPILED)) {
    const compiled = (options: object) => inspect(compile(options), { depth: Infinity });
    const members = symbols.find(({ name }) => name === owner)?.declarations[0]?.def.properties ?? [];
    for (const member of members) {
      const { name } = member;
      const value = literalOf(member);
      if (value === undefined || UNSEEN.includes(name)) continue;
      tried++;
      it(`of ${owner}.${name} is the one that the code takes: ${JSON.stringify(value)}`, () => {
        assert.equal(compiled({ [name]: value }), compiled({}));
        assert.notEqual(compiled({ [name]: otherThan(name, value) }), compiled({}), `${name} shows nowhere`);
      });
    }
  }
  it("are found in the doc comments", () => assert.ok(tried > 15, `only ${tried} defaults were found`));
});
