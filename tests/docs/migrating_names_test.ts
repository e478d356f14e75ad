import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { describe, it } from "node:test";

import { didYouMean } from "../../src/base/foreign_words.ts";
import { HTTP_WORDS } from "../../src/http/foreign_words.ts";
import { LIMITER_OPTIONS } from "../../src/policy/option_table.ts";
import { inTomlSpelling } from "../../src/registry/config/toml_names.ts";

/** The declarations of the packages that a guide leads away from. */
const PEERS: Readonly<Record<string, readonly string[]>> = {
  "bottleneck": ["bottleneck/bottleneck.d.ts"],
  "express-rate-limit": [
    "express-rate-limit/dist/index.d.ts",
    "rate-limit-redis/dist/index.d.ts",
    "@types/express-serve-static-core/index.d.ts",
  ],
  "rate-limiter-flexible": ["rate-limiter-flexible/types.d.ts"],
  "upstash-ratelimit": ["@upstash/ratelimit/dist/index.d.ts", "@upstash/redis/nodejs.d.ts"],
};

/** What stands for values of the reader. */
const PLACEHOLDERS = ["a", "b", "fast", "fn", "id", "k", "limiter", "ms", "n", "other", "s", "slow", "store", "user"];

/** The rows of the tables of options and calls: the cells, without the heads. */
async function rowsOf(guide: string): Promise<(readonly [theirs: string, ours: string])[]> {
  const text = await readFile(`docs/migrating/${guide}.md`, "utf8");
  const tables = text.slice(text.indexOf("\n## Options"), text.indexOf("\n## Before"));
  const rows = tables.split("\n").filter((line) =>
    line.startsWith("| `") || line.startsWith("| a ") || /^\| \w+/.test(line)
  );
  return rows.map((line) => {
    const [, theirs = "", ours = ""] = line.split(/(?<!\\)\|/);
    return [theirs, ours] as const;
  });
}

/** The names in the code of a cell, without texts and placeholders. */
function namesIn(cell: string): string[] {
  const code = [...cell.matchAll(/`([^`]+)`/g)].map(([, span = ""]) => span.replace(/"[^"]*"/g, "")).join(" ");
  const names = code.match(/(?<![\w.$])[A-Za-z_$][\w$]*|(?<=\.)[A-Za-z_$][\w$]*/g) ?? [];
  return names.filter((name) => !PLACEHOLDERS.includes(name));
}

async function wordsOf(files: readonly string[]): Promise<Set<string>> {
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  return new Set(texts.flatMap((text) => text.match(/[A-Za-z_$][\w$]*/g) ?? []));
}

describe("the tables of docs/migrating", () => {
  for (const [guide, declarations] of Object.entries(PEERS)) {
    it(`name only what the types of ${guide} have`, async () => {
      const known = await wordsOf(declarations.map((file) => `node_modules/${file}`));
      const names = (await rowsOf(guide)).flatMap(([theirs]) => namesIn(theirs));
      assert.ok(names.length > 25, `only ${names.length} names`);
      assert.deepEqual(names.filter((name) => !known.has(name)), []);
    });
  }

  it("name no option with a counterpart that gets no hint when a limiter or a guard is given it", async () => {
    const known = Object.keys(LIMITER_OPTIONS);
    for (const guide of Object.keys(PEERS)) {
      const rows = await rowsOf(guide);
      const end = rows.findIndex(([theirs]) => theirs.trim() === "call");
      const replaced = rows.slice(0, end < 0 ? undefined : end).filter(([, ours]) => !/^ none/.test(ours));
      const spans = replaced.flatMap(([theirs]) => [...theirs.matchAll(/(?<!no )`([^`]+)`/g)]);
      const options = spans.map(([, span = ""]) => /^([a-z]\w*)(?:: .*)?$/.exec(span)?.[1] ?? "").filter(Boolean);
      assert.ok(options.length > 4, `only ${options.length} options in ${guide}`);
      const hasNone = (name: string) => !known.includes(name) && didYouMean(name, known, HTTP_WORDS) === undefined;
      assert.deepEqual(options.filter(hasNone), [], guide);
    }
  });

  it("do not call missing what has an entry point", async () => {
    const { exports } = JSON.parse(await readFile("package.json", "utf8")) as { exports: Record<string, unknown> };
    const entries = Object.keys(exports).map((entry) => entry.split("/").at(-1) ?? "").filter((name) => name !== ".");
    assert.ok(entries.includes("postgres"));
    for (const name of await readdir("docs/migrating")) {
      for (const [theirs, ours] of await rowsOf(name.replace(/\.md$/, ""))) {
        if (!/^ none(?! needed)/.test(ours)) continue;
        for (const entry of entries) assert.ok(!theirs.toLowerCase().includes(entry), `${name}: ${theirs}`);
      }
    }
  });

  it("name only what this package has", async () => {
    const sources = (await readdir("src", { recursive: true })).filter((name) => name.endsWith(".ts"));
    const known = await wordsOf(sources.map((name) => `src/${name}`));
    for (const name of [...known]) known.add(inTomlSpelling(name));
    const unknown: string[] = [];
    for (const name of await readdir("docs/migrating")) {
      const guide = name.replace(/\.md$/, "");
      if (guide === "README") continue;
      const names = (await rowsOf(guide)).flatMap(([, ours]) => namesIn(ours));
      assert.ok(names.length > 25, `only ${names.length} names in ${guide}`);
      unknown.push(...names.filter((each) => !known.has(each)).map((each) => `${guide}: ${each}`));
    }
    assert.deepEqual(unknown, []);
  });
});
