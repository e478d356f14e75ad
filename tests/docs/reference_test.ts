import assert from "node:assert/strict";
import { appendFile, cp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";

import * as core from "@ratesync/core";
import { byBody, byIp, createGuard } from "@ratesync/core/http";
import { limitedFetch } from "@ratesync/core/outbound";

import type { DocDeclaration, DocMember, DocSymbol } from "../../scripts/docs/reference/deno_doc.ts";
import { docOf, fieldTable, rangeOf, valuesOf } from "../../scripts/docs/reference/fields.ts";
import { layOut } from "../../scripts/docs/reference/layout.ts";
import { Links } from "../../scripts/docs/reference/links.ts";
import { readEntries, referenceProblems, undescribed, writePages } from "../../scripts/docs/reference/reference.ts";
import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { readManifests } from "../../scripts/package/manifests.ts";

const { createRateSync } = core;
const entries = await readEntries((await readManifests()).deno);
const pages = writePages(entries);

function declarationOf(name: string): DocDeclaration {
  const found = entries.flatMap(({ symbols }) => symbols).find((symbol) => symbol.name === name);
  return found?.declarations[0] as DocDeclaration;
}

/** An export with one declaration. */
function exported(name: string, declaration: Omit<DocDeclaration, "location">): DocSymbol {
  return { name, declarations: [{ location: { filename: `file:///src/${name}.ts` }, ...declaration }] };
}

describe("the reference", () => {
  it("has a section for every export of every entry point", () => {
    const text = [...pages.values()].join("\n");
    for (const { name, symbols } of entries) {
      assert.ok(symbols.length > 0, `${name} exports nothing`);
      for (const symbol of symbols) assert.match(text, new RegExp(`^## ${symbol.name}(?:\\(\\))?$`, "m"));
    }
  });

  it("has every name that the main entry exports at run time", () => {
    const index = pages.get("README.md") ?? "";
    for (const name of Object.keys(core)) assert.match(index, new RegExp(`\\[\`${name}(?:\\(\\))?\`\\]`), name);
  });

  it("describes each export once", () => {
    const symbols = layOut(entries).flatMap((page) => page.symbols);
    assert.equal(new Set(symbols).size, symbols.length);
  });

  it("is not current when a page is missing, differs, or belongs to nothing", async () => {
    const manifest = (await readManifests()).deno;
    using folder = new TemporaryFolder("stale");
    const path = (file: string) => join(folder.path, file);
    await cp("docs/reference", folder.path, { recursive: true });
    await rm(path("core.md"));
    await appendFile(path("errors.md"), "More.\n");
    await writeFile(path("other.md"), "# Other\n");
    const stale = ["core.md", "errors.md", "other.md"].map((file) =>
      `${path(file)} is not current: run npm run reference`
    );
    assert.deepEqual(await referenceProblems(manifest, folder.path), stale);
  });

  it("names for each error code the class that carries it", async () => {
    const errors = [
      new core.ClosedError("it"),
      new core.ConfigError({ path: "a", expected: "b", received: "c" }),
      new core.CostExceedsLimitError("api", 2, 1),
      new core.LeaseLostError("api"),
      new core.NotFoundError("limiter", "api", []),
      new core.NotFoundError("store", "shared", []),
      ...(["STORE_UNAVAILABLE", "STORE_REFUSED", "STORE_TIMEOUT", "STORE_OVERLOADED"] as const)
        .map((code) => new core.StoreError(code, "it failed")),
      new core.RateLimitedError(await denial()),
    ];
    const values = valuesOf(docOf(declarationOf("RateSyncErrorCode").jsDoc));
    const named = values.map(({ value, meaning }) => [value, /^`(\w+)`/.exec(meaning)?.[1]]);
    assert.deepEqual(named.sort(), errors.map(({ code, name }) => [code, name]).sort());
  });
});

async function denial(): Promise<core.Decision> {
  const rs = core.createRateSync({ limiters: { api: { limit: 1, windowMs: 1_000 } } });
  await rs.tryAcquire("api");
  return await rs.tryAcquire("api");
}

describe("what is not described", () => {
  it("is a value of a union without an item, and a number without a range", () => {
    const literal = (string: string) => ({ kind: "literal", value: { kind: "string", string } });
    const number = { kind: "keyword", value: "number" };
    const symbols = [
      exported("Mode", {
        kind: "typeAlias",
        jsDoc: { doc: "How it goes.\n\n- `fast`: At once." },
        def: { tsType: { kind: "union", value: [literal("fast"), literal("slow")] } },
      }),
      exported("ModeOptions", {
        kind: "interface",
        def: {
          properties: [
            { name: "limit", tsType: number, jsDoc: { doc: "A whole number from 1." } },
            { name: "delayMs", tsType: number, jsDoc: { doc: "How long." } },
          ],
        },
      }),
    ];
    assert.deepEqual(undescribed([{ name: "@ratesync/core", doc: "", symbols }]), [
      "the doc comment of Mode does not list the value slow",
      "the doc comment of ModeOptions.delayMs has no range",
    ]);
  });

  it("is nothing in this package", () => assert.deepEqual(undescribed(entries), []));
});

describe("fieldTable()", () => {
  it("tells unit, range and default of an option, however its doc comment writes the default", () => {
    const options: DocMember[] = [
      {
        name: "timeoutMs",
        optional: true,
        tsType: { kind: "keyword", value: "number" },
        jsDoc: { doc: "How long, in milliseconds,\n0 or more. @default {30_000}" },
      },
      {
        name: "limits",
        tsType: { kind: "array", value: { kind: "keyword", value: "number" } },
        jsDoc: { doc: "Several | limits." },
      },
      {
        name: "store",
        optional: true,
        tsType: { kind: "keyword", value: "string" },
        jsDoc: { doc: "Where.", tags: [{ kind: "unsupported", value: "@default the only one." }] },
      },
    ];
    assert.equal(
      fieldTable("WaitOptions", options, (text) => text),
      `| option | type | unit | range | default | meaning |
| --- | --- | --- | --- | --- | --- |
| \`timeoutMs\` | \`number\` | milliseconds | 0 or more | \`30_000\` | How long, in milliseconds, 0 or more. |
| \`limits\` | \`number[]\` |  |  | required | Several \\| limits. |
| \`store\` | \`string\` |  |  | the only one | Where. |`,
    );
  });
});

describe("Links", () => {
  it("lead from a type in code to its section, but not from the section itself", () => {
    const [page, other] = ["Permit", "Limiter"].map((name) => ({
      file: name.toLowerCase(),
      title: name,
      intro: "",
      symbols: [exported(name, { kind: "class", def: { methods: [{ name: "acquire", params: [] }] } })],
    }));
    assert.ok(page !== undefined && other !== undefined);
    const link = new Links([page, other]).from(page).without(page.symbols[0] as DocSymbol);
    assert.equal(
      link('`Permit`, `Promise<Limiter>`, `Limiter.acquire`, `"Limiter"`, Limiter, [`Limiter`](x)'),
      "`Permit`, [`Promise<Limiter>`](limiter.md#limiter), [`Limiter.acquire`](limiter.md#limiteracquire), " +
        '`"Limiter"`, Limiter, [`Limiter`](x)',
    );
  });
});

/** How an option is given, beside what it needs. */
const GIVEN: Readonly<Record<string, (options: object) => unknown>> = {
  LimiterOptions: (options) => createRateSync({ limiters: { api: { ratePerSecond: 1, burst: 100_000, ...options } } }),
  FailureOptions: (options) => createRateSync({ limiters: { api: { ratePerSecond: 1, ...options } } }),
  LimitOptions: (options) => {
    const windowed = "limit" in options || "windowMs" in options;
    const needed = windowed ? { limit: 1, windowMs: 1_000 } : { ratePerSecond: 1 };
    return createRateSync({ limiters: { api: { ...needed, ...options } } });
  },
  MemoryStoreConfig: (options) => createRateSync({ stores: { it: { engine: "memory", ...options } } }),
  RedisStoreOptions: (options) =>
    createRateSync({ stores: { it: { engine: "redis", url: "redis://localhost", ...options } } }),
  CloseOptions: (options) => createRateSync().close({ drain: true, ...options }),
  AskOptions: (options) => createRateSync({ limiters: { api: { ratePerSecond: 1, burst: 2 } } }).peek("api", options),
  AcquireOptions: (options) => createRateSync({ limiters: { api: { ratePerSecond: 1 } } }).acquire("api", options),
  GuardOptions: (options) => createGuard({ limiter: "api", ...options }),
  ByBodyOptions: (options) => byBody("email", options),
  ByIpOptions: (options) => byIp(options),
  LimitedFetchOptions: (options) => limitedFetch(fetch, { limiter: "api", ...options }),
};

/** Options of which no value is too small or too large where they stand alone. */
const RELATIVE = /`/;

describe("the ranges of options", () => {
  let tried = 0;
  for (const [owner, give] of Object.entries(GIVEN)) {
    for (const member of declarationOf(owner).def.properties ?? []) {
      const range = rangeOf(member);
      if (range === undefined || RELATIVE.test(range)) continue;
      tried++;
      it(`of ${owner}.${member.name} are those that the code takes: ${range}`, async () => {
        const { inside, outside } = around(range);
        const attempt = async (value: number) => void await give({ [member.name]: value });
        for (const value of inside) await assert.doesNotReject(attempt(value), `${value} is not taken`);
        for (const value of outside) await assert.rejects(attempt(value), new RegExp(member.name), `${value} is taken`);
      });
    }
  }
  it("are found in the doc comments", () => assert.ok(tried > 25, `only ${tried} ranges were found`));
});

/** Numbers at the ends of a range, and beyond them. */
function around(range: string): { inside: number[]; outside: number[] } {
  const [min = 0, max] = [...range.matchAll(/\d+(?:[ ,]\d{3})*(?:\.\d+)?/g)].map(([text]) =>
    Number(text.replaceAll(" ", ""))
  );
  const isAbove = range.startsWith("above");
  const beyond = max === undefined ? [] : [max + 1];
  const between = range.startsWith("a whole number") ? [min + 0.5] : [];
  return {
    inside: [...isAbove ? [] : [min], ...max === undefined ? [min + 1] : [max]],
    outside: [isAbove ? min : min === 0 ? -1 : min / 4, ...beyond, ...between, NaN],
  };
}
